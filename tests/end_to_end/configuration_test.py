"""The configuration file of commerce: it is refused whole, or it holds; a payment provider that it
names, found by its name."""

import json
import os
import socket
import sqlite3
import threading
import unittest.mock

import system

EXAMPLE = system.ROOT / "examples" / "commerce" / "commerce.yaml"


class NameServer:
    """Answers every question for an IPv4 address with 127.0.0.1, on a loopback port."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:{}".format(self.socket.getsockname()[1])
        self.asked = 0
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            query, sender = self.socket.recvfrom(512)
            if len(query) < 17:  # the end
                return
            self.asked += 1
            self.socket.sendto(self.answer(query), sender)

    @staticmethod
    def answer(query):
        end = query.index(b"\0", 12) + 5
        found = query[end - 4:end - 2] == b"\0\1"  # type A
        head = query[:2] + b"\x81\x80" + b"\0\1" + (b"\0\1" if found else b"\0\0") + b"\0\0\0\0"
        record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton("127.0.0.1")
        return head + query[12:end] + (record if found else b"")

    def close(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"end", self.socket.getsockname())
        self.thread.join()
        self.socket.close()


class Configuration(system.Case):
    def configure(self, text):
        path = self.scratch / "commerce.yaml"
        path.write_text(text)
        return path

    def test_a_wrong_file_is_refused_whole(self):
        path = self.configure("port: 80800\nlog: {levle: info}\ncontexts:\n  relays: none\n"
                              "payment_provider: {url: 'http://localhost:1'}\n")

        done = self.commerce("run", "--folder", self.folder, "--input", self.input, "--config",
                             path, code=2)

        for words in (f"{path}:1: port: got \"80800\", expected an integer from 0 to 65535",
                      f"{path}:2: log.levle: there is no such option (did you mean `level`?)",
                      f"{path}:4: contexts.relays: got \"none\"",
                      f"{path}:5: payment_provider: url is given, but no api_key"):
            self.assertIn(words, done.stderr)
        self.assertFalse(self.folder.exists())

    def test_a_missing_file_and_a_missing_secret(self):
        arguments = ["serve", "--folder", self.folder, "--config"]
        missing = self.commerce(*arguments, self.scratch / "none.yaml", code=2)
        self.assertIn("none.yaml", missing.stderr)

        path = self.configure("payment_provider: {url: 'http://localhost:1', api_key: env:NO_KEY}")
        secret = self.commerce(*arguments, path, code=2)
        self.assertIn("NO_KEY", secret.stderr)
        self.assertFalse(self.folder.exists())

    def test_the_example_runs_and_the_command_line_overrides_it(self):
        self.assertTrue(self.run_once("--config", EXAMPLE)["balanced"])  # with --port 0

        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            path = self.configure(f"port: {port}\n")
            done = self.commerce("serve", "--folder", self.folder, "--config", path, code=2)
        self.assertIn(f"port {port}, for sales", done.stderr)

    def test_several_relays_and_few_of_everything(self):
        path = self.configure("workers: 1\nlog: {level: debug, format: json}\n"
                              "contexts: {relays: 3, outbox_capacity: 200}\n")

        books = self.run_once("--config", path)

        self.assertTrue(books["balanced"])
        lines = (self.folder / "log" / "main.log").read_text().splitlines()
        self.assertGreater(len(lines), system.ORDERS)
        for line in lines:
            json.loads(line)

    def provider(self):
        """A payment provider that is none of the system's; gives its port and its key."""
        home = self.scratch / "provider"
        process = self.start("provider", "--folder", home)
        url = process.stdout.readline().strip()
        return url.rsplit(":", 1)[1], home / "provider.secret", home / "provider" / "payments.db"

    def test_a_provider_elsewhere_by_the_name_localhost(self):
        port, key, ledger = self.provider()
        path = self.configure(f"payment_provider:\n  url: http://localhost:{port}\n"
                              f"  api_key: file:{key}\n")

        books = self.run_once("--config", path)

        self.assertTrue(books["balanced"])
        self.assertFalse((self.folder / "provider" / "payments.db").exists())
        self.assertEqual(self.charged(ledger), system.figures(books)["orders"])
        verified = self.commerce("verify", "--folder", self.folder, "--config", path, "-o", "json")
        self.assertTrue(json.loads(verified.stdout)["balanced"])

    def test_a_provider_elsewhere_by_a_name_of_dns(self):
        port, key, ledger = self.provider()
        names = NameServer()
        self.addCleanup(names.close)
        path = self.configure(f"contexts: {{dns: {{servers: '{names.address}'}}}}\n"
                              f"payment_provider:\n  url: http://payments.example:{port}\n"
                              f"  api_key: env:PAYMENT_KEY\n")
        with unittest.mock.patch.dict(os.environ, PAYMENT_KEY=key.read_text().strip()):
            books = self.run_once("--config", path)

        self.assertTrue(books["balanced"])
        self.assertGreater(names.asked, 0)
        self.assertEqual(self.charged(ledger), system.figures(books)["orders"])

    @staticmethod
    def charged(ledger):
        database = sqlite3.connect(ledger)
        count = database.execute("SELECT COUNT(*) FROM payment_intents "
                                 "WHERE decline_code = '' AND error_code = '' AND refunded = 0").fetchone()[0]
        database.close()
        return count


if __name__ == "__main__":
    system.main()
