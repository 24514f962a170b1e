"""A shop whose price service is slow, dies and comes back: cache, retries, breaker, the last known
price, then `service unavailable`; and what an operator sees and forces meanwhile."""

import json
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "end_to_end"))
import system  # noqa: E402

# The declaration of the shop with shorter times: hours would be tested for hours.
CONFIG = """
prices:
  cache: {fresh: 200ms, max_age_on_error: 20s}
  timeout: {attempt: 500ms}
  retry: {max_attempts: 3, first_delay: 20ms, factor: 1, jitter: false}
  hedge: {delay: 100ms}
  breaker: {consecutive_failures: 3, open_for: 500ms, success_threshold: 1}
"""
FRESH_S, STALE_S = 0.2, 20


def send(url, method="GET", body=None):
    """Gives status, JSON and how long it took."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"},
                                     method=method)
    began = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=system.PATIENCE_S) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            status, text = error.code, error.read()
    return status, json.loads(text or "null"), time.monotonic() - began


class PricesTest(system.Case):
    def setUp(self):  # no input of commerce
        self.scratch = Path(tempfile.mkdtemp(prefix="sinew-prices-", dir=system.ROOT / "build"))
        self.addCleanup(system.shutil.rmtree, self.scratch)
        self.folder = self.scratch / "shop"
        self.log = self.scratch / "shop.log"
        (self.scratch / "shop.yaml").write_text(CONFIG, encoding="utf-8")
        self.service, self.service_url = self.launch("service", self.scratch / "service")
        self.shop, self.url = self.launch("shop", self.folder, "--service", self.service_url,
                                          "--config", self.scratch / "shop.yaml")

    def launch(self, name, folder, *arguments):
        with open(self.log, "a", encoding="utf-8") as log:
            process = subprocess.Popen(
                [system.programs / "prices", name, "--folder", folder, *map(str, arguments)],
                stdout=subprocess.PIPE, stderr=log, text=True)
        self.addCleanup(self.reap, process)
        said = process.stdout.readline()
        self.assertRegex(said, "http://", self.log.read_text(encoding="utf-8"))
        return process, said.split()[-1]

    def set_price(self, product, amount):
        status, _, _ = send(f"{self.service_url}/prices/{product}", "PUT",
                            {"price": {"amount": amount, "currency": "USD"}})
        self.assertEqual(status, 204)

    def product(self, name="chai"):
        status, body, _ = send(f"{self.url}/products/{name}")
        self.assertEqual(status, 200, body)
        return body

    def wait_for_source(self, source):
        return self.wait_for(source, lambda: (found := self.product())["source"] == source
                             and found)

    def pipeline(self):
        return json.loads(self.sinew("resilience", "list", "-o", "json"))["pipelines"][0]

    def repeats(self):
        """How often the service was asked again, by step."""
        host = json.loads((self.folder / "hosts" / "main.json").read_text(encoding="utf-8"))
        with urllib.request.urlopen(host["operator_url"] + "/metrics") as answer:
            text = answer.read().decode()
        found = re.findall(r'sinew_pipeline_repeats_total\{.*step="(\w+)"\} (\d+)', text)
        return {step: int(count) for step, count in found}

    def wait_for_breaker(self, state):
        """Keeps asking for the product meanwhile."""
        self.wait_for(f"{state} breaker", lambda: self.product() and
                      self.pipeline()["breaker"]["state"] == state)

    def test_kept_answers_are_given_while_they_are_fresh(self):
        self.set_price("chai", "18.00")

        self.assertEqual(self.product()["source"], "target")
        self.set_price("chai", "19.00")
        self.wait_for("the new price", lambda: self.product()["price"]["amount"] == "19.00")
        self.assertGreaterEqual(self.pipeline()["cache"]["entries"], 1)
        self.assertEqual(send(f"{self.url}/products/tofu")[0], 404)

    def test_a_slow_service_is_retried_then_left_alone_while_the_last_price_is_shown(self):
        self.set_price("chai", "18.00")
        self.product()
        self.service.send_signal(signal.SIGSTOP)
        time.sleep(2 * FRESH_S)

        before = self.repeats()
        _, body, took = send(f"{self.url}/products/chai")

        self.assertEqual((body["price"]["amount"], body["source"]), ("18.00", "stale"))
        self.assertGreaterEqual(body["age_ms"], 1000 * FRESH_S)
        self.assertGreaterEqual(took, 3 * 0.5, "three attempts of 500 ms")
        after = self.repeats()
        self.assertEqual(after["retry"] - before["retry"], 2)
        self.assertGreater(after["hedge"], before["hedge"], "and a second call beside a late one")
        self.wait_for_breaker("open")
        _, body, took = send(f"{self.url}/products/chai")
        self.assertEqual(body["source"], "stale")

        self.service.send_signal(signal.SIGCONT)
        self.set_price("chai", "19.00")
        self.assertEqual(self.wait_for_source("target")["price"]["amount"], "19.00")
        self.wait_for_breaker("closed")

    def test_without_a_service_the_last_price_grows_old_and_then_there_is_none(self):
        self.set_price("chai", "18.00")
        self.product()
        self.service.kill()
        self.service.wait()
        self.wait_for_source("stale")
        self.wait_for_breaker("open")

        status, problem, _ = send(f"{self.url}/products/tofu")
        self.assertEqual((status, problem["condition"]), (503, "unavailable"), problem)
        self.assertIn("the price of tofu cannot be had at the moment", problem["detail"])

        until = time.monotonic() + STALE_S
        status = 200
        while status == 200:
            status, body, _ = send(f"{self.url}/products/chai")
            self.assertLess(time.monotonic(), until + 10, "never too old")
            time.sleep(0.2)
        self.assertEqual((status, body["condition"]), (503, "unavailable"), body)
        self.assertGreaterEqual(time.monotonic(), until - 5)

        port = self.service_url.rsplit(":", 1)[1]
        self.service, _ = self.launch("service", self.scratch / "service", "--port", port)
        self.wait_for("a price", lambda: send(f"{self.url}/products/chai")[0] == 200)
        self.assertEqual(self.product()["price"]["amount"], "18.00")

    def test_an_operator_overrules_the_pipeline_of_a_running_shop(self):
        self.set_price("chai", "18.00")
        self.product()

        done = self.sinew("resilience", "force", "prices", "--breaker", "open", "--clear-cache",
                          "--reason", "the prices are wrong")

        self.assertEqual(done, "shop/prices: the breaker is open, 1 kept answers are gone; until "
                               "the host stops\n")
        self.assertIn("forced open", self.sinew("resilience", "list"))
        status, problem, _ = send(f"{self.url}/products/chai")
        self.assertEqual(status, 503, problem)
        self.sinew("resilience", "force", "prices", "--breaker", "automatic")
        self.wait_for_source("target")
        said = self.log.read_text(encoding="utf-8")
        self.assertRegex(said, r'an operator forced a pipeline.*breaker=open.*prices are wrong')
        refused = self.ask_sinew("resilience", "force", "price", "--breaker", "open", code=1)
        self.assertIn("did you mean `prices`", refused.stderr)

        self.stop(self.shop)
        refused = self.ask_sinew("resilience", "list", code=1)
        self.assertIn("asks a running host", refused.stderr)


if __name__ == "__main__":
    system.main()
