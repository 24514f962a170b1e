"""The packages for Debian: what is in them, and that their parts do what they say.

They are made of this build, looked into and unpacked, never installed; the maintainer scripts run
with programs of our own in place of those that would change this machine.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
EXPOSURE = 20  # at most, of 100: what `systemd-analyze security` makes of the unit

options = None


def run(*command, code=0, **how):
    """What the command printed; it must exit with `code`."""
    done = subprocess.run(list(map(str, command)), text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **how)
    if done.returncode != code:
        raise AssertionError(f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}")
    return done.stdout


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = Path(tempfile.mkdtemp(prefix="sinew-package-"))
        cls.addClassCleanup(shutil.rmtree, cls.scratch)
        run("cpack", "--config", options.build / "CPackConfig.cmake", "-B", cls.scratch / "made")
        cls.package, = (cls.scratch / "made").glob("sinew_*.deb")
        cls.library, = (cls.scratch / "made").glob("libsinew-dev_*.deb")
        cls.root = cls.scratch / "root"
        run("dpkg-deb", "--extract", cls.package, cls.root)
        cls.control = cls.scratch / "control"
        run("dpkg-deb", "--control", cls.package, cls.control)

    def field(self, name):
        return run("dpkg-deb", "--field", self.package, name).strip()

    def test_says_what_it_is_and_needs(self):
        self.assertEqual(self.field("Package"), "sinew")
        self.assertTrue(self.field("Version").startswith(options.version), self.field("Version"))
        needs = {re.split(r"[ (]", need)[0] for need in self.field("Depends").split(", ")}
        self.assertLessEqual({"adduser", "libc6", "libssl3", "libc-ares2"}, needs)

    def test_has_the_programs_the_unit_and_nothing_of_the_examples(self):
        files = {str(file.relative_to(self.root)) for file in self.root.rglob("*")
                 if file.is_file()}
        self.assertEqual(files, {
            "etc/sinew/gateway.yaml",
            "usr/bin/sinew",
            "usr/bin/sinew-proxy",
            "usr/lib/systemd/system/sinew-proxy.service",
            "usr/share/doc/sinew/copyright",
            "usr/share/doc/sinew/run-the-proxy.md",
        })
        listed = run("dpkg-deb", "--contents", self.package)
        self.assertNotRegex(listed, r"(?m)^.......w", "writable to a group or to all")
        self.assertNotRegex(listed, r"(?m)^\S+ (?!root/root)", "not root's")

    def test_both_packages_can_be_installed(self):
        def files(package):
            listed = run("dpkg-deb", "--contents", package)
            return {line.split()[5] for line in listed.splitlines() if not line.startswith("d")}
        library = files(self.library)
        self.assertEqual(files(self.package) & library, set())
        self.assertIn("./usr/lib/cmake/Sinew/SinewConfig.cmake", library)
        self.assertIn("./usr/include/sinew/sinew/context/host.hpp", library)

    def test_keeps_the_configuration_over_upgrades(self):
        self.assertEqual((self.control / "conffiles").read_text(encoding="utf-8"),
                         "/etc/sinew/gateway.yaml\n")

    def test_its_programs_run_and_take_its_configuration(self):
        self.assertIn(options.version, run(self.root / "usr/bin/sinew-proxy", "--version"))
        run(self.root / "usr/bin/sinew", "gateway", "check",
            self.root / "etc/sinew/gateway.yaml")

    def unit(self):
        """The unit as it would be if the files were where they are unpacked."""
        text = (self.root / "usr/lib/systemd/system/sinew-proxy.service").read_text(encoding="utf-8")
        unit = self.scratch / "sinew-proxy.service"
        unit.write_text(text.replace("/usr/bin/sinew-proxy", f"{self.root}/usr/bin/sinew-proxy")
                        .replace("file:///usr/", f"file://{self.root}/usr/"), encoding="utf-8")
        return unit

    @unittest.skipUnless(shutil.which("systemd-analyze"), "needs systemd-analyze")
    def test_systemd_understands_the_unit_and_finds_it_closed(self):
        said = run("systemd-analyze", "verify", "--man=no", self.unit())
        ours = [line for line in said.splitlines() if "sinew-proxy" in line]
        self.assertEqual(ours, [])
        run("systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE}",
            self.unit())

    def test_the_unit_names_options_that_there_are(self):
        text = self.unit().read_text(encoding="utf-8")
        command, = re.findall(r"^ExecStart=(\S+) (.*)$", text, re.MULTILINE)
        known = run(command[0], "--help")
        for option in re.findall(r"--[a-z-]+", command[1]):
            self.assertIn(option, known)

    def script(self, name, *arguments, user_exists):
        """Runs a maintainer script; gives the commands it gave to the system."""
        bin_folder = self.scratch / f"bin-{name}-{user_exists}"
        bin_folder.mkdir()
        journal = bin_folder / "journal"
        journal.touch()
        for program, code in (("adduser", 0), ("systemctl", 0), ("getent", 0 if user_exists else 2)):
            (bin_folder / program).write_text(
                f'#!/bin/sh\necho {program} "$@" >> {journal}\nexit {code}\n', encoding="utf-8")
            (bin_folder / program).chmod(0o755)
        run(self.control / name, *arguments,
            env={**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}"})
        return journal.read_text(encoding="utf-8")

    def test_makes_its_user_once_and_starts_nothing(self):
        first = self.script("postinst", "configure", user_exists=False)
        again = self.script("postinst", "configure", "0.0.9", user_exists=True)

        self.assertRegex(first, r"adduser .*--system --group .*sinew")
        self.assertNotIn("adduser", again)
        for word in (" start", "enable", "restart"):
            self.assertNotIn(word, first + again)

    def test_an_upgrade_does_not_stop_the_service(self):
        self.assertNotIn("disable", self.script("prerm", "upgrade", "9.9", user_exists=True))

    def test_the_maintainer_scripts_are_scripts(self):
        for name in ("postinst", "prerm", "postrm"):
            self.assertEqual((self.control / name).stat().st_mode & 0o777, 0o755)
            run("sh", "-n", self.control / name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--version", required=True)
    options, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
