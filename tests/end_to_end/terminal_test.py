"""`commerce run` as its user sees it, at a terminal: progress, books, what to try next, Ctrl+C."""

import os
import pty
import re
import select
import signal
import subprocess
import time

import system

CTRL_C = b"\x03"
BAR = re.compile(r"\r\[[#.]{24}\] (\d+)/60  \d+/s(  \d+ s left|  waiting)?  "
                 r"\d+ sagas in flight  \d+ shipped")


class Terminal:
    """A program with a terminal of its own; it is killed when the test ends."""

    def __init__(self, case, *arguments):
        self.text = ""
        self.pid, self.screen = pty.fork()
        if self.pid == 0:
            os.execv(arguments[0], list(map(str, arguments)))
        self.code = None
        case.addCleanup(self.end)

    def read_until(self, words):
        until = time.monotonic() + system.PATIENCE_S
        while words not in self.text:
            if not self.read(until):
                raise AssertionError(f"no {words!r} in:\n{self.text}")

    def read(self, until):
        """False at the end of the output, or of the time."""
        if not select.select([self.screen], [], [], max(until - time.monotonic(), 0))[0]:
            return False
        try:
            part = os.read(self.screen, 65536)
        except OSError:  # nobody holds the other side any more
            return False
        self.text += part.decode(errors="replace")
        return bool(part)

    def press(self, key):
        os.write(self.screen, key)

    def wait(self):
        while self.read(time.monotonic() + system.PATIENCE_S):
            pass
        self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.code

    def end(self):
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait()
        os.close(self.screen)


class AtATerminal(system.Case):
    def run_at_terminal(self):
        return Terminal(self, system.programs / "commerce", "run", "--folder", self.folder,
                        "--input", self.input, "--port", 0)

    def test_a_new_user(self):
        terminal = self.run_at_terminal()
        terminal.read_until("Ctrl+C stops it")

        shown = [int(match.group(1)) for match in BAR.finditer(terminal.text)]
        self.assertEqual((shown, shown[-1]), (sorted(shown), system.ORDERS), terminal.text)
        self.assertRegex(terminal.text, r"60 orders in [\d.]+ s \(\d+/s\), 0 lines refused")
        self.assertRegex(terminal.text, r"\r\npayable +[\d,.]+ +[\d,.]+.* ok  payment, provider")
        self.assertIn("The books balance.", terminal.text)
        for name in ("sales", "inventory", "payment", "fulfillment", "reporting", "operator API"):
            self.assertRegex(terminal.text, rf"\r\n  {name} +http://127\.0\.0\.1:\d+\r\n")
        self.try_what_is_printed(terminal.text)
        terminal.press(CTRL_C)
        self.assertEqual(terminal.wait(), 0)

        again = self.run_at_terminal()
        again.read_until("Ctrl+C stops it")
        self.assertIn("60 orders, all of them there before", again.text)
        self.assertEqual(self.books_in(again.text), self.books_in(terminal.text))

    def try_what_is_printed(self, text):
        commands = text.split("Try next, in another terminal:")[1].split("\r\n\r\n")[0].split("\r\n")
        commands = [command.strip() for command in commands if command]
        self.assertEqual(len(commands), 3)
        for command, says in zip(commands, ('"orders"', "place-order", "The books balance.")):
            done = subprocess.run(["bash", "-c", command], capture_output=True, text=True,
                                  check=False, timeout=system.PATIENCE_S)
            self.assertEqual(done.returncode, 0, f"{command}\n{done.stderr}")
            self.assertIn(says, done.stdout)

    @staticmethod
    def books_in(text):
        return text[text.index("figure "):text.index("The books balance.")]

    def test_ctrl_c_in_the_middle(self):
        terminal = self.run_at_terminal()
        self.wait_for_orders(5)
        terminal.press(CTRL_C)
        self.assertEqual(terminal.wait(), 0)
        self.assertNotIn("The books", terminal.text)
        self.assertIn("the same command goes on", terminal.text)

        self.assertTrue(self.run_once()["balanced"])

    def test_a_kill_while_it_is_up(self):
        terminal = self.run_at_terminal()
        terminal.read_until("Ctrl+C stops it")
        os.kill(terminal.pid, signal.SIGKILL)
        terminal.wait()

        again = self.run_at_terminal()

        again.read_until("Ctrl+C stops it")
        self.assertEqual(self.books_in(again.text), self.books_in(terminal.text))
        again.press(CTRL_C)
        self.assertEqual(again.wait(), 0)


if __name__ == "__main__":
    system.main()
