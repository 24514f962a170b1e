#!/usr/bin/env python3
"""How long a contributor waits: build.py [--clean]

From the edit of one source file to the result of its module's unit tests, and with --clean a whole
build from nothing, minutes of it; both with the release preset's flags and without ccache.
"""

import argparse
import os
import shutil
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "release"
EDITS = (("sinew/base/decimal.cpp", "base_test"),
         ("sinew/messaging/consumer.cpp", "messaging_test"),
         ("examples/commerce/sales/order.cpp", "commerce_sales_test"))
EDIT_TARGET_S, CLEAN_TARGET_S = 20, 8 * 60
WITHOUT_CACHE = {**os.environ, "CCACHE_DISABLE": "1"}


def seconds(*commands):
    began = time.monotonic()
    for command in commands:
        subprocess.run(command, cwd=ROOT, env=WITHOUT_CACHE, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - began


def build(folder, *targets):
    return ["cmake", "--build", folder, "-j", str(os.cpu_count()),
            *(["--target", *targets] if targets else [])]


def show(text, taken, target):
    print(f"  {text:<52}{taken:>8.1f} s   target <= {target}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clean", action="store_true", help="build everything from nothing, too")
    options = parser.parse_args()

    for source, test in EDITS:
        subprocess.run(build(FOLDER, test), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        (ROOT / source).touch()
        taken = seconds(build(FOLDER, test), [FOLDER / "bin" / test])
        show(f"{source} edited, {test}", taken, EDIT_TARGET_S)
    if options.clean:
        folder = ROOT / "build" / "clean"
        shutil.rmtree(folder, ignore_errors=True)
        taken = seconds(["cmake", "--preset", "release", "-B", folder], build(folder))
        shutil.rmtree(folder)
        show("a build of everything from nothing", taken, CLEAN_TARGET_S)


if __name__ == "__main__":
    main()
