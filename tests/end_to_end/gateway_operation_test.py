"""The gateway's life: starts that are refused, reloads, drains, logs that are rotated or full."""

import http.client
import http.server
import os
import signal
import socket
import ssl
import subprocess
import threading
import time
import unittest

import served
import system

HEADING = '_format_version: "3.0"\n'


class Backend(http.server.BaseHTTPRequestHandler):
    """Answers its path; one that begins with /slow only after a while."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):  # pylint: disable=invalid-name
        if self.path.startswith("/slow"):
            self.server.slow.set()
            self.server.go_on.wait(system.PATIENCE_S)
        body = self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *arguments):  # pylint: disable=redefined-builtin
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass  # a gateway that ends has hung up


class Operation(served.Case):
    def setUp(self):
        super().setUp()
        self.backend = Server(("127.0.0.1", 0), Backend)
        self.backend.daemon_threads = True
        self.backend.slow = threading.Event()
        self.backend.go_on = threading.Event()
        threading.Thread(target=self.backend.serve_forever, daemon=True).start()
        self.addCleanup(self.backend.server_close)
        self.addCleanup(self.backend.shutdown)
        self.addCleanup(self.backend.go_on.set)

    def config(self, *paths, more=""):
        port = self.backend.server_address[1]
        return self.write("kong.yaml", HEADING + (
            f"services: [{{name: s, host: 127.0.0.1, port: {port}, routes: "
            f"[{{name: r, strip_path: false, paths: [{', '.join(paths)}]}}]}}]\n{more}"))

    # Starts

    def test_an_address_twice_is_refused(self):
        said = self.refused_gateway(self.config("/"), code=2,
                                    listen=f"127.0.0.1:{self.port}, 127.0.0.1:{self.port} ssl")

        self.assertIn(f"127.0.0.1:{self.port} is there twice", said)

    def test_a_wrong_file_is_refused_with_every_error(self):
        path = self.write("kong.yaml", HEADING + "services: [{nme: s, host: h}]\nplugins: []\n")

        said = self.refused_gateway(path, code=2)

        self.assertIn(f"{path}:2: services[0].nme", said)
        self.assertIn(f"{path}:3: plugins", said)
        self.assertIn("2 errors", said)

    def test_a_file_that_is_not_there_is_refused(self):
        self.assertIn("none.yaml", self.refused_gateway(self.public / "none.yaml", code=2))

    def test_a_port_in_use_is_refused_and_its_holder_named(self):
        with socket.create_server(("127.0.0.1", self.port)):
            said = self.refused_gateway(self.config("/"), code=1)

        self.assertIn(f"127.0.0.1:{self.port}", said)

    def test_two_gateways_do_not_share_a_port(self):
        gateway = self.start_gateway(self.config("/"))

        said = self.refused_gateway(self.config("/"), admin="off", code=1)

        self.assertIn(f"127.0.0.1:{self.port}", said)
        self.assertEqual(self.status("/a"), 200)
        self.end(gateway)

    def test_a_misspelt_option_is_guessed(self):
        said = self.refused_gateway(self.config("/"), "--wrokers", "1", code=2)

        self.assertIn("--workers", said)

    @unittest.skipUnless(os.geteuid() == 0, "of root alone")
    def test_root_needs_a_user(self):
        self.assertIn("--user", self.refused_gateway(self.config("/"), user=None, code=1))

    # Reloads

    def test_a_changed_file_is_in_use_without_being_told(self):
        gateway = self.start_gateway(self.config("/a"))
        self.assertEqual((self.status("/a"), self.status("/b")), (200, 404))

        self.config("/b")

        self.wait_for("the new route", lambda: self.status("/b") == 200)
        self.assertEqual(self.status("/a"), 404)
        self.end(gateway)

    def test_a_signal_reloads_and_a_wrong_file_changes_nothing(self):
        gateway = self.start_gateway(self.config("/a"), "--no-watch")
        path = self.write("kong.yaml", HEADING + "services: [{nme: s}]\n")
        gateway.send_signal(signal.SIGHUP)
        self.logged("refused", "version=1")
        self.assertIn(f"{path}:2: services[0].nme", self.log.read_text())
        self.assertEqual(self.status("/a"), 200)

        self.config("/b")
        gateway.send_signal(signal.SIGHUP)
        self.logged("in use", "version=2")
        self.assertEqual((self.status("/a"), self.status("/b")), (404, 200))

        gateway.send_signal(signal.SIGHUP)
        self.logged("nothing has changed")
        self.end(gateway)

    def test_a_storm_of_reloads_fails_no_request(self):
        gateway = self.start_gateway(self.config("/a"), "--no-watch")
        failed = []
        done = threading.Event()

        def load():
            while not done.is_set():
                status = self.status("/a")
                if status != 200:
                    failed.append(status)
        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        for index in range(200):
            self.config("/a", f"/b{index}")
            gateway.send_signal(signal.SIGHUP)
            time.sleep(0.002)
        self.config("/a", "/last")
        gateway.send_signal(signal.SIGHUP)
        self.wait_for("the last configuration", lambda: self.status("/last") == 200)
        done.set()
        for thread in threads:
            thread.join()

        self.assertEqual(failed, [])
        self.end(gateway)

    def test_listeners_come_and_go_and_one_that_cannot_changes_nothing(self):
        other = self.admin_port
        conf = self.write("kong.conf", f"proxy_listen = 127.0.0.1:{self.port}\n"
                                       f"admin_listen = off\nproxy_error_log = /dev/stderr\n")
        gateway = self.start_gateway(self.config("/"), "--no-watch", conf=conf, listen=None,
                                     admin=None)

        with socket.create_server(("127.0.0.1", other)):
            conf.write_text(f"proxy_listen = 127.0.0.1:{self.port}, 127.0.0.1:{other}\n"
                            f"admin_listen = off\nproxy_error_log = /dev/stderr\n")
            gateway.send_signal(signal.SIGHUP)
            self.logged("refused")
            self.assertIn(f"127.0.0.1:{other}", self.log.read_text())
            self.assertEqual(self.status("/a"), 200)
        gateway.send_signal(signal.SIGHUP)
        self.logged("in use", "version=2")
        socket.create_connection(("127.0.0.1", other), timeout=10).close()
        conf.write_text(f"proxy_listen = 127.0.0.1:{other}\n"
                        f"admin_listen = off\nproxy_error_log = /dev/stderr\n")
        gateway.send_signal(signal.SIGHUP)
        self.logged("in use", "version=3")
        self.wait_for("the end of the first listener", lambda: self.refuses(self.port))
        self.end(gateway)

    @staticmethod
    def refuses(port):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=10).close()
        except ConnectionRefusedError:
            return True
        return False

    # TLS

    def make_certificate(self, name):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", f"/CN={name}",
                        "-addext", f"subjectAltName=DNS:{name}",
                        "-keyout", self.public / "front.key", "-out", self.public / "front.crt"],
                       check=True, capture_output=True)
        (self.public / "front.key").chmod(0o644)

    def shown(self):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname="front.test") as stream:
                stream.sendall(b"GET /a HTTP/1.1\r\nHost: front.test\r\nConnection: close\r\n\r\n")
                answer = b""
                while piece := stream.recv(4096):
                    answer += piece
                self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer)
                return stream.getpeercert(binary_form=True)

    def test_certificates_are_exchanged_and_an_unreadable_key_changes_nothing(self):
        self.make_certificate("front.test")
        files = (f"{{cert: 'file:{self.public}/front.crt', key: 'file:{self.public}/front.key'}}")
        config = self.config("/a", more=f"certificates: [{{sinew: {files}, "
                                        "snis: [{name: front.test}]}]\n")
        gateway = self.start_gateway(config, listen=f"127.0.0.1:{self.port} ssl")
        before = self.shown()

        self.make_certificate("front.test")
        after = self.wait_for("the new certificate",
                              lambda: (now := self.shown()) != before and now)
        key = self.public / "front.key"
        key.chmod(0)
        if os.geteuid() == 0 or not os.access(key, os.R_OK):
            self.logged("refused", "cause=")
            self.assertIn("front.key", self.log.read_text())
        self.assertEqual(self.shown(), after)
        self.end(gateway)

    # The end

    def test_what_is_under_way_ends_before_the_process(self):
        gateway = self.start_gateway(self.config("/"), drain_announce="0s")
        answers = []
        slow = threading.Thread(target=lambda: answers.append(self.ask("/slow")))
        slow.start()
        self.assertTrue(self.backend.slow.wait(system.PATIENCE_S))

        gateway.send_signal(signal.SIGTERM)
        self.wait_for("closed listeners", lambda: self.refuses(self.port))
        self.assertIsNone(gateway.poll())
        self.backend.go_on.set()
        slow.join()

        self.assertEqual(answers[0][0], 200)
        self.assertEqual(gateway.wait(system.PATIENCE_S), 0)

    def test_what_takes_too_long_is_cut(self):
        gateway = self.start_gateway(self.config("/"), drain_timeout="300ms")
        threading.Thread(target=self.ask_in_vain, daemon=True).start()
        self.assertTrue(self.backend.slow.wait(system.PATIENCE_S))

        gateway.send_signal(signal.SIGTERM)

        self.assertEqual(gateway.wait(system.PATIENCE_S), 0)

    def test_a_second_signal_ends_it_at_once(self):
        gateway = self.start_gateway(self.config("/"), drain_timeout="10m")
        threading.Thread(target=self.ask_in_vain, daemon=True).start()
        self.assertTrue(self.backend.slow.wait(system.PATIENCE_S))

        gateway.send_signal(signal.SIGTERM)
        self.logged("drains")
        gateway.send_signal(signal.SIGINT)

        self.assertEqual(gateway.wait(system.PATIENCE_S), 0)

    def ask_in_vain(self):
        try:
            self.ask("/slow")
        except OSError:
            pass
        except http.client.HTTPException:
            pass

    # Logs

    def test_logs_are_rotated(self):
        gateway = self.start_gateway(self.config("/"))
        self.assertEqual(self.status("/before"), 200)
        self.wait_for("the first line", lambda: "/before" in self.access_log.read_text())

        self.access_log.rename(self.public / "access.log.1")
        gateway.send_signal(signal.SIGUSR1)
        self.wait_for("the new file", self.access_log.exists)
        self.assertEqual(self.status("/after"), 200)

        self.wait_for("the second line", lambda: "/after" in self.access_log.read_text())
        self.end(gateway)

    def test_a_full_disk_stops_the_log_and_nothing_else(self):
        gateway = self.start_gateway(self.config("/"), access_log="/dev/full")

        for _ in range(50):
            self.assertEqual(self.status("/a"), 200)

        self.logged("access log")
        self.end(gateway)


if __name__ == "__main__":
    system.main()
