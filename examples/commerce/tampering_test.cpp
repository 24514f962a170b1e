#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "examples/commerce/test_system.hpp"
#include "sinew/base/error.hpp"

// Changes every column of every business table once, as someone with a shell could: the audit of
// that context must tell.
namespace commerce::test {
namespace {

using sinew::store::Parameter;
using sinew::store::Statement;
using sinew::store::Transaction;
using sinew::store::Value;

struct Column {
  std::string table;
  std::string name;
};

// Every column of every sealed table, and of the log that orders are made of.
Task<std::vector<Column>> business_columns(Transaction& tx) {
  std::vector<Column> columns;
  const auto rows = co_await tx.execute(Statement::dynamic(
      "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c "
      "WHERE m.type = 'table' AND (m.name = 'events' OR EXISTS (SELECT 1 FROM "
      "pragma_table_info(m.name) s WHERE s.name = 'seal')) ORDER BY 1, 2"));
  for (const auto row : rows)
    columns.push_back({row.text(0), row.text(1)});
  co_return columns;
}

Value other(const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return *number + 1;
  if (const auto* text = std::get_if<std::string>(&value)) return *text + "1";
  if (const auto* blob = std::get_if<sinew::store::Blob>(&value)) {
    sinew::store::Blob changed = *blob;
    if (changed.bytes.empty()) changed.bytes = " ";
    changed.bytes.back() ^= 1;
    return changed;
  }
  return std::string("1");
}

class Tamperer {
 public:
  Tamperer(TestSystem& system, const std::string& context)
      : system_(system), database_(system.context(context).database()), context_(context) {}

  std::vector<Column> columns() { return system_.node().run(database_.read(business_columns)); }

  // The column of the table's last row, or nothing for an empty table.
  std::optional<Value> value(const Column& column) {
    const std::string sql = "SELECT " + column.name + " FROM " + column.table +
                            " WHERE rowid = (SELECT MAX(rowid) FROM " + column.table + ")";
    return system_.node().run(database_.read([&](Transaction& tx) -> Task<std::optional<Value>> {
      const auto rows = co_await tx.execute(Statement::dynamic(sql));
      if (rows.empty()) co_return std::nullopt;
      co_return rows[0].value(0);
    }));
  }

  // False when the engine itself does not take the value.
  bool set(const Column& column, const Value& value) {
    const std::string sql = "UPDATE " + column.table + " SET " + column.name +
                            " = ? WHERE rowid = (SELECT MAX(rowid) FROM " + column.table + ")";
    try {
      system_.node().run(database_.transaction([&](Transaction& tx) -> Task<void> {
        co_await tx.execute(Statement::dynamic(sql), {Parameter(value)});
      }));
      return true;
    } catch (const sinew::Error&) {
      return false;
    }
  }

  bool audit_tells() { return !system_.audit(context_).problems.empty(); }

 private:
  TestSystem& system_;
  sinew::store::Database& database_;
  std::string context_;
};

// Rows in every table: orders of all ends, a refused line in each drop folder, a batch.
void fill(TestSystem& system) {
  system.drop("sales", "customers", "customers.csv",
              "CustomerID,CompanyName,ContactName,City,Country,Phone\nA,A,A,A,A,1\nB B,,,,,\n");
  system.drop("inventory", "receipts", "receipts.csv",
              "ProductID,ProductName,SupplierID,CategoryID,Quantity,UnitsOnOrder,Discontinued\n"
              "1,Chai,1,1,10,0,0\n2,Chang,1,1,x,0,0\n");
  system.drop("fulfillment", "carriers", "carriers.csv",
              "ShipperID,CompanyName,Phone\n1,Speedy,1\n0,None,\n");
  sales::PlaceOrder order;
  order.customer_id = "A";
  order.order_date = sinew::parse_iso_date("1996-07-04");
  order.required_date = sinew::parse_iso_date("1996-08-01");
  order.ship_to.country = "France";
  order.lines = {{1, 2, sinew::Decimal::parse("18.5"), sinew::Decimal::parse("0.1")}};
  const auto place = [&](const char* id, std::int64_t carrier) {
    order.order_id = id;
    order.carrier_id = carrier;
    EXPECT_EQ(system.post("sales", "/orders", sinew::to_json(order)).status, 201);
  };
  place("1", 9);
  place("2", 1);
  reporting::RegisterBatch batch;
  batch.batch_id = "b";
  EXPECT_EQ(system.post("reporting", "/batches", sinew::to_json(batch)).status, 201);
  system.settle();
  EXPECT_EQ(system.report("r", "2", "1996-07-16").status, 200);
  system.settle();
}

TEST(Tampering, EveryColumnOfEveryBusinessTableIsMissed) {
  TestSystem system;
  fill(system);
  std::size_t changed = 0;

  for (const auto& [context, audit] : TestSystem::audits()) {
    Tamperer tamperer(system, context);
    ASSERT_FALSE(tamperer.audit_tells()) << context << " tells without reason";
    for (const Column& column : tamperer.columns()) {
      const auto value = tamperer.value(column);
      const std::string where = context + "." + column.table + "." + column.name;
      if (column.table == "events" && context != "sales") continue;  // only orders are events
      if (!value) {
        ADD_FAILURE() << where << ": the table is empty, nothing was tested";
        continue;
      }
      if (!tamperer.set(column, other(*value))) continue;
      ++changed;
      EXPECT_TRUE(tamperer.audit_tells()) << where << ": nobody noticed";
      ASSERT_TRUE(tamperer.set(column, *value)) << where;
    }
    EXPECT_FALSE(tamperer.audit_tells()) << context << " was not put back";
  }
  EXPECT_GT(changed, 100);
}

}  // namespace
}  // namespace commerce::test
