"""Back ends that fail in every way known: what the client gets, what the log says, what is left.

A failure before the head of an answer went on is answered 502 or 504; one after it cuts the
client's connection, so that the end is never forged. The next request always works.
"""

import json
from collections import namedtuple

import cases
from back_ends import PATHS, BackEnd, FullBacklog, free_port, well
from client import Client, Ended
from gateway_process import Plan, Service

READ_TIMEOUT_MS = 400
CONNECT_TIMEOUT_MS = 300
BODY = b"b" * (4 << 20)  # more than what proxy and kernel take before somebody reads

# `body`: what the client has of it at the end. `whole`: the answer came to its end. `reason`: the
# flag in the log and in the answer, where there is one of the proxy's own.
Row = namedtuple("Row", "path status body whole flag method", defaults=("GET",))

WELL = [
    Row("/well", 200, b"well", True, None),
    Row("/well", 200, b"", True, None, "HEAD"),
    Row("/large?3000000", 200, b"x" * 3000000, True, None),
    Row("/chunked", 200, b"hello world", True, None),
    Row("/trailers", 200, b"hello", True, None),
    Row("/until-close", 200, b"until the end", True, None),
    Row("/old-version", 200, b"old", True, None),
    Row("/slow/head", 200, b"slow", True, None),
    Row("/slow/body", 200, b"s" * 40, True, None),
    Row("/interim/continue", 200, b"well", True, None),
    Row("/interim/hints", 200, b"well", True, None),
    Row("/head-with-body", 200, b"", True, None, "HEAD"),
    Row("/websocket", 426, b"upgrade", True, None),
    Row("/bad/two-answers", 200, b"well", True, None),
]
UNANSWERED = [
    Row("/stall/before-head", 504, None, True, "UT"),
    Row("/stall/head", 504, None, True, "UT"),
    Row("/cut/before", 502, None, True, "UC"),
    Row("/cut/head", 502, None, True, "UC"),
    Row("/reset/before", 502, None, True, "UR"),
    Row("/bad/garbage", 502, None, True, "UPE"),
    Row("/bad/status", 502, None, True, "UPE"),
    Row("/bad/version", 502, None, True, "UPE"),
    Row("/bad/two-lengths", 502, None, True, "UPE"),
    Row("/bad/length-and-coding", 502, None, True, "UPE"),
    Row("/bad/unknown-coding", 502, None, True, "UPE"),
    Row("/bad/name", 502, None, True, "UPE"),
    Row("/bad/large-head", 502, None, True, "UPE"),
    Row("/bad/unasked-101", 502, None, True, "UPE"),
    Row("/interim/endless", 502, None, True, "UPE"),
]
CUT = [
    Row("/stall/body", 200, b"begun", False, "UT"),
    Row("/cut/length", 200, b"begun", False, "UC"),
    Row("/cut/chunk", 200, b"begun", False, "UC"),
    Row("/cut/between-chunks", 200, b"begun", False, "UC"),
    Row("/reset/body", 200, b"begun", False, "UR"),
    Row("/bad/chunk", 200, b"hello", False, "UPE"),
]


class BackEndFaults(cases.Case):
    def setUp(self):
        super().setUp()
        self.back_end = self.keep(BackEnd({**PATHS, "/next": well}))

    def plan(self, **more):
        return Plan([Service([self.back_end.port], **more)], read_timeout_ms=READ_TIMEOUT_MS,
                    connect_timeout_ms=CONNECT_TIMEOUT_MS)

    def check_rows(self, rows):
        proxy = self.proxy(self.plan())
        for row in rows:
            with self.subTest(row.path, method=row.method):
                self.check_row(proxy, row)
        if cases.options.proxy == "sinew":
            self.check_log(proxy, rows)

    def check_row(self, proxy, row):
        with Client(proxy.port) as client:
            answer = client.ask(row.path, row.method)

            self.assertEqual((answer.status, answer.whole), (row.status, row.whole))
            if row.body is not None:
                self.assertEqual(answer.body, row.body)
            if row.body is None and cases.options.proxy == "sinew":
                self.assertEqual(answer.fields.get("sinew-response-flags"), row.flag)
            if not row.whole:
                self.assertTrue(client.is_closed())
            elif answer.fields.get("connection") != "close":
                self.assertEqual(client.ask("/next").body, b"well")
        with Client(proxy.port) as client:
            self.assertEqual(client.ask("/next").body, b"well")

    def check_log(self, proxy, rows):
        """A line for each row, in order, with why it failed."""
        def logged():
            lines = map(json.loads, proxy.access_log().read_text().splitlines())
            return [(each["path"], each["status"], each.get("flags")) for each in lines
                    if each["path"] != "/next"]
        expected = [(row.path.partition("?")[0], row.status, row.flag) for row in rows]
        self.wait_for("line for each", lambda: len(logged()) >= len(expected), 5)
        self.assertEqual(logged(), expected)

    def test_good_answers_are_passed_on(self):
        self.check_rows(WELL)

    def test_an_answer_that_never_begins_is_replaced(self):
        self.check_rows(UNANSWERED)

    def test_an_answer_that_breaks_off_has_no_forged_end(self):
        self.check_rows(CUT)

    def test_nothing_is_left_in_the_pool_of_a_failure(self):
        """Connections that failed are closed, and those that did not are used again."""
        proxy = self.proxy(self.plan())
        for row in UNANSWERED + CUT:
            with Client(proxy.port) as client:
                client.ask(row.path)

        self.wait_for("end of what failed", lambda: self.back_end.now_open() <= 1)

        before = self.back_end.connections
        with Client(proxy.port) as client:
            for _ in range(50):
                self.assertEqual(client.ask("/well").status, 200)
        self.assertLessEqual(self.back_end.connections - before, 1)

    def test_interim_answers_reach_the_client(self):
        proxy = self.proxy(self.plan())
        with Client(proxy.port) as client:
            hints = client.ask("/interim/hints")

        self.assertEqual([(status, fields.get("link")) for status, fields in hints.interim],
                         [(103, "</a.css>")])

    def test_trailers_and_bodies_of_requests_arrive_as_they_are(self):
        proxy = self.proxy(self.plan())
        with Client(proxy.port) as client:
            client.send("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "5\r\nhello\r\n")
            client.send("1\r\n!\r\n0\r\n\r\n")
            seen = json.loads(client.read_answer().body)

        self.assertEqual((seen["method"], seen["body"]), ("POST", "hello!"))

    def test_a_stale_connection_is_no_failure_of_an_idempotent_request(self):
        proxy = self.proxy(self.plan())
        for _ in range(20):
            with Client(proxy.port) as client:
                self.assertEqual(client.ask("/stale").status, 200)

    def test_a_post_on_a_stale_connection_is_sent_once(self):
        proxy = self.proxy(self.plan())
        with Client(proxy.port) as client:
            self.assertEqual(client.ask("/stale").status, 200)
            self.back_end.forget()

            answer = client.ask("/stale", "POST", body=b"pay")

        self.assertEqual(answer.status, 502)
        self.assertEqual(len(self.back_end.requests), 1)

    def test_an_early_answer_goes_on_before_the_request_is_whole(self):
        proxy = self.proxy(self.plan())
        for path in ("/early/keep", "/early/close"):
            with self.subTest(path), Client(proxy.port) as client:
                client.send(f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n12345")

                answer = client.read_answer()

                self.assertEqual((answer.status, answer.body), (413, b"large"))
            with Client(proxy.port) as client:
                self.assertEqual(client.ask("/well").body, b"well")

    def test_a_body_behind_an_early_answer_is_never_the_next_request(self):
        proxy = self.proxy(self.plan())
        hidden = b"GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n"
        for path in ("/early/keep", "/early/close"):
            with self.subTest(path), Client(proxy.port) as client:
                client.send(f"POST {path} HTTP/1.1\r\nHost: h\r\n"
                            f"Content-Length: {len(hidden)}\r\n\r\n")
                client.read_answer()
                try:
                    client.send(hidden)
                    client.ask("/well")
                except (Ended, ConnectionError):
                    pass  # closing is an answer, too
        self.assertEqual([seen.head.target for seen in self.back_end.requests
                          if seen.head.target == "/hidden"], [])

    def test_a_back_end_that_does_not_read_ends_by_time(self):
        proxy = self.proxy(self.plan(settings={"write_timeout": READ_TIMEOUT_MS}))
        with Client(proxy.port) as client:
            client.stream.settimeout(cases.PATIENCE_S)
            try:
                client.send("POST /stall/request HTTP/1.1\r\nHost: h\r\n"
                            f"Content-Length: {len(BODY)}\r\n\r\n")
                client.send(BODY)
            except ConnectionError:
                pass
            try:
                self.assertEqual(client.read_answer().status, 504)
            except Ended:
                pass  # the answer was lost behind the client's own bytes
        with Client(proxy.port) as client:
            self.assertEqual(client.ask("/well").status, 200)

    def test_a_port_without_listener_is_answered_at_once(self):
        proxy = self.proxy(Plan([Service([free_port()])], connect_timeout_ms=5000))
        with Client(proxy.port) as client:
            self.assertIn(client.ask("/well").status, (502, 503))

    def test_a_back_end_that_never_accepts_ends_by_time(self):
        backlog = self.keep(FullBacklog())
        proxy = self.proxy(Plan([Service([backlog.port])], connect_timeout_ms=CONNECT_TIMEOUT_MS))
        with Client(proxy.port) as client:
            self.assertIn(client.ask("/well").status, (503, 504))

    def test_another_endpoint_takes_what_was_never_sent(self):
        proxy = self.proxy(Plan([Service([free_port(), self.back_end.port])]))
        for _ in range(20):
            with Client(proxy.port) as client:
                self.assertEqual(client.ask("/well", "POST", body=b"x").status, 200)

    def test_websockets_pass_in_both_directions(self):
        proxy = self.proxy(self.plan())
        with Client(proxy.port) as client:
            client.send("GET /websocket HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
                        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            self.assertEqual(client.read_answer().status, 101)
            for text in (b"one", b"two" * 50000):
                client.send(text)
                while len(client.pending) < len(text) and client.more():
                    pass
                self.assertEqual(client.pending, text)
                client.pending = b""
        self.wait_for("end of the tunnel", lambda: self.back_end.now_open() == 0)


if __name__ == "__main__":
    cases.main()
