"""Committed schemas against what a real run recorded, by the operator's command."""

import json
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import system

COMMITTED = system.ROOT / "examples" / "commerce"
LIFTED = ["--lifted", "sales.order.rejected:1", "--lifted", "order.rejected:1"]


class Case(system.Case):
    def check(self, *arguments, code):
        done = self.ask_sinew("schema", "check", *arguments, "-o", "json", code=code)
        return json.loads(done.stdout) if done.stdout else done.stderr

    def test_what_a_run_recorded_follows_the_committed_schemas(self):
        self.run_once()

        report = self.check(COMMITTED, *LIFTED, "--history", self.folder, code=0)

        self.assertGreater(report["events"], 5 * system.ORDERS)
        self.assertEqual(report["history"], [])
        self.assertGreater(report["unread"], 0, "dispatched shipments travel as Protobuf")
        [unread] = report["unread_kinds"]
        self.assertEqual((unread["type"], unread["version"], unread["events"]),
                         ("fulfillment.shipment.dispatched", 1, report["unread"]))
        self.assertIn("application/protobuf", unread["why"])

    def test_protobuf_is_read_by_its_descriptors(self):
        self.run_once()
        descriptors = self.scratch / "events.pb"
        contract = COMMITTED / "fulfillment" / "contract"
        subprocess.run(["protoc", "--include_imports", f"--descriptor_set_out={descriptors}",
                        f"-I{contract}", *contract.glob("*.proto")], check=True)

        report = self.check(COMMITTED, *LIFTED, "--history", self.folder,
                            "--descriptors", descriptors, code=0)

        self.assertGreater(report["events"], 5 * system.ORDERS)
        self.assertEqual((report["unread"], report["unread_kinds"], report["history"]),
                         (0, [], []))

        with closing(sqlite3.connect(self.folder / "broker" / "broker.db")) as broker:
            [count] = broker.execute("SELECT COUNT(*) FROM topic_records WHERE "
                                     "INSTR(body, CAST('application/protobuf' AS BLOB))").fetchone()
        self.assertGreater(count, 0, "there was something to read")

        descriptors.write_text("no descriptors")
        self.assertIn("no descriptor set",
                      self.check(COMMITTED, "--history", self.folder,
                                 "--descriptors", descriptors, code=2))

    def test_an_event_that_breaks_its_schema_is_named(self):
        self.run_once()
        with closing(sqlite3.connect(self.folder / "sales" / "sales.db")) as sales, sales:
            sales.execute("UPDATE events SET data = CAST('{\"shipped_date\":\"soon\"}' AS BLOB) "
                          "WHERE position IN (SELECT position FROM events "
                          "WHERE type = 'order.shipped' LIMIT 2)")

        report = self.check(COMMITTED, *LIFTED, "--history", self.folder, code=1)

        self.assertEqual(report["breaks"], [])
        [found] = report["history"]
        self.assertEqual((found["type"], found["path"], found["events"]),
                         ("order.shipped", "shipped_date", 2))
        self.assertIn("sales, event", found["first"])

    def test_a_change_says_whom_it_breaks(self):
        contract = self.scratch / "schemas" / "sales" / "contract"
        self.write(contract, "order", 1, {"id": "string"}, ["id"])
        self.write(contract, "order", 2, {"id": "integer", "note": "string"}, ["id"])
        self.write(self.scratch / "schemas" / "mail" / "reads", "order", 1, {"id": "string"}, [])

        report = self.check(self.scratch / "schemas", code=1)

        self.assertEqual([(found["reader"], found["written"], found["change"], found["path"])
                          for found in report["breaks"]],
                         [("sales", 1, "type_changed", "id"), ("mail", 2, "reader_behind", "")])

    def test_bad_input_is_told_apart_from_a_broken_reader(self):
        folder = self.scratch / "schemas" / "contract"
        self.write(folder, "order", 1, {"id": "string"}, ["id"])
        self.assertIn("cannot be read", self.check(self.scratch / "nothing", code=2))
        self.assertIn("no context's database",
                      self.check(folder, "--history", self.scratch, code=2))
        self.assertIn("TYPE:VERSION", self.check(folder, "--lifted", "order", code=2))
        (folder / "order.v2.schema.json").write_text('{"$id": "urn:sinew:order:2", "oneOf": []}')
        self.assertIn("oneOf", self.check(folder, code=2))

    @staticmethod
    def write(folder: Path, name, version, properties, required):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.v{version}.schema.json").write_text(json.dumps({
            "$id": f"urn:sinew:{name}:{version}", "type": "object", "required": required,
            "properties": {member: {"type": kind} for member, kind in properties.items()}}))


if __name__ == "__main__":
    system.main()
