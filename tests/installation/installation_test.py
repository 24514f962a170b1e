"""The installed library as its users have it: found, built against, moved, and refused by reason.

Everything was installed once, with DESTDIR, and is used from where that is: another place than the
prefix it was installed for. The consumer is a copy of examples/outside in a folder of its own, so
neither sees the source tree.
"""

import re
import shutil
import tempfile
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from installed import CMAKE, PATIENCE_S, awaited, main, options, run, serving

ROOT = Path(__file__).resolve().parent.parent.parent
# What an installed header may include besides the library's own: the language's headers, the
# system's, and the two of Boost that the package looks for.
FOREIGN = re.compile(r"[a-z_]+|(?:sys|netinet)/\w+\.h|unistd\.h|boost/(?:describe|mp11)(?:\.hpp|/.*)")
INCLUDE = re.compile(r'^#include (?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)


class Installation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = Path(tempfile.mkdtemp(prefix="sinew-installation-"))
        cls.addClassCleanup(shutil.rmtree, cls.scratch)
        cls.prefix = options.prefix

    def configure(self, source, build, *more, code=0):
        return run("cmake", "-S", source, "-B", build, "-G", "Ninja",
                   f"-DCMAKE_PREFIX_PATH={self.prefix}", *CMAKE, *more, code=code)

    def project(self, name, *lines):
        """A project that does no more than these lines of CMake."""
        source = self.scratch / name
        source.mkdir()
        (source / "CMakeLists.txt").write_text("\n".join(
            ["cmake_minimum_required(VERSION 3.25)", *lines]), encoding="utf-8")
        return source

    def test_a_project_outside_builds_and_passes_its_test(self):
        source = self.scratch / "outside"
        shutil.copytree(ROOT / "examples" / "outside", source)
        build = self.scratch / "outside-build"

        self.configure(source, build, f"-DCMAKE_CXX_COMPILER={options.compiler}",
                       "-DCMAKE_CXX_FLAGS=-Wall -Wextra", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON")
        run("cmake", "--build", build)
        run("ctest", "--test-dir", build, "--output-on-failure")

        self.serves(build / "visits")
        commands = (build / "compile_commands.json").read_text(encoding="utf-8")
        commands = commands.replace(str(self.prefix), "")  # it may lie below the build
        self.assertNotIn(str(ROOT), commands, "the source tree leaks into its users' builds")
        self.assertNotIn(str(options.build), commands)

    def serves(self, program):
        with serving(self, program, self.scratch / "system") as process:
            urls = dict(process.stdout.readline().split() for _ in range(2))
            visit = urllib.request.Request(urls["door"] + "/visitors/ann", method="POST")
            with urllib.request.urlopen(visit, timeout=PATIENCE_S) as answer:
                self.assertEqual(answer.status, 202)
            self.assertEqual(awaited(lambda: self.read(urls["tally"] + "/counts/ann")),
                             '{"visitor":"ann","visits":1}')

    def read(self, url):
        """None: not there yet."""
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            self.assertEqual(error.code, 404)
            return None

    def test_headers_are_complete_and_no_others(self):
        include = self.prefix / "include" / "sinew"
        headers = sorted(include.rglob("*.hpp"))
        self.assertGreater(len(headers), 100)
        problems = []
        for header in headers:
            for own, foreign in INCLUDE.findall(header.read_text(encoding="utf-8")):
                if own and not (include / own).is_file() or foreign and not FOREIGN.fullmatch(foreign):
                    problems.append(f"{header.relative_to(include)} includes {own or foreign}")
            if header.name.startswith("test_") or header.stem.endswith("_test"):
                problems.append(f"{header.relative_to(include)} is a test's")
        self.assertEqual(problems, [])
        self.assertEqual([path.name for path in (self.prefix / "include").iterdir()], ["sinew"])

    def test_the_package_names_no_place_of_this_machine(self):
        for file in (self.prefix / "lib").rglob("*.cmake"):
            text = file.read_text(encoding="utf-8")
            for place in (ROOT, options.build, self.scratch):
                self.assertNotIn(str(place), text, file.name)
            self.assertNotIn("-Werror", text)

    def test_programs_are_installed(self):
        version = run(self.prefix / "bin" / "sinew", "version")
        self.assertIn(options.version, version)

    def refused(self, name, *lines):
        source = self.project(name, f"project({name} LANGUAGES NONE)", *lines)
        text = self.configure(source, self.scratch / f"{name}-build", code=None)
        return " ".join(text.split())

    def test_another_version_is_refused(self):
        said = self.refused("later", "find_package(Sinew 9.0 REQUIRED)")
        self.assertIn('compatible with requested version "9.0"', said)
        self.assertIn(f"SinewConfig.cmake, version: {options.version}", said)

    def test_another_minor_version_is_refused_before_1_0(self):
        if not options.version.startswith("0."):
            self.skipTest("from 1.0 on a minor version adds only")
        minor = int(options.version.split(".")[1])
        for other in (minor - 1, minor + 1):
            if other < 0:
                continue
            said = self.refused(f"minor{other}", f"find_package(Sinew 0.{other} REQUIRED)")
            self.assertIn("not accepted", said)

    def test_a_compiler_that_miscompiles_is_refused(self):
        said = self.refused("gcc12", "set(CMAKE_CXX_COMPILER_ID GNU)",
                            "set(CMAKE_CXX_COMPILER_VERSION 12.2.0)",
                            "find_package(Sinew REQUIRED)")
        self.assertIn("GCC 12.2.0 miscompiles coroutines", said)
        self.assertIn("Use clang 19, or GCC 13 or later", said)

    def test_an_unknown_component_is_refused(self):
        source = self.project("component", "project(component LANGUAGES CXX)",
                              "find_package(Sinew REQUIRED COMPONENTS context sqlight)")
        said = self.configure(source, self.scratch / "component-build",
                              f"-DCMAKE_CXX_COMPILER={options.compiler}", code=None)
        self.assertIn("has no component 'sqlight'", said)


if __name__ == "__main__":
    main()
