"""An operator's night: handlers that fail, parked messages and stuck sagas, and the way out of each.

Handlers fail for reasons of their world: a trigger, such as somebody might leave in a database,
refuses the rows of one order; the payment provider loses a payment; a newer program speaks.
"""

import json
import sqlite3
from contextlib import closing

import system
from operation_test import order, send

PLACED, CONFIRMED = "sales.order.placed", "sales.order.confirmed"
NOTHING = 3


class Case(system.Case):
    def setUp(self):
        super().setUp()
        self.serve()
        self.commerce("replay", "--folder", self.folder, "--input", self.input, "--quiet")

    def serve(self):
        self.process = self.start("serve", "--folder", self.folder, "--port", 0)
        self.sales = self.urls()["sales"]

    def place(self, order_id, **changes):
        send(f"{self.sales}/orders", {**order(order_id, "pm_card_visa"), **changes})

    def wait_for_status(self, order_id, status):
        self.wait_for(f"{order_id} {status}", lambda: send(f"{self.sales}/orders/{order_id}")[1]
                      ["status"] == status)

    def sql(self, database, *statements):
        with closing(sqlite3.connect(self.folder / database, timeout=system.PATIENCE_S)) as opened:
            with opened:
                return [opened.execute(statement).fetchall() for statement in statements][-1]

    def jam(self, context, table, *orders):
        """From now on no row of these orders gets into the table."""
        wanted = ", ".join(f"'{each}'" for each in orders)
        self.sql(f"{context}/{context}.db", f"CREATE TRIGGER jam BEFORE INSERT ON {table} "
                 f"WHEN NEW.order_id IN ({wanted}) BEGIN SELECT RAISE(ABORT, 'jammed'); END")

    def free(self, context):
        self.sql(f"{context}/{context}.db", "DROP TRIGGER jam")

    def messages(self, *filters):
        done = self.ask_sinew("dlq", "list", "-o", "json", *filters, code=None)
        return json.loads(done.stdout)["messages"]

    def wait_for_messages(self, count, *filters):
        return self.wait_for(f"{count} messages", lambda: len(found := self.messages(*filters))
                             == count and (found or "none"))

    def changed(self, *arguments, code=0):
        return json.loads(self.ask_sinew("dlq", *arguments, "-o", "json", code=code).stdout)

    def verbs_of_the_audit(self, context):
        return self.sql(f"{context}/{context}.db",
                        "SELECT verb, detail FROM operator_audit ORDER BY at")


class Pipelines(Case):
    """The payment provider is to be left alone for a while, says its operator."""

    def breaker(self):
        listed = json.loads(self.sinew("resilience", "list", "-o", "json"))["pipelines"]
        return next(each["breaker"] for each in listed if each["name"] == "payment-provider")

    def test_are_overruled_while_the_system_runs(self):
        answer = json.loads(self.sinew("resilience", "force", "payment-provider", "--breaker",
                                       "open", "--reason", "maintenance", "-o", "json"))
        self.assertEqual((answer["context"], answer["lasts"]), ("payment", "until the host stops"))
        refused = self.breaker()["refused"]
        self.place("waits-1")
        self.wait_for("a refused charge", lambda: self.breaker()["refused"] > refused)
        self.assertIn("forced open", self.sinew("resilience", "list"))
        log = (self.folder / "log" / "main.log").read_text(encoding="utf-8")
        self.assertRegex(log, r"an operator forced a pipeline.*reason=maintenance")

        self.sinew("resilience", "force", "payment-provider", "--breaker", "automatic")
        self.wait_for_status("waits-1", "confirmed")
        self.assertTrue(self.verify()["balanced"])

        self.stop(self.process)
        refusal = self.ask_sinew("resilience", "force", "payment-provider", "--breaker", "open",
                                 code=1)
        self.assertIn("asks a running host", refusal.stderr)


class Topics(Case):
    """How far the contexts are behind each other, and one that reads again what it had read."""

    def groups(self):
        topics = json.loads(self.sinew("topic", "list", "-o", "json"))["topics"]
        self.retention = {topic["topic"]: topic["retention"] for topic in topics}
        return {(topic["topic"], group["group"]): group
                for topic in topics for group in topic["groups"]}

    def wait_until_read(self):
        return self.wait_for("nothing is behind", lambda: (found := self.groups()) and
                             all(group["behind"] == 0 for group in found.values()) and found)

    def reset(self, *arguments, code=0):
        return self.ask_sinew("topic", "reset", "sales.events", "--group", "reporting",
                              *arguments, code=code)

    def test_are_shown_and_read_again(self):
        self.place("again-1")
        self.wait_for_status("again-1", "confirmed")
        groups = self.wait_until_read()
        self.assertEqual(groups["sales.events", "reporting"]["members"], 1)
        self.assertEqual(self.retention["sales.events"], "2592000 s")
        self.assertIn("reporting", self.sinew("topic", "list"))
        self.assertIn("PARTITION", self.sinew("topic", "show", "sales.events"))
        self.assertIn("members", self.reset(code=1).stderr)
        self.ask_sinew("topic", "show", "sales.events", "--group", "nobody", code=1)
        self.stop(self.process)

        self.reset("--dry-run")
        self.assertEqual(self.groups()["sales.events", "reporting"]["behind"], 0)
        self.assertIn("2999", self.reset("--position", "0=2999999", code=1).stderr)
        self.reset("--to", "beginning", "--why", "its database came from a backup")
        self.assertGreater(self.groups()["sales.events", "reporting"]["behind"], 1)

        self.serve()
        self.wait_until_read()
        self.assertTrue(self.verify()["balanced"])

class Views(Case):
    def projection(self, verb, *arguments, code=0):
        done = self.ask_sinew("projection", verb, *arguments, "-o", "json", code=code)
        return json.loads(done.stdout) if code == 0 else done.stderr

    def listed(self):
        return {row["order_id"]: row for row in send(f"{self.sales}/orders?limit=1000")[1]["orders"]}

    def test_an_order_that_the_list_cannot_take_waits_alone(self):
        self.jam("sales", "orders", "v-1")
        self.place("v-1")
        self.place("v-2")
        self.wait_for("v-2 in the list", lambda: "v-2" in self.listed())
        held = self.wait_for("a held key", lambda: self.projection("show", "orders")["held"])
        self.assertEqual([each["key"] for each in held], ["order-v-1"])
        self.assertIn("jammed", held[0]["reason"])
        self.assertNotIn("v-1", self.listed())

        refused = self.projection("skip", "orders", "--event",
                                  "00000000-0000-7000-8000-000000000000", "--reason", "none",
                                  code=1)
        self.assertIn("does not stand at the event", refused)
        self.free("sales")
        self.projection("resume", "orders", "--key", "order-v-1", "--reason", "freed")
        self.wait_for("v-1 in the list", lambda: "v-1" in self.listed())
        self.assertIn(("projection.resume", "freed"), self.verbs_of_the_audit("sales"))

    def test_a_list_that_was_changed_by_hand_is_made_anew(self):
        before = self.listed()
        self.sql("sales/sales.db", "UPDATE orders SET payable = 0, reason = 'by hand'")
        self.projection("rebuild", "orders", "--reason", "changed by hand")
        self.place("v-3")
        self.wait_for("the new list", lambda: self.projection("list")["projections"][0]
                      ["generation"] == 2)
        self.wait_for("v-3 in the list", lambda: "v-3" in self.listed())
        after = self.listed()
        self.assertEqual({each: after[each]["payable"] for each in before},
                         {each: before[each]["payable"] for each in before})
        self.projection("rebuild", "orders", "--cancel", code=1)


class ParkedMessages(Case):
    """Reporting cannot keep two orders; each has an event that fails and one behind it."""

    def setUp(self):
        super().setUp()
        self.sql("reporting/reporting.db",
                 "CREATE TABLE seen (at INTEGER PRIMARY KEY, order_id TEXT, status TEXT)",
                 *(f"CREATE TRIGGER seen_{change} AFTER {change} ON orders BEGIN "
                   "INSERT INTO seen (order_id, status) VALUES (NEW.order_id, NEW.status); END"
                   for change in ("INSERT", "UPDATE")))
        self.jam("reporting", "orders", "jam-1", "jam-2")
        for order_id in ("jam-1", "jam-2", "free-1"):
            self.place(order_id)
        self.parked = self.wait_for_messages(2)
        self.wait_for_messages(4, "--all")
        self.wait_for("free-1", lambda: len(self.seen("free-1")) == 2)

    def seen(self, order_id):
        return [row[0] for row in self.sql(
            "reporting/reporting.db",
            f"SELECT status FROM seen WHERE order_id = '{order_id}' ORDER BY at")]

    def id_of(self, key):
        return next(message["id"] for message in self.parked if message["key"] == key)

    def assert_delivered(self, *orders):
        self.wait_for_messages(0, "--all")
        for order_id in orders:
            self.assertEqual(self.seen(order_id), ["placed", "confirmed"])

    def test_are_explained(self):
        for message in self.parked:
            self.assertEqual((message["context"], message["type"], message["reason"]),
                             ("reporting", PLACED, "exhausted_retries"))
            self.assertIn("jammed", message["last_error"])
        behind = [message for message in self.messages("--all") if message["type"] == CONFIRMED]
        self.assertEqual({(message["key"], message["state"]) for message in behind},
                         {("jam-1", "behind"), ("jam-2", "behind")})
        self.assertIn("exhausted_retries", self.sinew("dlq", "list", "--key", "jam-1"))

        shown = self.sinew("dlq", "show", self.id_of("jam-1"))

        for words in ("jammed", PLACED, '"customer_id":"K0000"'):
            self.assertIn(words, shown)
        books = self.verify(code=1)
        self.assertEqual(books["contexts"], ["reporting"])

    def test_are_replayed_while_the_system_runs(self):
        first, second = self.id_of("jam-1"), self.id_of("jam-2")
        self.assertEqual(self.changed("replay", first)["messages"], 1)
        self.wait_for_messages(2)  # into the same fault: it is parked again
        self.free("reporting")

        self.assertEqual(self.changed("replay", "--type", PLACED, "--dry-run")["messages"], 2)
        self.assertEqual(len(self.messages()), 2)
        self.assertEqual(self.changed("replay", first, "--why", "the jam is gone"),
                         {"messages": 1, "dry_run": False, "takes_effect": "now"})
        self.wait_for_messages(2, "--all")
        self.assertEqual((self.seen("jam-1"), self.seen("jam-2")), (["placed", "confirmed"], []))
        self.assertEqual(self.changed("replay", "--all")["messages"], 1)

        self.assert_delivered("jam-1", "jam-2")
        self.changed("replay", "--all", code=NOTHING)
        self.changed("replay", second, code=NOTHING)
        self.assertTrue(self.verify()["balanced"])
        self.assertIn(("dlq replay", "1 messages: the jam is gone"),
                      self.verbs_of_the_audit("reporting"))

    def test_are_replayed_in_a_stopped_folder(self):
        self.stop(self.process)
        self.free("reporting")
        self.assertEqual(self.changed("replay", "--all", "--dry-run")["messages"], 2)
        self.assertEqual(len(self.messages()), 2)

        self.assertEqual(self.changed("replay", "--reason", "exhausted_retries"),
                         {"messages": 2, "dry_run": False, "takes_effect": "at next start"})

        self.ask_sinew("dlq", "list", code=NOTHING)
        self.assertEqual(len(self.messages("--all")), 4)
        self.assertEqual(self.seen("jam-1"), [])
        self.serve()
        self.assert_delivered("jam-1", "jam-2")
        self.assertTrue(self.verify()["balanced"])

    def test_are_discarded_for_good(self):
        self.free("reporting")

        self.assertEqual(self.changed("discard", "--key", "jam-1", "--dry-run")["messages"], 1)
        self.changed("discard", self.id_of("jam-1"), "--why", "a test order")
        self.changed("replay", self.id_of("jam-2"))

        left = self.wait_for_messages(1, "--all")[0]  # there is no such order to confirm
        self.assertEqual((left["type"], left["key"]), (CONFIRMED, "jam-1"))
        self.changed("discard", "--all")
        self.assert_delivered("jam-2")
        self.assertEqual(self.seen("jam-1"), [])
        self.assertEqual(self.verify(code=1)["contexts"], ["reporting"])

    def test_mistakes(self):
        for arguments, says in (
                (["replay"], "a filter"),
                (["discard", "--all", "--key", "jam-1"], "without either"),
                (["show", "018f0000-0000-7000-8000-000000000000"], "sinew dlq list"),
                (["show", "jam-1"], "id")):
            with self.subTest(arguments):
                self.assertIn(says, self.ask_sinew("dlq", *arguments, code=1).stderr)
        self.assertEqual(len(self.messages("--all")), 4)


class NewerEvents(Case):
    def test_an_unknown_version_is_parked_and_can_be_discarded(self):
        self.jam("reporting", "orders", "model")
        self.place("model")  # an envelope to write a newer one after
        self.stop_when(lambda: self.messages())
        self.publish_as_version(99)
        self.serve()
        unknown = self.wait_for_messages(1, "--reason", "unknown_type")[0]
        self.assertEqual(unknown["key"], "newer")
        self.assertIn("version", unknown["last_error"])

        self.changed("discard", unknown["id"])
        self.free("reporting")
        self.changed("replay", "--all")

        self.wait_for_messages(0, "--all")
        self.assertTrue(self.verify()["balanced"])

    def stop_when(self, condition):
        self.wait_for("reason to stop", condition)
        self.stop(self.process)

    def publish_as_version(self, version):
        self.sql("sales/sales.db",
                 "INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload, "
                 "destination_kind, partition_no, source, schema_version, subject, reply_to, "
                 "event_time, content_type, correlation_id, causation_id, traceparent, hops, "
                 f"extensions) VALUES (randomblob(16), 'sales.events', 'newer', '{PLACED}', "
                 f"CAST('{{}}' AS BLOB), "
                 f"1, 3, '/sales', {version}, 'newer', '', 1700000000000000, 'application/json', "
                 "randomblob(16), randomblob(16), '', 0, '')")


class StuckSagas(Case):
    def saga(self, order_id):
        return json.loads(self.sinew("saga", "show", order_id, "-o", "json"))

    def wait_for_saga(self, order_id, status):
        self.wait_for(f"{order_id} {status}",
                      lambda: self.saga(order_id)["saga"]["status"] == status)

    def lose_payment(self, order_id):
        """The provider forgets the payment, and the carrier is unknown: it cannot be paid back."""
        self.sql("provider/payments.db",
                 "CREATE TABLE lost AS SELECT * FROM payment_intents WHERE 0",
                 "CREATE TRIGGER lose AFTER INSERT ON payment_intents "
                 f"WHEN NEW.metadata LIKE '%{order_id}%' BEGIN "
                 "INSERT INTO lost SELECT * FROM payment_intents WHERE id = NEW.id; "
                 "DELETE FROM payment_intents WHERE id = NEW.id; END")
        self.place(order_id, carrier_id=99)
        self.wait_for_saga(order_id, "compensation_failed")
        listed = self.sinew("saga", "list", "--status", "compensation_failed")
        self.assertIn(order_id, listed)
        shown = self.sinew("saga", "show", order_id)
        self.assertIn("No such payment_intent", shown)
        self.assertIn(f"It waits for you: sinew saga VERB {order_id}", shown)

    def find_payment(self):
        self.sql("provider/payments.db", "DROP TRIGGER lose",
                 "INSERT INTO payment_intents SELECT * FROM lost", "DROP TABLE lost")

    def assert_told(self, order_id, verb, reason):
        """The request and its execution are in the saga's history, with who and why."""
        told = [(entry["what"], entry["detail"]) for entry in self.saga(order_id)["history"]]
        for what in (f"{verb}_requested", f"operator_{verb}"):
            self.assertTrue(any(entry[0] == what and entry[1].startswith("by ")
                                and entry[1].endswith(f": {reason}") for entry in told), told)
        text = self.sinew("saga", "show", order_id)
        self.assertIn(f"operator_{verb}", text)
        self.assertIn(reason, text)
        self.assertIn((f"saga {verb}", reason), self.verbs_of_the_audit("sales"))

    def test_retry(self):
        self.lose_payment("lost-1")
        self.find_payment()

        self.assertIn("retry of lost-1 took effect",
                      self.sinew("saga", "retry", "lost-1", "--reason", "the payment is back"))

        self.wait_for_saga("lost-1", "compensated")
        self.assert_told("lost-1", "retry", "the payment is back")
        self.wait_for_status("lost-1", "rejected")
        self.assertTrue(self.verify()["balanced"])

    def test_retry_in_a_stopped_folder(self):
        self.lose_payment("lost-2")
        self.stop(self.process)
        self.find_payment()

        self.assertIn("takes effect at next start",
                      self.sinew("saga", "retry", "lost-2", "--reason", "seen to"))

        self.assertIn("retry_requested", self.sinew("saga", "show", "lost-2"))
        self.assertEqual(self.saga("lost-2")["saga"]["status"], "compensation_failed")
        self.serve()
        self.wait_for_saga("lost-2", "compensated")
        self.assert_told("lost-2", "retry", "seen to")
        self.assertTrue(self.verify()["balanced"])

    def test_a_verb_that_does_not_fit_is_told_at_once(self):
        self.lose_payment("lost-4")

        for running in (True, False):
            with self.subTest(running=running):
                refused = self.ask_sinew("saga", "compensate", "lost-4", code=1)
                self.assertIn("goes back already; use retry, skip or resolve", refused.stderr)
                if running:
                    self.stop(self.process)

    def test_edit(self):
        self.jam("inventory", "reservations", "late-2")
        self.place("late-2")
        self.wait_for_messages(1)
        for data, says in (('{"carrier_id": "mail"}', "carrier_id"), ('{"carrier": 1}', "carrier")):
            refused = self.ask_sinew("saga", "edit", "late-2", "--data", data, code=1)
            self.assertIn("edit of late-2 was refused", refused.stderr)
            self.assertIn(says, refused.stderr)

        self.sinew("saga", "edit", "late-2", "--data", '{"carrier_id": 12}', "--reason",
                   "by another carrier")

        told = [each["detail"] for each in self.saga("late-2")["history"]
                if each["what"] == "operator_edit"]
        self.assertTrue(told[0].endswith("by another carrier; carrier_id: 11 -> 12"), told)
        self.assertEqual(self.saga("late-2")["saga"]["data"]["carrier_id"], 12)
        self.assertIn(("saga edit", "by another carrier"), self.verbs_of_the_audit("sales"))

    def test_migrate_where_nothing_can_be_taken_over(self):
        self.lose_payment("lost-5")
        for arguments, code, says in (
                (["lost-5", "--to", "2", "--dry-run"], 1, "version 2 is not registered"),
                (["lost-5", "--to", "2"], 1, "version 2 is not registered"),
                (["lost-5", "--to", "1"], 1, "it is of that version"),
                (["--all", "--to", "1"], NOTHING, ""),
                (["--to", "1"], 1, "say which sagas")):
            with self.subTest(arguments):
                done = self.ask_sinew("saga", "migrate", "--definition", "place-order", *arguments,
                                      code=code)
                self.assertIn(says, done.stdout + done.stderr)

    def test_skip(self):
        self.lose_payment("lost-3")

        self.sinew("saga", "skip", "place-order/lost-3", "--reason", "paid back by cheque")

        self.wait_for_saga("lost-3", "compensated")
        self.assert_told("lost-3", "skip", "paid back by cheque")
        self.wait_for_status("lost-3", "rejected")
        off = [each["contexts"] for each in self.verify(code=1)["disagreements"]]
        self.assertEqual(off, [["payment"]])  # what was not undone shows

    def test_resolve(self):
        self.jam("fulfillment", "shipments", "late-1")
        self.place("late-1")
        self.wait_for_messages(1)
        hasty = self.ask_sinew("saga", "resolve", "late-1", "--result", "{}", "--reason", "in haste",
                               code=1)
        self.assertIn("resolve of late-1 was refused: ", hasty.stderr)
        self.assertIn("verb_refused", self.sinew("saga", "show", "late-1"))

        booked = {"order_id": "late-1", "shipment_id": "by-phone", "carrier_id": 11,
                  "required_date": "2023-06-04"}
        self.sinew("saga", "resolve", "late-1", "--result", json.dumps(booked), "--reason",
                   "booked by telephone")

        self.wait_for_saga("late-1", "completed")
        self.assert_told("late-1", "resolve", "booked by telephone")
        self.wait_for_status("late-1", "confirmed")
        self.free("fulfillment")
        self.changed("replay", "--all")
        self.wait_for("late reply", lambda: "late_reply" in self.sinew("saga", "show", "late-1"))
        self.assertTrue(self.verify()["balanced"])

    def test_compensate(self):
        self.jam("inventory", "reservations", "stuck-1")
        self.place("stuck-1")
        self.wait_for_messages(1)

        self.sinew("saga", "compensate", "stuck-1", "--reason", "the customer called")

        self.wait_for_messages(2, "--all")  # the release waits behind the reservation
        self.changed("discard", "--type", "inventory.reserve")
        self.wait_for_saga("stuck-1", "compensated")
        self.assert_told("stuck-1", "compensate", "the customer called")
        self.wait_for_status("stuck-1", "rejected")
        self.assertTrue(self.verify()["balanced"])
        done = self.ask_sinew("saga", "compensate", "stuck-1", code=1)
        self.assertIn("nothing left to compensate", done.stderr)

    def test_a_saga_under_way_leaves_the_books_unsettled(self):
        self.jam("inventory", "reservations", "stuck-2")
        self.place("stuck-2")
        self.wait_for_messages(1)
        unsettled = ["verify", "--folder", self.folder, "--wait", "1s"]

        self.assertRegex(self.commerce(*unsettled, code=3).stderr,
                         r"sales: 0 messages, 1 sagas.*\); wait longer with --wait")
        answer = json.loads(self.commerce(*unsettled, "-o", "json", code=3).stdout)
        self.assertEqual((answer["balanced"], "1 sagas" in answer["unsettled"]), (False, True))
        self.stop(self.process)
        self.assertIn("start it again", self.commerce(*unsettled, code=3).stderr)

        self.free("inventory")
        self.changed("replay", "--all")
        self.serve()
        self.wait_for_saga("stuck-2", "completed")
        self.assertTrue(self.verify()["balanced"])

    def test_mistakes(self):
        for arguments, code, says in (
                (["show", "nobody"], 1, "sinew saga list"),
                (["retry", "nobody"], 1, "sinew saga list"),
                (["resolve", "nobody"], 2, "--result"),
                (["resolve", "nobody", "--result", "{"], 1, "--result"),
                (["list", "--status", "stuck"], 2, "suspended"),
                (["explode"], 2, "sinew saga has no subcommand explode; it has list, show"),
                (["lst"], 2, "has no subcommand lst (did you mean `list`?)"),
                (["list", "--stauts", "x"], 2, "no option --stauts (did you mean `--status`?)"),
                (["list", "--flder", "x"], 2, "no option --flder (did you mean `--folder`?)"),
                (["edit", "nobody", "--data", "1"], 1, "expected an object")):
            with self.subTest(arguments):
                self.assertIn(says, self.ask_sinew("saga", *arguments, code=code).stderr)
        self.assertIn("the key it is about", self.ask_sinew("trace", code=2).stderr)


if __name__ == "__main__":
    system.main()
