"""The corpus of tests/smuggling over sockets: never two interpretations.

Each request of the corpus is sent through the proxy in front of a plain back end, of nginx and of
HAProxy (which stand in front of the plain one): what the last one sees is what the verdict says was
forwarded, message for message. A request of somebody else, sent behind each, gets its own answer.
Each answer of the corpus is sent by the plain back end: the client gets what the verdict says.
"""

import json
import re
import time

import cases
import corpus
from back_ends import BackEnd, echo, parse_head, raw
from client import Client, Ended
from gateway_process import HAProxy, Nginx, Plan, Service

BETWEEN_PARTS_S = 0.002  # so that they arrive apart; no verdict depends on it
REFUSAL = re.compile(r"(?:refused|cut) (\d+)")
LONGEST_BODY = "1GiB"  # the verdicts' default


def splits(text):
    """In one piece, cut in two within the head and within what follows, and in three."""
    end = text.find(b"\r\n\r\n") + 4
    behind = (end + len(text)) // 2
    return [[text], [text[:end - 3], text[end - 3:]], [text[:behind], text[behind:]],
            [text[:end // 2], text[end // 2:end], text[end:]]]


def message(forwarded):
    """Target and body of a message of a verdict."""
    head, _, body = forwarded.partition(b"\r\n\r\n")
    return parse_head(head).target, body


def is_within(found, expected):
    """Whether those found stand among the expected, in their order."""
    rest = iter(expected)
    return all(each in rest for each in found)


class Smuggling(cases.Case):
    def setUp(self):
        super().setUp()
        self.back_end = self.keep(BackEnd({"/": echo}))
        self.sentinels = 0

    # --- requests

    def check_requests(self, port, parted, hop=False):
        proxy = self.proxy(Plan([Service([port])], listener={"max_body": LONGEST_BODY}))
        for example in corpus.read_corpus():
            if example.direction != "request":
                continue
            for parts in splits(example.bytes) if parted else [[example.bytes]]:
                with self.subTest(example.name, parts=[len(part) for part in parts]):
                    self.check_request(proxy, example, [part for part in parts if part], hop)

    def check_request(self, proxy, example, parts, hop):
        self.back_end.forget()
        with Client(proxy.port) as client:
            self.send_parts(client, parts)
            statuses = self.read_statuses(client, example)
            self.ask_sentinel(proxy)
            seen = [each for each in self.back_end.requests
                    if not each.head.target.startswith("/sentinel")]
        self.check_statuses(example, statuses, hop)
        self.check_seen(example, seen, statuses, hop)

    def send_parts(self, client, parts):
        try:
            for part in parts:
                client.send(part)
                if len(parts) > 1:
                    time.sleep(BETWEEN_PARTS_S)
        except ConnectionError:
            pass  # refused before it was whole

    def read_statuses(self, client, example):
        """Of the answers, and 'closed' where the connection ends behind them as it has to."""
        statuses = []
        try:
            for outcome, bytes_ in example.verdict:
                if outcome.startswith(("forwarded", "refused", "cut")):
                    method = bytes_.split(b" ")[0].decode() if outcome == "forwarded" else "GET"
                    statuses.append(client.read_answer(method).status)
                if outcome.startswith(("refused", "cut", "closed")) and client.is_closed():
                    statuses.append("closed")
        except Ended:
            statuses.append("closed")
        return statuses

    def ask_sentinel(self, proxy):
        """Somebody else's request, over the connections the other one has left behind."""
        self.sentinels += 1
        target = f"/sentinel?{self.sentinels}"
        with Client(proxy.port) as client:
            answer = client.ask(target)
        self.assertEqual(answer.status, 200)
        self.assertEqual(json.loads(answer.body)["target"], target)

    def check_statuses(self, example, statuses, hop):
        expected = []
        for outcome, _ in example.verdict:
            if outcome == "forwarded":
                expected.append({200, 400, 413, 501} if hop else {200})
            elif refusal := REFUSAL.match(outcome):
                # Of a message that was cut the upstream may have said first what it thinks of it.
                by_hop = {400, 413, 501, "closed"} if outcome.startswith("cut") and hop else set()
                expected += [{int(refusal[1])} | by_hop, {"closed"}]
            elif outcome == "closed":
                expected.append({"closed"})
        matches = all(status in allowed
                      for status, allowed in zip(statuses, expected, strict=False))
        fewer_by_hop = hop and statuses[-1:] == ["closed"] and len(statuses) <= len(expected)
        self.assertTrue(matches and (len(statuses) == len(expected) or fewer_by_hop),
                        f"{statuses} is not {expected}")

    def check_seen(self, example, seen, statuses, hop):
        found = [(each.head.target, each.body) for each in seen if each.whole]
        # What is held behind an upgrade that was not granted is the next request.
        expected = [message(bytes_ if outcome == "forwarded" else example.bytes[-len(bytes_):])
                    for outcome, bytes_ in example.verdict if outcome in ("forwarded", "held")]
        if hop and any(status in (400, 413, 501) for status in statuses):
            self.assertTrue(is_within(found, expected), f"{found} is not within {expected}")
        else:
            self.assertEqual(found, expected)
        self.assertNotIn("?", [each.head.method for each in seen])
        # Twice where the connection was found closed: then a part of it goes on a fresh one, too.
        begun = sum(outcome.startswith(("cut", "begun")) for outcome, _ in example.verdict)
        self.assertLessEqual(len(seen) - len(found), 2 * begun)

    def test_requests_in_front_of_a_plain_back_end(self):
        self.check_requests(self.back_end.port, parted=True)

    def check_behind(self, kind):
        if not kind.is_installed():
            self.fail(f"{kind.program} is not installed: tools/setup has it")
        hop = kind(self.scratch / f"hop-{kind.name}", Plan([Service([self.back_end.port])]))
        self.keep(hop)
        self.check_requests(hop.port, parted=False, hop=True)

    def test_requests_in_front_of_nginx(self):
        self.check_behind(Nginx)

    def test_requests_in_front_of_haproxy(self):
        self.check_behind(HAProxy)

    # --- answers

    def test_answers(self):
        proxy = self.proxy(Plan([Service([self.back_end.port])]))
        for example in corpus.read_corpus(["answers.txt"]):
            with self.subTest(example.name):
                self.check_answer(proxy, example)

    def check_answer(self, proxy, example):
        self.back_end.paths = {"/": echo, "/answer": raw(example.bytes, "close")}
        _, method, *protocol = example.direction.split(" ")
        fields = f"Connection: Upgrade\r\nUpgrade: {protocol[0]}\r\n" if protocol else ""
        with Client(proxy.port) as client:
            client.send(f"{method} /answer HTTP/1.1\r\nHost: h\r\n{fields}\r\n")
            answer = client.read_answer(method)
            rest = client.until_end() if answer.status == 101 or not answer.whole else b""
            self.check_passed_on(example, answer, rest)
            if answer.whole and not rest and answer.fields.get("connection") != "close":
                again = client.ask("/sentinel?same")
                self.assertEqual(json.loads(again.body)["target"], "/sentinel?same")
        self.ask_sentinel(proxy)

    def check_passed_on(self, example, answer, rest):
        last, bytes_ = [each for each in example.verdict if each[0] != "closed"][-1]
        refusal = REFUSAL.match(last)
        if last.startswith("refused") or (refusal and answer.status == 502):
            self.assertEqual((answer.status, answer.whole), (502, True))
            return
        head, _, body = bytes_.partition(b"\r\n\r\n")
        self.assertEqual(answer.status, int(head.split(b" ")[1]))
        if last == "tunnel":
            self.assertEqual(rest, body)
        elif refusal:
            self.assertFalse(answer.whole, "the end is forged")
            self.assertTrue(body.startswith(answer.body))
        else:
            self.assertEqual((answer.body, answer.whole), (body, True))
            # 100 ends at the proxy: no client of these has asked for it.
            interim = [int(head.split(b" ")[1]) for outcome, head in example.verdict[:-1]
                       if outcome == "forwarded"]
            self.assertEqual([status for status, _ in answer.interim],
                             [status for status in interim if 100 < status < 200])


if __name__ == "__main__":
    cases.main()
