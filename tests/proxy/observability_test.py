"""What a running proxy tells of itself: log, metrics and clients agree under load and over log
rotations, and an operator's commands do what they say."""

import json
import re
import signal
import subprocess
import threading
import urllib.request
from collections import Counter
from pathlib import Path

import cases
from back_ends import HOST, BackEnd
from client import Client, Ended
from gateway_process import Plan, Service

CLIENTS, ROUNDS = 6, 20
WAYS = ["/well", "/large", "/cut/before", "/bad/garbage", "/nowhere", "not a target"]
ROTATIONS = 3
SAMPLE = re.compile(r"(\w+)\{(.*)\} (\S+)")


def samples(text, family, label):
    """Counts of a family by the values of a label."""
    counts = Counter()
    for line in text.splitlines():
        found = SAMPLE.fullmatch(line)
        if found and found[1] == family:
            labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', found[2]))
            counts[labels[label]] += float(found[3])
    return counts


def classes(statuses):
    counts = Counter()
    for status, count in statuses.items():
        counts[f"{status // 100}xx"] += count
    return counts


class Observability(cases.Case):
    def setUp(self):
        super().setUp()
        self.back_end = self.keep(BackEnd())
        self.plan = Plan([Service([self.back_end.port], path="/well",
                                  more_paths=["/large", "/cut", "/bad"])], workers=2)

    def admin(self, proxy, path):
        with urllib.request.urlopen(f"http://{HOST}:{proxy.admin_port}{path}", timeout=20) as answer:
            return answer.read().decode()

    def sinew(self, proxy, *arguments, code=0):
        """What `sinew gateway ...` prints."""
        done = subprocess.run(
            [cases.options.programs / "sinew", "gateway", *arguments,
             "--admin", f"{HOST}:{proxy.admin_port}"],
            capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def test_log_metrics_and_clients_count_the_same(self):
        proxy = self.proxy(self.plan)
        answered, ids, lock = Counter(), [], threading.Lock()

        def ask(number):
            for i in range(ROUNDS):
                for way in WAYS[number % len(WAYS):] + WAYS[:number % len(WAYS)]:
                    with Client(proxy.port) as client:
                        answer = client.ask(way, fields="Connection: close\r\n")
                    with lock:
                        answered[answer.status] += 1
                        ids.append(answer.fields["x-request-id"])

        clients = [threading.Thread(target=ask, args=(number,)) for number in range(CLIENTS)]
        for each in clients:
            each.start()
        rotated = self.watch(proxy, clients)
        for each in clients:
            each.join()

        self.assertEqual(sum(answered.values()), CLIENTS * ROUNDS * len(WAYS))
        text = self.wait_for("count of all", lambda: self.all_counted(proxy, answered))
        self.assertEqual(samples(text, "sinew_proxy_requests_total", "status"), classes(answered))
        lines = self.logged([*rotated, proxy.access_log()], len(ids))
        self.assertEqual(Counter(line["status"] for line in lines), answered)
        self.assertEqual(sorted(line["request_id"] for line in lines), sorted(ids))
        self.assertEqual(len(set(ids)), len(ids))
        flags = Counter(flag for line in lines for flag in line.get("flags", "").split(",") if flag)
        self.assertEqual(samples(text, "sinew_proxy_response_flags_total", "flag"), flags)
        self.assertEqual(set(flags), {"UC", "UPE", "NR", "DPE"})
        self.assertEqual(samples(text, "sinew_proxy_access_log_lost_lines_total", "reason"),
                         {"no_room": 0, "write_failed": 0})

    def watch(self, proxy, clients):
        """Scrapes and rotates the log while there is load; gives the files that were rotated."""
        rotated, before = [], 0
        while any(each.is_alive() for each in clients):
            now = sum(samples(self.admin(proxy, "/metrics"), "sinew_proxy_requests_total",
                              "status").values())
            self.assertGreaterEqual(now, before)
            before = now
            self.assertTrue(json.loads(self.admin(proxy, "/clusters"))["clusters"])
            if len(rotated) < ROTATIONS:
                file = Path(f"{proxy.access_log()}.{len(rotated)}")
                proxy.access_log().rename(file)
                proxy.process.send_signal(signal.SIGUSR1)
                rotated.append(file)
                self.wait_for("another log", proxy.access_log().exists)
        self.assertEqual(len(rotated), ROTATIONS)
        return rotated

    def all_counted(self, proxy, answered):
        text = self.admin(proxy, "/metrics")
        counted = sum(samples(text, "sinew_proxy_requests_total", "status").values())
        return text if counted == sum(answered.values()) else None

    def logged(self, files, count):
        """All lines, whole ones, as soon as there are as many."""
        def lines():
            found = [json.loads(line) for file in files
                     for line in file.read_text(encoding="utf-8").splitlines()]
            return found if len(found) >= count else None
        return self.wait_for("line for every exchange", lines)

    def ask(self, proxy, path="/well"):
        with Client(proxy.port) as client:
            return client.ask(path)

    def test_an_operator_asks_and_turns_a_running_gateway(self):
        proxy = self.proxy(self.plan)
        status = json.loads(self.sinew(proxy, "status", "-o", "json"))
        self.assertTrue(status["ready"])
        self.assertEqual((status["routes"], status["workers"]), (4, 2))

        endpoint = f"{HOST}:{self.back_end.port}"
        self.assertIn(endpoint, self.sinew(proxy, "clusters"))
        self.sinew(proxy, "clusters", "nobody", code=3)
        self.sinew(proxy, "endpoint", "upstream-0", endpoint, "unhealthy")
        answer = self.ask(proxy)
        self.assertEqual((answer.status, answer.fields["sinew-response-flags"]), (503, "UH"))
        self.sinew(proxy, "endpoint", "upstream-0", endpoint, "healthy")
        self.assertEqual(self.ask(proxy).status, 200)

        self.assertIn("debug", self.sinew(proxy, "log-level", "debug"))
        self.sinew(proxy, "log-level", "chatty", code=1)

    def test_an_operator_reloads_and_drains_a_running_gateway(self):
        proxy = self.proxy(self.plan)
        self.assertEqual(self.ask(proxy, "/chunked").status, 404)
        self.plan.services[0].more_paths.append("/chunked")
        proxy.configure()
        self.assertIn("replaced", self.sinew(proxy, "reload"))
        self.assertEqual(self.ask(proxy, "/chunked").status, 200)

        (proxy.folder / "kong.json").write_text('{"_format_version": "3.0", "routs": []}')
        self.assertIn("kong.json:1", self.sinew(proxy, "reload", code=1))
        self.assertEqual(self.ask(proxy, "/chunked").status, 200)

        self.sinew(proxy, "drain")
        self.assertEqual(proxy.process.wait(cases.PATIENCE_S), 0)
        self.assertRaises((OSError, Ended), self.ask, proxy)


if __name__ == "__main__":
    cases.main()
