"""Results of slow checks, remembered by what they depend on, in build/checks/."""

import json
from concurrent.futures import ThreadPoolExecutor

import repository


class Passed:
    """The inputs that passed before; a failure is not remembered, so it shows every time."""

    def __init__(self, top, check):
        self.path = top / "build" / "checks" / f"{check}.json"
        try:
            self.digests = set(json.loads(self.path.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            self.digests = set()
        self.used = set()

    def __contains__(self, digest):
        if digest in self.digests:
            self.used.add(digest)
        return digest in self.digests

    def add(self, digest):
        self.digests.add(digest)
        self.used.add(digest)

    def save(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(sorted(self.used)), encoding="utf-8")


def in_parallel(work, items):
    """work(item) for each, as many at once as there are cores, results in order."""
    with ThreadPoolExecutor(repository.workers()) as pool:
        return list(pool.map(work, items))
