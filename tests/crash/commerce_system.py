"""Commerce as a test sees it: a program, a folder, and what its books and its provider say.

Every wait is bounded, every port is a free one, and no process outlives its `Running`.
"""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUN_LIMIT_S = 120  # of one command, however busy the machine
END_LIMIT_S = 10   # of children, after the process that started them was killed
POLL_S = 0.01

BALANCED, UNBALANCED, FAILED, UNSETTLED = 0, 1, 2, 3


class Result:
    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.err, self.seconds = code, out, err, seconds

    @property
    def statement(self):
        return json.loads(self.out)

    def __str__(self):
        said = "\n".join((self.err or self.out).strip().splitlines()[-12:])
        return f"exit code {self.code} after {self.seconds:.1f} s\n{said}"


class Running:
    """A command in a session of its own; its output goes to files, so that no reader is needed."""

    def __init__(self, program, folder, arguments, env=None, prepare=None):
        self.folder = Path(folder)
        self.began = time.monotonic()
        self.out, self.err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        clean = {name: value for name, value in os.environ.items()
                 if not name.startswith("SINEW_") and name != "LD_PRELOAD"}
        self.process = subprocess.Popen(
            [str(program), *map(str, arguments)], env={**clean, **(env or {})},
            stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err,
            start_new_session=True, preexec_fn=prepare)

    def wait(self, limit=RUN_LIMIT_S):
        try:
            self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still running after {limit} s: {self.result()}") from None
        self.children_end()
        return self.result()

    def urls(self):
        """Of a host's contexts, by their names, once it runs."""
        until = time.monotonic() + RUN_LIMIT_S
        while time.monotonic() < until and self.process.poll() is None:
            for path in (self.folder / "hosts").glob("*.json"):
                with suppress(OSError, json.JSONDecodeError):
                    host = json.loads(path.read_text())
                    if host["pid"] == self.process.pid:
                        return {context["name"]: context["url"] for context in host["contexts"]}
            time.sleep(POLL_S)
        raise AssertionError(f"it does not run: {self.result()}")

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def kill(self):
        """Everything at once, as a power cut does it: the group and the children outside it."""
        for pid in {self.process.pid, *processes_of(self.folder)}:
            with suppress_gone():
                os.kill(pid, signal.SIGKILL)
        self.process.wait(END_LIMIT_S)
        self.children_end()

    def children_end(self):
        """Children die with the process that started them, also when it was killed."""
        until = time.monotonic() + END_LIMIT_S
        while left := processes_of(self.folder):
            if time.monotonic() > until:
                for pid in left:
                    with suppress_gone():
                        os.kill(pid, signal.SIGKILL)
                raise AssertionError(f"processes {left} outlived the one that started them")
            time.sleep(POLL_S)

    def result(self):
        texts = []
        for file in (self.out, self.err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
        return Result(self.process.returncode, *texts, time.monotonic() - self.began)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()


@contextmanager
def suppress_gone():
    try:
        yield
    except ProcessLookupError:
        pass


def processes_of(folder):
    """Ids of the living commands that name the folder."""
    wanted, found = os.fsencode(folder), set()
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            words = Path(entry.path, "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word == wanted or word.startswith(wanted + b"/") for word in words[1:]):
            found.add(int(entry.name))
    return found


class Commerce:
    def __init__(self, program):
        self.program = Path(program).resolve()
        if not os.access(self.program, os.X_OK):
            sys.exit(f"{self.program} is missing: `make build` builds it")

    def start(self, folder, *arguments, **how):
        return Running(self.program, folder, arguments, **how)

    def start_run(self, folder, data, **how):
        return self.start(folder, "run", "--folder", folder, "--input", data, "--port", "0",
                          "--exit", "-o", "json", **how)

    def start_serve(self, folder, **how):
        return self.start(folder, "serve", "--folder", folder, "--port", "0", **how)

    def run(self, folder, data, **how):
        with self.start_run(folder, data, **how) as running:
            return running.wait()

    def verify(self, folder, **how):
        with self.start(folder, "verify", "--folder", folder, "-o", "json", **how) as running:
            return running.wait()


def generate(folder, orders, seed):
    subprocess.run([sys.executable, str(ROOT / "tools" / "generate-data"), "--orders", str(orders),
                    "--seed", str(seed), str(folder)], check=True, stdout=subprocess.DEVNULL)
    return Path(folder)


def real_orders(stand_in, seed):
    """Northwind where tools/get-data has prepared it, else as many generated orders."""
    northwind = ROOT / "data" / "northwind"
    if (northwind / "orders.csv").is_file() and not (northwind / "GENERATED").exists():
        return northwind, "Northwind's 830 orders"
    return generate(stand_in, 830, seed), "830 generated orders (Northwind is not there)"


def found_books(statement):
    """What has to be equal after every way through the same input."""
    return {
        "figures": {(line["batch"], line["name"]): (line["expected"], line["found"],
                                                    line["sources"])
                    for line in statement["figures"]},
        "laws": {law["law"]: law["sides"] for law in statement["laws"]},
        "refused": sorted(map(json.dumps, statement["refused"])),
        "compensated": sorted(statement["compensated"]),
    }


def provider_list(folder):
    """Every charge and refund that the payment provider has made, without ids and times."""
    path = Path(folder) / "provider" / "payments.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        intents = database.execute(
            "SELECT metadata, amount, currency, payment_method, decline_code, refunded "
            "FROM payment_intents").fetchall()
        refunds = database.execute("SELECT metadata, amount, currency FROM refunds").fetchall()
    return {"charges": sorted(intents), "refunds": sorted(refunds)}


def differences(expected, got, path=""):
    """Where two nested values differ, as lines."""
    if isinstance(expected, dict) and isinstance(got, dict):
        return [line for key in sorted(expected.keys() | got.keys(), key=str)
                for line in differences(expected.get(key), got.get(key), f"{path}/{key}")]
    if expected == got:
        return []
    if isinstance(expected, list) and isinstance(got, list):
        lost = [item for item in expected if item not in got]
        more = [item for item in got if item not in expected]
        return [f"{path}: missing {lost[:5]}, too many {more[:5]}, "
                f"{len(expected)} expected, {len(got)} found"]
    return [f"{path}: expected {expected}, found {got}"]


class Reference:
    """An undisturbed run, and whether another folder holds the same."""

    def __init__(self, commerce, folder, data, env=None):
        self.data = data
        self.result = commerce.run(folder, data, env=env)
        if self.result.code != BALANCED:
            raise AssertionError(f"the undisturbed run failed: {self.result}")
        self.books = found_books(self.result.statement)
        self.provider = provider_list(folder)

    def problems(self, folder, result):
        if result.code != BALANCED:
            return [str(result)]
        if not result.statement["balanced"]:
            return ["exit code 0, but `balanced` is false"]
        return (differences(self.books, found_books(result.statement)) +
                differences(self.provider, provider_list(folder), "provider"))


@contextmanager
def scratch(name):
    """A folder on a real disk, kept when the test fails, so that one can look."""
    folder = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=ROOT / "build"))
    try:
        yield folder
    except BaseException:
        print(f"what it left lies in {folder}", flush=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
