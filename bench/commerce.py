#!/usr/bin/env python3
"""What the commerce system needs for 830 real orders: commerce.py COMMERCE INPUT FOLDER

Each round on a new folder: `commerce serve` until it is ready, then `commerce replay`, which knows
only URLs and drop folders. Beside it stands what a write with fdatasync costs on the same disk.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from statistics import median

ROUNDS = 5
SYNCS = 300
READY_LIMIT_S = 30
LOOK_EVERY_S = 0.02
TARGETS = {"start": 1.0, "memory": 150.0, "orders": 2.0, "in flight": 16}


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def sync_milliseconds(folder):
    """A write of a page and its fdatasync, as often as it takes for a p99."""
    path, taken = folder / "sync", []
    with open(path, "wb", buffering=0) as file:
        for _ in range(SYNCS):
            file.write(b"x" * 4096)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append((time.perf_counter() - began) * 1000)
    path.unlink()
    return taken


def operator_url(folder):
    return json.loads((folder / "hosts" / "main.json").read_text(encoding="utf-8"))["operator_url"]


def ready(folder):
    try:
        with urllib.request.urlopen(operator_url(folder) + "/ready", timeout=1) as answer:
            return answer.status == 200
    except (OSError, ValueError):
        return False


class InFlight:
    """Asks a host's metrics, over and over, for its live sagas; keeps the highest number."""

    def __init__(self, folder):
        self.url = operator_url(folder) + "/metrics"
        self.highest, self.done = 0.0, threading.Event()
        self.thread = threading.Thread(target=self.look)

    def look(self):
        while not self.done.wait(LOOK_EVERY_S):
            with urllib.request.urlopen(self.url, timeout=READY_LIMIT_S) as answer:
                live = re.findall(r'^sinew_sagas{.*state="running".*} (\S+)$',
                                  answer.read().decode(), re.MULTILINE)
            self.highest = max(self.highest, sum(map(float, live)))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()


def highest_memory(pid):
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", text).group(1)) / 1024


def processor_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def one_round(commerce, data, folder):
    began = time.monotonic()
    with subprocess.Popen([commerce, "serve", "--folder", folder, "--port", "0"],
                          stdout=subprocess.DEVNULL) as host:
        try:
            while not ready(folder):
                if time.monotonic() - began > READY_LIMIT_S or host.poll() is not None:
                    raise SystemExit(f"commerce serve is not ready; see {folder}/log")
                time.sleep(0.005)
            start = time.monotonic() - began
            with InFlight(folder) as sagas:
                replay = subprocess.run([commerce, "replay", "--folder", folder, "--input", data,
                                         "--quiet", "-o", "json"],
                                        stdout=subprocess.PIPE, text=True, check=True)
            result = json.loads(replay.stdout)
            return {"start": start, "orders": result["milliseconds"] / 1000,
                    "count": result["confirmed"], "in flight": sagas.highest,
                    "processor": processor_seconds(host.pid), "memory": highest_memory(host.pid)}
        finally:
            host.send_signal(signal.SIGINT)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("commerce", type=Path)
    parser.add_argument("input", type=Path)
    parser.add_argument("folder", type=Path, help="on a real disk")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)

    scratch = Path(tempfile.mkdtemp(prefix="commerce.", dir=options.folder))
    try:
        syncs = sync_milliseconds(scratch)
        rounds = [one_round(options.commerce, options.input, scratch / str(number))
                  for number in range(ROUNDS)]
    finally:
        shutil.rmtree(scratch, ignore_errors=True)

    middle = {name: median(values[name] for values in rounds) for name in rounds[0]}
    count = middle["count"]
    print(f"{count:.0f} orders, median of {ROUNDS} rounds; fdatasync p50 {median(syncs):.2f} ms, "
          f"p99 {percentile(syncs, 0.99):.2f} ms")
    for text, name, unit, sign in (("end to end", "orders", "s", "<="),
                                   ("most sagas in flight", "in flight", "", ">="),
                                   ("start until ready", "start", "s", "<="),
                                   ("highest memory of the host", "memory", "MB", "<=")):
        print(f"  {text:<28}{middle[name]:>10.2f} {unit:<3} target {sign} {TARGETS[name]:g}")
    print(f"  {'processor of the host':<28}{middle['processor'] / count * 1e6:>10.0f} us  an order")


if __name__ == "__main__":
    main()
