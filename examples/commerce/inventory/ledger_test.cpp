#include "examples/commerce/inventory/ledger.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "sinew/base/error.hpp"

namespace commerce::inventory {
namespace {

struct MoveCase {
  const char* name;
  MovementKind kind;
  std::int64_t quantity;
  std::optional<Stock> after;  // of 5 free, 3 reserved, 2 shipped; nothing: refused
};

class StockMoves : public testing::TestWithParam<MoveCase> {};

TEST_P(StockMoves, KeepWhatThereIs) {
  const Stock before{5, 3, 2};
  const Movement movement{GetParam().kind, "1", 11, GetParam().quantity};

  if (!GetParam().after) {
    EXPECT_THROW(before.after(movement), sinew::Error);
    return;
  }
  const Stock after = before.after(movement);

  EXPECT_EQ(after, GetParam().after);
  const bool receipt = movement.kind == MovementKind::receipt;
  EXPECT_EQ(after.opening(), before.opening() + (receipt ? movement.quantity : 0));
}

INSTANTIATE_TEST_SUITE_P(
    All, StockMoves,
    testing::Values(MoveCase{"Receipt", MovementKind::receipt, 4, Stock{9, 3, 2}},
                    MoveCase{"ReserveAll", MovementKind::reserve, 5, Stock{0, 8, 2}},
                    MoveCase{"ReserveTooMany", MovementKind::reserve, 6, std::nullopt},
                    MoveCase{"Release", MovementKind::release, 3, Stock{8, 0, 2}},
                    MoveCase{"ReleaseTooMany", MovementKind::release, 4, std::nullopt},
                    MoveCase{"Ship", MovementKind::ship, 2, Stock{5, 1, 4}},
                    MoveCase{"ShipTooMany", MovementKind::ship, 4, std::nullopt}),
    [](const auto& row) { return row.param.name; });

TEST(Shortage, NamesUnknownProductsFirst) {
  const auto found = shortage({{1, 2}, {2, 9}, {3, 1}}, {{1, {5, 0, 0}}, {2, {5, 0, 0}}});

  ASSERT_TRUE(found);
  EXPECT_EQ(found->code, "unknown_product");
  EXPECT_EQ(found->detail, "no such product: 3");
}

TEST(Shortage, NamesEveryProductThatIsShort) {
  const auto found =
      shortage({{1, 6}, {2, 9}, {3, 1}}, {{1, {5, 0, 0}}, {2, {0, 9, 0}}, {3, {1, 0, 0}}});

  ASSERT_TRUE(found);
  EXPECT_EQ(found->code, "out_of_stock");
  EXPECT_EQ(found->detail, "wanted 6 of product 1, 5 are free; 9 of product 2, 0 are free");
}

TEST(Shortage, IsNoneWhenThereIsJustEnough) { EXPECT_FALSE(shortage({{1, 5}}, {{1, {5, 0, 0}}})); }

TEST(UnitsByProduct, AddsLinesOfOneProduct) {
  const std::vector<Item> items{{1, 2}, {2, 3}, {1, 4}};
  EXPECT_EQ(units_by_product(items), (std::map<std::int64_t, std::int64_t>{{1, 6}, {2, 3}}));
}

TEST(MovementKind, IsReadAsItIsWritten) {
  for (const auto kind :
       {MovementKind::receipt, MovementKind::reserve, MovementKind::release, MovementKind::ship}) {
    EXPECT_EQ(parse_movement_kind(to_string(kind)), kind);
  }
  EXPECT_FALSE(parse_movement_kind("stolen"));
}

}  // namespace
}  // namespace commerce::inventory
