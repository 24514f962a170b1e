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

void add(HistoryCheck& check, std::string_view place, std::int32_t version, std::string data) {
  check.add(place, "placed", version, json_content_type, SharedBytes(std::move(data)));
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

  add(check, "1", 1, R"({"sum":5})");
  add(check, "2", 2, R"({"total":5})");

  EXPECT_EQ(check.events(), 2);
  EXPECT_THAT(check.findings(), testing::IsEmpty());
}

TEST(SchemaHistory, SaysOnceWhatManyEventsHave) {
  const SchemaCatalog catalog = orders();
  const Lifts lifts{.declared = {{"placed", 1}}};
  HistoryCheck check(catalog, lifts);

  add(check, "position 1", 1, R"({"sum":5,"lines":[{"n":1},{"n":"x"}]})");
  add(check, "position 2", 1, R"({"sum":5,"lines":[{"n":"y"}]})");
  add(check, "position 3", 3, "{}");
  add(check, "position 4", 2, "[]");
  add(check, "position 5", 2, "{");

  const auto findings = check.findings();
  ASSERT_EQ(findings.size(), 3U);
  EXPECT_EQ(findings[0].path, "lines[].n");
  EXPECT_EQ(findings[0].events, 2);
  EXPECT_EQ(findings[0].first, "position 1");
  EXPECT_EQ(findings[1].text, "is no object in application/json");
  EXPECT_EQ(findings[1].events, 2);
  EXPECT_EQ(findings[2].text, "has no committed schema");
}

TEST(SchemaHistory, CountsWhatIsInAnEncodingThatItDoesNotKnow) {
  const SchemaCatalog catalog = orders();
  const Lifts none;
  HistoryCheck check(catalog, none);

  for (const std::string place : {"1", "2"})
    check.add(place, "placed", 2, protobuf_content_type, SharedBytes(std::string("\x08\x05")));

  EXPECT_EQ(check.unread(), 2);
  const auto kinds = check.unread_kinds();
  ASSERT_EQ(kinds.size(), 1U);
  EXPECT_EQ(kinds[0].events, 2);
  EXPECT_EQ(kinds[0].content_type, protobuf_content_type);
  EXPECT_THAT(kinds[0].why, testing::HasSubstr("which no codec here reads"));
  EXPECT_THAT(check.findings(), testing::IsEmpty());
}

TEST(SchemaHistory, FindsAnEventThatNoReaderCanRead) {
  const SchemaCatalog catalog = orders();
  const Lifts none;
  HistoryCheck check(catalog, none);

  add(check, "position 1", 1, R"({"sum":5})");

  const auto findings = check.findings();
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].reader, "sales");
  EXPECT_EQ(findings[0].path, "total");
}

}  // namespace
}  // namespace sinew::event
