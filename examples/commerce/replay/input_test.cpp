#include "examples/commerce/replay/input.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "adapters/sqlite/test_folder.hpp"
#include "sinew/base/described.hpp"
#include "sinew/base/error.hpp"

namespace commerce::replay {
namespace {

using sinew::Condition;
using sinew::Error;

// A small input in good order: three orders, of which one is open.
std::map<std::string, std::string> good_files() {
  return {
      {"customers.csv", "CustomerID,CompanyName,Country\nALFKI,Alfred,Germany\nBONAP,Bon,France\n"},
      {"suppliers.csv", "SupplierID,CompanyName\n1,Exotic\n"},
      {"shippers.csv", "ShipperID,CompanyName,Phone\n1,Speedy,1\n2,United,2\n"},
      {"products.csv",
       "ProductID,ProductName,SupplierID,CategoryID,UnitPrice,UnitsInStock,UnitsOnOrder,"
       "Discontinued\n1,Chai,1,1,18,39,0,0\n2,Chang,1,1,19,17,40,1\n"},
      {"orders.csv",
       "OrderID,CustomerID,EmployeeID,OrderDate,RequiredDate,ShippedDate,ShipVia,Freight,ShipName,"
       "ShipAddress,ShipCity,ShipRegion,ShipPostalCode,ShipCountry\n"
       "10,ALFKI,1,1998-01-05,1998-02-02,1998-01-09,1,3.25,A,S 1,Berlin,,1,Germany\n"
       "11,BONAP,2,1998-01-06,1998-02-03,1998-02-09,2,0,\"B, C\",S 2,Paris,,2,France\n"
       "12,ALFKI,1,1998-01-07,1998-02-04,,1,8.5,A,S 1,Berlin,,1,Germany\n"},
      {"order_details.csv",
       "OrderID,ProductID,UnitPrice,Quantity,Discount\n10,1,18,2,0\n10,2,19,3,0.05\n"
       "11,1,18,5,0\n12,2,19,7,0.1\n"},
      {"totals.json", "{\"orders\": 3, \"order_lines\": 4, \"units_sold\": 17}\n"},
  };
}

class InputFolder {
 public:
  explicit InputFolder(const std::map<std::string, std::string>& files) {
    for (const auto& [name, content] : files)
      sinew::sqlite::write_file(folder_.file(name), content);
  }
  Input read() const { return read_input(folder_.file("")); }

 private:
  sinew::sqlite::TestFolder folder_;
};

std::string without(std::string text, std::string_view part, std::string_view replacement) {
  const auto at = text.find(part);
  EXPECT_NE(at, std::string::npos) << part;
  return text.replace(at, part.size(), replacement);
}

std::vector<std::string> ids_of(const Input& input) {
  std::vector<std::string> ids;
  for (const auto& order : input.orders)
    ids.push_back(order.order.order_id);
  return ids;
}

TEST(ReadInput, TakesAFolderInGoodOrder) {
  const Input input = InputFolder(good_files()).read();

  EXPECT_THAT(ids_of(input), testing::ElementsAre("10", "11", "12"));
  EXPECT_THAT(input.refused, testing::IsEmpty());
  EXPECT_EQ(input.orders[1].order.ship_to.name, "B, C");
  EXPECT_EQ(input.orders[0].order.lines.size(), 2u);
  EXPECT_EQ(input.orders[2].shipped_date, std::nullopt);
  EXPECT_EQ(input.products[0].delivered, 39 + 2 + 5);
  EXPECT_EQ(input.products[1].delivered, 17 + 3 + 7);
}

struct Damage {
  const char* name;
  const char* file;
  const char* part;
  const char* replacement;
  const char* place;   // of the first refusal
  const char* reason;  // a part of it
  std::vector<std::string> left;
};
void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.name; }

class ReadDamagedInput : public testing::TestWithParam<Damage> {};

TEST_P(ReadDamagedInput, RefusesTheOrderAndTakesTheOthers) {
  const Damage& damage = GetParam();
  auto files = good_files();
  files[damage.file] = without(files[damage.file], damage.part, damage.replacement);

  const Input input = InputFolder(files).read();

  EXPECT_EQ(ids_of(input), damage.left);
  ASSERT_FALSE(input.refused.empty());
  EXPECT_EQ(input.refused[0].place, damage.place);
  EXPECT_THAT(input.refused[0].reason, testing::HasSubstr(damage.reason));
}

INSTANTIATE_TEST_SUITE_P(
    Input, ReadDamagedInput,
    testing::Values(
        Damage{"negative_quantity",
               "order_details.csv",
               "19,3,",
               "19,-3,",
               "order_details.csv:3",
               "Quantity: expected an integer from 1",
               {"11", "12"}},
        Damage{"quantity_no_number",
               "order_details.csv",
               "18,5,",
               "18,5x,",
               "order_details.csv:4",
               "Quantity",
               {"10", "12"}},
        Damage{"four_decimals",
               "order_details.csv",
               "11,1,18,",
               "11,1,18.0005,",
               "order_details.csv:4",
               "UnitPrice",
               {"10", "12"}},
        Damage{"discount_above_one",
               "order_details.csv",
               "7,0.1",
               "7,1.01",
               "order_details.csv:5",
               "Discount",
               {"10", "11"}},
        Damage{"unknown_product",
               "order_details.csv",
               "11,1,",
               "11,9,",
               "order_details.csv:4",
               "products.csv has no 9",
               {"10", "12"}},
        Damage{"unknown_order",
               "order_details.csv",
               "11,1,18,5,0\n",
               "11,1,18,5,0\n13,1,18,5,0\n",
               "order_details.csv:5",
               "orders.csv has no 13",
               {"10", "11", "12"}},
        Damage{"too_many_fields",
               "order_details.csv",
               "18,5,0",
               "18,5,0,0",
               "order_details.csv:4",
               "expected 5 fields",
               {"10", "12"}},
        Damage{"too_few_fields",
               "order_details.csv",
               "11,1,18,5,0",
               "11,1,18,5",
               "order_details.csv:4",
               "expected 5 fields",
               {"10", "12"}},
        Damage{"cut_line",
               "order_details.csv",
               "19,7,0.1\n",
               "19,7",
               "order_details.csv:5",
               "",
               {"10", "11"}},
        Damage{"cut_key",
               "order_details.csv",
               "12,2,19,7,0.1\n",
               "1",
               "order_details.csv:5",
               "",
               {"10"}},
        Damage{"cut_between_lines",
               "order_details.csv",
               "12,2,19,7,0.1\n",
               "",
               "order_details.csv",
               "it was cut",
               {"10"}},
        Damage{"unknown_customer",
               "orders.csv",
               "11,BONAP",
               "11,NOBODY",
               "orders.csv:3",
               "customers.csv has no NOBODY",
               {"10", "12"}},
        Damage{"unknown_carrier",
               "orders.csv",
               "02-09,2,",
               "02-09,3,",
               "orders.csv:3",
               "shippers.csv has no 3",
               {"10", "12"}},
        Damage{"impossible_date",
               "orders.csv",
               "1998-02-03",
               "1998-02-30",
               "orders.csv:3",
               "RequiredDate: expected a date",
               {"10", "12"}},
        Damage{"negative_freight",
               "orders.csv",
               ",3.25,",
               ",-3.25,",
               "orders.csv:2",
               "Freight",
               {"11", "12"}},
        Damage{"no_country",
               "orders.csv",
               "2,France",
               "2,",
               "orders.csv:3",
               "ShipCountry",
               {"10", "12"}},
        Damage{"order_id_used_twice",
               "orders.csv",
               "\n12,ALFKI",
               "\n11,ALFKI",
               "orders.csv:4",
               "11 was used before, with other content",
               {"10"}},
        Damage{"customer_id_used_twice",
               "customers.csv",
               "BONAP,Bon,France",
               "BONAP,Bon,France\nBONAP,Bonn,France",
               "customers.csv:4",
               "BONAP was used before",
               {"10", "12"}},
        Damage{"product_without_name",
               "products.csv",
               "1,Chai,",
               "1,,",
               "products.csv:2",
               "ProductName",
               {"12"}},
        Damage{
            "bad_quotes", "orders.csv", "\"B, C\"", "\"B, C\"x", "orders.csv:3", "", {"10", "12"}}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(ReadInput, RepeatedLinesWithTheSameContentCountOnce) {
  auto files = good_files();
  files["customers.csv"] += "ALFKI,Alfred,Germany\n";
  files["orders.csv"] += "12,ALFKI,1,1998-01-07,1998-02-04,,1,8.5,A,S 1,Berlin,,1,Germany\n";

  const Input input = InputFolder(files).read();

  EXPECT_THAT(ids_of(input), testing::ElementsAre("10", "11", "12"));
  EXPECT_EQ(input.customer_ids.size(), 2);
  EXPECT_THAT(input.refused, testing::IsEmpty());
}

// Wherever a file is cut, an order comes through whole or not at all.
TEST(ReadInput, TakesNoHalfOrderFromACutFile) {
  const auto whole = good_files();
  std::set<std::string> known;
  for (const auto& order : InputFolder(whole).read().orders)
    known.insert(to_text(sinew::to_json(order.order)));
  for (const char* file : {"orders.csv", "order_details.csv"}) {
    const std::string& content = whole.at(file);
    for (std::size_t size = content.find('\n') + 1; size < content.size(); ++size) {
      auto files = whole;
      files[file] = content.substr(0, size);

      const Input input = InputFolder(files).read();

      for (const auto& order : input.orders)
        EXPECT_TRUE(known.contains(to_text(sinew::to_json(order.order)))) << file << ' ' << size;
      EXPECT_FALSE(input.refused.empty()) << file << ' ' << size;
    }
  }
}

TEST(ReadInput, IsTheSameBatchForTheSameContentOnly) {
  auto changed = good_files();
  changed["orders.csv"] = without(changed["orders.csv"], "Berlin", "Bonn");

  EXPECT_EQ(InputFolder(good_files()).read().id, InputFolder(good_files()).read().id);
  EXPECT_NE(InputFolder(good_files()).read().id, InputFolder(changed).read().id);
}

struct Missing {
  const char* name;
  const char* file;
  const char* content;  // nullptr: no such file
  Condition condition;
};
void PrintTo(const Missing& missing, std::ostream* out) { *out << missing.name; }

class ReadUnusableInput : public testing::TestWithParam<Missing> {};

TEST_P(ReadUnusableInput, SaysWhichFile) {
  auto files = good_files();
  files.erase(GetParam().file);
  if (GetParam().content != nullptr) files[GetParam().file] = GetParam().content;

  try {
    InputFolder(files).read();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), GetParam().condition);
    EXPECT_THAT(error.detail(), testing::HasSubstr(GetParam().file));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Input, ReadUnusableInput,
    testing::Values(Missing{"no_file", "orders.csv", nullptr, Condition::not_found},
                    Missing{"no_totals", "totals.json", nullptr, Condition::not_found},
                    Missing{"empty", "orders.csv", "", Condition::invalid_input},
                    Missing{"column", "shippers.csv", "ShipperID,CompanyName\n1,x\n",
                            Condition::invalid_input},
                    Missing{"totals_no_json", "totals.json", "{", Condition::invalid_input},
                    Missing{"totals_no_object", "totals.json", "[]", Condition::invalid_input}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace commerce::replay
