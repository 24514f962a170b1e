"""The data tools: both publications of Northwind read alike, totals are exact, seeds repeat."""

import importlib.machinery
import importlib.util
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOOLS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOOLS))

import northwind  # noqa: E402: the tools are scripts, not a package


def tool(name, *arguments):
    return subprocess.run([sys.executable, str(TOOLS / name), *map(str, arguments)],
                          capture_output=True, text=True, check=False)


def load(name):
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), str(TOOLS / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


SQL = """INSERT "Shippers"("ShipperID","CompanyName","Phone") VALUES(1,'Speedy','(503) 555')
INSERT INTO "Orders"
("OrderID","CustomerID","EmployeeID","OrderDate","RequiredDate","ShippedDate","ShipVia","Freight",
 "ShipName","ShipAddress","ShipCity","ShipRegion","ShipPostalCode","ShipCountry")
VALUES (10248,N'VINET',5,'7/4/1996','8/1/1996',NULL,3,32.3800,
 N'Toms Spezialitäten',N'59 rue de l''Abbaye, 2',N'Reims',NULL,N'51100',N'France')
INSERT "Region" VALUES (1,'Eastern')
"""

PACKAGE_ORDER = {"Id": 10248, "CustomerId": "VINET", "EmployeeId": 5, "OrderDate": "2012-07-04",
                 "RequiredDate": "2012-08-01", "ShippedDate": None, "ShipVia": 3, "Freight": 32.38,
                 "ShipName": "Toms Spezialitäten", "ShipAddress": "59 rue de l'Abbaye, 2",
                 "ShipCity": "Reims", "ShipRegion": None, "ShipPostalCode": "51100",
                 "ShipCountry": "France"}


class Reading(unittest.TestCase):
    def test_both_publications_give_the_same_order(self):
        from_sql = northwind.tables_from_sql(SQL)["orders"][0]
        scripts = {name: "export default []" for name in
                   ("Customer", "Product", "Supplier", "Shipper", "OrderDetail")}
        scripts["Order"] = "export default " + json.dumps([PACKAGE_ORDER])
        from_package = northwind.tables_from_package(scripts.get)["orders"][0]

        self.assertEqual(northwind.plain(from_sql[7]), "32.38")
        self.assertEqual(from_sql[:7] + from_sql[8:], from_package[:7] + from_package[8:])
        self.assertEqual(from_sql[3:6], ["1996-07-04", "1996-08-01", ""])

    def test_a_broken_script_names_its_line(self):
        with self.assertRaisesRegex(northwind.BadSource, "line 2"):
            northwind.tables_from_sql("\nINSERT \"Shippers\" VALUES (1,'x')\n")

    def test_prices_change_on_the_first_order_that_shows_them(self):
        def order(key, day):
            return [key, "C", "1", day] + [""] * 10
        tables = {
            "products": [["1", "P", "1", "1", "", "5"], ["2", "Q", "1", "1", "", "9"]],
            "orders": [order(key, f"2020-{key}") for key in ("01-03", "02-01", "03-01")],
            "order_details": [["02-01", "1", "4.0", "1", "0"], ["01-03", "1", "4", "1", "0"],
                              ["03-01", "1", "5", "1", "0"]]}
        self.assertEqual(northwind.price_list(tables), [
            ["1", "2020-01-03", "4"], ["1", "2020-03-01", "5"], ["2", "2020-01-03", "9"]])


class Totals(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        made = tool("generate-data", "--seed", 3, "--orders", 60, self.folder)
        self.assertEqual(made.returncode, 0, made.stderr)

    def edit(self, name, old, new):
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        self.assertIn(old, text)
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def test_a_seed_repeats_and_another_differs(self):
        for seed, same in ((3, True), (4, False)):
            with tempfile.TemporaryDirectory() as other:
                tool("generate-data", "--seed", seed, "--orders", 60, other)
                for path in self.folder.iterdir():
                    equal = path.read_bytes() == (Path(other) / path.name).read_bytes()
                    if path.name == "orders.csv":
                        self.assertEqual(equal, same)
                    elif same:
                        self.assertTrue(equal, path.name)

    def test_generated_data_has_each_exception(self):
        orders = (self.folder / "orders.csv").read_text(encoding="utf-8")
        self.assertIn("chargeDeclined", orders)
        self.assertTrue((self.folder / "returns.csv").exists())
        lines = (self.folder / "order_details.csv").read_text(encoding="utf-8").splitlines()
        self.assertTrue(any(int(line.split(",")[3]) > 100_000 for line in lines[1:]))

    def test_every_figure_is_compared(self):
        written = json.loads((self.folder / "totals.json").read_text(encoding="utf-8"))
        for key in written:
            with self.subTest(key=key):
                changed = {**written, key: "other"}
                (self.folder / "totals.json").write_text(json.dumps(changed), encoding="utf-8")
                result = tool("data-totals", "--check", self.folder)
                self.assertEqual(result.returncode, 1)
                self.assertIn(key, result.stderr)

    def test_a_price_outside_the_list_is_named(self):
        first = (self.folder / "order_details.csv").read_text(encoding="utf-8").splitlines()[1]
        order, product, _, *rest = first.split(",")
        self.edit("order_details.csv", first, ",".join([order, product, "0.001", *rest]))
        self.assertIn("order_details.csv:2: price 0.001",
                      tool("data-totals", "--check", self.folder).stderr)

    def test_a_short_line_is_named(self):
        first = (self.folder / "order_details.csv").read_text(encoding="utf-8").splitlines()[1]
        self.edit("order_details.csv", first, first.rsplit(",", 1)[0])
        self.assertIn("order_details.csv:2: not as many fields",
                      tool("data-totals", self.folder).stderr)

    def test_amounts_are_exact(self):
        totals = load("data-totals")
        from decimal import Decimal
        self.assertEqual(totals.text(Decimal("1265793.039500")), "1265793.0395")
        self.assertEqual(totals.text(Decimal("1E+3")), "1000.00")
        self.assertEqual(totals.text(Decimal("-0.0005")), "-0.0005")
        self.assertEqual(totals.cents(Decimal("0.125")), Decimal("0.12"))


class GetData(unittest.TestCase):
    def test_a_folder_with_other_files_is_left_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "thesis.txt").write_text("x", encoding="utf-8")
            result = tool("get-data", folder)
            self.assertEqual(result.returncode, 2)
            self.assertIn("thesis.txt", result.stderr)
            self.assertTrue((Path(folder) / "thesis.txt").exists())

    def test_other_bytes_are_refused(self):
        get_data = load("get-data")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "instnwnd.sql"
            path.write_text(SQL, encoding="utf-8")
            with self.assertRaisesRegex(get_data.Unavailable, "SHA-256"):
                get_data.from_sql(path)


if __name__ == "__main__":
    unittest.main()
