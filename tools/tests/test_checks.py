"""Each check refuses what it is there for, and lets its neighbours pass."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOOLS = Path(__file__).resolve().parent.parent
LAYERS = """base:
async: base
resilience: base
resilience/pipeline: base async
http: base async resilience
adapters/sqlite: base async
adapters/other: adapters/sqlite
"""


def function_of(lines):
    return "void f() {\n" + "  g();\n" * (lines - 2) + "}\n"


class CheckTest(unittest.TestCase):
    def run_check(self, name, files):
        """Runs a check over a project made of `files`; returns its complaint, '' for none."""
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["git", "init", "-q", folder], check=True)
            for path, text in {"cmake/layers.txt": LAYERS, **files}.items():
                (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
                (Path(folder) / path).write_text(text, encoding="utf-8")
            result = subprocess.run([str(TOOLS / name), folder], capture_output=True, text=True,
                                    check=False)
            self.assertIn(result.returncode, (0, 1), result.stderr)
            return result.stdout + result.stderr if result.returncode else ""

    def refuses(self, name, files, *words):
        printed = self.run_check(name, files)
        for word in words:
            self.assertIn(word, printed or "(nothing)")

    def accepts(self, name, files):
        self.assertEqual(self.run_check(name, files), "")


class Format(CheckTest):
    def test_refuses_other_spacing(self):
        style = {".clang-format": "BasedOnStyle: Google\n"}
        self.refuses("check-format", {**style, "sinew/base/a.cpp": "int  x ;\n"}, "a.cpp:1")
        self.accepts("check-format", {**style, "sinew/base/a.cpp": "int x;\n"})


class Style(CheckTest):
    def test_refuses_what_is_too_long(self):
        for path, text, word in [
                ("sinew/base/a.cpp", function_of(71), "a function of 71 lines"),
                ("sinew/base/a.cpp", "class A {\n" + function_of(71) + "};\n", "71 lines"),
                ("sinew/base/a.cpp", "A::A() : b_{1}, c_(2) {\n" + "g();\n" * 70 + "}", "72 lines"),
                ("sinew/base/a.cpp", "template <class T>\n" + function_of(70), "71 lines"),
                ("sinew/base/a.cpp", "int x;\n" * 601, "601 lines"),
                ("sinew/base/a.hpp", "#pragma once\n" * 301, "301 lines"),
                ("sinew/base/a.cpp", "// " + "é" * 98 + "\n", "101 columns")]:
            with self.subTest(word=word):
                self.refuses("check-style", {path: text}, word)

    def test_refuses_names_includes_and_notes(self):
        for path, text, word in [
                ("sinew/base/a.hpp", "int x;\n", "#pragma once"),
                ("sinew/base/a.hpp", "#pragma once\nclass PoolManager;\n", "PoolManager"),
                ("sinew/base/a.hpp", "#pragma once\nint parse_helper();\n", "parse_helper"),
                ("sinew/base/a.hpp", "#pragma once\nusing namespace std;\n", "using namespace"),
                ("sinew/base/string_util.hpp", "#pragma once\n", "file name"),
                ("sinew/base/a.cpp", "#include <iostream>\n", "<iostream>"),
                ("cli/a.cpp", "#include <regex>\n", "<regex>"),
                ("sinew/base/a.cpp", "// TO" "DO: later\n", "finish it")]:
            with self.subTest(word=word):
                self.refuses("check-style", {path: text}, word)

    def test_accepts_what_only_looks_like_it(self):
        self.accepts("check-style", {
            "sinew/base/a.hpp": "#pragma once\n// A Manager, in a comment.\n"
                                "struct A {\n  struct Impl;\n"
                                "  const char* s = \"PoolManager {\";\n};\n",
            "sinew/base/a.cpp": "namespace {\n" + (function_of(60) + "\n") * 3 + "}\n"
                                + function_of(70),
            "sinew/base/b.cpp": "const int table[] = {\n" + "  1'000,\n" * 100 + "};\n"})


class Banned(CheckTest):
    def test_refuses_calls_that_escape_the_runtime(self):
        for code in ("std::chrono::steady_clock::now()", "std::random_device{}()", "time(nullptr)",
                     "std::this_thread::sleep_for(1s)", "usleep(10)", "std::thread(f)",
                     "thread.detach()", "std::getenv(\"HOME\")", "rand()", "sprintf(b, \"x\")",
                     "std::mt19937 engine"):
            with self.subTest(code=code):
                self.refuses("check-banned", {"sinew/http/a.cpp": f"void f() {{ {code}; }}\n"},
                             "sinew/http/a.cpp:1")

    def test_accepts_them_where_they_belong(self):
        clock = "auto t = std::chrono::steady_clock::now();\n"
        self.accepts("check-banned", {
            "sinew/async/a.cpp": clock, "adapters/sqlite/a.cpp": clock,
            "sinew/http/a.cpp": "// steady_clock::now()\nauto s = \"rand()\"; int brand(int);\n"
                                "void g() { random.operand(1); async::sleep_for(3s); }\n",
            "examples/commerce/main.cpp": "auto h = std::getenv(\"X\");\n"})


class CrashPoints(CheckTest):
    LIST = "# a comment\n\nrelay.before_mark | run | about to take them out\n"
    CALL = 'void f() {\n  SINEW_CRASH_POINT("relay.before_mark");\n}\n'

    def check(self, sources, points=LIST):
        files = {f"sinew/{name}": text for name, text in sources.items()}
        return {**files, "tests/crash/points.txt": points}

    def test_accepts_each_point_called_once(self):
        macro = "#define SINEW_CRASH_POINT(name) ::sinew::crash_point(name)\n"
        self.accepts("check-crash-points", self.check(
            {"a.cpp": self.CALL, "a.hpp": macro, "a_test.cpp": self.CALL}))

    def test_refuses_what_is_not_on_both_sides_once(self):
        for sources, points, word in [
                ({"a.cpp": self.CALL}, "", "a.cpp:2: relay.before_mark has no line"),
                ({}, self.LIST, "points.txt:3: nothing calls relay.before_mark"),
                ({"a.cpp": self.CALL.replace("  S", "  // S")}, self.LIST,
                 "nothing calls relay.before_mark"),
                ({"a.cpp": self.CALL, "b.cpp": self.CALL}, self.LIST, "b.cpp:2"),
                ({"a.cpp": self.CALL}, self.LIST * 2, "points.txt:6"),
                ({"a.cpp": self.CALL}, self.LIST + "relay.after_mark\n", "points.txt:4"),
                ({"a.cpp": self.CALL + "void g() { SINEW_CRASH_POINT(name); }\n"}, self.LIST,
                 "a.cpp:4: name the point")]:
            with self.subTest(word):
                self.refuses("check-crash-points", self.check(sources, points), word)


class Layers(CheckTest):
    def test_refuses_includes_outside_the_table(self):
        def header(path, include):
            text = "#pragma once\n"
            return {path: text + include, "sinew/http/b.hpp": text, "sinew/async/b.hpp": text,
                    "adapters/sqlite/b.hpp": text, "cli/b.hpp": text}
        for path, include, word in [
                ("sinew/base/a.hpp", '#include "sinew/http/b.hpp"\n', "base may include nothing"),
                ("sinew/resilience/r.hpp", '#include "sinew/async/b.hpp"\n', "may include base"),
                ("sinew/http/a.cpp", '#include "adapters/sqlite/b.hpp"\n', "not know its adapters"),
                ("sinew/http/a_test.cpp", '#include "adapters/sqlite/b.hpp"\n',
                 "not know its adapters"),
                ("sinew/http/a.cpp", '#include "cli/b.hpp"\n', "no part of the library"),
                ("sinew/http/a.cpp", '#include "b.hpp"\n', "no such file"),
                ("sinew/other/a.cpp", '#include "sinew/async/b.hpp"\n', "no line"),
                ("sinew/http/a.hpp", "#include <sqlite3.h>\n", "vendor"),
                ("sinew/http/a.hpp", "#include <boost/json.hpp>\n", "vendor")]:
            with self.subTest(word=word, path=path):
                self.refuses("check-layers", header(path, include), f"{path}:", word)

    def test_accepts_a_header_that_protoc_makes_of_a_committed_file(self):
        files = {"cli/a.cpp": '#include "cli/b.pb.h"\n'}
        self.refuses("check-layers", files, "no such file")
        self.accepts("check-layers", {**files, "cli/b.proto": "syntax = \"proto3\";\n"})

    def test_accepts_the_table(self):
        self.accepts("check-layers", {
            "sinew/base/a.hpp": "#pragma once\n#include <boost/describe.hpp>\n#include <vector>\n"
                                "#include <sys/socket.h>\n// #include \"sinew/http/none.hpp\"\n",
            "sinew/async/a.hpp": '#pragma once\n#include "sinew/base/a.hpp"\n',
            "sinew/resilience/pipeline.hpp": '#pragma once\n#include "sinew/async/a.hpp"\n',
            "adapters/sqlite/connection.hpp": "#pragma once\n#include <sqlite3.h>\n",
            "adapters/sqlite/connection.cpp": '#include "adapters/sqlite/connection.hpp"\n',
            "sinew/base/internal/tree.hpp": "#pragma once\n#include <yaml-cpp/yaml.h>\n",
            "tests/support/seeds.hpp": "#pragma once\n",
            "sinew/base/a_test.cpp": '#include "sinew/async/a.hpp"\n'
                                     '#include "tests/support/seeds.hpp"\n'})

    def test_refuses_a_vendor_header_reached_from_another_module(self):
        self.refuses("check-layers", {
            "adapters/sqlite/native.hpp": "#pragma once\n#include <sqlite3.h>\n",
            "adapters/sqlite/a.hpp": '#pragma once\n#include "adapters/sqlite/native.hpp"\n',
            "adapters/other/a.cpp": '#include "adapters/sqlite/a.hpp"\n'},
            "adapters/other/a.cpp: reaches adapters/sqlite/native.hpp")

    def test_refuses_a_cycle_in_the_table(self):
        self.refuses("check-layers", {"cmake/layers.txt": "a: b\nb: a\n"}, "a: uses", "b: uses")

    def test_contexts_know_only_contracts(self):
        shop = "examples/commerce/"
        files = {shop + "sales/contract/events.hpp": "#pragma once\n",
                 shop + "sales/order.hpp": "#pragma once\n",
                 shop + "payment/contract/commands.hpp": "#pragma once\n",
                 "adapters/sqlite/a.hpp": "#pragma once\n"}
        self.accepts("check-layers", {
            **files, shop + "payment/a.cpp": f'#include "{shop}sales/contract/events.hpp"\n',
            shop + "main.cpp": f'#include "{shop}sales/order.hpp"\n'
                               '#include "adapters/sqlite/a.hpp"\n'})
        self.refuses("check-layers", {
            **files, shop + "payment/a.cpp": f'#include "{shop}sales/order.hpp"\n'},
            "only contract/")
        self.refuses("check-layers", {
            **files, shop + "payment/a.cpp": '#include "adapters/sqlite/a.hpp"\n'},
            "its adapters")


class Headers(CheckTest):
    def test_refuses_a_header_that_needs_another(self):
        self.refuses("check-headers", {"sinew/base/a.hpp": "#pragma once\nstd::string f();\n"},
                     "sinew/base/a.hpp: does not compile alone")
        self.accepts("check-headers", {
            "sinew/base/a.hpp": "#pragma once\n#include <string>\nstd::string f();\n",
            "sinew/base/b.hpp": '#pragma once\n#include "sinew/base/a.hpp"\n'
                                "using S = decltype(f());\n"})


class Sql(CheckTest):
    def test_refuses_what_one_engine_only_understands(self):
        for statement in ("INSERT OR IGNORE INTO t VALUES (?)", "REPLACE INTO t VALUES (?)",
                          "SELECT rowid FROM t", "SELECT a FROM t LIMIT 1, 2",
                          "SELECT a FROM t WHERE a LIKE ?", "CREATE TABLE t (a BLOB)",
                          "CREATE TABLE t (id BIGINT) WITHOUT ROWID", "SELECT datetime(a) FROM t",
                          "SELECT a FROM t WHERE a == ?", "SELECT \\\"a\\\" FROM t",
                          "SELECT a::text FROM t", "PRAGMA user_version ",
                          "SELECT a FROM t \" \"FOR UPDATE"):
            with self.subTest(statement=statement):
                self.refuses("check-sql", {"sinew/store/a.cpp": f'auto s = "{statement}";\n'},
                             "sinew/store/a.cpp:1")

    def test_accepts_the_common_subset(self):
        self.accepts("check-sql", {
            "sinew/store/a.cpp": 'auto s = "INSERT INTO t (a, b) VALUES (?, \'rowid == \') "\n'
                                 '  "ON CONFLICT (a) DO UPDATE SET b = excluded.b RETURNING b";\n'
                                 'auto e = "Update the rowid by hand";\n',
            "adapters/sqlite/a.cpp": 'auto s = "PRAGMA journal_mode = WAL";\n'})

    def test_names_the_line_inside_a_raw_string(self):
        self.refuses("check-sql", {"sinew/store/a.cpp":
                                   'auto s = R"(\nCREATE TABLE t (\n  a BLOB\n))";\n'}, "a.cpp:3")


class Tidy(CheckTest):
    MOVED = "#include <string>\nvoid g(std::string);\nvoid f(std::string s) {\n" \
            "  g(std::move(s));\n  g(s);\n}\n"

    def tidy(self, sources):
        with tempfile.TemporaryDirectory() as folder:
            top = Path(folder)
            subprocess.run(["git", "init", "-q", folder], check=True)
            (top / "sinew").mkdir()
            (top / "build" / "dev").mkdir(parents=True)
            (top / ".clang-tidy").write_bytes((TOOLS.parent / ".clang-tidy").read_bytes())
            for name, text in sources.items():
                (top / "sinew" / name).write_text(text, encoding="utf-8")
            files = [top / "sinew" / name for name in sources]
            (top / "build" / "dev" / "compile_commands.json").write_text(json.dumps(
                [{"file": str(file), "directory": folder,
                  "command": f"clang++-19 -std=c++23 -o a.o -c {file}"} for file in files]),
                encoding="utf-8")
            result = subprocess.run([sys.executable, str(TOOLS / "check-tidy"), folder],
                                    capture_output=True, text=True, check=False)
            return result.returncode, result.stdout + result.stderr

    def test_refuses_a_use_after_move(self):
        code, printed = self.tidy({"a.cpp": self.MOVED, "b.cpp": "void b() {}\n"})
        self.assertEqual(code, 1, printed)
        self.assertIn("sinew/a.cpp:5", printed)
        self.assertIn("bugprone-use-after-move", printed)
        self.assertEqual(self.tidy({"a.cpp": self.MOVED.replace("g(s);", "s.clear();")})[0], 0)

    def test_looks_apart_at_what_does_not_compile_together(self):
        for once in ("enum { same };\n", "static int same() { return 1; }\n"):
            with self.subTest(once):
                code, printed = self.tidy({"a.cpp": once, "b.cpp": once, "c.cpp": once})
                self.assertEqual((code, printed), (0, "3 files\n"))
                code, printed = self.tidy({"a.cpp": once, "b.cpp": once + self.MOVED})
                self.assertEqual(code, 1)
                self.assertIn("sinew/b.cpp:6", printed)
                self.assertNotIn("redefinition", printed)

    def test_refuses_what_does_not_compile(self):
        code, printed = self.tidy({"a.cpp": "int a = b;\n", "c.cpp": "int c;\n"})
        self.assertEqual(code, 1)
        self.assertIn("sinew/a.cpp:1", printed)


if __name__ == "__main__":
    unittest.main()
