"""The list of packages is whole, and a system without apt-get hears what it lacks."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

TOOL = Path(__file__).resolve().parent.parent / "setup"
NEEDED = ("bash", "sed", "cut", "sort", "comm", "tr")


def run(*arguments, path=os.environ["PATH"]):
    result = subprocess.run([shutil.which("bash"), str(TOOL), *arguments], capture_output=True,
                            text=True, check=False, env={"PATH": path})
    return result.returncode, result.stdout, result.stderr


class Setup(unittest.TestCase):
    def test_each_package_has_a_line_a_probe_and_a_reason(self):
        _, listed, _ = run("--list")
        rows = [[part.strip() for part in line.split("|")] for line in listed.splitlines()]
        self.assertTrue(all(len(row) == 3 and all(row) for row in rows), rows)
        names = [row[0] for row in rows]
        self.assertEqual(len(names), len(set(names)))
        self.assertIn("libsqlite3-dev", names)

    def test_another_system_hears_what_is_missing(self):
        with tempfile.TemporaryDirectory() as folder:
            for command in NEEDED:
                Path(folder, command).symlink_to(shutil.which(command))
            Path(folder, "cmake").symlink_to(shutil.which("true"))
            code, printed, complaint = run(path=folder)
        self.assertEqual((code, printed), (1, ""))
        self.assertIn("no apt-get", complaint)
        self.assertIn("clang-19 (command clang++-19)", complaint)
        self.assertNotIn("cmake (command cmake)", complaint)

    def test_an_unknown_option_is_refused(self):
        code, _, complaint = run("--no-such-option")
        self.assertEqual(code, 1)
        self.assertIn("unknown option --no-such-option", complaint)


if __name__ == "__main__":
    unittest.main()
