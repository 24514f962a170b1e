"""Clients that are slow, greedy, malformed or gone: what they get, and that nobody else suffers."""

import contextlib
import json
import os
import re
import socket
import ssl
import struct
import time
from pathlib import Path

import cases
from back_ends import BackEnd, echo
from client import Client, Ended
from gateway_process import Plan, Service, make_certificate

TIMEOUT = "400ms"
LARGE = 64 << 20  # of an answer that nobody reads
DESCRIPTORS = 100
HELD_KB = 4096  # what a connection may hold in the proxy, whatever the body's size, and more


def flood(exchange):
    """An answer of LARGE bytes, as quickly as it is taken; says how much was."""
    exchange.read_body()
    exchange.send(f"HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n")
    for _ in range(LARGE >> 16):
        exchange.send(b"x" * (1 << 16))
        exchange.seen.sent = getattr(exchange.seen, "sent", 0) + (1 << 16)


def memory_kb(pids):
    return sum(int(re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()).group(1))
               for pid in pids)


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class ClientFaults(cases.Case):
    def setUp(self):
        super().setUp()
        self.back_end = self.keep(BackEnd({"/": echo, "/flood": flood}))

    def start(self, **plan):
        return self.proxy(Plan([Service([self.back_end.port])], **plan))

    def refused(self, proxy, text, status, source=None):
        """Sends it; expects this answer, the end of the connection, and nothing at the back end."""
        self.back_end.forget()
        with Client(proxy.port, source=source) as client:
            with contextlib.suppress(ConnectionError):
                client.send(text)
            answer = client.read_answer()
            self.assertEqual((answer.status, answer.whole), (status, True))
            self.assertTrue(client.is_closed())
        self.assertEqual(self.back_end.requests, [])
        with Client(proxy.port) as client:
            self.assertEqual(client.ask("/").status, 200)

    def test_what_is_malformed_or_too_large_is_refused_by_its_status(self):
        proxy = self.start(listener={"max_body": "1KiB"})
        head = "POST / HTTP/1.1\r\nHost: h\r\n"
        for text, status in (
                ("GET / HTTP/1.1\r\n\r\n", 400),
                ("nonsense\r\n\r\n", 400),
                (f"{head}Content-Length: 1025\r\n\r\n", 413),
                (f"GET /{'a' * 200_000} HTTP/1.1\r\nHost: h\r\n\r\n", 414),
                (f"{head}X: {'b' * 200_000}\r\n\r\n", 431),
                (f"{head}{''.join(f'X-{i}: y{chr(13)}{chr(10)}' for i in range(5000))}\r\n", 431),
                (f"{head}Expect: cake\r\nContent-Length: 1\r\n\r\n", 417),
                (f"{head}Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
                ("GET / HTTP/3.0\r\nHost: h\r\n\r\n", 505)):
            with self.subTest(text[:60]):
                self.refused(proxy, text, status)

    def test_a_chunked_body_above_the_bound_is_cut(self):
        proxy = self.start(listener={"max_body": "1KiB"})
        with Client(proxy.port) as client:
            client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                for _ in range(20):
                    client.send("64\r\n" + "c" * 100 + "\r\n")
            self.assertEqual(client.read_answer().status, 413)
            self.assertTrue(client.is_closed())
        self.assertFalse(any(seen.whole for seen in self.back_end.requests))

    def test_a_path_without_route_is_404(self):
        proxy = self.proxy(Plan([Service([self.back_end.port], path="/only")]))
        with Client(proxy.port) as client:
            answer = client.ask("/other")
            self.assertEqual(answer.status, 404)
            self.assertEqual(answer.fields["sinew-response-flags"], "NR")
            self.assertEqual(client.ask("/only").status, 200)

    def test_a_head_that_trickles_is_408(self):
        proxy = self.start(listener={"header_timeout": TIMEOUT})
        began = time.monotonic()
        with Client(proxy.port) as client:
            client.send("GET / HTTP/1.1\r\nHo")
            self.assertEqual(client.read_answer().status, 408)
            self.assertTrue(client.is_closed())
        self.assertLess(time.monotonic() - began, 5)

    def test_a_body_that_stops_is_408(self):
        proxy = self.start(listener={"body_timeout": TIMEOUT})
        with Client(proxy.port) as client:
            client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n12345")
            self.assertEqual(client.read_answer().status, 408)
            self.assertTrue(client.is_closed())
        self.wait_for("end at the back end", lambda: self.back_end.now_open() == 0)

    def test_an_idle_connection_is_closed_in_silence(self):
        proxy = self.start(listener={"idle_timeout": TIMEOUT})
        with Client(proxy.port) as client:
            self.assertEqual(client.ask("/").status, 200)
            self.assertTrue(client.is_closed())

    def test_a_client_that_leaves_ends_its_request_at_the_back_end(self):
        proxy = self.start()
        client = Client(proxy.port)
        client.send("GET /flood HTTP/1.1\r\nHost: h\r\n\r\n")
        client.more()
        client.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()

        self.wait_for("end at the back end", lambda: self.back_end.now_open() == 0)

    def test_a_reader_that_does_not_read_holds_a_bounded_amount(self):
        proxy = self.start()
        with Client(proxy.port) as client:
            self.assertEqual(client.ask("/").status, 200)
        before = memory_kb(proxy.pids())
        slow = [self.keep(Client(proxy.port)) for _ in range(8)]
        for client in slow:
            client.send("GET /flood HTTP/1.1\r\nHost: h\r\n\r\n")
        for client in slow:
            client.more()

        def settled():
            first = [getattr(seen, "sent", 0) for seen in self.back_end.requests]
            time.sleep(0.1)
            return first == [getattr(seen, "sent", 0) for seen in self.back_end.requests]
        self.wait_for("the flood's halt", settled)

        self.assertLess(memory_kb(proxy.pids()) - before, HELD_KB)
        self.assertTrue(all(seen.sent < LARGE // 2 for seen in self.back_end.requests[1:]))
        with Client(proxy.port) as client:
            self.assertEqual(client.ask("/").status, 200)

    def test_old_versions_and_expectations_are_served(self):
        proxy = self.start()
        with Client(proxy.port) as client:
            client.send("GET /old HTTP/1.0\r\nHost: h\r\n\r\n")
            self.assertEqual(client.read_answer().status, 200)
            self.assertTrue(client.is_closed())
        with Client(proxy.port) as client:
            client.send("POST /expect HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                        "Content-Length: 4\r\n\r\n")
            client.send("body")
            self.assertEqual(json.loads(client.read_answer().body)["body"], "body")

    def test_pipelined_requests_are_answered_in_their_order(self):
        proxy = self.start()
        with Client(proxy.port) as client:
            client.send("".join(f"GET /{i} HTTP/1.1\r\nHost: h\r\n\r\n" for i in range(50)))
            targets = [json.loads(client.read_answer().body)["target"] for _ in range(50)]
        self.assertEqual(targets, [f"/{i}" for i in range(50)])

    def test_who_the_client_is_comes_from_its_connection(self):
        proxy = self.start()
        with Client(proxy.port) as client:
            answer = client.ask("/", fields="X-Forwarded-For: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\n"
                                            "X-Real-IP: 1.2.3.4\r\n")
        seen = {name.lower(): value for name, value in json.loads(answer.body)["fields"]}

        self.assertEqual(seen["x-forwarded-for"], "127.0.0.1")
        self.assertEqual(seen["x-forwarded-proto"], "http")
        self.assertNotIn("1.2.3.4", json.dumps(seen))
        self.assertTrue(answer.fields.get("x-request-id") or seen.get("x-request-id"))

    def test_running_out_of_descriptors_is_survived_without_spinning(self):
        proxy = self.proxy(Plan([Service([self.back_end.port])], workers=1), before=[
            "prlimit", f"--nofile={DESCRIPTORS}:{DESCRIPTORS}"])
        crowd = [Client(proxy.port) for _ in range(DESCRIPTORS + 50)]
        began = cpu_seconds(proxy.process.pid)
        time.sleep(0.5)  # in which a loop around accept() would burn all of it
        self.assertLess(cpu_seconds(proxy.process.pid) - began, 0.25)

        for client in crowd:
            client.close()

        self.wait_for("service again", lambda: self.answers_well(proxy))

    def answers_well(self, proxy):
        try:
            with Client(proxy.port, timeout=2) as client:
                return client.ask("/").status == 200
        except (Ended, OSError):
            return False

    # --- the PROXY protocol

    def test_the_proxy_protocol_is_mandatory_where_it_is_configured(self):
        proxy = self.start(listener={"proxy_protocol": {"from": ["127.0.0.0/8"],
                                                        "timeout": TIMEOUT}})
        request = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
        second = b"\r\n\r\n\x00\r\nQUIT\n\x21\x11" + struct.pack("!H4s4sHH", 12, b"\xcb\x00\x71\x09",
                                                             b"\x7f\x00\x00\x01", 5555, 80)
        for header, address in ((b"PROXY TCP4 203.0.113.7 127.0.0.1 5555 80\r\n", "203.0.113.7"),
                                (second, "203.0.113.9")):
            with self.subTest(address), Client(proxy.port) as client:
                client.send(header + request)
                fields = dict(json.loads(client.read_answer().body)["fields"])
                self.assertEqual({name.lower(): value for name, value in fields.items()}
                                 ["x-forwarded-for"], address)
        for text in (request, b"PROXY nonsense\r\n" + request, b"PRO"):
            with self.subTest(text[:20]), Client(proxy.port) as client:
                client.send(text)
                self.assertTrue(client.is_closed())
        self.assertEqual(len(self.back_end.requests), 2)

    def test_the_proxy_protocol_is_believed_from_listed_addresses_only(self):
        proxy = self.start(listener={"proxy_protocol": {"from": ["127.9.9.9"]}})
        with Client(proxy.port) as client:
            with contextlib.suppress(ConnectionError):
                client.send(b"PROXY TCP4 203.0.113.7 127.0.0.1 1 2\r\nGET / HTTP/1.1\r\n"
                            b"Host: h\r\n\r\n")
            self.assertTrue(client.is_closed())
        self.assertEqual(self.back_end.requests, [])

    # --- TLS

    def secure(self, **context):
        made = ssl.create_default_context()
        made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
        for name, value in context.items():
            setattr(made, name, value)
        return made

    def test_the_certificate_is_that_of_the_name(self):
        names = ("one.example", "two.example")
        certificates = [make_certificate(self.scratch, name) for name in names]
        proxy = self.start(certificates=certificates)
        for name, certificate in zip(names, certificates, strict=True):
            with self.subTest(name), Client(proxy.tls_port, self.secure(), name) as client:
                self.assertEqual(client.ask("/").status, 200)
                expected = ssl.PEM_cert_to_DER_cert(certificate.chain.read_text())
                self.assertEqual(client.stream.getpeercert(True), expected)

    def test_both_versions_of_tls_resume_and_older_ones_are_refused(self):
        proxy = self.start(certificates=[make_certificate(self.scratch, "one.example")])
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = self.secure(minimum_version=version, maximum_version=version)
            with self.subTest(version.name):
                with Client(proxy.tls_port, context, "one.example") as client:
                    client.ask("/")
                    session = client.stream.session
                stream = context.wrap_socket(
                    socket.create_connection(("127.0.0.1", proxy.tls_port)),
                    server_hostname="one.example", session=session)
                self.assertTrue(stream.session_reused)
                stream.close()
        old = self.secure(minimum_version=ssl.TLSVersion.TLSv1,
                          maximum_version=ssl.TLSVersion.TLSv1_1)
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            Client(proxy.tls_port, old, "one.example")

    def test_plain_bytes_on_a_tls_port_harm_nobody(self):
        proxy = self.start(certificates=[make_certificate(self.scratch, "one.example")])
        for text in (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\x00" * 100):
            with Client(proxy.tls_port) as client:
                client.send(text)
                client.stream.shutdown(socket.SHUT_WR)
                client.until_end()
        with Client(proxy.tls_port, self.secure(), "one.example") as client:
            self.assertEqual(client.ask("/").status, 200)

    def test_nothing_is_answered_to_somebody_who_says_nothing(self):
        proxy = self.start(listener={"header_timeout": TIMEOUT})
        with Client(proxy.port) as client, contextlib.suppress(Ended):
            self.assertEqual(client.read_answer().status, 408)


if __name__ == "__main__":
    cases.main()
