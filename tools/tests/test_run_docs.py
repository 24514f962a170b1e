"""Commands in documents run, and one that breaks its promise is named by file and line."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOOL = Path(__file__).resolve().parent.parent / "run-docs"


def run(document):
    with tempfile.NamedTemporaryFile("w", suffix=".md") as file:
        file.write(document)
        file.flush()
        result = subprocess.run([sys.executable, str(TOOL), file.name], capture_output=True,
                                text=True, check=False)
    return result.returncode, result.stdout


def block(mark, script):
    return f"Text.\n\n<!-- {mark} -->\n```sh\n{script}\n```\n"


class RunDocs(unittest.TestCase):
    def test_runs_marked_blocks_only(self):
        code, printed = run(block("ci", "true") + "```sh\nfalse\n```\n")
        self.assertEqual((code, printed.splitlines()[-1]), (0, "1 passed, 0 failed"))

    def test_names_the_block_that_fails(self):
        for mark, script, word in [("ci", "echo 'why not'; false", "why not"),
                                   ("ci", "false | true", "exit code 1"),
                                   ("ci: expect balanced", "echo no", "'balanced'"),
                                   ("ci: eventually balanced", "false", "exit code 1"),
                                   ("ci: codes 3", "(exit 3); (exit 2)", "exit code 2"),
                                   ("ci: background", "true", "did not come up")]:
            with self.subTest(word=word):
                code, printed = run(block(mark, script))
                self.assertEqual(code, 1)
                self.assertIn(".md:5: ", printed)
                self.assertIn(word, printed)

    def test_waits_for_what_takes_a_moment(self):
        counts = "echo x >> $SCRATCH/count; echo \"$(wc -l < $SCRATCH/count) times\""
        self.assertEqual(run(block("ci: eventually 3 times", counts))[0], 0)

    def test_lets_commands_find_nothing_where_that_is_said(self):
        self.assertEqual(run(block("ci: codes 1 3", "(exit 3)\n(exit 1)\ntrue"))[0], 0)
        self.assertEqual(run(block("ci", "(exit 3)\ntrue"))[0], 1)

    def test_hands_on_what_a_setup_prints(self):
        setup = "<!-- ci: setup\necho ID=$(basename $SINEW_FOLDER)\n-->\n"
        self.assertEqual(run(setup + block("ci: expect <system>", "echo \"<$ID>\""))[0], 0)

    def test_gives_each_file_free_ports(self):
        code, printed = run(block("ci: expect 8080", "echo $ARGS localhost:8080"))
        self.assertEqual((code, "localhost:" in printed), (1, True))

    def test_nothing_to_run_is_a_failure(self):
        self.assertEqual(run("no commands")[0], 1)

    def test_a_background_program_must_end_well(self):
        stays = "python3 -u -c 'import signal, sys; signal.signal(signal.SIGINT, lambda *_: " \
                "sys.exit({})); print(\"Press Ctrl+C\"); signal.pause()'"
        self.assertEqual(run(block("ci: background", stays.format(0)) + block("ci", "true"))[0], 0)
        code, printed = run(block("ci: background", stays.format(3)))
        self.assertEqual(code, 1)
        self.assertIn("[3]", printed)


if __name__ == "__main__":
    unittest.main()
