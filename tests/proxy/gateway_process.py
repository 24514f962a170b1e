"""A proxy as a process on free ports: sinew-proxy, or nginx or HAProxy told to do the same.

    plan = Plan(services=[Service([back_end.port])])
    with Sinew(folder, plan) as proxy:
        ... requests to 127.0.0.1:proxy.port ...

Tests use the peers as back ends in front of the scripted one; the benchmark as what to be measured
beside. All have one interface; each writes its configuration, its log and its process into `folder`.
"""

import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from back_ends import HOST, free_port

SOMEBODY = "nobody"  # whom sinew-proxy becomes where the tests are root
READY_S = 20
STOP_S = 20


@dataclass
class Service:
    """Endpoints behind a path. `settings` are further fields of Kong's service, `upstream` of its
    upstream, `route` of its route: what only sinew-proxy understands."""

    ports: list
    path: str = "/"
    tls: bool = False  # towards the endpoints
    settings: dict = field(default_factory=dict)
    upstream: dict = field(default_factory=dict)
    route: dict = field(default_factory=dict)
    more_paths: list = field(default_factory=list)  # a route each


@dataclass
class Certificate:
    names: list
    chain: Path
    key: Path


@dataclass
class Plan:
    services: list
    certificates: list = field(default_factory=list)
    workers: int = 1
    read_timeout_ms: int = 60_000
    connect_timeout_ms: int = 60_000
    keep_alive: int = 512  # idle connections to an endpoint
    log: bool = True
    buffered_log: bool = False
    listener: dict = field(default_factory=dict)  # sinew: listeners
    conf: dict = field(default_factory=dict)  # kong.conf
    arguments: list = field(default_factory=list)  # of sinew-proxy


class Proxy:
    """What all have in common; a class of a peer says its command and its configuration."""

    name = program = None
    prefix = []  # before the command, such as taskset
    reload_signal, drain_signal = signal.SIGHUP, signal.SIGTERM

    def __init__(self, folder, plan, program=None):
        self.folder, self.plan = Path(folder), plan
        self.program = program or self.program
        self.port, self.tls_port, self.admin_port = free_port(), free_port(), free_port()
        self.process = None
        self.seen = 0  # bytes of the access log that new_log_lines() has given

    @classmethod
    def is_installed(cls):
        return shutil.which(cls.program) is not None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    # --- as a process

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.configure()
        with open(self.folder / "output", "ab") as output:
            self.process = subprocess.Popen([*self.prefix, *self.command()], stdout=output, stderr=output,
                                            env=self.environment())
        until = time.monotonic() + READY_S
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{self.name} is not ready:\n{self.output()}")
            time.sleep(0.01)

    def environment(self):
        return dict(os.environ)

    def is_ready(self):
        ports = [self.port] + ([self.tls_port] if self.plan.certificates else [])
        try:
            for port in ports:
                socket.create_connection((HOST, port), 1).close()
        except OSError:
            return False
        return True

    def reload(self):
        """Writes the configuration that the plan is now, and asks for it; does not wait."""
        self.configure()
        self.process.send_signal(self.reload_signal)

    def drain(self):
        """Asks it to end when its last request has; gives the exit code."""
        self.process.send_signal(self.drain_signal)
        return self.process.wait(STOP_S)

    def kill(self):
        if self.process and self.process.poll() is None:
            for pid in reversed(self.pids()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if self.process:
            self.process.wait(STOP_S)

    def pids(self):
        """The process and its children, which are its workers with the peers."""
        own = self.process.pid
        found = [own]
        for task in Path(f"/proc/{own}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += map(int, task.read_text().split())
        return found

    # --- what it says

    def output(self):
        texts = [file.read_text(errors="replace") for file in
                 (self.folder / "output", self.folder / "error.log") if file.exists()]
        return "\n".join(texts)

    def access_log(self):
        return self.folder / "access.log"

    def new_log_lines(self, count, limit_s=5):
        """The next lines of the access log, as soon as there are `count`, or those there are."""
        until = time.monotonic() + limit_s
        while True:
            with open(self.access_log(), "rb") as log:
                log.seek(self.seen)
                text = log.read()
            whole = text[:text.rfind(b"\n") + 1]
            lines = whole.decode("utf-8", "replace").splitlines()
            if len(lines) >= count or time.monotonic() > until:
                self.seen += len(whole)
                return lines
            time.sleep(0.01)


class Sinew(Proxy):
    name, program = "sinew", "sinew-proxy"

    def configure(self):
        give(self.folder.parent, self.folder)
        write(self.folder / "kong.json", json.dumps(self.document(), indent=1))
        write(self.folder / "kong.conf", "".join(f"{key} = {value}\n"
                                                 for key, value in self.settings().items()))

    def command(self):
        return [self.program, "--config", self.folder / "kong.json",
                "--conf", self.folder / "kong.conf", "--run-dir", self.folder, "--no-watch",
                *self.plan.arguments,
                *(["--user", SOMEBODY] if os.geteuid() == 0 else [])]

    def settings(self):
        listen = f"{HOST}:{self.port}"
        if self.plan.certificates:
            listen += f", {HOST}:{self.tls_port} ssl"
        log = self.access_log() if self.plan.log else "off"
        return {"prefix": self.folder, "database": "off", "proxy_listen": listen,
                "admin_listen": f"{HOST}:{self.admin_port}",
                "nginx_worker_processes": self.plan.workers,
                "proxy_access_log": log, "proxy_error_log": self.folder / "error.log",
                "upstream_keepalive_pool_size": self.plan.keep_alive, **self.plan.conf}

    def document(self):
        plan = self.plan
        document = {
            "_format_version": "3.0",
            "services": [self.service(number, each) for number, each in enumerate(plan.services)],
            "upstreams": [{"name": f"upstream-{number}",
                           "targets": [{"target": f"{HOST}:{port}"} for port in each.ports],
                           **each.upstream}
                          for number, each in enumerate(plan.services)]}
        if plan.certificates:
            document["certificates"] = [
                {"sinew": {"cert": f"file:{each.chain}", "key": f"file:{each.key}"},
                 "snis": [{"name": name} for name in each.names]} for each in plan.certificates]
        if plan.listener:
            document["sinew"] = {"listeners": [{"address": f"{HOST}:{self.port}",
                                                **plan.listener}]}
        return document

    def service(self, number, each):
        routes = [{"name": f"route-{number}-{i}", "paths": [path], "strip_path": False,
                   **each.route} for i, path in enumerate([each.path, *each.more_paths])]
        return {"name": f"service-{number}", "host": f"upstream-{number}",
                "protocol": "https" if each.tls else "http",
                "connect_timeout": self.plan.connect_timeout_ms,
                "read_timeout": self.plan.read_timeout_ms,
                "routes": routes, **each.settings}


class Nginx(Proxy):
    name, program = "nginx", "nginx"
    drain_signal = signal.SIGQUIT

    def command(self):
        return [self.program, "-p", self.folder, "-c", self.folder / "nginx.conf",
                "-e", self.folder / "error.log"]

    def configure(self):
        write(self.folder / "nginx.conf", f"""
daemon off;
{"user root;" if os.geteuid() == 0 else ""}
worker_processes {self.plan.workers};
worker_rlimit_nofile 65536;
pid {self.folder}/nginx.pid;
error_log {self.folder}/error.log error;
events {{ worker_connections 32768; }}
http {{
  access_log {self.plan.log and f'{self.access_log()} combined{self.buffer()}' or 'off'};
  keepalive_requests 1000000000;
  client_body_temp_path {self.folder}/body;
  proxy_temp_path {self.folder}/proxy;
  fastcgi_temp_path {self.folder}/fastcgi;
  uwsgi_temp_path {self.folder}/uwsgi;
  scgi_temp_path {self.folder}/scgi;
  client_max_body_size 0;
  proxy_request_buffering off;
  proxy_max_temp_file_size 0;
{''.join(map(self.upstream, range(len(self.plan.services))))}
  server {{
    listen {HOST}:{self.port} backlog=4096;
{self.tls()}
{''.join(map(self.location, range(len(self.plan.services))))}
  }}
}}
""")

    def buffer(self):
        """Of the log, as sinew-proxy buffers: where nobody waits for a line."""
        return " buffer=64k flush=1s" if self.plan.buffered_log else ""

    def upstream(self, number):
        servers = "".join(f"    server {HOST}:{port};\n"
                          for port in self.plan.services[number].ports)
        return (f"  upstream upstream-{number} {{\n{servers}    keepalive {self.plan.keep_alive};\n"
                "    keepalive_requests 1000000000;\n  }\n")

    def location(self, number):
        each = self.plan.services[number]
        return "".join(f"""    location {path} {{
      proxy_pass {'https' if each.tls else 'http'}://upstream-{number};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_connect_timeout {self.plan.connect_timeout_ms}ms;
      proxy_read_timeout {self.plan.read_timeout_ms}ms;
    }}
""" for path in (each.path, *each.more_paths))

    def tls(self):
        if not self.plan.certificates:
            return ""
        first = self.plan.certificates[0]
        return (f"    listen {HOST}:{self.tls_port} ssl backlog=4096;\n"
                f"    ssl_certificate {first.chain};\n    ssl_certificate_key {first.key};\n"
                "    ssl_protocols TLSv1.2 TLSv1.3;\n")


class HAProxy(Proxy):
    name, program = "haproxy", "haproxy"
    reload_signal, drain_signal = signal.SIGUSR2, signal.SIGUSR1

    def command(self):
        return [self.program, "-W", "-f", self.folder / "haproxy.cfg"]

    def access_log(self):
        return self.folder / "output"

    def configure(self):
        log = "log stdout format raw local0 info\n  option httplog" if self.plan.log else "no log"
        write(self.folder / "haproxy.cfg", f"""
global
  nbthread {self.plan.workers}
  maxconn {resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 2 - 100}
  tune.ssl.default-dh-param 2048
defaults
  mode http
  {log}
  timeout client 60s
  timeout http-request 60s
  timeout connect {self.plan.connect_timeout_ms}ms
  timeout server {self.plan.read_timeout_ms}ms
  timeout tunnel 60s
  http-reuse always
frontend in
  bind {HOST}:{self.port} backlog 4096
{self.tls()}
  use_backend %[path,map_beg({self.paths()})]
  default_backend back-{self.default()}
{''.join(map(self.back_end, range(len(self.plan.services))))}
""")

    def paths(self):
        """The file of prefixes, and the back end of each."""
        file = self.folder / "paths.map"
        write(file, "".join(f"{path} back-{i}\n" for i, each in enumerate(self.plan.services)
                            for path in (each.path, *each.more_paths) if path != "/"))
        return file

    def default(self):
        paths = [each.path for each in self.plan.services]
        return paths.index("/") if "/" in paths else 0

    def back_end(self, number):
        each = self.plan.services[number]
        lines = "".join(f"  server s{port} {HOST}:{port} pool-max-conn {self.plan.keep_alive}"
                        f"{' ssl verify none' if each.tls else ''}\n" for port in each.ports)
        return f"backend back-{number}\n{lines}"

    def tls(self):
        if not self.plan.certificates:
            return ""
        first = self.plan.certificates[0]
        both = self.folder / "haproxy.pem"
        write(both, Path(first.chain).read_text() + Path(first.key).read_text())
        return f"  bind {HOST}:{self.tls_port} ssl crt {both} alpn http/1.1 backlog 4096\n"


def write(path, text):
    """At once, so that nobody reads a half of it."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text)
    fresh.rename(path)


def give(*paths):
    """To whom sinew-proxy becomes, where it is not the tests' own user."""
    if os.geteuid() == 0:
        for path in paths:
            shutil.chown(path, SOMEBODY)


def make_certificate(folder, name, days=30):
    """A self-signed certificate by openssl, P-256."""
    folder.mkdir(parents=True, exist_ok=True)
    chain, key = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", str(days), "-subj", f"/CN={name}", "-addext",
         f"subjectAltName=DNS:{name}", "-keyout", f"{key}.new", "-out", f"{chain}.new"],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    give(folder, f"{key}.new")
    os.rename(f"{key}.new", key)
    os.rename(f"{chain}.new", chain)
    return Certificate([name], chain, key)
