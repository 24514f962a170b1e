#include "sinew/event/schema_history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sinew::event {
namespace {

SchemaCatalog orders() {
  SchemaCatalog catalog;
  const char* first = R"({"type":"object","properties":{"sum":{"type":"integer"},
    "lines":{"type":"array","items":{"type":"object","properties":{"n":{"type":"integer"}}}}},
    "required":["sum"]})";
  const char* second = R"({"type":"object","properties":{"total":{"type":"integer"}},
    "required":["total"]})";
  catalog.add_written({"placed", 1, "sales", Schema::parse_text(first)});
  catalog.add_written({"placed", 2, "sales", Schema::parse_text(second)});
  return catalog;
}

JsonObject name_total(JsonObject data) {
  data.set("total", *data.find("sum"));
  return data;
}

TEST(SchemaHistory, TakesOldEventsThatTheirUpcasterLifts) {
  const SchemaCatalog catalog = orders();
  const Upcasters upcasters = Upcasters().add("placed", 1, name_total);
  const Lifts lifts{.upcasters = &upcasters};
  HistoryCheck check(catalog, lifts);

  check.add("1", "placed", 1, R"({"sum":5})");
  check.add("2", "placed", 2, R"({"total":5})");

  EXPECT_EQ(check.events(), 2);
  EXPECT_THAT(check.findings(), testing::IsEmpty());
}

TEST(SchemaHistory, SaysOnceWhatManyEventsHave) {
  const SchemaCatalog catalog = orders();
  const Lifts lifts{.declared = {{"placed", 1}}};
  HistoryCheck check(catalog, lifts);

  check.add("position 1", "placed", 1, R"({"sum":5,"lines":[{"n":1},{"n":"x"}]})");
  check.add("position 2", "placed", 1, R"({"sum":5,"lines":[{"n":"y"}]})");
  check.add("position 3", "placed", 3, "{}");
  check.add("position 4", "placed", 2, "[]");
  check.add("position 5", "placed", 2, "{");

  const auto findings = check.findings();
  ASSERT_EQ(findings.size(), 4U);
  EXPECT_EQ(findings[0].path, "lines[].n");
  EXPECT_EQ(findings[0].events, 2);
  EXPECT_EQ(findings[0].first, "position 1");
  EXPECT_EQ(findings[3].text, "has no committed schema");
}

TEST(SchemaHistory, FindsAnEventThatNoReaderCanRead) {
  const SchemaCatalog catalog = orders();
  const Lifts none;
  HistoryCheck check(catalog, none);

  check.add("position 1", "placed", 1, R"({"sum":5})");

  const auto findings = check.findings();
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].reader, "sales");
  EXPECT_EQ(findings[0].path, "total");
}

}  // namespace
}  // namespace sinew::event
