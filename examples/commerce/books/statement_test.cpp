#include "examples/commerce/books/statement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "examples/commerce/books/figures.hpp"

namespace commerce::books {
namespace {

using sinew::Decimal;
using sinew::parse_iso_date;
using testing::ElementsAre;

OrderFacts order(std::int64_t units, const char* net, const char* payable, const char* country) {
  OrderFacts facts;
  facts.live = true;
  facts.units = units;
  facts.lines = 1;
  facts.net = Decimal::parse(net);
  facts.freight = Decimal();
  facts.payable = Decimal::parse(payable);
  facts.country = country;
  facts.order_date = parse_iso_date("1998-05-06");
  return facts;
}

ProductFacts product(std::int64_t opening, std::int64_t shipped, std::int64_t free) {
  ProductFacts facts;
  facts.opening = opening;
  facts.shipped = shipped;
  facts.reserved = opening - shipped - free;
  facts.free = free;
  return facts;
}

// As sales knows a product: by what its orders took.
ProductFacts taken(std::int64_t units) {
  ProductFacts facts;
  facts.shipped = units;
  facts.reserved = 0;
  return facts;
}

// Two orders and one product, as three contexts know them.
struct Books {
  Books() {
    sales.context = "sales";
    sales.orders = {{"1", order(3, "10.005", "10.00", "Peru")}, {"2", order(5, "7", "7", "Chad")}};
    reporting = sales;
    reporting.context = "reporting";
    inventory.context = "inventory";
    inventory.products = {{11, product(20, 8, 12)}};
    sales.products = {{11, taken(8)}};
    batch.name = "small";
    batch.order_ids = {"1", "2"};
    batch.product_ids = {11};
    const sinew::Json totals = sinew::parse_json(R"({"orders": 2, "units_sold": 8,
        "net_exact": "17.005", "payable": "17.00", "rounding": "-0.005",
        "first_order": "1998-05-06", "units_in_stock": 12,
        "net_by_ship_country": {"Peru": "10.005", "Chad": "7.00"}})");
    batch.totals = totals;
    batch.accepted = totals;
    batch.accepted.as_object().set("opening_units", 20);
  }

  Statement statement() const { return reconcile({batch}, {sales, inventory, reporting}); }

  ContextAudit sales;
  ContextAudit inventory;
  ContextAudit reporting;
  reporting::RegisterBatch batch;
};

const FigureLine& figure(const Statement& statement, std::string_view name) {
  for (const auto& line : statement.figures) {
    if (line.name == name) return line;
  }
  throw std::logic_error("no such figure");
}

TEST(Reconcile, BalancesWhatAgrees) {
  const Statement statement = Books().statement();

  EXPECT_TRUE(statement.balanced()) << to_pretty_text(to_json(statement));
  EXPECT_THAT(statement.suspects(), testing::IsEmpty());
  EXPECT_EQ(figure(statement, "net_by_ship_country.Peru").found, Value(Decimal::parse("10.005")));
  EXPECT_EQ(figure(statement, "payable").sources.size(), 2u);
}

TEST(Reconcile, CountsProductsOnlyWhereTheyAreKept) {
  Books books;
  ProductFacts never_ordered = product(4, 0, 4);
  never_ordered.supplier = 3;
  books.inventory.products[11].supplier = 2;
  books.inventory.products[12] = never_ordered;
  books.batch.product_ids = {11, 12};
  for (auto* totals : {&books.batch.totals, &books.batch.accepted}) {
    totals->as_object().set("products", 2);
    totals->as_object().set("units_in_stock", 16);
  }
  books.batch.accepted.as_object().set("opening_units", 24);

  const Statement statement = books.statement();

  EXPECT_TRUE(statement.balanced()) << to_pretty_text(to_json(statement));
  EXPECT_THAT(figure(statement, "products").sources,
              testing::ElementsAre(testing::Key("inventory")));
}

TEST(Reconcile, TakesTheSilenceOfAProviderOnFreeOrdersForAgreement) {
  Books books;
  books.sales.orders["3"] = books.reporting.orders["3"] = order(2, "0", "0", "Peru");
  ContextAudit provider;
  provider.context = "provider";
  provider.hears_of_free_orders = false;
  for (const char* id : {"1", "2"}) {
    provider.orders[id].live = true;
    provider.orders[id].payable = books.sales.orders[id].payable;
  }
  const auto statement = [&] {
    return reconcile({}, {books.sales, books.inventory, books.reporting, provider});
  };

  EXPECT_TRUE(statement().balanced()) << to_pretty_text(to_json(statement()));

  provider.orders["3"].live = true;
  provider.orders["3"].payable = Decimal::parse("1");
  EXPECT_THAT(statement().suspects(), ElementsAre("provider"));

  provider.orders.erase("3");
  provider.orders.erase("2");
  EXPECT_THAT(statement().suspects(), ElementsAre("provider"));
}

struct Change {
  const char* name;
  std::function<void(Books&)> make;
  std::vector<std::string> suspects;
};
void PrintTo(const Change& change, std::ostream* out) { *out << change.name; }

class ReconcileChanged : public testing::TestWithParam<Change> {};

TEST_P(ReconcileChanged, NamesTheContext) {
  Books books;
  GetParam().make(books);

  const Statement statement = books.statement();

  EXPECT_FALSE(statement.balanced());
  EXPECT_EQ(statement.suspects(), GetParam().suspects);
}

// Two contexts that differ about an order both stand out, unless a broken row tells which it is.
INSTANTIATE_TEST_SUITE_P(
    Books, ReconcileChanged,
    testing::Values(Change{"units_of_an_order",
                           [](Books& books) { books.reporting.orders["1"].units = 4; },
                           {"reporting", "sales"}},
                    Change{"order_lost",
                           [](Books& books) { books.reporting.orders.erase("2"); },
                           {"reporting", "sales"}},
                    Change{"order_undone_in_one",
                           [](Books& books) { books.reporting.orders["2"].live = false; },
                           {"reporting", "sales"}},
                    Change{"stock",
                           [](Books& books) { books.inventory.products[11].free = 13; },
                           {"inventory"}},
                    Change{"broken_row",
                           [](Books& books) {
                             books.reporting.orders["1"].units = 4;
                             books.reporting.problems.push_back(
                                 {"orders 1", "the row was changed"});
                           },
                           {"reporting"}},
                    Change{"majority",
                           [](Books& books) {
                             books.inventory.orders = books.sales.orders;
                             books.inventory.orders["1"].payable = Decimal::parse("11");
                           },
                           {"inventory"}}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Reconcile, LeavesOutWhatWasUndoneEverywhere) {
  Books books;
  books.sales.orders["2"].live = false;
  books.reporting.orders["2"].live = false;
  books.inventory.products[11] = product(20, 3, 17);
  books.sales.products[11] = taken(3);

  const Statement statement = books.statement();

  EXPECT_TRUE(statement.balanced()) << to_pretty_text(to_json(statement));
  EXPECT_THAT(statement.compensated, ElementsAre("2"));
  EXPECT_EQ(figure(statement, "units_sold").compensated, Value(std::int64_t{5}));
  EXPECT_EQ(figure(statement, "units_in_stock").expected, Value(std::int64_t{17}));
}

TEST(Reconcile, LeavesOutWhatWasRefused) {
  Books books;
  books.batch.totals.as_object().set("units_sold", 9);
  books.batch.refused = {{"order_details.csv:3", "3", "no number"}};

  const Statement statement = books.statement();

  EXPECT_TRUE(statement.balanced());
  EXPECT_EQ(figure(statement, "units_sold").not_sent, Value(std::int64_t{1}));
}

TEST(Reconcile, WantsAllThatIsPublishedWhenNothingWasRefused) {
  Books books;
  books.batch.totals.as_object().set("units_sold", 9);

  EXPECT_FALSE(books.statement().balanced());
}

TEST(Reconcile, SetsAsideOrdersThatAreNotOfTheBatch) {
  Books books;
  for (ContextAudit* audit : {&books.sales, &books.reporting})
    audit->orders["by-hand"] = order(2, "4", "4", "Peru");
  books.inventory.products[11] = product(20, 10, 10);
  books.sales.products[11] = taken(10);

  const Statement statement = books.statement();

  EXPECT_TRUE(statement.balanced()) << to_pretty_text(to_json(statement));
}

// A second batch with an order, a customer and a product of its own.
struct TwoBatches : Books {
  TwoBatches() {
    batch.customer_ids = {"VINET"};
    sales.keys["customers"] = {"VINET", "TOMSP"};
    for (auto* totals : {&batch.totals, &batch.accepted})
      totals->as_object().set("customers", 1);
    second.name = "second";
    second.order_ids = {"3"};
    second.customer_ids = {"TOMSP"};
    second.product_ids = {12};
    second.totals = sinew::parse_json(
        R"({"orders": 1, "customers": 1, "units_sold": 4, "units_in_stock": 6, "products": 1})");
    second.accepted = second.totals;
    second.accepted.as_object().set("opening_units", 10);
    sales.orders["3"] = reporting.orders["3"] = order(4, "9", "9", "Peru");
    sales.products[12] = taken(4);
    inventory.products[12] = product(10, 4, 6);
    inventory.products[12].supplier = 1;
  }
  Statement statement() const { return reconcile({batch, second}, {sales, inventory, reporting}); }

  std::vector<Value> found(std::string_view name) const {
    std::vector<Value> values;
    for (const auto& line : statement().figures) {
      if (line.name == name) values.push_back(line.found);
    }
    return values;
  }

  reporting::RegisterBatch second;
};

TEST(Reconcile, CountsForEachBatchWhatItBrought) {
  const TwoBatches books;

  EXPECT_TRUE(books.statement().balanced()) << to_pretty_text(to_json(books.statement()));
  EXPECT_THAT(books.found("orders"), ElementsAre(Value(2), Value(1)));
  EXPECT_THAT(books.found("customers"), ElementsAre(Value(1), Value(1)));
  EXPECT_THAT(books.found("units_in_stock"), ElementsAre(Value(12), Value(6)));
}

TEST(Reconcile, MissesACustomerOfOneBatch) {
  TwoBatches books;
  books.sales.keys["customers"] = {"VINET", "ALFKI"};

  const Statement statement = books.statement();

  EXPECT_FALSE(statement.balanced());
  EXPECT_THAT(statement.suspects(), ElementsAre("sales"));
  EXPECT_THAT(books.found("customers"), ElementsAre(Value(1), Value(0)));
}

TEST(Reconcile, GivesGoodsThatTwoBatchesBroughtToNeither) {
  TwoBatches books;
  books.second.product_ids = {11, 12};

  EXPECT_THAT(books.found("units_in_stock"), testing::IsEmpty());
  EXPECT_THAT(books.found("customers"), ElementsAre(Value(1), Value(1)));
}

TEST(Reconcile, IsNotBalancedWhileSomethingWaitsForAnOperator) {
  Statement statement = Books().statement();
  statement.open_work.push_back({"payment", 1, 0});

  EXPECT_FALSE(statement.balanced());
  EXPECT_THAT(statement.suspects(), ElementsAre("payment"));
}

TEST(Reconcile, FindsNobodyForAFigureThatNoContextKnows) {
  Books books;
  books.batch.totals.as_object().set("moons", 1);

  const Statement statement = books.statement();

  EXPECT_FALSE(statement.balanced());
  EXPECT_THAT(figure(statement, "moons").sources, testing::IsEmpty());
}

struct Shown {
  Value value;
  const char* text;
  const char* json;
};

TEST(Value, IsShownExactly) {
  for (const Shown& shown :
       {Shown{std::int64_t{-1234567}, "-1,234,567", "-1234567"},
        Shown{std::int64_t{999}, "999", "999"},
        Shown{Decimal::parse("1265793.0395"), "1,265,793.0395", "\"1265793.0395\""},
        Shown{Decimal::parse("-0.0005"), "-0.0005", "\"-0.0005\""},
        Shown{Decimal::parse("12.5"), "12.50", "\"12.50\""},
        Shown{std::string("1998-05-06"), "1998-05-06", "\"1998-05-06\""}}) {
    EXPECT_EQ(to_text(shown.value), shown.text);
    EXPECT_EQ(sinew::to_text(json_of(shown.value)), shown.json);
    EXPECT_EQ(value_of(json_of(shown.value)), shown.value);
  }
}

TEST(Figures, OfAFamilyWithoutAnyAreZero) {
  const OrderFacts one = order(1, "2", "2", "Peru");
  const Figures figures = figures_of(Orders{&one});

  EXPECT_EQ(find(figures, "net_by_ship_country.Chad"), Value(Decimal()));
  EXPECT_EQ(find(figures, "orders_by_shipper.1"), std::nullopt);
  EXPECT_EQ(find(figures, "gross"), std::nullopt);
}

}  // namespace
}  // namespace commerce::books
