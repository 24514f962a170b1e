"""A system that is up: orders by hand as the README shows them, tools beside it, Ctrl+C."""

import json
import os
import signal
import subprocess
import urllib.request

import system


def send(url, body=None):
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=system.PATIENCE_S) as answer:
        return answer.status, json.loads(answer.read())


def order(order_id, method):
    return {"order_id": order_id, "customer_id": "K0000", "order_date": "2023-05-07",
            "required_date": "2023-06-04", "carrier_id": 11, "freight": "12.50",
            "ship_to": {"country": "Germany"}, "payment_method": method,
            "lines": [{"product_id": 5001, "unit_price": "21.00", "quantity": 1,
                       "discount": "0.05"}]}


class Operation(system.Case):
    def start_run(self):
        """`commerce run`, up to the block of URLs."""
        process = self.start("run", "--folder", self.folder, "--input", self.input, "--port", 0)
        for line in process.stdout:
            if line.startswith("Ctrl+C"):
                return process
        return self.fail("the run ended early")

    def status_of(self, sales, order_id):
        return send(f"{sales}/orders/{order_id}")[1]["status"]

    def test_orders_by_hand(self):
        process = self.start_run()
        sales = self.urls()["sales"]

        self.assertEqual(send(f"{sales}/orders", order("by-hand-1", "pm_card_visa"))[0], 201)
        self.assertEqual(send(f"{sales}/orders", order("by-hand-1", "pm_card_visa"))[0], 200)
        send(f"{sales}/orders", order("by-hand-2", "pm_card_visa_chargeDeclined"))
        self.wait_for("confirmation", lambda: self.status_of(sales, "by-hand-1") == "confirmed")
        self.wait_for("rejection", lambda: self.status_of(sales, "by-hand-2") == "rejected")

        self.assertIn("completed", self.sinew("saga", "show", "by-hand-1"))
        declined = self.sinew("saga", "show", "by-hand-2")
        self.assertIn("declined", declined)
        self.assertIn("compensated", declined)
        self.assertTrue(self.verify()["balanced"])
        self.stop(process)
        self.assertTrue(self.verify()["balanced"])

    def test_ctrl_c_in_the_middle_loses_nothing(self):
        large = self.scratch / "large"
        system.tool("generate-data", "--seed", 12, "--orders", 1000, large)
        arguments = ["run", "--folder", self.folder, "--input", large, "--port", 0, "--exit"]
        process = self.start(*arguments, error=subprocess.PIPE)
        self.urls()

        process.send_signal(signal.SIGINT)

        _, errors = process.communicate(timeout=system.PATIENCE_S)
        self.assertEqual(process.returncode, 3, errors)
        self.assertIn("the same command goes on", errors)
        again = json.loads(self.commerce(*arguments, "-o", "json").stdout)
        self.assertTrue(again["balanced"])

    def test_replays_into_a_served_system(self):
        process = self.start("serve", "--folder", self.folder, "--port", 0)
        self.urls()

        done = self.commerce("replay", "--folder", self.folder, "--input", self.input, "-o", "json")

        result = json.loads(done.stdout)
        self.assertEqual(result["orders"], system.ORDERS)
        self.assertEqual(result["confirmed"] + result["rejected"], system.ORDERS)
        self.assertIn(f"/{system.ORDERS}", done.stderr)
        self.assertTrue(self.verify()["balanced"])
        self.stop(process)

    def test_children_die_with_a_run_that_is_killed(self):
        process = self.start_run()
        children = self.children_of(process.pid)
        self.assertGreater(len(children), 0)

        process.send_signal(signal.SIGKILL)
        process.wait()

        self.wait_for("end of the children",
                      lambda: not any(is_alive(child) for child in children))

    @staticmethod
    def children_of(pid):
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(child) for child in file.read().split()]

    def test_the_provider_is_started_again(self):
        process = self.start_run()
        sales = self.urls()["sales"]
        for child in self.children_of(process.pid):
            os.kill(child, signal.SIGKILL)

        send(f"{sales}/orders", order("by-hand-3", "pm_card_visa"))

        self.wait_for("confirmation", lambda: self.status_of(sales, "by-hand-3") == "confirmed")
        self.stop(process)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


if __name__ == "__main__":
    system.main()
