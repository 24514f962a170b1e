"""Clusters with real endpoints: weights, hashing, ejection, health checks, limits and the budget."""

import json
import threading
import time
from collections import Counter

import cases
from back_ends import BackEnd, cut_before, well
from client import Client
from gateway_process import Plan, Service

HOLD_S = 0.5  # of a request that occupies a place
SLACK = 3  # what a budget or a limit may let through in the moment between two workers' counts


def hold(exchange):
    exchange.connection.pause(HOLD_S)
    exchange.answer()


def says(name):
    return lambda exchange: exchange.answer(name.encode())


def failing(exchange):
    exchange.answer(b"down", status="500 Internal Server Error")


class Clusters(cases.Case):
    def endpoints(self, *behaviours):
        return [self.keep(BackEnd({"/": behaviour})) for behaviour in behaviours]

    def cluster(self, endpoints, upstream=None, settings=None, **plan):
        return self.proxy(Plan([Service([each.port for each in endpoints], upstream=upstream or {},
                                        settings=settings or {})], **plan))

    def answers(self, proxy, count, fields=lambda number: ""):
        found = Counter()
        with Client(proxy.port) as client:
            for number in range(count):
                answer = client.ask("/", fields=fields(number))
                found[answer.status, answer.body.decode() if answer.status == 200 else ""] += 1
        return found

    def test_round_robin_is_even(self):
        endpoints = self.endpoints(says("a"), says("b"), says("c"))
        proxy = self.cluster(endpoints)

        found = self.answers(proxy, 90)

        self.assertEqual(found, {(200, "a"): 30, (200, "b"): 30, (200, "c"): 30})

    def test_a_target_gets_its_weight(self):
        endpoints = self.endpoints(says("a"), says("b"))
        targets = [{"target": f"127.0.0.1:{each.port}", "weight": weight}
                   for each, weight in zip(endpoints, (300, 100), strict=True)]
        proxy = self.cluster(endpoints, {"targets": targets})

        found = self.answers(proxy, 80)

        self.assertEqual(found, {(200, "a"): 60, (200, "b"): 20})

    def test_hashing_keeps_a_key_and_moves_only_those_of_a_lost_endpoint(self):
        endpoints = self.endpoints(says("0"), says("1"), says("2"))
        proxy = self.cluster(endpoints, {"algorithm": "consistent-hashing", "hash_on": "header",
                                         "hash_on_header": "X-Key"})
        before, again = self.places(proxy), self.places(proxy)
        self.assertEqual(before, again)
        self.assertEqual(set(before.values()), {"0", "1", "2"})

        endpoints[1].stop()
        after = self.places(proxy)

        stayed = {key: place for key, place in before.items() if place != "1"}
        self.assertEqual({key: after[key] for key in stayed}, stayed)
        self.assertNotIn("1", after.values())

    def places(self, proxy):
        found = {}
        with Client(proxy.port) as client:
            for key in range(30):
                answer = client.ask("/", fields=f"X-Key: key-{key}\r\n")
                self.assertEqual(answer.status, 200)
                found[key] = answer.body.decode()
        return found

    def test_an_endpoint_that_fails_is_ejected(self):
        good, bad = self.endpoints(says("good"), failing)
        proxy = self.cluster([good, bad], {"sinew": {"ejection": {
            "consecutive_failures": 3, "base_time": "30s", "max_percent": 50}}})

        self.answers(proxy, 20)
        failures = len(bad.requests)
        later = self.answers(proxy, 40)

        self.assertEqual(failures, 3)
        self.assertEqual(later, {(200, "good"): 40})

    def test_an_ejected_endpoint_comes_back(self):
        good, bad = self.endpoints(says("good"), failing)
        proxy = self.cluster([good, bad], {"sinew": {"ejection": {
            "consecutive_failures": 3, "base_time": "300ms", "max_percent": 50}}})
        self.answers(proxy, 20)
        bad.paths = {"/": says("healed")}

        self.wait_for("its return", lambda: self.answers(proxy, 2)[200, "healed"])

    def test_the_last_endpoint_is_never_ejected(self):
        [bad] = self.endpoints(failing)
        proxy = self.cluster([bad], {"sinew": {"ejection": {
            "consecutive_failures": 1, "base_time": "30s"}}})

        self.assertEqual(self.answers(proxy, 20), {(500, ""): 20})

    def test_active_checks_take_an_endpoint_out_and_in_again(self):
        good, other = self.endpoints(says("good"), says("other"))
        check = {"interval": 0.1, "http_statuses": [200]}
        proxy = self.cluster([good, other], {"healthchecks": {"active": {
            "http_path": "/health", "timeout": 1,
            "healthy": {**check, "successes": 1},
            "unhealthy": {**check, "http_statuses": [500], "http_failures": 2,
                          "tcp_failures": 2}}}})
        self.assertEqual(self.answers(proxy, 10)[200, "other"], 5)

        other.paths = {"/": says("other"), "/health": failing}
        self.wait_for("its leave", lambda: not self.answers(proxy, 4)[200, "other"])
        other.paths = {"/": says("other")}
        self.wait_for("its return", lambda: self.answers(proxy, 2)[200, "other"])

        other.stop()
        self.wait_for("its end", lambda: self.answers(proxy, 4) == {(200, "good"): 4})

    def test_no_endpoint_that_may_be_chosen_is_503(self):
        [down] = self.endpoints(failing)
        proxy = self.cluster([down], {"healthchecks": {"active": {
            "http_path": "/health",
            "healthy": {"interval": 0.1, "successes": 1},
            "unhealthy": {"interval": 0.1, "http_statuses": [500], "http_failures": 1}}}})

        self.wait_for("its leave", lambda: self.answers(proxy, 1) == {(503, ""): 1})

        with Client(proxy.port) as client:
            self.assertEqual(client.ask("/").fields.get("sinew-response-flags"), "UH")

    def ask_at_once(self, proxy, count):
        answers, lock = [], threading.Lock()

        def ask():
            with Client(proxy.port) as client:
                answer = client.ask("/")
                with lock:
                    answers.append((answer.status, answer.fields.get("sinew-response-flags")))
        threads = [threading.Thread(target=ask) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return Counter(answers)

    def test_requests_above_the_limit_are_refused(self):
        [slow] = self.endpoints(hold)
        proxy = self.cluster([slow], {"sinew": {"limits": {"requests": 4}}})

        found = self.ask_at_once(proxy, 12)

        self.assertEqual(found, {(200, None): 4, (503, "UO"): 8})
        self.assertEqual(len(slow.requests), 4)
        self.assertEqual(self.ask_at_once(proxy, 4), {(200, None): 4})

    def test_connections_have_a_limit_and_requests_wait_for_one(self):
        [slow] = self.endpoints(hold)
        proxy = self.cluster([slow], {"sinew": {"limits": {"connections": 2, "pending": 4}}})

        found = self.ask_at_once(proxy, 10)

        self.assertEqual(found, {(200, None): 6, (503, "UO"): 4})
        self.assertEqual(slow.connections, 2)

    def test_the_limits_are_of_all_workers_together(self):
        [slow] = self.endpoints(hold)
        proxy = self.cluster([slow], {"sinew": {"limits": {"requests": 4}}}, workers=3)

        self.assertEqual(self.ask_at_once(proxy, 12)[200, None], 4)

    def test_retries_keep_to_their_budget(self):
        broken = self.endpoints(cut_before, cut_before)
        proxy = self.cluster(
            broken, {"sinew": {"retry_budget": {"ratio": 0.2, "min_per_second": 0},
                               "ejection": {"consecutive_failures": 1000}}},
            {"retries": 3, "sinew": {"retry_idempotent": True}})
        asked = 100
        for _ in range(asked):
            with Client(proxy.port) as client:
                self.assertEqual(client.ask("/").status, 502)

        attempts = sum(len(each.requests) for each in broken)

        self.assertGreater(attempts, asked)
        self.assertLessEqual(attempts, asked * 1.2 + SLACK)

    def test_a_request_that_may_have_been_processed_is_sent_once(self):
        broken = self.endpoints(cut_before, well)
        proxy = self.cluster(broken, settings={"retries": 5, "sinew": {"retry_idempotent": True}})
        asked = 20
        for _ in range(asked):
            with Client(proxy.port) as client:
                client.ask("/", "POST", body=b"pay")

        self.assertEqual(sum(len(each.requests) for each in broken), asked)

    def test_a_try_that_takes_too_long_goes_elsewhere(self):
        slow, quick = self.endpoints(hold, says("quick"))
        proxy = self.cluster([slow, quick], settings={
            "retries": 1, "sinew": {"retry_idempotent": True, "try_timeout": "100ms"}})
        began = time.monotonic()

        found = self.answers(proxy, 6)

        self.assertEqual(found, {(200, "quick"): 6})
        self.assertLess(time.monotonic() - began, 6 * HOLD_S)

    def test_the_workers_and_their_metrics_agree(self):
        """What the admin listener says of a cluster is what the clients saw."""
        [endpoint] = self.endpoints(says("a"))
        proxy = self.cluster([endpoint], workers=2)
        for _ in range(10):
            with Client(proxy.port) as client:
                client.ask("/")
        with Client(proxy.admin_port, server_name="localhost") as admin:
            text = admin.ask("/metrics").body.decode()
            clusters = json.loads(admin.ask("/clusters").body)

        requests = sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                       if line.startswith("sinew_proxy_requests_total"))
        self.assertEqual(requests, 10)
        self.assertIn(f"127.0.0.1:{endpoint.port}", json.dumps(clusters))


if __name__ == "__main__":
    cases.main()
