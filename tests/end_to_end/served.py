"""What the tests of a running gateway share: sinew-proxy in front of a commerce system."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import system

EXAMPLE = system.ROOT / "examples" / "commerce" / "commerce.gateway.yaml"
CONTEXTS = ["sales", "inventory", "payment", "fulfillment", "reporting"]


def free_ports(count):
    """The first of so many ports in a row that nobody has now."""
    for first in range(20_000 + os.getpid() % 10_000, 60_000, count):
        taken = []
        try:
            for port in range(first, first + count):
                taken.append(socket.create_server(("127.0.0.1", port)))
            return first
        except OSError:
            continue
        finally:
            for each in taken:
                each.close()
    raise OSError("no free ports")


class Case(system.Case):
    """Gives each test a folder that a gateway without rights can read, and its ports."""

    OTHER_PORTS = 0  # that a test takes itself, from other_port on

    def setUp(self):
        super().setUp()
        self.public = Path(tempfile.mkdtemp(prefix="sinew-gateway-"))
        self.public.chmod(0o777)
        self.addCleanup(shutil.rmtree, self.public)
        self.port = free_ports(2 + self.OTHER_PORTS)
        self.admin_port = self.port + 1
        self.other_port = self.port + 2
        self.log = self.public / "gateway.log"
        self.access_log = self.public / "access.log"

    def write(self, name, text):
        path = self.public / name
        path.write_text(text)
        path.chmod(0o644)
        return path

    def gateway_command(self, config, *arguments, **options):
        """`options` take the place of those that a test has: None leaves one out."""
        options = {"listen": f"127.0.0.1:{self.port}", "admin": f"127.0.0.1:{self.admin_port}",
                   "workers": 2, "run_dir": self.public / "run", "access_log": self.access_log,
                   "user": "nobody" if os.geteuid() == 0 else None} | options
        words = [system.programs / "sinew", "gateway", "--config", config, *arguments]
        for name, value in options.items():
            if value is not None:
                words += [f"--{name.replace('_', '-')}", value]
        return list(map(str, words))

    def start_gateway(self, config, *arguments, **options):
        """Starts it and waits until it is ready; it is killed when the test ends."""
        command = self.gateway_command(config, *arguments, **options)
        with open(self.log, "a", encoding="utf-8") as log:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        self.addCleanup(self.reap, process)
        line = process.stdout.readline()
        self.assertIn("listening on 127.0.0.1:", line, self.log.read_text())
        return process

    def refused_gateway(self, config, *arguments, code, **options):
        """One that does not start; gives what it says."""
        command = self.gateway_command(config, *arguments, **options)
        done = subprocess.run(command, capture_output=True, text=True, timeout=system.PATIENCE_S,
                              check=False)
        self.assertEqual(done.returncode, code, f"{command}\n{done.stdout}\n{done.stderr}")
        self.assertEqual(done.stdout, "")
        return done.stderr

    def end(self, process, code=0):
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(system.PATIENCE_S), code, self.log.read_text())

    def logged(self, *words):
        """Waits until one line of the gateway's log has all of them; gives it."""
        def found():
            for line in self.log.read_text().splitlines():
                if all(word in line for word in words):
                    return line
            return None
        return self.wait_for(f"line with {words}", found)

    def ask(self, path, method="GET", body=None, headers=None, connection=None):
        """Gives status, header fields and body; over a connection of its own unless given one."""
        own = connection is None
        if own:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        text = answer.read()
        if own:
            connection.close()
        return answer.status, answer.headers, text

    def status(self, path):
        return self.ask(path)[0]

    def admin(self, path, method="GET"):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=20)
        connection.request(method, path)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def access_lines(self):
        return [json.loads(line) for line in self.access_log.read_text().splitlines()]
