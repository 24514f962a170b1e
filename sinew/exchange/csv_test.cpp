#include "sinew/exchange/csv.hpp"

#include <gtest/gtest.h>

#include "sinew/base/error.hpp"

namespace sinew::exchange {
namespace {

using Fields = std::vector<std::string>;

struct Case {
  const char* name;
  std::string text;
  std::vector<Fields> records;
  std::vector<std::string> errors;
};

class CsvTable : public ::testing::TestWithParam<Case> {};

TEST_P(CsvTable, ReadsOrRefuses) {
  CsvReader reader(GetParam().text, "f.csv");
  std::vector<Fields> records;
  std::vector<std::string> errors;
  while (const auto record = reader.next()) {
    if (record->error.empty()) {
      records.push_back(record->fields);
    } else {
      errors.push_back(record->error);
    }
  }

  EXPECT_EQ(records, GetParam().records);
  EXPECT_EQ(errors, GetParam().errors);
}

INSTANTIATE_TEST_SUITE_P(
    Csv, CsvTable,
    ::testing::Values(
        Case{"Plain", "a,b\n1,2\n3,4\n", {{"1", "2"}, {"3", "4"}}, {}},
        Case{"CarriageReturns", "a,b\r\n1,2\r\n", {{"1", "2"}}, {}},
        Case{"Quotes", "a,b\n\"x,\"\"y\"\"\",\"\"\n", {{"x,\"y\"", ""}}, {}},
        Case{"LineBreakInQuotes",
             "a,b\n\"1\n2\",3\nx\n",
             {{"1\n2", "3"}},
             {"f.csv:4: expected 2 fields, got 1"}},
        Case{"EmptyLines", "a\n\n1\n\r\n2\n", {{"1"}, {"2"}}, {}},
        Case{"TooFew", "a,b\n1\n3,4\n", {{"3", "4"}}, {"f.csv:2: expected 2 fields, got 1"}},
        Case{"TooMany", "a,b\n1,2,3\n", {}, {"f.csv:2: expected 2 fields, got 3"}},
        Case{"QuoteInside",
             "a\nx\"y\nz\n",
             {{"z"}},
             {"f.csv:2: a quote or carriage return inside a field"}},
        Case{"BehindQuote", "a\n\"x\"y\nz\n", {{"z"}}, {"f.csv:2: text behind a closing quote"}},
        Case{
            "NeverClosed", "a\n1\n\"x\n", {{"1"}}, {"f.csv:3: a quote is opened and never closed"}},
        Case{"Cut",
             "a,b\n1,2\n3,4",
             {{"1", "2"}},
             {"f.csv:3: the file ends in the middle of a line; was it cut?"}},
        Case{"NotUtf8", "a\n\xff\n1\n", {{"1"}}, {"f.csv:2: a field is not UTF-8 text"}},
        Case{"ByteOrderMark",
             "\xEF\xBB\xBF"
             "a\n1\n",
             {{"1"}},
             {}}),
    [](const auto& info) { return info.param.name; });

TEST(Csv, NamesTheColumnsThatAreThere) {
  const std::string text = "OrderID,Freight\n";
  CsvReader reader(text, "orders.csv");

  EXPECT_EQ(reader.column("Freight"), 1u);
  try {
    reader.column("Price");
    FAIL() << "an absent column was found";
  } catch (const Error& error) {
    EXPECT_EQ(error.detail(), "orders.csv:1: there is no column Price; there are OrderID, Freight");
  }
}

TEST(Csv, RefusesAFileWithoutAHeader) {
  EXPECT_THROW(CsvReader("", "f.csv"), Error);
  EXPECT_THROW(CsvReader("a,a\n", "f.csv"), Error);
  EXPECT_THROW(CsvReader("a,b", "f.csv"), Error);
}

TEST(Csv, BoundsAField) {
  const std::string text = "a\n" + std::string(20, 'x') + "\n";
  CsvReader reader(text, "f.csv", {.max_columns = 2, .max_field_bytes = 10});

  EXPECT_EQ(reader.next()->error, "f.csv:2: a field of more than 10 bytes");
}

TEST(Csv, WritesWhatItReads) {
  const Fields fields{"plain", "with,comma", "with\"quote", "two\nlines", ""};
  const std::string text = csv_line({"a", "b", "c", "d", "e"}) + csv_line(fields);
  CsvReader reader(text, "f.csv");

  EXPECT_EQ(reader.next()->fields, fields);
}

}  // namespace
}  // namespace sinew::exchange
