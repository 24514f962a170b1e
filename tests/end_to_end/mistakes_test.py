"""Mistakes of users: each is told what is wrong, why, and what to do; nothing is damaged."""

import os
import socket
import sqlite3
from contextlib import closing

import system


class Mistakes(system.Case):
    def refused(self, *arguments, says, **how):
        """Expects exit code 2 and all of these words on standard error, in one line."""
        done = self.commerce(*arguments, code=2, **how)
        for words in says:
            self.assertIn(words, done.stderr)
        self.assertNotIn("{", done.stdout)

    def run_arguments(self, *more):
        return ["run", "--folder", self.folder, "--input", self.input, "--exit", *more]

    def test_unknown_option(self):
        self.refused("run", "--fodler", "x", says=[
            "commerce run has no option --fodler (did you mean `--folder`?)", "--help"])
        self.refused("verify", "--folder", self.folder, "--wiat=3s", says=["`--wait`"])
        self.refused("--prot", "3", "run", says=["commerce has no option --prot; "])
        self.refused("run", "--folder=--prot", "--zzz", says=["no option --zzz; "])

    def test_no_subcommand(self):
        self.refused(says=["subcommand"])
        self.refused("vrify", says=["commerce has no subcommand vrify (did you mean `verify`?); "
                                    "it has run, serve, replay, verify\n"])

    def test_missing_input(self):
        self.refused("run", "--folder", self.folder, "--input", self.scratch / "none",
                     says=["does not exist", "tools/get-data", "--input"])

    def test_input_without_a_file(self):
        (self.input / "orders.csv").unlink()
        self.refused("replay", "--input", self.input, "--folder", self.folder,
                     says=["orders.csv does not exist", "input-format.md"])

    def test_nothing_to_verify(self):
        self.refused("verify", "--folder", self.folder, says=["no system", "commerce run"])

    def test_nothing_to_replay_into(self):
        self.refused("replay", "--folder", self.folder, "--input", self.input,
                     says=["no system", "--folder"])

    def test_bad_wait(self):
        self.refused("verify", "--wait", "soon", says=["--wait", "30s"])

    def test_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            self.refused(*self.run_arguments("--port", port),
                         says=[f"port {port}, for sales", f"process {os.getpid()}", "--port"])

    def test_ports_beyond_the_last(self):
        self.refused(*self.run_arguments("--port", 65533), says=["65535"])

    def test_some_contexts_only(self):
        self.refused("serve", "--folder", self.folder, "--contexts", "sales,payment",
                     says=["networked broker", "--contexts"])

    def test_misspelt_context(self):
        self.refused("serve", "--folder", self.folder, "--contexts", "sales,paymnt",
                     says=["paymnt", "did you mean `payment`"])

    def test_second_process_on_the_folder(self):
        process = self.start("serve", "--folder", self.folder, "--port", 0)
        self.urls()
        self.refused(*self.run_arguments("--port", 0),
                     says=[f"process {process.pid}", "--folder"])
        self.stop(process)

    def test_folder_that_cannot_be_made(self):
        blocked = self.scratch / "file"
        blocked.write_text("")
        self.refused("run", "--folder", blocked / "system", "--input", self.input,
                     says=["cannot be written", "--folder"])

    def test_folder_that_is_read_only(self):
        self.folder.mkdir(mode=0o555)
        self.refused(*self.run_arguments("--port", 0), says=["cannot be written", "--folder"],
                     prefix=system.LIKE_ANYBODY)
        self.assertEqual(list(self.folder.iterdir()), [])
        self.folder.chmod(0o755)

    def test_system_that_is_read_only(self):
        self.run_once()
        everything = [self.folder, *self.folder.rglob("*")]
        before = {path: path.stat().st_mode for path in everything}
        for path, mode in before.items():
            path.chmod(mode & 0o555)

        self.refused(*self.run_arguments("--port", 0), says=["cannot be written", "--folder"],
                     prefix=system.LIKE_ANYBODY)
        self.commerce("verify", "--folder", self.folder, prefix=system.LIKE_ANYBODY)
        done = self.ask_sinew("saga", "retry", "700012", code=1, prefix=system.LIKE_ANYBODY)
        self.assertIn("change its rights", done.stderr)

        for path, mode in before.items():
            path.chmod(mode)
        self.assertTrue(self.run_once()["balanced"])

    def test_foreign_and_damaged_databases(self):
        self.run_once()
        for database in ("sales/sales.db", "broker/broker.db", "provider/payments.db"):
            path = self.folder / database
            with closing(sqlite3.connect(path)) as opened:  # all of it in one file
                opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            content = path.read_bytes()
            for bytes_, says in (
                    (b"this is no database, but a letter to a friend. " * 99,
                     "not an SQLite database"),
                    (content[:50], "truncated"),
                    (content[:len(content) // 2], "is damaged"),
                    (content[:60] + (99).to_bytes(4, "big") + content[64:], "newer program"),
                    (content[:68] + (99).to_bytes(4, "big") + content[72:], "another program")):
                with self.subTest(database, says=says):
                    path.write_bytes(bytes_)
                    self.refused(*self.run_arguments("--port", 0), says=[str(path), says])
                    self.assertEqual(path.read_bytes(), bytes_)
            path.write_bytes(content)
        self.assertTrue(self.run_once()["balanced"])


if __name__ == "__main__":
    system.main()
