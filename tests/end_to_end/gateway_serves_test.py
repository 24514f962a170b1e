"""The gateway in front of the running commerce system, by examples/commerce/commerce.gateway.yaml."""

import http.client
import json
import signal

import served
import system


class Serves(served.Case):
    OTHER_PORTS = len(served.CONTEXTS)

    def serve(self):
        """The system, at ports that stay the same from start to start."""
        settings = self.scratch / "commerce.yaml"
        settings.write_text("operator_port: 0\n")
        process = self.start("serve", "--folder", self.folder, "--config", settings,
                             "--port", self.other_port)
        self.wait_for("the system", lambda: "Ctrl+C" in process.stdout.readline())
        return process

    def config(self):
        """The example's, at the ports of this test; and with what the replay asks of sales."""
        text = served.EXAMPLE.read_text()
        for index in range(len(served.CONTEXTS)):
            text = text.replace(f'"127.0.0.1:{8080 + index}"', f'"127.0.0.1:{self.other_port + index}"')
        text = text.replace("paths: [/orders]\n", "paths: [/orders, /journal]\n")
        return self.write("commerce.gateway.yaml", text)

    def replay_through_the_gateway(self):
        gateway = f"http://127.0.0.1:{self.port}"
        target = {"sales_url": gateway, "fulfillment_url": gateway,
                  "reporting_url": self.urls()["reporting"],
                  "customers_drop": f"{self.folder}/sales/drop/customers",
                  "receipts_drop": f"{self.folder}/inventory/drop/receipts",
                  "carriers_drop": f"{self.folder}/fulfillment/drop/carriers",
                  "carrier_secret": f"file:{self.folder}/carrier.secret"}
        file = self.scratch / "target.json"
        file.write_text(json.dumps(target))
        return json.loads(self.commerce("replay", "--target", file, "--input", self.input,
                                        "--quiet", "-o", "json").stdout)

    def test_orders_are_placed_through_it_and_the_books_balance(self):
        system_process = self.serve()
        gateway = self.start_gateway(self.config())

        self.replay_through_the_gateway()

        orders = json.loads(self.ask("/orders?limit=1000")[2])["orders"]
        self.assertEqual(len(orders), system.ORDERS)
        self.assertTrue(self.verify()["balanced"])
        posted = [line for line in self.wait_for("lines of the log", self.access_lines)
                  if line["method"] == "POST"]
        self.assertTrue(all(line["route"] in ("orders", "baskets", "carrier") for line in posted))
        self.end(gateway)
        self.stop(system_process)

    def test_a_connection_is_kept_and_its_requests_have_names_in_both_logs(self):
        system_process = self.serve()
        gateway = self.start_gateway(self.config())
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.connect()
        socket = connection.sock
        ids = set()

        for _ in range(20):
            status, fields, _ = self.ask("/orders?limit=1", connection=connection)
            self.assertEqual(status, 200)
            ids.add(fields["X-Request-Id"])

        self.assertIs(connection.sock, socket)
        self.assertEqual(len(ids), 20)
        logs = self.folder / "log" / "main.log"
        for each in ids:
            self.wait_for(f"the contexts' line of {each}", lambda e=each: e in logs.read_text())
        self.wait_for("the gateway's lines", lambda: ids <= {
            line["request_id"] for line in self.access_lines()})
        connection.close()
        self.assertEqual(self.status("/books"), 404)
        self.end(gateway)
        self.stop(system_process)

    def test_a_system_that_is_down_is_said_and_comes_back(self):
        system_process = self.serve()
        gateway = self.start_gateway(self.config())
        self.assertEqual(self.status("/orders?limit=1"), 200)

        system_process.send_signal(signal.SIGKILL)
        system_process.wait()
        status, fields, _ = self.ask("/orders?limit=1")
        self.assertIn(status, (502, 503))
        self.assertIn(fields["Sinew-Response-Flags"].split(",")[0], ("UF", "UH", "UC"))
        self.wait_for("503", lambda: self.status("/orders?limit=1") == 503)
        status, fields, _ = self.ask("/orders?limit=1")
        self.assertEqual((status, fields["Sinew-Response-Flags"]), (503, "UH"))

        again = self.serve()
        self.wait_for("answers", lambda: self.status("/orders?limit=1") == 200)
        self.replay_through_the_gateway()
        self.assertTrue(self.verify()["balanced"])
        self.end(gateway)
        self.stop(again)


if __name__ == "__main__":
    system.main()
