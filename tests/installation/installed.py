"""What the tests of the installed library share: where it is, commands, and a program that serves."""

import argparse
import contextlib
import subprocess
import sys
import time
import unittest
from pathlib import Path

PATIENCE_S = 20
# The library is used from where it is: another place than the prefix that it was installed for.
CMAKE = ("-DCMAKE_CXX_COMPILER_LAUNCHER=ccache", "-DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=mold",
         "-DCMAKE_COMPILE_WARNING_AS_ERROR=ON")

options = argparse.Namespace()  # build, prefix, compiler, version; set by main()


def run(*command, code=0, **how):
    """What the command printed; it must exit with `code`, None: with any but 0."""
    done = subprocess.run(list(map(str, command)), text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **how)
    if done.returncode != code and (code is not None or done.returncode == 0):
        raise AssertionError(f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}")
    return done.stdout


@contextlib.contextmanager
def serving(test, *command, **how):
    """Runs the program while the block lasts, then stops it as Ctrl+C does: it must end well."""
    process = subprocess.Popen(list(map(str, command)), text=True, stdout=subprocess.PIPE, **how)
    try:
        yield process
        process.terminate()
        test.assertEqual(process.wait(PATIENCE_S), 0)
    finally:
        process.kill()
        process.communicate()


def awaited(look):
    """What `look` gives as soon as that is not None; "nothing" after a while."""
    for _ in range(PATIENCE_S * 20):
        found = look()
        if found is not None:
            return found
        time.sleep(0.05)
    return "nothing"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--prefix", type=Path, required=True)
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--version", required=True)
    _, rest = parser.parse_known_args(namespace=options)
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
