"""Reads the corpus of tests/smuggling; its README says what stands in it."""

import re
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "smuggling"
FILES = ("framing.txt", "chunks.txt", "lines.txt", "targets.txt", "fields.txt", "answers.txt")
ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", '"': b'"', "\\": b"\\"}


@dataclass
class Example:
    name: str
    direction: str = ""  # request, or answer METHOD [PROTOCOL]
    bytes: bytes = b""
    verdict: list = field(default_factory=list)  # of [outcome, its bytes]

    def words(self):
        return [outcome.split(" ")[0] for outcome, _ in self.verdict]


def unescaped(text):
    def byte(match):
        return ESCAPES.get(chr(match[1][0])) or bytes([int(match[1][1:], 16)])
    return re.sub(rb'\\(x[0-9a-f]{2}|[rnt"\\])', byte, text)


def read_corpus(names=FILES):
    examples = []
    for name in names:
        for line in (FOLDER / name).read_bytes().split(b"\n"):
            if not line or line.startswith(b"#"):
                continue
            if line.startswith(b"case "):
                examples.append(Example(line[5:].decode()))
            elif line.startswith(b" "):
                text, _, count = line.strip().rpartition(b'"')
                whole = unescaped(text[1:]) * int(count.replace(b"*", b"") or 1)
                if example.verdict:
                    example.verdict[-1][1] += whole
                else:
                    example.bytes += whole
            elif line.startswith((b"request", b"answer ")):
                example.direction = line.decode()
            elif not line.startswith(b"source "):
                example.verdict.append([line.decode(), b""])
            example = examples[-1]
    return examples
