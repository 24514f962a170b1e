"""What the end-to-end tests share: running the programs, and an input of a known seed."""

import argparse
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE_S = 60  # for a program to end, or to say what is waited for
ORDERS = 60

programs = ROOT / "build" / "release" / "bin"

# Before a command: the rights of files hold for root as well, as they do for everybody else.
LIKE_ANYBODY = (["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
                if os.geteuid() == 0 else [])


def main():
    """Takes --programs, then runs the tests of the calling file."""
    global programs
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", type=Path, default=programs)
    options, rest = parser.parse_known_args()
    programs = options.programs.resolve()
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)


def tool(name, *arguments):
    subprocess.run([sys.executable, ROOT / "tools" / name, *map(str, arguments)], check=True,
                   stdout=subprocess.DEVNULL)


class Case(unittest.TestCase):
    """Gives each test a scratch folder, on a real disk, with a generated input."""

    def setUp(self):
        self.scratch = Path(tempfile.mkdtemp(prefix="sinew-end-to-end-", dir=ROOT / "build"))
        self.addCleanup(shutil.rmtree, self.scratch)
        self.folder = self.scratch / "system"
        self.input = self.scratch / "input"
        tool("generate-data", "--seed", 11, "--orders", ORDERS, self.input)

    def commerce(self, *arguments, code=0, prefix=()):
        """Runs commerce to its end and expects this exit code; gives what it printed."""
        command = [*prefix, programs / "commerce", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S,
                              check=False)
        self.assertEqual(done.returncode, code, f"{command}\n{done.stdout}\n{done.stderr}")
        return done

    def run_once(self, *arguments, code=0):
        """`commerce run --exit` on the scratch folder; gives the books."""
        done = self.commerce("run", "--folder", self.folder, "--input", self.input, "--port", 0,
                             "--exit", "-o", "json", *arguments, code=code)
        return json.loads(done.stdout)

    def verify(self, code=0):
        done = self.commerce("verify", "--folder", self.folder, "-o", "json", code=code)
        return json.loads(done.stdout)

    def ask_sinew(self, *arguments, code=0, prefix=()):
        """Runs sinew on the scratch folder and expects this exit code, or none if that is None."""
        command = [*prefix, programs / "sinew", *map(str, arguments), "--folder", self.folder]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S,
                              check=False)
        if code is not None:
            self.assertEqual(done.returncode, code, f"{command}\n{done.stdout}\n{done.stderr}")
        return done

    def sinew(self, *arguments):
        return self.ask_sinew(*arguments).stdout

    def start(self, *arguments, error=subprocess.DEVNULL):
        """Starts commerce in the background; it is killed when the test ends."""
        process = subprocess.Popen([programs / "commerce", *map(str, arguments)],
                                   stdout=subprocess.PIPE, stderr=error, text=True)
        self.addCleanup(self.reap, process)
        return process

    @staticmethod
    def reap(process):
        if process.poll() is None:
            process.kill()
        process.wait(PATIENCE_S)
        process.stdout.close()

    def stop(self, process):
        """Ctrl+C."""
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(PATIENCE_S), 0)

    def wait_for(self, what, condition):
        """Gives what the condition gives as soon as that is true."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            try:
                if found := condition():
                    return found
            except OSError:
                pass
            time.sleep(0.02)
        return self.fail(f"no {what} within {PATIENCE_S} s")

    def wait_for_orders(self, count):
        """Until a run that is under way has taken so many orders."""
        path = f"file:{self.folder / 'sales' / 'sales.db'}?mode=ro"

        def enough():
            try:
                with closing(sqlite3.connect(path, uri=True)) as database:
                    return database.execute("SELECT COUNT(*) FROM saga_instances").fetchone()[0] \
                        >= count
            except sqlite3.Error:
                return False  # not yet made
        self.wait_for(f"{count} orders", enough)

    def urls(self):
        """The URLs of the running system's contexts, as its host tells."""
        file = self.folder / "hosts" / "main.json"
        host = self.wait_for("host file", lambda: file.exists() and json.loads(file.read_text()))
        return {context["name"]: context["url"] for context in host["contexts"]}


def figures(books):
    return {line["name"]: line["found"] for line in books["figures"]}
