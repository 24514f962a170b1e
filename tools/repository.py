"""What the checks know about the repository: its files, and C++ text without a compiler."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

CPP = (".cpp", ".hpp")

_TOKEN = re.compile(
    r"//[^\n]*|/\*.*?\*/"                               # comments
    r'|R"([^()\\\s]{0,16})\(.*?\)\1"'                   # raw strings
    r'|"(?:\\.|[^"\\\n])*"'                             # strings
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",            # characters, not digit separators
    re.DOTALL)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>)', re.MULTILINE)


def root():
    """The project, or the folder given as the first argument (the checks' own tests do that)."""
    return Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1]).resolve()


def files(top, suffixes=CPP, folders=()):
    """The files git knows or would add, as paths relative to `top`, sorted."""
    listed = subprocess.run(
        ["git", "-C", str(top), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True, capture_output=True, text=True).stdout.split("\0")
    return sorted({name for name in listed
                   if name.endswith(tuple(suffixes)) and (top / name).is_file()
                   and (not folders or name.startswith(tuple(folders)))})


def read(top, name):
    return (top / name).read_text(encoding="utf-8")


def without(text, *, comments=True, strings=True):
    """The same text with comments or literals blanked, every character still in its place."""
    def blank(match):
        is_comment = match.group(0).startswith(("//", "/*"))
        if not (comments if is_comment else strings):
            return match.group(0)
        return re.sub(r"[^\n]", " ", match.group(0))
    return _TOKEN.sub(blank, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def includes(text):
    """(line, path, is_quoted) of every #include."""
    code = without(text, strings=False)
    return [(line_of(code, match.start()), match.group(1) or match.group(2), bool(match.group(1)))
            for match in _INCLUDE.finditer(code)]


def string_literals(text):
    """(line, text) of every string literal; neighbours that the compiler would join are joined."""
    joined, end, code = [], -1, without(text, strings=False)
    for match in _TOKEN.finditer(code):
        if '"' not in match.group(0)[:2]:
            continue
        value = match.group(0)
        value = value[value.index("(") + 1:value.rindex(")")] if value[0] == "R" else value[1:-1]
        if joined and not code[end:match.start()].strip():
            joined[-1] = (joined[-1][0], joined[-1][1] + value)
        else:
            joined.append((line_of(code, match.start()), value))
        end = match.end()
    return joined


def closure(top, name, known):
    """`name` and every file of the project that it includes; `known` remembers direct includes."""
    seen, waiting = {name}, [name]
    while waiting:
        current = waiting.pop()
        if current not in known:
            known[current] = [path for _, path, quoted in includes(read(top, current)) if quoted]
        for path in known[current]:
            if path not in seen and (top / path).is_file():
                seen.add(path)
                waiting.append(path)
    return sorted(seen)


def digest(top, names, *more):
    """One hash over the contents of files and further texts: equal when a check's input is."""
    total = hashlib.sha256()
    for name in names:
        total.update(hashlib.sha256((top / name).read_bytes()).digest())
    for text in more:
        total.update(hashlib.sha256(text.encode()).digest())
    return total.hexdigest()


def workers():
    return os.cpu_count() or 2


def report(problems):
    """Prints the problems, one a line; the exit code of a check."""
    for problem in problems:
        print(problem)
    return 1 if problems else 0
