"""Which databases of a folder are a context's, and which hosts serve them: what `sinew` finds."""

import json
import os
import shutil
import signal
import sqlite3
from contextlib import closing

import system

CONTEXTS = ["fulfillment", "inventory", "payment", "reporting", "sales"]


class Contexts(system.Case):
    def found(self):
        sagas = json.loads(self.sinew("saga", "list", "-o", "json", "--limit", 1))["sagas"]
        return [saga["context"] for saga in sagas]

    def refused(self, *arguments, says):
        done = self.ask_sinew(*arguments, code=1)
        for words in says:
            self.assertIn(words, done.stderr)
        self.assertEqual(done.stdout, "")

    def test_other_databases_are_no_contexts(self):
        self.run_once()
        for name in ("notes", "letters", "copy"):
            (self.folder / name).mkdir()
        with closing(sqlite3.connect(self.folder / "notes" / "notes.db")) as database:
            database.execute("CREATE TABLE saga_instances (id TEXT)")
        shutil.copy(self.folder / "broker" / "broker.db", self.folder / "copy" / "copy.db")
        shutil.copy(self.folder / "provider" / "payments.db",
                    self.folder / "provider" / "provider.db")

        self.assertEqual(self.found(), ["sales"])
        for name in ("notes", "copy", "provider", "broker", "letters"):
            self.refused("saga", "list", "--context", name,
                         says=[f"no context {name}", ", ".join(CONTEXTS)])

    def test_a_misspelt_context_is_guessed(self):
        self.run_once()

        self.refused("dlq", "list", "--context", "slaes", says=["did you mean `sales`"])

    def test_a_damaged_context_is_named_and_no_other_suffers(self):
        self.run_once()
        database = self.folder / "payment" / "payment.db"
        database.write_bytes(database.read_bytes()[:50])

        self.refused("saga", "list", says=[str(database), "truncated"])
        self.sinew("saga", "list", "--context", "sales")

    def test_no_system(self):
        self.refused("saga", "list", says=["not the folder of a system", "--folder"])
        self.folder.mkdir()
        self.refused("dlq", "list", says=["not the folder of a system", "--folder"])

    def test_the_file_of_a_killed_host_misleads_nobody(self):
        process = self.start("serve", "--folder", self.folder, "--port", 0)
        self.urls()
        self.commerce("replay", "--folder", self.folder, "--input", self.input, "--quiet")
        process.send_signal(signal.SIGKILL)
        process.wait()
        file = self.folder / "hosts" / "main.json"
        host = json.loads(file.read_text())
        host["pid"] = os.getpid()  # another program has the number by now
        file.write_text(json.dumps(host))

        self.assertEqual(self.found(), ["sales"])
        done = self.commerce("replay", "--folder", self.folder, "--input", self.input, code=2)
        self.assertIn("nothing serves sales", done.stderr)
        self.assertTrue(self.run_once()["balanced"])


if __name__ == "__main__":
    system.main()
