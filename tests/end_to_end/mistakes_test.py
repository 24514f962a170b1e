"""Mistakes of users: each is told what is wrong, why, and what to do; nothing is damaged."""

import os
import socket
import unittest

import system


class Mistakes(system.Case):
    def refused(self, *arguments, says):
        """Expects exit code 2 and all of these words on standard error, in one line."""
        done = self.commerce(*arguments, code=2)
        for words in says:
            self.assertIn(words, done.stderr)
        self.assertNotIn("{", done.stdout)

    def run_arguments(self, *more):
        return ["run", "--folder", self.folder, "--input", self.input, "--exit", *more]

    def test_unknown_option(self):
        self.refused("run", "--fodler", "x", says=["--fodler", "--help"])

    def test_no_subcommand(self):
        self.refused(says=["subcommand"])

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

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_folder_that_is_read_only(self):
        self.folder.mkdir(mode=0o555)
        self.refused(*self.run_arguments("--port", 0), says=["cannot be written", "--folder"])

    def test_foreign_and_damaged_databases(self):
        self.run_once()
        database = self.folder / "sales" / "sales.db"
        content = database.read_bytes()
        for name, bytes_, says in (
                ("foreign", b"this is no database, but a letter to a friend. " * 99,
                 "not an SQLite database"),
                ("truncated", content[:50], "truncated"),
                ("newer", content[:60] + (99).to_bytes(4, "big") + content[64:], "newer program")):
            with self.subTest(name):
                database.write_bytes(bytes_)
                for log in database.parent.glob("sales.db-*"):
                    log.unlink()
                self.refused(*self.run_arguments("--port", 0), says=["sales", says])
                self.assertEqual(database.read_bytes(), bytes_)
        database.write_bytes(content)


if __name__ == "__main__":
    system.main()
