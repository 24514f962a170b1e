"""Reloads, rotated certificates, a killed endpoint and a drain under load: no safe request fails.

--seconds 60 --reloads 200 is the long run; the defaults are what a machine's every change can wait
for. What counts as safe to serve: every GET that was sent before the end of the drain was reached,
on new connections and on kept ones that the proxy had not announced to close.
"""

import asyncio
import json
import os
import ssl
import time
from collections import Counter
from pathlib import Path

import cases
from back_ends import BackEnd, well
from gateway_process import Certificate, Plan, Service, Sinew, make_certificate

HOST = "127.0.0.1"
KEPT, FRESH, KEPT_TLS, FRESH_TLS = 8, 2, 4, 2  # clients at a time
REQUEST_LIMIT_S = 10
# So that retries of what meets the killed endpoint stay within their budget.
EJECTION = {"consecutive_failures": 3, "base_time": "500ms", "max_percent": 50}
ANNOUNCE = "1s"  # of the drain: until its end every kept connection has had an answer that says so
MEMORY_GROWTH = 1.15  # from the second quarter of the reloads to the last, and 2 MiB
MEMORY_GROWTH_KB = 2048
DESCRIPTOR_GROWTH = 16  # connections come and go
REQUEST = b"GET /load HTTP/1.1\r\nHost: test.example\r\n\r\n"


class Failed(Exception):
    pass


class Load:
    """Clients that ask until they are told to stop; every failure is kept with its reason."""

    def __init__(self, proxy, context):
        self.proxy, self.context = proxy, context
        self.stop = asyncio.Event()
        self.draining = False  # from then on a connection may be refused
        self.answers, self.failures, self.serials = Counter(), Counter(), Counter()

    def tasks(self):
        kinds = [(KEPT, False, True), (FRESH, False, False), (KEPT_TLS, True, True),
                 (FRESH_TLS, True, False)]
        return [asyncio.create_task(self.ask_on(secure, keep)) for count, secure, keep in kinds
                for _ in range(count)]

    async def ask_on(self, secure, keep):
        while not self.stop.is_set():
            try:
                reader, writer = await self.connect(secure)
            except OSError as error:
                if self.draining:
                    return
                self.failures[f"connect: {error}"] += 1
                continue
            try:
                await self.ask_until_closed(reader, writer, keep, secure)
            except (Failed, OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as error:
                if not (self.draining and isinstance(error, OSError)):
                    self.failures[f"tls={secure} kept={keep} {type(error).__name__}: {error}"] += 1
            finally:
                writer.close()

    async def connect(self, secure):
        port = self.proxy.tls_port if secure else self.proxy.port
        how = {"ssl": self.context, "server_hostname": "test.example"} if secure else {}
        reader, writer = await asyncio.wait_for(asyncio.open_connection(HOST, port, **how),
                                                REQUEST_LIMIT_S)
        if secure:
            self.serials[writer.get_extra_info("ssl_object").getpeercert(True)] += 1
        return reader, writer

    async def ask_until_closed(self, reader, writer, keep, secure):
        asked = 0
        while not self.stop.is_set():
            if reader.at_eof():
                return  # it was idle: a race that only a client that may retry takes part in
            writer.write(REQUEST)
            try:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), REQUEST_LIMIT_S)
            except asyncio.IncompleteReadError as error:
                raise Failed(f"closed at request {asked} with {error.partial[:40]}") from error
            status, body_length, closes = told(head)
            await asyncio.wait_for(reader.readexactly(body_length), REQUEST_LIMIT_S)
            self.answers[status] += 1
            asked += 1
            if status != 200:
                raise Failed(head.split(b"\r\n")[0].decode())
            if closes or not keep:
                return


def told(head):
    lines = head.decode("latin-1").lower().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines[1:] if line)
    return int(lines[0].split(" ")[1]), int(fields.get("content-length", 0)), \
        fields.get("connection") == "close"


def why_failed(proxy):
    """What the access log says of requests that were not answered 200."""
    found = Counter()
    for line in proxy.access_log().read_text().splitlines() if isinstance(proxy, Sinew) else []:
        said = json.loads(line)
        if said.get("status") != 200:
            found[said.get("status"), said.get("flags"), said.get("reason"),
                  f"{said.get('attempts')} attempts"] += 1
    return dict(found)


def memory_kb(pids):
    """Resident memory without files and what is shared."""
    total = 0
    for pid in pids:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        total += int(status.split("RssAnon:")[1].split()[0])
    return total


def descriptors(pids):
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)


def least(samples, which):
    return min(sample[which] for sample in samples)


class ReloadUnderLoad(cases.Case):
    def setUp(self):
        super().setUp()
        self.back_ends = [self.keep(BackEnd({"/": well})) for _ in range(2)]
        self.certificates = self.scratch / "certificates"
        self.current = make_certificate(self.certificates, "test.example")
        self.others = [make_certificate(self.scratch / f"next-{number}", "test.example")
                       for number in range(3)]
        self.plan = Plan([Service([each.port for each in self.back_ends],
                                  settings={"sinew": {"retry_idempotent": True}},
                                  upstream={"sinew": {"ejection": EJECTION}})], workers=2,
                         arguments=["--drain-announce", ANNOUNCE],
                         certificates=[Certificate(["test.example"], self.current.chain,
                                                   self.current.key)])
        self.context = ssl.create_default_context()
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE

    def rotate(self, number):
        """Another certificate in the same files."""
        other = self.others[number % len(self.others)]
        for fresh, place in ((other.key, self.current.key), (other.chain, self.current.chain)):
            place.with_suffix(".new").write_bytes(fresh.read_bytes())
            place.with_suffix(".new").rename(place)

    def change(self, number):
        """What another configuration has: routes that come and go, limits, certificates."""
        self.plan.services[1:] = [
            Service([self.back_ends[0].port], path=f"/other-{number}-{i}")
            for i in range(number % 4)]
        if number % 5 == 4:
            self.rotate(number)

    def test_no_request_that_is_safe_to_serve_fails(self):
        asyncio.run(self.reload_and_drain())

    async def reload_and_drain(self):
        proxy = self.proxy(self.plan)
        load = Load(proxy, self.context)
        tasks = load.tasks()
        memory = await self.reload_often(proxy)
        reloaded = dict(load.answers), dict(load.failures)
        load.draining = True
        drained = await asyncio.to_thread(proxy.drain)
        load.stop.set()
        await asyncio.gather(*tasks)
        self.check(proxy, load, reloaded, memory, drained)

    async def reload_often(self, proxy):
        """Reloads evenly over the time; kills and restarts an endpoint; gives memory and
        descriptors after each."""
        interval = cases.options.seconds / cases.options.reloads
        memory = []
        began = time.monotonic()
        for number in range(cases.options.reloads):
            self.change(number)
            await asyncio.to_thread(proxy.reload)
            if number % 10 == 5:
                await asyncio.to_thread(self.back_ends[1].stop)
            if number % 10 == 7:
                await asyncio.to_thread(self.back_ends[1].start)
            await asyncio.sleep(max(0, began + (number + 1) * interval - time.monotonic()))
            memory.append((memory_kb(proxy.pids()), descriptors(proxy.pids())))
        return memory

    def check(self, proxy, load, reloaded, memory, drained):
        answers, failures = reloaded
        print(f"{answers} answers, {failures} failures, {len(load.serials)} certificates, "
              f"{dict(load.failures)} with the drain, memory in kB, over time: "
              f"{[each for each, _ in memory[::max(1, len(memory) // 10)]]}, descriptors "
              f"{memory[0][1]} .. {memory[-1][1]}")
        self.assertEqual(why_failed(proxy), {})
        self.assertEqual(drained, 0)
        self.assertEqual(dict(load.failures), {})
        self.assertEqual(set(load.answers), {200})
        self.assertGreater(load.answers[200], 20 * cases.options.seconds)
        self.assertGreaterEqual(len(load.serials), min(3, cases.options.reloads // 5))
        # A reload needs memory for a moment; what stays is the least of many moments.
        quarter = len(memory) // 4
        first, last = memory[quarter:2 * quarter], memory[-quarter:]
        self.assertLess(least(last, 0), least(first, 0) * MEMORY_GROWTH + MEMORY_GROWTH_KB)
        self.assertLessEqual(least(last, 1), least(first, 1) + DESCRIPTOR_GROWTH)

    def test_a_wrong_configuration_changes_nothing(self):
        proxy = self.proxy(self.plan)
        good = (proxy.folder / "kong.json").read_text()
        for number, wrong in enumerate(("{", json.dumps({"_format_version": "3.0", "routs": []}))):
            with self.subTest(number):
                (proxy.folder / "kong.json").write_text(wrong)
                proxy.process.send_signal(proxy.reload_signal)
                self.wait_for("word of the mistake",
                              lambda: proxy.output().count("kong.json:") > number)
                answers = asyncio.run(self.ask_some(proxy))
                self.assertEqual(answers, {200: 20})
        (proxy.folder / "kong.json").write_text(good)

    async def ask_some(self, proxy):
        load = Load(proxy, self.context)
        for _ in range(20):
            reader, writer = await load.connect(False)
            writer.write(REQUEST)
            status, length, _ = told(await reader.readuntil(b"\r\n\r\n"))
            await reader.readexactly(length)
            load.answers[status] += 1
            writer.close()
        return dict(load.answers)


if __name__ == "__main__":
    cases.main([("--seconds", {"type": float, "default": 15}),
                ("--reloads", {"type": int, "default": 50})])
