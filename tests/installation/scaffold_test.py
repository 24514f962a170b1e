"""`sinew new context`: what it writes builds against an installed Sinew, passes its test, and serves."""

import json
import resource
import shutil
import signal
import tempfile
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from installed import CMAKE, PATIENCE_S, awaited, main, options, run, serving


def answer_of(url, body=None):
    """Status and JSON of an answer."""
    request = urllib.request.Request(url)
    if body is not None:
        request = urllib.request.Request(url, data=json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


class Scaffold(unittest.TestCase):
    def setUp(self):
        self.scratch = Path(tempfile.mkdtemp(prefix="sinew-scaffold-"))
        self.addCleanup(shutil.rmtree, self.scratch)

    def new(self, *arguments, code=0, **how):
        return run(options.prefix / "bin" / "sinew", "new", "context", *arguments, code=code,
                   cwd=self.scratch, **how)

    def test_a_context_builds_passes_its_test_and_serves(self):
        said = self.new("orders2")
        self.assertIn("cmake --workflow --preset default", said)
        folder = self.scratch / "orders2"

        # The README's command, with the compiler and the place of this build.
        run("cmake", "--preset", "default", f"-DCMAKE_PREFIX_PATH={options.prefix}",
            f"-DCMAKE_CXX_COMPILER={options.compiler}", "-DCMAKE_BUILD_TYPE=Debug", *CMAKE,
            cwd=folder)
        run("cmake", "--workflow", "--preset", "default", cwd=folder)

        self.serves(folder)

    def serves(self, folder):
        program = folder / "build" / "orders2"
        with serving(self, program, "orders2-data", "0", cwd=folder) as process:
            name, url = process.stdout.readline().split()
            self.assertEqual(name, "orders2")
            note = {"note_id": "1", "author": "ann", "text": "first"}
            self.assertEqual(answer_of(url + "/notes", note), (201, note))
            self.assertEqual(awaited(lambda: self.read(url + "/authors/ann")),
                             {"author": "ann", "notes": 1})

    def read(self, url):
        """None: not there yet."""
        status, body = answer_of(url)
        return body if status == 200 else None

    def test_its_name_is_everywhere(self):
        self.new("parcels", "--folder", "here/and/there")

        files = sorted(path for path in (self.scratch / "here/and/there").rglob("*")
                       if path.is_file())
        self.assertIn("parcels.hpp", [path.name for path in files])
        self.assertIn("parcels.note.taken.v1.schema.json", [path.name for path in files])
        self.assertIn(".gitignore", [path.name for path in files])
        for path in files:
            self.assertNotIn("newcontext", path.name + path.read_text(encoding="utf-8").lower())

    def test_names_that_are_none_are_refused(self):
        rows = (("Orders", "a small letter, then up to 39"), ("2orders", "a small letter"),
                ("my-orders", "a small letter"), ("o" * 41, "a small letter"),
                ("../orders", "a small letter"), ("class", "a word of C++ or taken"),
                ("std", "choose another, such as stds"))
        for name, says in rows:
            with self.subTest(name):
                said = self.new(name, code=1)
                self.assertIn(f'"{name}" cannot name a context', said)
                self.assertIn(says, said)
        self.assertIn("name is required", self.new(code=2))
        self.assertEqual(list(self.scratch.iterdir()), [])
        self.new("o" * 40)

    def test_a_folder_with_something_in_it_stays_as_it_is(self):
        mine = self.scratch / "orders"
        mine.mkdir()
        (mine / "thesis.txt").write_text("ten years of work", encoding="utf-8")

        said = self.new("orders", code=1)

        self.assertIn("has something in it, which is left as it is: choose a new or empty", said)
        self.assertEqual([path.name for path in mine.iterdir()], ["thesis.txt"])
        said = self.new("orders", "--folder", mine / "thesis.txt", code=1)
        self.assertIn("is a file, and a project is a folder", said)
        (self.scratch / "empty").mkdir()
        self.new("orders", "--folder", "empty")

    def test_a_folder_that_cannot_be_written_is_refused(self):
        said = self.new("orders", "--folder", "/proc/orders", code=1)
        self.assertIn("/proc/orders cannot be written: ", said)
        self.assertIn("choose another place with --folder", said)
        said = self.new("orders", "--folder", "/dev/null/orders", code=1)
        self.assertIn("/dev/null is a file", said)

    # A disk that is full after some of the files: nothing of it remains.
    def test_nothing_is_left_of_what_could_not_be_finished(self):
        target = self.scratch / "a" / "orders"
        said = self.new("orders", "--folder", target, code=1,
                        preexec_fn=lambda: limit_file_size(1024))
        self.assertIn("nothing was left behind", said)
        self.assertEqual(list(self.scratch.iterdir()), [])

    def test_programs_read_the_answer_as_json(self):
        said = json.loads(self.new("orders", "-o", "json"))
        self.assertEqual((said["context"], said["folder"]), ("orders", "orders"))
        for file in said["files"]:
            self.assertTrue((self.scratch / "orders" / file).is_file(), file)


def limit_file_size(most_bytes):
    """Of this process: a write beyond it fails with EFBIG."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))


if __name__ == "__main__":
    main()
