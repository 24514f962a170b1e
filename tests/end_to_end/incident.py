#!/usr/bin/env python3
"""Leaves in a system's folder what operators are woken for: incident.py FOLDER, of a stopped system
that has replayed a generated input. A message is parked, a saga is stuck, and the causes are gone;
prints ID=... of the message and SAGA=... of the saga. For docs/howto/operate.md.
"""

import shutil
import sys
from pathlib import Path

import operator_test
import system


class Incident(operator_test.StuckSagas):
    def __init__(self, folder):
        super().__init__("leave")
        self.folder = folder

    def setUp(self):
        self.serve()

    def leave(self):
        self.jam("reporting", "orders", "jammed")
        self.place("jammed")
        parked = self.wait_for_messages(1)[0]
        self.lose_payment("lost")
        self.stop(self.process)
        self.find_payment()
        self.free("reporting")
        print(f"ID={parked['id']}\nSAGA=lost")


if __name__ == "__main__":
    system.programs = Path(shutil.which("commerce")).parent
    result = Incident(Path(sys.argv[1])).run()
    sys.exit("".join(text for _, text in result.errors + result.failures) or None)
