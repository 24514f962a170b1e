"""Northwind as Sinew's input folder: read from either published form, write the CSV files.

Two publications carry the same orders: Microsoft's own script (instnwnd.sql) and the JavaScript
package northwind-data, whose dates are 16 years later. Both become the same tables here: a dict of
file name to (columns, rows), every value a string, '' for NULL. docs/reference/input-format.md
describes the files.
"""

import csv
import json
import re
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

COLUMNS = {
    "customers": "CustomerID CompanyName ContactName ContactTitle Address City Region PostalCode "
                 "Country Phone Fax",
    "products": "ProductID ProductName SupplierID CategoryID QuantityPerUnit UnitPrice "
                "UnitsInStock UnitsOnOrder ReorderLevel Discontinued",
    "suppliers": "SupplierID CompanyName ContactName ContactTitle Address City Region PostalCode "
                 "Country Phone Fax HomePage",
    "shippers": "ShipperID CompanyName Phone",
    "orders": "OrderID CustomerID EmployeeID OrderDate RequiredDate ShippedDate ShipVia Freight "
              "ShipName ShipAddress ShipCity ShipRegion ShipPostalCode ShipCountry",
    "order_details": "OrderID ProductID UnitPrice Quantity Discount",
    "prices": "ProductID ValidFrom UnitPrice",
}
COLUMNS = {table: names.split() for table, names in COLUMNS.items()}
DATES = ("OrderDate", "RequiredDate", "ShippedDate")
PACKAGE_YEARS_LATER = 16


class BadSource(Exception):
    """The text is not the publication it should be; says where it stopped making sense."""


def tables_from_sql(text):
    """The tables of instnwnd.sql: its INSERT statements, positional or with a column list."""
    tables = {table: [] for table in COLUMNS if table != "prices"}
    insert = re.compile(r'^INSERT\s+(?:INTO\s+)?"([\w ]+)"\s*(?:\(([^)]*)\))?\s*VALUES\s*\(',
                        re.MULTILINE | re.IGNORECASE)
    for match in insert.finditer(text):
        table = match.group(1).lower().replace(" ", "_")
        if table not in tables:
            continue
        names = COLUMNS[table]
        if match.group(2):
            names = [name.strip().strip('"') for name in match.group(2).split(",")]
        values = sql_values(text, match.end())
        if len(values) != len(names):
            line = text.count("\n", 0, match.start()) + 1
            raise BadSource(f"line {line}: {len(values)} values for {len(names)} columns")
        row = dict(zip(names, values))
        for column in DATES:
            if row.get(column):
                month, day, year = map(int, row[column].split("/"))
                row[column] = date(year, month, day).isoformat()
        tables[table].append([row[name] for name in COLUMNS[table]])
    return tables


def sql_values(text, position):
    """The values from `position`, just behind an opening parenthesis, to the closing one."""
    value = re.compile(r"\s*(?:N?'((?:[^']|'')*)'|([^\s,()']+))\s*([,)])")
    values = []
    while True:
        match = value.match(text, position)
        if not match:
            raise BadSource(f"line {text.count(chr(10), 0, position) + 1}: not a value list")
        quoted, bare, end = match.groups()
        if quoted is not None:
            values.append(quoted.replace("''", "'"))
        else:
            values.append("" if bare.upper() == "NULL" else bare)
        position = match.end()
        if end == ")":
            return values


def tables_from_package(script):
    """The tables of the package; script(name) is the text of one file, an array written as JSON."""
    files = {"customers": "Customer", "products": "Product", "suppliers": "Supplier",
             "shippers": "Shipper", "orders": "Order", "order_details": "OrderDetail"}
    tables = {}
    for table, name in files.items():
        body = script(name).removeprefix("export default").strip().removesuffix(";")
        rows = json.loads(body, parse_float=str, parse_int=str)
        tables[table] = [package_row(table, row) for row in rows]
    return tables


def package_row(table, row):
    own_key = COLUMNS[table][0]
    values = []
    for column in COLUMNS[table]:
        key = column[:-2] + "Id" if column.endswith("ID") else column
        if column == own_key and table != "order_details":
            key = "Id"
        value = row[key] or ""
        if value and column in DATES:
            moved = date.fromisoformat(value)
            value = moved.replace(year=moved.year - PACKAGE_YEARS_LATER).isoformat()
        values.append(value)
    return values


def price_list(tables):
    """The dated prices that explain every order line: (ProductID, ValidFrom, UnitPrice).

    A price is valid from the first order that shows it; a product's first price from the first day
    of all, so that every day of the data has a quote. The list price of products.csv is the last.
    """
    ordered = {row[0]: row[3] for row in tables["orders"]}
    first_day = min(ordered.values())
    seen = {}
    for order, product, price, _, _ in tables["order_details"]:
        seen.setdefault(product, set()).add((ordered[order], Decimal(price), price))
    rows = []
    for product in tables["products"]:
        listed = product[5]
        changes = []
        for day, amount, text in sorted(seen.get(product[0], ())):
            if not changes or changes[-1][1] != amount:
                changes.append((day if changes else first_day, amount, text))
        if not changes:
            changes = [(first_day, Decimal(listed), listed)]
        if changes[-1][1] != Decimal(listed):
            last = max(day for day, _, _ in seen[product[0]])
            day_after = date.fromisoformat(last) + timedelta(days=1)
            changes.append((day_after.isoformat(), Decimal(listed), listed))
        rows += [[product[0], day, text] for day, _, text in changes]
    return rows


def plain(value):
    """A decimal without an exponent or useless zeros: '14.0000' -> '14', '.05' -> '0.05'."""
    number = Decimal(value)
    return f"{number.normalize():f}" if number else "0"


def write(tables, folder):
    """Writes every table as folder/<table>.csv: UTF-8, comma, quotes where needed, LF."""
    decimals = {"UnitPrice", "Freight", "Discount"}
    for table, rows in tables.items():
        columns = COLUMNS[table]
        exact = [i for i, column in enumerate(columns) if column in decimals]
        for row in rows:
            for i in exact:
                row[i] = plain(row[i])
        with open(Path(folder) / f"{table}.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(rows)
