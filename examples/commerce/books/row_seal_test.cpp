#include "examples/commerce/books/row_seal.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace commerce::books {
namespace {

using sinew::store::Parameter;
using sinew::store::Row;
using sinew::store::Value;

std::string seal_of(std::initializer_list<Parameter> columns) {
  const SealedRow row(columns);
  const std::span<const Parameter> all = row;
  return std::string(std::get<std::string_view>(all.back().value()));
}

TEST(RowSeal, FitsTheRowItWasMadeOf) {
  const std::vector<Value> row{Value(std::int64_t{7}), Value("text"), Value(),
                               Value(seal_of({7, "text", nullptr}))};
  EXPECT_TRUE(is_sealed(Row(row)));
}

TEST(RowSeal, TellsRowsApartThatLookAlike) {
  const std::string seal = seal_of({"12", "3"});

  EXPECT_NE(seal, seal_of({"1", "23"}));
  EXPECT_NE(seal, seal_of({"123", ""}));
  EXPECT_NE(seal, seal_of({12, "3"}));
  EXPECT_NE(seal, seal_of({"12", "3", nullptr}));
  EXPECT_NE(seal_of({nullptr}), seal_of({""}));
  EXPECT_NE(seal_of({nullptr}), seal_of({0}));
}

TEST(RowSeal, IsReportedUnderTableAndKey) {
  std::vector<Problem> problems;
  const std::vector<Value> row{Value("10248"), Value("no seal")};

  EXPECT_FALSE(check_seal(Row(row), "charges", problems));

  ASSERT_EQ(problems.size(), 1);
  EXPECT_EQ(problems[0].place, "charges 10248");
}

}  // namespace
}  // namespace commerce::books
