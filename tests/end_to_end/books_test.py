"""The books of whole runs: balanced, the same after a second run, after a kill, and off when a row
is changed behind the contexts' backs."""

import csv
import json
import re
import shutil
import sqlite3
import unittest
from contextlib import closing

import system

# Published totals of Northwind.
NORTHWIND = {
    "orders": 830, "order_lines": 2155, "gross": "1354458.59", "net_exact": "1265793.0395",
    "freight": "64942.69", "payable": "1330735.73", "rounding": "0.0005", "units_sold": 51317,
    "orders_by_shipper.1": 249, "orders_by_shipper.2": 326, "orders_by_shipper.3": 255,
    "orders_shipped": 809, "orders_shipped_late": 37, "orders_unshipped": 21,
    "units_in_stock": 3119, "net_by_ship_country.USA": "245584.6105",
}


class Books(system.Case):
    def test_generated_orders_balance_and_nothing_is_doubled(self):
        first = self.run_once()
        again = self.run_once()

        self.assertTrue(first["balanced"])
        self.assertEqual(system.figures(first), system.figures(again))
        self.assertGreater(len(first["compensated"]), 0)
        self.assertEqual(figures_of_totals(self.input).keys(), system.figures(first).keys())
        self.assertTrue(self.verify()["balanced"])

    def test_another_input_balances_with_all_that_northwind_lacks(self):
        """Other ids, quantities and prices: declined cards, orders that no stock can meet, prices
        with three decimals. Run twice, and each is undone, sold and charged once."""
        system.tool("generate-data", "--seed", 77, "--orders", 150, self.input)
        orders, lines = self.rows("orders"), self.rows("order_details")
        declined = {row["OrderID"] for row in orders if "chargeDeclined" in row["PaymentMethod"]}
        short = {row["OrderID"] for row in lines if int(row["Quantity"]) > 100_000}
        self.assertTrue(declined and short)
        self.assertTrue(any(re.fullmatch(r"\d+\.\d\d[1-9]", row["UnitPrice"]) for row in lines))

        for _ in range(2):
            books = self.run_once()
            self.assertTrue(books["balanced"])
            self.assertEqual(set(books["compensated"]), declined | short)
            self.assertEqual(len(books["compensated"]), len(declined | short))
            self.assertEqual(system.figures(books)["orders"], 150 - len(declined | short))
            charged = self.provider("SELECT COUNT(*) FROM payment_intents WHERE decline_code = '' "
                                    "AND error_code = '' AND refunded = 0")
            self.assertEqual(charged, 150 - len(declined | short))
            self.assertEqual(self.provider("SELECT COUNT(*) FROM payment_intents "
                                           "WHERE decline_code <> '' OR error_code <> ''"),
                             len(declined - short))

    def rows(self, table):
        with open(self.input / f"{table}.csv", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def provider(self, query):
        path = self.folder / "provider" / "payments.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return database.execute(query).fetchone()[0]

    def test_northwind_balances_to_the_last_digit(self):
        data = system.ROOT / "data" / "northwind"
        self.assertTrue(data.exists(), "no data: run `make data`")
        if (data / "GENERATED").exists():
            self.skipTest("Northwind could not be had; generated data stands in")
        shutil.rmtree(self.input)
        shutil.copytree(data, self.input)

        books = self.run_once()

        self.assertTrue(books["balanced"])
        self.assertEqual(system.figures(books), figures_of_totals(self.input))
        self.assertEqual({key: system.figures(books)[key] for key in NORTHWIND}, NORTHWIND)
        for line in books["figures"]:
            self.assertGreaterEqual(len(line["sources"]), 1, line["name"])

    def test_a_killed_run_is_finished_by_the_next(self):
        process = self.start("run", "--folder", self.folder, "--input", self.input, "--port", 0)
        self.wait_for_orders(5)
        process.kill()
        process.wait()

        books = self.run_once()

        self.assertTrue(books["balanced"])
        self.assertEqual(sum(1 for _ in books["compensated"]) + system.figures(books)["orders"],
                         system.ORDERS)

    def test_a_refused_line_costs_its_order_only(self):
        details = self.input / "order_details.csv"
        lines = details.read_text().splitlines(keepends=True)
        order, product, price, _, discount = lines[3].split(",")
        lines[3] = f"{order},{product},{price},-1,{discount}"
        details.write_text("".join(lines))

        books = self.run_once()

        self.assertTrue(books["balanced"])
        self.assertEqual([(line["place"], line["order_id"]) for line in books["refused"]],
                         [("order_details.csv:4", order)])
        self.assertIn("Quantity", books["refused"][0]["reason"])

    def test_wrong_totals_do_not_balance(self):
        totals = json.loads((self.input / "totals.json").read_text())
        totals["units_sold"] += 1
        (self.input / "totals.json").write_text(json.dumps(totals))

        books = self.run_once(code=1)

        off = [line["name"] for line in books["figures"]
               if line["difference"] not in (0, "0.00", "")]
        self.assertEqual(off, ["units_sold"])

    def test_a_changed_row_names_its_context(self):
        self.run_once()
        for context, statement in (
                ("payment", "UPDATE charges SET amount = amount + 10000 WHERE order_id = "
                            "(SELECT MIN(order_id) FROM charges)"),
                ("fulfillment", "DELETE FROM shipments WHERE order_id = "
                                "(SELECT MIN(order_id) FROM shipments)")):
            with self.subTest(context):
                database = self.folder / context / f"{context}.db"
                backup = self.scratch / "backup"
                shutil.copytree(database.parent, backup)
                with sqlite3.connect(database) as connection:
                    connection.execute(statement)
                connection.close()

                self.assertIn(context, self.verify(code=1)["contexts"])

                shutil.rmtree(database.parent)
                backup.rename(database.parent)
                self.assertTrue(self.verify()["balanced"])


def figures_of_totals(folder):
    flat = {}
    for key, value in json.loads((folder / "totals.json").read_text()).items():
        if isinstance(value, dict):
            flat.update({f"{key}.{part}": inner for part, inner in value.items()})
        else:
            flat[key] = value
    return flat


if __name__ == "__main__":
    system.main()
