#!/usr/bin/env python3
"""Kills everything at random moments of 830 orders; the same command again finishes the work.

random_moments.py COMMERCE [--seed N] [--kills M]

Each time on a new folder: `commerce run`, `kill -9` of all its processes at once at a seeded part
of the time that an undisturbed run takes, then the same command again, which must end with exactly
the books and the provider's list of the undisturbed run.
"""

import argparse
import random
import shutil
import time
from pathlib import Path

from commerce_system import Commerce, Reference, real_orders, scratch

TRIES = 5  # a machine that is less busy now may be done before the moment comes


def kill_at(commerce, system, data, moment):
    """Whether it was still running then."""
    with commerce.start_run(system, data) as running:
        time.sleep(moment)
        if running.process.poll() is not None:
            return False
        running.kill()
        return True


def prove(commerce, reference, system, dice):
    """(moment, seconds of the recovery, problems)"""
    longest = reference.result.seconds
    for _ in range(TRIES):
        moment = dice.uniform(0.02, 0.98) * longest
        if kill_at(commerce, system, reference.data, moment):
            break
        shutil.rmtree(system)
        longest = moment
    else:
        return moment, 0.0, [f"it was done before it could be killed, {TRIES} times"]
    again = commerce.run(system, reference.data)
    return moment, again.seconds, reference.problems(system, again)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("commerce", type=Path)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--kills", type=int, default=10)
    options = parser.parse_args()
    print(f"--seed {options.seed}", flush=True)
    dice, failed = random.Random(options.seed), 0
    commerce = Commerce(options.commerce)
    with scratch("random-moments") as folder:
        data, what = real_orders(folder / "input", options.seed)
        reference = Reference(commerce, folder / "undisturbed", data)
        print(f"{what}: {reference.result.seconds:.1f} s undisturbed", flush=True)
        for number in range(options.kills):
            system = folder / f"moment-{number}"
            moment, seconds, problems = prove(commerce, reference, system, dice)
            print(f"killed after {moment:6.2f} s, recovered in {seconds:5.1f} s"
                  f"{': FAILED' if problems else ''}", *problems, sep="\n  ", flush=True)
            failed += bool(problems)
            if not problems:
                shutil.rmtree(system)
        if failed:
            raise SystemExit(f"{failed} of {options.kills} failed; --seed {options.seed}")


if __name__ == "__main__":
    main()
