"""Input that is wrong: each line is refused with its place and reason, and everything else goes on."""

import json

import system


class Input(system.Case):
    def edit(self, file, change):
        """The lines of the file, header first, as `change` leaves them."""
        path = self.input / file
        lines = path.read_text().splitlines()
        change(lines)
        path.write_text("\n".join(lines) + "\n")

    def replace(self, file, number, column, value):
        """Another value in line `number` (from 1, the header's); gives the line's first field."""
        header = (self.input / file).read_text().splitlines()[0].split(",")
        first = []

        def change(lines):
            fields = lines[number - 1].split(",")
            first.append(fields[0])
            fields[header.index(column)] = value
            lines[number - 1] = ",".join(fields)
        self.edit(file, change)
        return first[0]

    def lines(self, file):
        return (self.input / file).read_text().splitlines()

    def first_lines_of_orders(self):
        """The line in order_details.csv where each order begins, in the order of the file."""
        places = {}
        for number, line in enumerate(self.lines("order_details.csv")[1:], start=2):
            places.setdefault(line.split(",")[0], number)
        return list(places.items())

    def assert_refused(self, expected):
        """{place: (words of the reason, order)}; the books balance without these orders, and hold
        all the others; the same after a second run."""
        orders = {order for _, order in expected.values() if order}
        for _ in range(2):
            done = self.commerce("run", "--folder", self.folder, "--input", self.input, "--port", 0,
                                 "--exit", "-o", "json")
            books = json.loads(done.stdout)
            self.assertTrue(books["balanced"])
            refused = {line["place"]: line for line in books["refused"]}
            self.assertEqual(len(refused), len(books["refused"]))
            self.assertEqual(refused.keys(), expected.keys())
            for place, (words, order) in expected.items():
                self.assertIn(words, refused[place]["reason"])
                self.assertEqual(refused[place]["order_id"], order)
                self.assertIn(f"refused: {place}: ", done.stderr)
            found = system.figures(books)["orders"] + len(books["compensated"])
            self.assertEqual(found, system.ORDERS - len(orders))
        listed = self.commerce("verify", "--folder", self.folder).stdout
        for place, (words, order) in expected.items():
            line = next(line for line in listed.splitlines() if line.startswith(f"  {place}: "))
            self.assertIn(words, line)
            self.assertIn(order, line)

    def test_wrong_lines_cost_their_orders_only(self):
        expected = {}
        places = iter(self.first_lines_of_orders()[::3])

        def spoil_line(column, value, words):
            order, number = next(places)
            self.replace("order_details.csv", number, column, value)
            expected[f"order_details.csv:{number}"] = (words, order)

        def spoil_text(change, words):
            order, number = next(places)
            self.edit("order_details.csv",
                      lambda lines: lines.__setitem__(number - 1, change(lines[number - 1])))
            expected[f"order_details.csv:{number}"] = (words, order)

        spoil_line("Quantity", "-1", "Quantity: expected an integer from 1")
        spoil_line("Quantity", "2.5", "Quantity: expected an integer from 1")
        spoil_line("ProductID", "999999", "ProductID: products.csv has no 999999")
        spoil_line("UnitPrice", "1.2345", "UnitPrice: expected a decimal")
        spoil_line("UnitPrice", "", "UnitPrice: expected a decimal")
        spoil_line("Discount", "1.5", "Discount: expected a fraction")
        spoil_text(lambda line: line + ",more", "field")
        spoil_text(lambda line: line.rsplit(",", 1)[0], "field")
        spoil_text(lambda line: line.replace(",", ',x"', 1), "quote")

        self.assert_refused(expected)

    def test_wrong_orders_cost_themselves_only(self):
        orders = [line.split(",")[0] for line in self.lines("orders.csv")]
        expected = {}
        for number, column, value, words in (
                (3, "CustomerID", "NOBODY", "CustomerID: customers.csv has no NOBODY"),
                (9, "ShipVia", "99", "ShipVia: shippers.csv has no 99"),
                (15, "OrderDate", "7 May 1998", "OrderDate: expected a date"),
                (21, "Freight", "-3.00", "Freight: expected a decimal from 0")):
            self.replace("orders.csv", number, column, value)
            expected[f"orders.csv:{number}"] = (words, orders[number - 1])

        self.assert_refused(expected)

    def test_an_id_with_other_content_costs_both(self):
        twice, same = (self.lines("orders.csv")[number - 1] for number in (5, 7))
        other = twice.split(",")
        other[2] = "77"  # EmployeeID
        self.edit("orders.csv", lambda lines: lines.extend([",".join(other), same]))

        place = f"orders.csv:{system.ORDERS + 2}"
        self.assert_refused({place: ("was used before, with other content", other[0])})

    def test_an_order_that_the_system_has_with_other_content(self):
        """In another input, after the first was replayed: the order as it is stays."""
        before = self.run_once()
        order = self.replace("orders.csv", 5, "Freight", "1.23")
        system.tool("data-totals", "--write", self.input)

        for _ in range(2):
            done = self.commerce("run", "--folder", self.folder, "--input", self.input, "--port", 0,
                                 "--exit", "-o", "json")
            books = json.loads(done.stdout)
            self.assertTrue(books["balanced"])
            self.assertEqual([(line["place"], line["order_id"]) for line in books["refused"]],
                             [("orders.csv:5", order)])
            self.assertIn("with other content", books["refused"][0]["reason"])
            self.assertIn("refused: orders.csv:5: ", done.stderr)
            self.assertEqual(sorted(books["compensated"]), sorted(before["compensated"]))

    def test_a_file_cut_within_a_line(self):
        path = self.input / "order_details.csv"
        lines = self.lines("order_details.csv")
        path.write_text("\n".join(lines)[:-6])

        last = lines[-1].split(",")[0]
        self.assert_refused({f"order_details.csv:{len(lines)}": ("was it cut?", last)})

    def test_a_file_cut_after_a_line(self):
        lines = self.lines("order_details.csv")
        last, previous = (line.split(",")[0] for line in (lines[-1], lines[-2]))
        self.edit("order_details.csv", lambda lines: lines.pop())

        expected = {"order_details.csv": ("it was cut", previous)}
        if last != previous:  # nothing is left of the last order
            expected[f"orders.csv:{system.ORDERS + 1}"] = ("no lines", last)
        self.assert_refused(expected)

    def test_orders_cut_within_a_line(self):
        path = self.input / "orders.csv"
        order = self.lines("orders.csv")[-1].split(",")[0]
        path.write_text(path.read_text().rstrip()[:-60])

        self.assert_refused({f"orders.csv:{system.ORDERS + 1}": ("never closed", order)})

    def test_files_that_cannot_be_taken_at_all(self):
        for file, spoil, says in (
                ("orders.csv", lambda path: path.chmod(0), "Permission denied"),
                ("orders.csv", lambda path: (path.unlink(), path.mkdir()), "directory"),
                ("order_details.csv", lambda path: path.write_text("a,b\n"), "OrderID"),
                ("customers.csv", lambda path: path.write_bytes(b""), "the file is empty"),
                ("totals.json", lambda path: path.write_text('{"orders": '), "line 1")):
            with self.subTest(file=file, says=says):
                system.tool("generate-data", "--seed", 11, "--orders", system.ORDERS, self.input)
                path = self.input / file
                spoil(path)
                done = self.commerce("run", "--folder", self.folder, "--input", self.input,
                                     "--port", 0, "--exit", code=2, prefix=system.LIKE_ANYBODY)
                self.assertIn(file, done.stderr)
                self.assertIn(says, done.stderr)
                path.chmod(0o700)
                path.rmdir() if path.is_dir() else path.unlink()
        system.tool("generate-data", "--seed", 11, "--orders", system.ORDERS, self.input)
        self.assertTrue(self.run_once()["balanced"])


if __name__ == "__main__":
    system.main()
