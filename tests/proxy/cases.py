"""What the tests of the proxy share: the programs, a scratch folder, processes that end."""

import argparse
import shutil
import sys
import tempfile
import time
import unittest
from pathlib import Path

from gateway_process import HAProxy, Nginx, Sinew

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE_S = 20
PROXIES = {each.name: each for each in (Sinew, Nginx, HAProxy)}

options = argparse.Namespace(programs=ROOT / "build" / "release" / "bin", proxy="sinew")


def main(more=()):
    """Takes --programs, --proxy and the test's own options, then runs the calling file's tests."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--programs", type=Path, default=options.programs)
    parser.add_argument("--proxy", choices=PROXIES, default="sinew", help="a peer: to compare")
    for name, how in more:
        parser.add_argument(name, **how)
    _, rest = parser.parse_known_args(namespace=options)
    options.programs = options.programs.resolve()
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)


class Case(unittest.TestCase):
    def setUp(self):
        self.scratch = Path(tempfile.mkdtemp(prefix="sinew-proxy-"))
        self.addCleanup(shutil.rmtree, self.scratch)

    def keep(self, context):
        """Enters it; it is left when the test ends."""
        return self.enterContext(context)

    def proxy(self, plan, before=()):
        """Starts the proxy under test, behind this command; ended with the test."""
        kind = options.proxy
        folder = self.scratch / kind
        program = options.programs / "sinew-proxy" if kind == "sinew" else None
        proxy = PROXIES[kind](folder, plan, program)
        proxy.prefix = list(before)
        self.keep(proxy)
        self.addCleanup(self.show, proxy)
        return proxy

    def show(self, proxy):
        """What the proxy said, where a test failed."""
        failed = any(error for _, error in getattr(self._outcome, "errors", [])) or \
            any(test is self for test, _ in getattr(self._outcome.result, "failures", []))
        if failed:
            print(proxy.output()[-4000:], file=sys.stderr)

    def wait_for(self, what, condition, limit_s=PATIENCE_S):
        """Gives what the condition gives as soon as that is true."""
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            if found := condition():
                return found
            time.sleep(0.01)
        return self.fail(f"no {what} within {limit_s} s")
