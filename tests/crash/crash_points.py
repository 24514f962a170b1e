#!/usr/bin/env python3
"""Kills a system at every named point and lets the same command finish the work.

crash_points.py COMMERCE FAILING_SYNC [--seed N] [--only POINT]

For each point of points.txt, on a folder of its own: `commerce run` over 60 orders kills itself by
SIGKILL at a seeded arrival; run again, it must end with exactly the books and the provider's list
of a run that nobody disturbed. Or a host that forgets a customer kills itself, and the next start has to
finish that. Prints point x reached x killed x recovered; a point that no run
reached fails the test. Further runs have one sync fail and are not killed.
"""

import argparse
import json
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import traceback
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from commerce_system import BALANCED, FAILED, Commerce, Reference, generate, scratch

POINTS = Path(__file__).with_name("points.txt")
ORDERS = 60
RUNS_AT_ONCE = 2
TRIES = 4                  # group commit makes the arrivals of two runs differ
LARGE_WAL_BYTES = 20 << 20  # beyond the limit at which the adapter checkpoints (16 MiB)
FAILED_SYNCS = 6  # further runs, each with one sync that fails and no kill


def read_points():
    for line in POINTS.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            point, way, _ = (part.strip() for part in line.split("|", 2))
            yield point, way


def arrivals_in(path):
    """The table that sinew/base/crash_hook.hpp describes."""
    slots = struct.iter_unpack("56sQ", path.read_bytes())
    return {name.rstrip(b"\0").decode(): count for name, count in slots if name[0]}


def grow_log(database):
    """Leaves a write-ahead log as long as a program leaves that is killed before a checkpoint."""
    script = ("import os, sqlite3, sys\n"
              "database = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
              "database.execute('PRAGMA wal_autocheckpoint = 0')\n"
              "database.execute('CREATE TABLE growth (filling BLOB)')\n"
              "database.execute('INSERT INTO growth VALUES (zeroblob(?))', (int(sys.argv[2]),))\n"
              "database.execute('DROP TABLE growth')\n"
              "os._exit(0)\n")  # no closing: that would copy the log into the database
    subprocess.run([sys.executable, "-c", script, str(database), str(LARGE_WAL_BYTES)], check=True)
    assert Path(f"{database}-wal").stat().st_size > LARGE_WAL_BYTES


def databases(system):
    return [path for path in (system / "sales").glob("sales.db*") if not path.match("*.lock")]


def ask_sales(system, query, *arguments):
    with closing(sqlite3.connect(f"file:{system}/sales/sales.db?mode=ro", uri=True)) as database:
        return database.execute(query, arguments).fetchone()


def person(system, customer=None):
    """A customer and the wrapped key; None when there is none."""
    return ask_sales(system, "SELECT subject, wrapped FROM personal_keys "
                             "WHERE subject = ? OR ? IS NULL", customer, customer)


def unpurged(system):
    return ask_sales(system, "SELECT COUNT(*) FROM personal_erasures WHERE purged_at IS NULL")[0]


def erase(host, customer):
    request = urllib.request.Request(
        f"{host.urls()['sales']}/customers/{quote(customer)}/erasure", method="POST",
        data=json.dumps({"by": "ann", "reason": "asked"}).encode(),
        headers={"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=60).close()


def ask_for_rebuild(database):
    """What `sinew projection rebuild orders` leaves in a stopped folder."""
    with closing(sqlite3.connect(database)) as opened, opened:
        asked = opened.execute("UPDATE projection_generations SET rebuild_asked = 1 "
                               "WHERE projection = 'orders' AND state = 0")
        assert asked.rowcount == 1, "there is no view to rebuild"


class Proof:
    def __init__(self, options, folder):
        self.commerce = Commerce(options.commerce)
        self.failing_sync = Path(options.failing_sync).resolve()
        self.seed, self.folder = options.seed, folder
        self.data = generate(folder / "input", ORDERS, options.seed)
        counts = folder / "undisturbed.counts"
        self.reference = Reference(self.commerce, folder / "undisturbed", self.data,
                                   env={"SINEW_CRASH_COUNT": str(counts)})
        self.arrivals = arrivals_in(counts)

    def killed(self, system, point, arrival, env=None):
        """Whether it killed itself there, and how often the points were reached until then."""
        counts = system.with_suffix(".counts")
        result = self.commerce.run(system, self.data, env={
            "SINEW_CRASH_AT": f"{point}:{arrival}", "SINEW_CRASH_COUNT": str(counts),
            **(env or {})})
        dead = result.code == -signal.SIGKILL
        if not dead and result.code != BALANCED:
            raise AssertionError(f"not killed at {point}:{arrival}, and not done: {result}")
        return dead, arrivals_in(counts).get(point, 0)

    def failing(self, sync):
        return {"LD_PRELOAD": str(self.failing_sync), "FAILING_SYNC_AT": str(sync)}

    def prepare(self, way, system, dice):
        """Brings a folder to where the point lies ahead; gives the environment it takes."""
        if way == "failing-sync":
            commits = self.arrivals["sqlite.before_commit"]
            return self.failing(dice.randint(commits // 2, commits * 3 // 4))
        if way in ("restart", "large-wal", "rebuild"):
            half = self.arrivals["relay.before_mark"] // 2
            dead, _ = self.killed(system, "relay.before_mark", dice.randint(half // 2, half))
            assert dead, f"the run before the one with {way} was not killed"
        if way == "rebuild":
            ask_for_rebuild(system / "sales" / "sales.db")
        if way == "large-wal":
            for name in ("sales", "broker"):
                grow_log(system / name / f"{name}.db")
        return {}

    def prove_erasure(self, point):
        """Dies while a customer is forgotten; the next start finishes what it began."""
        system = self.folder / point
        done = self.commerce.run(system, self.data)
        assert done.code == BALANCED, f"the run before the erasure failed: {done}"
        customer, key = person(system)
        with self.commerce.start_serve(system, env={"SINEW_CRASH_AT": f"{point}:1"}) as host:
            with suppress(OSError):  # it dies instead of answering
                erase(host, customer)
            dead = host.wait()
        assert dead.code == -signal.SIGKILL, f"not killed at {point}: {dead}"
        assert person(system, customer) is None, "the key is deleted before anything is purged"
        with self.commerce.start_serve(system) as host:
            host.urls()
            host.interrupt()
            again = host.wait()
        problems = self.reference.problems(system, self.commerce.verify(system))
        if unpurged(system) or any(key in part.read_bytes() for part in databases(system)):
            problems.append("the erased key still lies in the files")
        if problems:
            raise AssertionError("\n".join([f"killed at {point}", *problems]))
        shutil.rmtree(system)
        return 1, 1, again.seconds

    def prove(self, point, way):
        """(reached, arrival, seconds of the recovery); raises AssertionError."""
        if way == "erasure":
            return self.prove_erasure(point)
        dice = random.Random(f"{self.seed} {point}")
        ahead = self.arrivals.get(point, 0) if way == "run" else 1
        for attempt in range(TRIES):
            system = self.folder / f"{point}.{attempt}"
            env = self.prepare(way, system, dice)
            arrival = dice.randint(1, max(1, ahead))
            dead, reached = self.killed(system, point, arrival, env)
            if dead:
                break
            shutil.rmtree(system)
            ahead = min(ahead, reached)
        else:
            raise AssertionError(f"never killed: reached {reached} times in the last run")
        again = self.commerce.run(system, self.data)
        if problems := self.reference.problems(system, again):
            raise AssertionError("\n".join([f"killed at {point}:{arrival}", *problems]))
        shutil.rmtree(system)
        return max(reached, self.arrivals.get(point, 0)), arrival, again.seconds


def survive(proof, sync):
    """Not killed: it goes on after that sync failed, or says why it cannot start, and then can."""
    system = proof.folder / f"failing-sync-{sync}"
    result = proof.commerce.run(system, proof.data, env=proof.failing(sync))
    if result.code == FAILED and "disk I/O error" in result.err:
        result = proof.commerce.run(system, proof.data)
    problems = proof.reference.problems(system, result)
    return [f"sync {sync} failed: {problem}" for problem in problems]


def prove_all(proof, points):
    failed = []

    def attempt(entry):
        point, way = entry
        try:
            reached, arrival, seconds = proof.prove(point, way)
            return (f"{point:<26}{way:<14}{reached:>8}{f'at {arrival}':>10}"
                    f"{f'{seconds:.1f} s':>11}"), None
        except (AssertionError, OSError, sqlite3.Error, KeyError) as error:
            reason = str(error) or traceback.format_exc()
            return f"{point:<26}{way:<14}  FAILED", f"{point}: {reason}"

    print(f"{'point':<26}{'way':<14}{'reached':>8}{'killed':>10}{'recovered':>11}")
    with ThreadPoolExecutor(RUNS_AT_ONCE) as pool:
        for line, problem in pool.map(attempt, points):
            print(line, flush=True)
            if problem:
                failed.append(problem)
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("commerce", type=Path)
    parser.add_argument("failing_sync", type=Path)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--only", help="one point")
    options = parser.parse_args()
    print(f"--seed {options.seed}", flush=True)
    points = [entry for entry in read_points() if options.only in (None, entry[0])]
    with scratch("crash-points") as folder:
        proof = Proof(options, folder)
        failed = prove_all(proof, points)
        dice = random.Random(options.seed)
        syncs = dice.sample(range(1, proof.arrivals["sqlite.before_commit"]), FAILED_SYNCS)
        failed += [line for sync in syncs for line in survive(proof, sync)]
        if failed:
            print(*failed, sep="\n\n")
            raise SystemExit(f"{len(failed)} failures; --seed {options.seed}")
    print(f"{len(points)} points, each reached, killed and recovered from; "
          f"{len(syncs)} syncs failed, each survived")


if __name__ == "__main__":
    main()
