#include "sinew/event/typed.hpp"

#include <gtest/gtest.h>

namespace sales {

struct OrderPlaced {
  static constexpr sinew::event::EventType type{"sales.order.placed", 2};
  std::string order_id;
  std::int64_t total = 0;
};
BOOST_DESCRIBE_STRUCT(OrderPlaced, (), (order_id, total))

struct Reserved {
  static constexpr sinew::event::EventType type{"inventory.reserved", 1};
};
BOOST_DESCRIBE_STRUCT(Reserved, (), ())

struct Reserve {
  static constexpr sinew::event::EventType type{"inventory.reserve", 1};
  using Reply = Reserved;
};
BOOST_DESCRIBE_STRUCT(Reserve, (), ())

}  // namespace sales

namespace sinew::event {
namespace {

using sales::OrderPlaced;

static_assert(Typed<OrderPlaced>);
static_assert(!TypedCommand<OrderPlaced>);
static_assert(TypedCommand<sales::Reserve>);

Envelope sealed() {
  return seal(OrderPlaced{"10248", 440},
              {.id = Uuid::parse("01890a5d-ac96-774b-bcce-b302099a8057"), .source = "/sales"});
}

JsonObject name_total(JsonObject data) {
  data.set("total", *data.find("sum"));
  return data;
}

template <class F>
Condition condition_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error.condition();
  }
  return {};
}

TEST(TypedEvent, CarriesItsTypeAndVersion) {
  const Envelope envelope = sealed();

  EXPECT_EQ(envelope.type, "sales.order.placed");
  EXPECT_EQ(envelope.version, 2);
  EXPECT_EQ(envelope.source, "/sales");
  EXPECT_EQ(envelope.data.view(), R"({"order_id":"10248","total":440})");
}

TEST(TypedEvent, OpensWhatWasSealed) {
  const OrderPlaced placed = open<OrderPlaced>(sealed());

  EXPECT_EQ(placed.order_id, "10248");
  EXPECT_EQ(placed.total, 440);
}

TEST(TypedEvent, OpensAnOlderVersionThroughUpcasters) {
  Upcasters upcasters;
  upcasters.add("sales.order.placed", 1, name_total);
  Envelope old = sealed();
  old.version = 1;
  old.data = R"({"order_id":"10248","sum":7})";

  EXPECT_EQ(open<OrderPlaced>(old, upcasters).total, 7);
}

TEST(TypedEvent, IgnoresMembersOfALaterMinorChange) {
  Envelope envelope = sealed();
  envelope.data = R"({"order_id":"1","total":2,"note":"new"})";

  EXPECT_EQ(open<OrderPlaced>(envelope).total, 2);
}

TEST(TypedEvent, RefusesWhatItCannotRead) {
  struct {
    const char* name;
    void (*spoil)(Envelope&);
    Condition condition;
  } const rows[] = {
      {"a newer version", [](Envelope& e) { e.version = 3; }, Condition::unsupported},
      {"an older one without upcaster", [](Envelope& e) { e.version = 1; }, Condition::unsupported},
      {"another type", [](Envelope& e) { e.type = "x"; }, Condition::invalid_input},
      {"not JSON", [](Envelope& e) { e.data = "{"; }, Condition::invalid_input},
      {"no object", [](Envelope& e) { e.data = "[]"; }, Condition::invalid_input},
      {"a missing member", [](Envelope& e) { e.data = "{}"; }, Condition::invalid_input},
      {"XML", [](Envelope& e) { e.content_type = "text/xml"; }, Condition::unsupported},
  };
  for (const auto& row : rows) {
    Envelope envelope = sealed();
    row.spoil(envelope);

    EXPECT_EQ(condition_of([&] { open<OrderPlaced>(envelope); }), row.condition) << row.name;
  }
}

}  // namespace
}  // namespace sinew::event
