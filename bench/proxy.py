#!/usr/bin/env python3
"""What a forwarded request costs: proxy.py BIN_FOLDER FOLDER [--only WORK] [--rounds N]

sinew-proxy beside nginx, HAProxy and Envoy, those of them that are installed, with one worker and
equal settings. The proxy has one core to itself, client (wrk) and back end (nginx) have the other;
the CPU time of the proxy's processes is divided by the requests that were answered. The proxies
take turns forwards and backwards, and the median of the rounds is shown.
"""

import argparse
import json
import os
import re
import resource
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import namedtuple
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "proxy"))

from client import Client  # noqa: E402
from gateway_process import (HAProxy, Nginx, Plan, Proxy, Service, Sinew,  # noqa: E402
                             make_certificate, write)

HOST = "127.0.0.1"
CONNECTIONS = 64
SETTLE_S, MEASURE_S = 1, 2  # wrk takes whole seconds
IDLE = 2000
ROUTES = 5000
BODY_BYTES = 100_000
RELOADS, RELOAD_LIMIT_S = 5, 20
TICKS = os.sysconf("SC_CLK_TCK")
PROXY_CORE, LOAD_CORE = "1", "0"
ON_PROXY_CORE, ON_LOAD_CORE = ["taskset", "-c", PROXY_CORE], ["taskset", "-c", LOAD_CORE]

# target: of nginx's CPU at most, as the project has promised it; None where nothing was.
Work = namedtuple("Work", "name text tls fields path plan target")
CLOSE = ["-H", "Connection: close"]
UPLOAD = ["-s", "upload.lua"]  # in the benchmark's folder
WORKS = [
    Work("plain", "keep-alive", False, [], "/", {}, 0.95),
    Work("log", f"keep-alive, {ROUTES} routes, access log", False, [], f"/route/{ROUTES - 1}/x",
         {"log": True}, 1.1),
    Work("tls", "TLS 1.3, keep-alive", True, [], "/", {}, 1.0),
    Work("connect", "a connection each", False, CLOSE, "/", {}, None),
    Work("handshake", "a full TLS handshake each", True, CLOSE, "/", {}, 1.05),
    Work("body", f"answers of {BODY_BYTES // 1000} KB", False, [], "/large", {}, 1.0),
    Work("upload", f"requests of {BODY_BYTES // 1000} KB", False, UPLOAD, "/", {}, 1.0),
]
UPLOAD_SCRIPT = f"wrk.method, wrk.body = 'POST', string.rep('x', {BODY_BYTES})\n"


class BackEnd(Nginx):
    """Answers from memory; its CPU is not counted."""

    prefix = ON_LOAD_CORE

    def configure(self):
        (self.folder / "html").mkdir(exist_ok=True)
        (self.folder / "html" / "large").write_bytes(b"x" * BODY_BYTES)
        super().configure()
        path = self.folder / "nginx.conf"
        answer = f"""    root {self.folder}/html;
    client_body_buffer_size 256k;
    location / {{ return 200 "hello, this is the answer of a back end\\n"; }}
    location = /large {{ open_file_cache max=10; }}
"""
        write(path, path.read_text().replace("backlog=4096;\n", "backlog=4096;\n" + answer))


class Envoy(Proxy):
    name = "envoy"
    program = str(ROOT / "build" / "peers" / "envoy" / "_bin" / "envoy")

    @classmethod
    def is_installed(cls):
        if path := shutil.which("envoy"):
            cls.program = path
        return os.access(cls.program, os.X_OK)

    def command(self):
        return [self.program, "-c", self.folder / "envoy.json", "--concurrency", "1",
                "--use-dynamic-base-id", "-l", "warn"]

    def configure(self):
        listeners = [self.listener(self.port, {})]
        if self.plan.certificates:
            first = self.plan.certificates[0]
            listeners.append(self.listener(self.tls_port, {"transport_socket": {
                "name": "tls", "typed_config": {
                    "@type": TYPES + "transport_sockets.tls.v3.DownstreamTlsContext",
                    "common_tls_context": {"tls_certificates": [{
                        "certificate_chain": {"filename": str(first.chain)},
                        "private_key": {"filename": str(first.key)}}]}}}}))
        [service] = self.plan.services
        endpoints = [{"endpoint": {"address": address(port)}} for port in service.ports]
        write(self.folder / "envoy.json", json.dumps({"static_resources": {
            "listeners": listeners,
            "clusters": [{"name": "back", "connect_timeout": "5s", "type": "STATIC",
                          "load_assignment": {"cluster_name": "back",
                                              "endpoints": [{"lb_endpoints": endpoints}]}}]}}))

    def listener(self, port, chain):
        log = [{"name": "file", "typed_config": {
            "@type": TYPES + "access_loggers.file.v3.FileAccessLog",
            "path": str(self.access_log())}}] if self.plan.log else []
        routes = [{"match": {"prefix": path}, "route": {"cluster": "back"}}
                  for path in (*self.plan.services[0].more_paths, self.plan.services[0].path)]
        connections = {
            "@type": TYPES + "filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "in", "access_log": log,
            "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"],
                                                "routes": routes}]},
            "http_filters": [{"name": "router", "typed_config": {
                "@type": TYPES + "filters.http.router.v3.Router"}}]}
        return {"name": f"listener-{port}", "address": address(port), "filter_chains": [
            {"filters": [{"name": "http", "typed_config": connections}], **chain}]}


TYPES = "type.googleapis.com/envoy.extensions."


def address(port):
    return {"socket_address": {"address": HOST, "port_value": port}}


def cpu_seconds(pids):
    """User and system time of the processes, all their threads."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def memory_kb(pids, name="RssAnon"):
    return sum(int(re.search(rf"{name}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()).group(1))
               for pid in pids)


def wrk(proxy, work, seconds):
    """The requests answered in this time; ends the benchmark where one was not answered well."""
    scheme, port = ("https", proxy.tls_port) if work.tls else ("http", proxy.port)
    text = subprocess.run(
        [*ON_LOAD_CORE, "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *work.fields,
         f"{scheme}://{HOST}:{port}{work.path}"], capture_output=True, text=True,
        check=True, cwd=proxy.folder.parent).stdout
    errors = re.search(r"Non-2xx.*|Socket errors: .*(?:connect|timeout) [1-9].*", text)
    if errors:
        raise SystemExit(f"bench: {proxy.name} failed at {work.name}: {errors.group()}")
    return int(re.search(r"(\d+) requests in", text).group(1))


def microseconds(proxy, work):
    wrk(proxy, work, SETTLE_S)
    before = cpu_seconds(proxy.pids())
    requests = wrk(proxy, work, MEASURE_S)
    return (cpu_seconds(proxy.pids()) - before) / requests * 1e6


def in_turn(proxies, rounds, measure):
    """What measure() gives for each, median of the rounds: A B C, C B A, ..."""
    found = {proxy.name: [] for proxy in proxies}
    for number in range(rounds):
        for proxy in proxies if number % 2 == 0 else reversed(proxies):
            found[proxy.name].append(measure(proxy))
    return {name: statistics.median(values) for name, values in found.items()}


def show(text, found, unit, target=None):
    nginx = found.get("nginx")
    line = "".join(f"{name} {value:8.2f}   " for name, value in found.items())
    share = f"{found['sinew'] / nginx:.2f} of nginx" if "sinew" in found and nginx else ""
    promised = f", target <= {target}" if target and share else ""
    print(f"  {text:<42}{unit:>4}  {line}{share}{promised}", flush=True)


def run_work(work, folder, kinds, back_end, certificate, rounds):
    routes = [f"/route/{i}/" for i in range(ROUTES)] if work.plan.get("log") else []
    proxies = []
    try:
        for kind in kinds:
            plan = Plan([Service([back_end.port], more_paths=routes)], [certificate],
                        **{"log": False, "buffered_log": True, **work.plan})
            proxy = kind(folder / f"{kind.name}-{work.name}", plan, kind.program)
            proxy.prefix = ON_PROXY_CORE
            proxy.start()
            proxies.append(proxy)
        show(work.text, in_turn(proxies, rounds, lambda each: microseconds(each, work)), "us",
             work.target)
    finally:
        for proxy in proxies:
            proxy.kill()


def idle_bytes(proxy, secure):
    """User-space memory a connection that has asked once and keeps quiet."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    before = memory_kb(proxy.pids())
    kept = []
    for _ in range(IDLE):
        stream = socket.create_connection((HOST, proxy.tls_port if secure else proxy.port), 10)
        if secure:
            stream = context.wrap_socket(stream)
        stream.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        stream.recv(4096)
        kept.append(stream)
    grown = memory_kb(proxy.pids()) - before
    for stream in kept:
        stream.close()
    return grown / IDLE


def run_idle(folder, kinds, back_end, certificate):
    idle, plain, secure = {}, {}, {}
    for kind in kinds:
        plan = Plan([Service([back_end.port])], [certificate], log=False)
        with kind(folder / f"{kind.name}-idle", plan, kind.program) as proxy:
            idle[proxy.name] = memory_kb(proxy.pids(), "VmRSS") / 1024
            plain[proxy.name] = idle_bytes(proxy, False)
        with kind(folder / f"{kind.name}-idle-tls", plan, kind.program) as proxy:
            secure[proxy.name] = idle_bytes(proxy, True)
    show("resident memory at the start", idle, "MB")
    show(f"{IDLE} idle connections, each", plain, "KiB")
    show(f"{IDLE} idle TLS connections, each", secure, "KiB")


def version_in_use(proxy):
    with Client(proxy.admin_port, server_name="localhost") as admin:
        return json.loads(admin.ask("/reload").body)["version"]


def run_reload(folder, back_end, certificate):
    """How long until a changed configuration of many routes is used, under load."""
    routes = [f"/route/{i}/" for i in range(ROUTES)]
    plan = Plan([Service([back_end.port], more_paths=routes)], [certificate], log=False)
    with Sinew(folder / "sinew-reload", plan, Sinew.program) as proxy:
        taken = []
        load = threading.Thread(target=wrk, args=(proxy, WORKS[0], RELOADS))  # a second each
        load.start()
        for number in range(RELOADS):
            plan.services[0].more_paths = [*routes, f"/new/{number}/"]
            proxy.configure()
            began = time.monotonic()
            proxy.process.send_signal(proxy.reload_signal)
            while version_in_use(proxy) < number + 2:  # the start's is 1
                if time.monotonic() - began > RELOAD_LIMIT_S:
                    raise SystemExit(f"bench: no reload within {RELOAD_LIMIT_S} s")
                time.sleep(0.002)
            taken.append((time.monotonic() - began) * 1000)
        load.join()
    print(f"  {f'{ROUTES} routes reloaded under load':<42}  ms  "
          f"sinew {statistics.median(taken):8.2f}   target <= 1000")


def installed(bin_folder):
    """The proxies that can be measured; says what is missing."""
    Sinew.program = str(bin_folder / "sinew-proxy")
    if not shutil.which("wrk") or not Nginx.is_installed():
        print("  left out: wrk or nginx is not installed (tools/setup --peers)")
        return []
    if os.cpu_count() < 2:
        print("  left out: the proxy needs a core of its own")
        return []
    kinds = []
    for kind in (Sinew, Nginx, HAProxy, Envoy):
        if kind.is_installed():
            kinds.append(kind)
        else:
            print(f"  without {kind.name}: {kind.program} is not there")
    return kinds


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("programs", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", action="append", help="the name of a work, or idle, or reload")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--proxies", nargs="*", help="by name")
    options = parser.parse_args()
    kinds = [kind for kind in installed(options.programs.resolve())
             if not options.proxies or kind.name in options.proxies]
    if not kinds:
        return
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    options.folder.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="proxy.", dir=options.folder)).resolve()
    certificate = make_certificate(folder / "certificates", "test.example")
    write(folder / "upload.lua", UPLOAD_SCRIPT)
    print(f"CPU of the proxy a request, {CONNECTIONS} connections, median of {options.rounds}")
    try:
        with BackEnd(folder / "back-end", Plan([], log=False)) as back_end:
            for work in WORKS:
                if not options.only or work.name in options.only:
                    run_work(work, folder, kinds, back_end, certificate, options.rounds)
            if not options.only or "idle" in options.only:
                run_idle(folder, kinds, back_end, certificate)
            if Sinew in kinds and (not options.only or "reload" in options.only):
                run_reload(folder, back_end, certificate)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
