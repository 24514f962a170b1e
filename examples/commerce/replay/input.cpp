#include "examples/commerce/replay/input.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "examples/commerce/replay/order_reader.hpp"
#include "examples/commerce/replay/table.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/hash.hpp"

namespace commerce::replay {
namespace {

using sinew::Condition;
using sinew::Error;

constexpr std::int64_t max_id = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t max_units = 1'000'000'000;
constexpr std::size_t max_name = 200;

// The lines of a table whose key nobody else has: those of a key that is used twice with other
// content are refused, all of them, as nobody can tell which is right.
class Distinct {
 public:
  Distinct(const Table& table, std::string_view key_column,
           const std::function<std::string(const Row&)>& read,
           std::vector<reporting::Refusal>& refused)
      : refused_(refused) {
    table.each(
        key_column, [this, &read](const Row& row) { add(read(row), row); },
        [this](const RefusedRow& row) { refuse(row.place, row.reason); });
    for (auto& key : sequence_) {
      if (!ambiguous_.contains(key)) keys_.push_back(std::move(key));
    }
  }

  // In the order of the file.
  const std::vector<std::string>& keys() const noexcept { return keys_; }
  const std::vector<std::string>& fields(const std::string& key) const { return rows_.at(key); }

  // A file of what was taken.
  std::string file(const Table& table) const {
    std::string text = table.header();
    for (const auto& key : keys_)
      text += sinew::exchange::csv_line(rows_.at(key));
    return text;
  }

 private:
  void add(const std::string& key, const Row& row) {
    const auto [found, fresh] = rows_.try_emplace(key, row.fields());
    if (fresh) {
      sequence_.push_back(key);
    } else if (found->second != row.fields()) {
      ambiguous_.insert(key);
      refuse(row.place(), fmt::format("{} was used before, with other content", key));
    }
  }
  void refuse(const std::string& place, const std::string& reason) {
    refused_.push_back({place, {}, reason});
  }

  std::vector<reporting::Refusal>& refused_;
  std::map<std::string, std::vector<std::string>> rows_;
  std::vector<std::string> sequence_;
  std::set<std::string> ambiguous_;
  std::vector<std::string> keys_;
};

Product product_of(const Row& row) {
  Product product;
  product.id = row.integer("ProductID", 1, max_id);
  product.name = row.required("ProductName", max_name);
  product.supplier = row.integer("SupplierID", 1, max_id);
  product.category = row.integer("CategoryID", 1, max_id);
  product.units_in_stock = row.integer("UnitsInStock", 0, max_units);
  product.units_on_order = row.integer("UnitsOnOrder", 0, max_units);
  product.discontinued = row.integer("Discontinued", 0, 1) == 1;
  if (row.has("OpeningStock") && !row.text("OpeningStock").empty()) {
    product.opening_stock = row.integer("OpeningStock", 0, max_units);
  }
  return product;
}

std::vector<Product> read_products(const Table& table, std::vector<reporting::Refusal>& refused) {
  std::map<std::string, Product> by_id;
  const auto read = [&by_id](const Row& row) {
    Product product = product_of(row);
    std::string id = std::to_string(product.id);
    by_id.insert_or_assign(id, std::move(product));
    return id;
  };
  const Distinct distinct(table, "ProductID", read, refused);
  std::vector<Product> products;
  for (const auto& id : distinct.keys())
    products.push_back(std::move(by_id.at(id)));
  return products;
}

// What is delivered before the first order: as given, or what is left plus what will be taken.
void set_deliveries(Input& input) {
  std::map<std::int64_t, std::int64_t> ordered;
  for (const auto& order : input.orders) {
    for (const auto& line : order.order.lines)
      ordered[line.product_id] += line.quantity;
  }
  for (auto& product : input.products) {
    product.delivered =
        product.opening_stock.value_or(product.units_in_stock + ordered[product.id]);
  }
}

// What was read, so that the same input is the same batch.
class Digest {
 public:
  void add(const std::string& file, const std::string& content) {
    text_ += fmt::format("{} {}\n", sinew::sha256_hex(content), file);
  }
  std::string hex() const { return sinew::sha256_hex(text_); }

 private:
  std::string text_;
};

sinew::Json parse_totals(const std::string& text) {
  try {
    sinew::Json totals = sinew::parse_json(text);
    if (!totals.is_object()) throw Error(Condition::invalid_input, "expected an object");
    return totals;
  } catch (const Error& error) {
    throw Error(error.condition(), fmt::format("totals.json: {}", error.detail()));
  }
}

// 0 when totals.json does not say.
std::size_t published_count(const sinew::Json& totals, std::string_view name) {
  const sinew::Json* count = totals.find(name);
  if (count == nullptr || count->kind() != sinew::JsonKind::integer) return 0;
  return static_cast<std::size_t>(std::max<std::int64_t>(count->as_integer(), 0));
}

struct Tables {
  explicit Tables(const std::filesystem::path& folder)
      : customers(folder, "customers.csv", {"CustomerID", "CompanyName", "Country"}),
        suppliers(folder, "suppliers.csv", {"SupplierID", "CompanyName"}),
        shippers(folder, "shippers.csv", {"ShipperID", "CompanyName", "Phone"}),
        products(folder, "products.csv",
                 {"ProductID", "ProductName", "SupplierID", "CategoryID", "UnitPrice",
                  "UnitsInStock", "UnitsOnOrder", "Discontinued"}),
        orders(folder, "orders.csv",
               {"OrderID", "CustomerID", "EmployeeID", "OrderDate", "RequiredDate", "ShippedDate",
                "ShipVia", "Freight", "ShipName", "ShipAddress", "ShipCity", "ShipRegion",
                "ShipPostalCode", "ShipCountry"}),
        details(folder, "order_details.csv",
                {"OrderID", "ProductID", "UnitPrice", "Quantity", "Discount"}),
        totals(read_file(folder / "totals.json")) {}

  std::string digest() const {
    Digest digest;
    for (const Table* table : {&customers, &suppliers, &shippers, &products, &orders, &details})
      digest.add(table->file(), table->content());
    digest.add("totals.json", totals);
    return digest.hex();
  }

  Table customers;
  Table suppliers;
  Table shippers;
  Table products;
  Table orders;
  Table details;
  std::string totals;
};

std::string number_key(const Row& row, std::string_view column) {
  std::string key = std::to_string(row.integer(column, 1, max_id));
  row.required("CompanyName", max_name);
  return key;
}

Known read_master_data(const Tables& tables, Input& input) {
  Known known;
  const Distinct customers(
      tables.customers, "CustomerID",
      [](const Row& row) {
        row.required("CompanyName", max_name);
        return row.key("CustomerID");
      },
      input.refused);
  const Distinct suppliers(
      tables.suppliers, "SupplierID", [](const Row& row) { return number_key(row, "SupplierID"); },
      input.refused);
  const Distinct carriers(
      tables.shippers, "ShipperID", [](const Row& row) { return number_key(row, "ShipperID"); },
      input.refused);
  input.customers = customers.file(tables.customers);
  input.carriers = carriers.file(tables.shippers);
  input.customer_ids = customers.keys();
  for (const auto& key : carriers.keys())
    input.carrier_ids.push_back(std::stoll(key));
  input.products = read_products(tables.products, input.refused);
  known.customers.insert(input.customer_ids.begin(), input.customer_ids.end());
  known.carriers.insert(input.carrier_ids.begin(), input.carrier_ids.end());
  for (const auto& product : input.products)
    known.products.insert(product.id);
  return known;
}

}  // namespace

Input read_input(const std::filesystem::path& folder) {
  if (!std::filesystem::is_directory(folder)) {
    throw Error(Condition::not_found,
                fmt::format("the input folder {} does not exist: tools/get-data prepares one",
                            folder.string()));
  }
  const Tables tables(folder);
  Input input;
  input.id = tables.digest();
  input.name = std::filesystem::absolute(folder).lexically_normal().filename().string();
  input.totals = parse_totals(tables.totals);
  const Known known = read_master_data(tables, input);
  OrderReader orders(known, input.refused);
  orders.read_orders(tables.orders);
  orders.read_details(tables.details, published_count(input.totals, "order_lines"));
  input.orders = orders.take();
  set_deliveries(input);
  return input;
}

std::string receipts_of(const Input& input) {
  std::string text =
      sinew::exchange::csv_line({"ProductID", "ProductName", "SupplierID", "CategoryID", "Quantity",
                                 "UnitsOnOrder", "Discontinued"});
  for (const auto& product : input.products) {
    text += sinew::exchange::csv_line(
        {std::to_string(product.id), product.name, std::to_string(product.supplier),
         std::to_string(product.category), std::to_string(product.delivered),
         std::to_string(product.units_on_order), product.discontinued ? "1" : "0"});
  }
  return text;
}

}  // namespace commerce::replay
