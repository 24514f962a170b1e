#include <gtest/gtest.h>

#include <string>

#include "examples/commerce/sales/contract/versions.hpp"
#include "sinew/event/typed.hpp"

// What was published in an older version is read as it was meant.
namespace commerce::contracts {
namespace {

struct OldRejection {
  const char* name;
  const char* data;
  const char* code;
};

class OldRejections : public testing::TestWithParam<OldRejection> {};

TEST_P(OldRejections, HaveACode) {
  sinew::event::Upcasters upcasters;
  sales::lift_orders(upcasters);

  const auto event = sinew::event::read_data<sales::OrderRejected>(
      sales::OrderRejected::type.name, 1, sinew::SharedBytes(std::string(GetParam().data)),
      upcasters);

  EXPECT_EQ(event.order_id, "1");
  EXPECT_EQ(event.code, GetParam().code);
}

INSTANTIATE_TEST_SUITE_P(
    Version1, OldRejections,
    testing::Values(
        OldRejection{"OfAParticipant",
                     R"({"order_id":"1","reason":"charge said no: card_declined: a: b"})",
                     "card_declined"},
        OldRejection{"WithoutAnAnswer",
                     R"({"order_id":"1","reason":"charge did not answer 3 times; whether"})",
                     "cancelled"},
        OldRejection{"OfAnOperator", R"({"order_id":"1","reason":"compensated by an operator"})",
                     "cancelled"},
        OldRejection{"CutShort", R"({"order_id":"1","reason":"charge said no: card_decl"})",
                     "card_decl"}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace commerce::contracts
