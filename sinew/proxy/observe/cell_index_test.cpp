#include "sinew/proxy/observe/cell_index.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sinew::proxy {
namespace {

struct Cell {
  explicit Cell(std::string its_name) : name(std::move(its_name)) {}
  std::string name;
  std::atomic<bool> forgotten = false;
};
using Index = CellIndex<std::string, Cell>;
constexpr std::size_t kMost = 1'000;

TEST(CellIndexTest, ACellIsFoundUnderEveryNumberOfItsName) {
  Index index;
  EXPECT_EQ(index.find(1), nullptr);
  Cell* const cell = index.put(1, "a", kMost);
  EXPECT_EQ(index.put(2, "a", kMost), cell);

  EXPECT_EQ(index.find(1), cell);
  EXPECT_EQ(index.find(2), cell);
  EXPECT_EQ(index.find(3), nullptr);
  EXPECT_EQ(index.size(), 1U);
}

TEST(CellIndexTest, ANumberThatMeansAnotherNameIsOverwritten) {
  Index index;
  index.put(1, "a", kMost);
  Cell* const other = index.put(1, "b", kMost);

  EXPECT_EQ(index.find(1), other);
  EXPECT_EQ(other->name, "b");
}

TEST(CellIndexTest, NumbersThatComeAndGoDoNotMakeItGrow) {
  Index index;
  for (std::uint64_t number = 0; number < 100'000; ++number) {
    Cell* const cell = index.put(number * 64, "cell-" + std::to_string(number % 10), kMost);
    ASSERT_EQ(index.find(number * 64), cell);
  }

  EXPECT_EQ(index.size(), 10U);
  EXPECT_LE(index.places(), 64U);
}

TEST(CellIndexTest, AForgottenCellIsNotFoundAndItsNameBeginsAnew) {
  Index index;
  Cell* const former = index.put(1, "a", kMost);
  const auto kept = index.cells().front().second;
  index.forget("a");
  index.forget("a");

  EXPECT_EQ(index.find(1), nullptr);
  EXPECT_EQ(index.size(), 0U);
  EXPECT_NE(index.put(1, "a", kMost), former);
  EXPECT_NE(index.find(1), former);
  EXPECT_EQ(kept.get(), former) << "who reads it may go on";
}

TEST(CellIndexTest, AboveTheBoundThereIsNoCell) {
  Index index;
  EXPECT_NE(index.put(1, "a", 1), nullptr);
  EXPECT_EQ(index.put(2, "b", 1), nullptr);
  EXPECT_NE(index.put(3, "a", 1), nullptr);
}

}  // namespace
}  // namespace sinew::proxy
