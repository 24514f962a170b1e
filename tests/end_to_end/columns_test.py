"""Every column of every business table, changed once behind the context's back: verify names it.

The list is made from the databases and from the sources: all tables but those that the library's
own migrations make, and the event log of sales, of which orders are made.
"""

import importlib.util
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import system
from operation_test import order, send

CONTEXTS = ("sales", "inventory", "payment", "fulfillment", "reporting")
LOGS = {"sales": {"events"}}
BAD_LINES = {  # a drop folder of each context that has one, and a line that it refuses
    ("sales", "customers"): "CustomerID,CompanyName,ContactName,City,Country,Phone\nB B,,,,,\n",
    ("inventory", "receipts"):
        "ProductID,ProductName,SupplierID,CategoryID,Quantity,UnitsOnOrder,Discontinued\n"
        "5001,Chang,1,1,x,0,0\n",
    ("fulfillment", "carriers"): "ShipperID,CompanyName,Phone\n0,None,\n",
}


def library_tables():
    """What the sources outside examples/ create, by tools/repository.py, which knows C++ text."""
    spec = importlib.util.spec_from_file_location("repository", system.ROOT / "tools/repository.py")
    repository = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(repository)
    names = {"sqlite_sequence"}
    for path in repository.files(system.ROOT, folders=("sinew/", "adapters/")):
        if "_test." in path or "/test_" in path:
            continue
        for _, text in repository.string_literals(repository.read(system.ROOT, path)):
            words = text.split()
            names |= {words[i + 2] for i in range(len(words) - 2)
                      if words[i:i + 2] == ["CREATE", "TABLE"]}
    return names


def other_values(value, nullable):
    """Values that differ from this one, of its type or no value."""
    if value is None:
        return [1, "1"]
    changed = value + 1 if isinstance(value, int) else value + "1" if isinstance(value, str) \
        else bytes([value[0] ^ 1]) + value[1:] if value else b"1"
    return [changed, None] if nullable else [changed]


class Columns(system.Case):
    def fill(self):
        """A row in every table: refused lines, an order that is paid and then paid back."""
        process = self.start("serve", "--folder", self.folder, "--port", 0)
        urls = self.urls()
        self.commerce("replay", "--folder", self.folder, "--input", self.input, "--quiet")
        for (context, name), text in BAD_LINES.items():
            folder = self.folder / context / "drop" / name
            (folder / "bad.part").write_text(text)
            (folder / "bad.part").rename(folder / "bad.csv")
            self.wait_for("refusal", (folder / "done" / "bad.csv").exists)
        nobody = {**order("by-hand", "pm_card_visa"), "carrier_id": 99}
        send(f"{urls['sales']}/orders", nobody)
        self.wait_for("repayment", lambda: send(f"{urls['sales']}/orders/by-hand")[1]["status"]
                      == "rejected")
        self.verify()
        self.stop(process)

    def test_each_is_missed_by_verify(self):
        self.fill()
        own = library_tables()

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(lambda context: self.tamper(context, own), CONTEXTS))

        changes = [change for result in results for change in result]
        for where, caught in changes:
            print(f"{where:<44} -> {', '.join(caught) if caught else 'NOBODY'}")
        missed = [where for where, caught in changes if where.split(".")[0] not in caught]
        self.assertEqual(missed, [])
        self.assertGreater(len(changes), 100)

    def tamper(self, context, own):
        """(context.table.column, the contexts that verify names) of every column."""
        folder = self.scratch / f"of-{context}"
        shutil.copytree(self.folder, folder)
        found = []
        with closing(sqlite3.connect(folder / context / f"{context}.db",
                                     isolation_level=None)) as database:
            database.execute("PRAGMA foreign_keys = OFF")
            tables = [row[0] for row in database.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
            for table in tables:
                if table in own and table not in LOGS.get(context, ()):
                    continue
                for column in database.execute(f"PRAGMA table_info({table})").fetchall():
                    found += self.tamper_column(folder, database, f"{context}.{table}", column)
        self.assertEqual(self.suspects(folder), [], f"{context} was not put back")
        return found

    def tamper_column(self, folder, database, where, column):
        table, (name, must, key) = where.split(".")[1], (column[1], column[3], column[5])
        row = database.execute(f"SELECT rowid, {name} FROM {table} "
                               f"ORDER BY {name} IS NULL, rowid DESC LIMIT 1").fetchone()
        if row is None:
            return [(f"{where}.{name} (no row)", [])]
        changes = []
        for value in other_values(row[1], nullable=not must and not key):
            at = row[0]
            try:
                database.execute(f"UPDATE {table} SET {name} = ? WHERE rowid = ?", (value, at))
            except sqlite3.Error:
                continue  # the engine itself does not take it
            if key and isinstance(value, int) and not self.has_row(database, table, at):
                at = value  # the key is the rowid
            kind = "" if value is not None else " (to nothing)"
            changes.append((f"{where}.{name}{kind}", self.suspects(folder)))
            database.execute(f"UPDATE {table} SET {name} = ? WHERE rowid = ?", (row[1], at))
        return changes or [(f"{where}.{name} (no other value)", [])]

    @staticmethod
    def has_row(database, table, rowid):
        return database.execute(f"SELECT 1 FROM {table} WHERE rowid = ?", (rowid,)).fetchone()

    def suspects(self, folder):
        """The contexts that verify speaks against, by its exit code and its output."""
        done = subprocess.run([system.programs / "commerce", "verify", "--folder", folder, "-o",
                               "json"], capture_output=True, text=True, check=False,
                              timeout=system.PATIENCE_S)
        if done.returncode not in (0, 1):
            return [f"exit code {done.returncode}: {done.stderr.strip()}"]
        contexts = json.loads(done.stdout)["contexts"]
        return contexts if done.returncode == 1 else []


if __name__ == "__main__":
    sys.exit(system.main())
