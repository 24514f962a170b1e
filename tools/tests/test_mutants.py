"""A mutant counts as caught when a test failed, and when nothing else did."""

import difflib
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOOLS = Path(__file__).resolve().parent.parent

# A project whose only "test binary" is a script, checked by what stands for a compiler.
PRESETS = """{"version": 6, "configurePresets": [{"name": "release", "generator": "Ninja",
"binaryDir": "${sourceDir}/build/release"}]}
"""
CMAKE = """cmake_minimum_required(VERSION 3.25)
project(small LANGUAGES NONE)
add_custom_target(disk_test
  COMMAND python3 -m py_compile ${CMAKE_SOURCE_DIR}/disk_test.py
  COMMAND ${CMAKE_COMMAND} -E copy ${CMAKE_SOURCE_DIR}/disk_test.py bin/disk_test)
"""
SOURCE = """#!/usr/bin/env python3
import json
import sys
synced = True
test = {"name": "Keeps/0", "status": "RUN"} | ({} if synced else {"failures": [{}]})
skipped = {"name": "Other", "status": "NOTRUN"}
report = {"testsuites": [{"name": "All/Disk", "testsuite": [test, skipped]}]}
with open(sys.argv[2].split(":", 1)[1], "w", encoding="utf-8") as file:
    json.dump(report, file)
"""
HEADING = "Removes: the sync\nTest: disk_test\n\n"


def patch(removed, added, source=SOURCE):
    before, after = source, source.replace(removed, added, 1)
    diff = difflib.unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True),
                                "a/disk_test.py", "b/disk_test.py")
    return HEADING + "diff --git a/disk_test.py b/disk_test.py\n" + "".join(diff)


class Mutants(unittest.TestCase):
    def run_tool(self, source, patches, *names):
        """(exit code, what it printed) over a project with this source and these mutants."""
        with tempfile.TemporaryDirectory() as folder:
            top = Path(folder)
            subprocess.run(["git", "init", "-q", folder], check=True)
            (top / "tools").mkdir()
            for tool in ("mutants", "repository.py"):
                shutil.copy(TOOLS / tool, top / "tools")
            (top / "tests" / "mutants").mkdir(parents=True)
            for name, text in {".gitignore": "/build/\n", "CMakePresets.json": PRESETS,
                               "CMakeLists.txt": CMAKE, "disk_test.py": source,
                               **{f"tests/mutants/{name}.patch": text
                                  for name, text in patches.items()}}.items():
                (top / name).write_text(text, encoding="utf-8")
            (top / "disk_test.py").chmod(0o755)
            done = subprocess.run([sys.executable, str(top / "tools" / "mutants"), *names],
                                  capture_output=True, text=True, check=False)
            self.assertEqual((top / "disk_test.py").read_text(encoding="utf-8"), source)
            return done.returncode, done.stdout + done.stderr

    def test_names_the_test_that_catches_each(self):
        code, printed = self.run_tool(SOURCE, {"one": patch("synced = True", "synced = False"),
                                               "two": patch("synced = True", "synced = None")})
        self.assertEqual(code, 0, printed)
        self.assertEqual(printed.count("Disk.Keeps\n"), 2, printed)
        self.assertIn("2 caught, 0 not", printed)

    def test_refuses_every_other_end(self):
        code, printed = self.run_tool(SOURCE, {
            "survives": patch("synced = True", "synced = 1"),
            "broken": patch("synced = True", "synced = ("),
            "crashes": patch("synced = True", "sys.exit(3)"),
            "stale": patch("Yes", "False", SOURCE.replace("True", "Yes", 1)),
            "works": patch("synced = True", "synced = False")})
        self.assertEqual(code, 1)
        for words in ("survives: SURVIVED: 1 tests", "broken: it does not compile",
                      "crashes: disk_test broke off with 3", "stale: its patch does not apply",
                      "1 caught, 4 not"):
            self.assertIn(words, printed)

    def test_refuses_a_test_that_fails_anyway(self):
        red = SOURCE.replace("True", "False", 1)
        code, printed = self.run_tool(red, {"one": patch("False", "0", red)})
        self.assertEqual(code, 1)
        self.assertIn("must pass on the code as it is: All/Disk.Keeps/0", printed)

    def test_refuses_what_it_cannot_read(self):
        good = patch("synced = True", "synced = False")
        for patches, names, word in [
                ({"one": good.replace("Test:", "Tests:")}, (), "stand the lines"),
                ({"one": good}, ("two",), "no patch two"), ({}, (), "no patch")]:
            with self.subTest(word):
                code, printed = self.run_tool(SOURCE, patches, *names)
                self.assertEqual(code, 1)
                self.assertIn(word, printed)


if __name__ == "__main__":
    unittest.main()
