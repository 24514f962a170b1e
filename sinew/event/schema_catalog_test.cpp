#include "sinew/event/schema_catalog.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sinew/base/error.hpp"

namespace sinew::event {
namespace {

const char* const first = R"({"type":"object",
  "properties":{"order_id":{"type":"string"},"reason":{"type":"string"}},
  "required":["order_id","reason"]})";
const char* const second = R"({"type":"object",
  "properties":{"order_id":{"type":"string"},"code":{"type":"string"},"reason":{"type":"string"}},
  "required":["order_id","code","reason"]})";
const char* const part = R"({"type":"object",
  "properties":{"order_id":{"type":"string"}},"required":["order_id"]})";

CommittedSchema committed(std::int32_t version, std::string_view text,
                          std::string context = "sales") {
  return {"rejected", version, std::move(context), Schema::parse_text(text)};
}

SchemaCatalog two_versions() {
  SchemaCatalog catalog;
  catalog.add_written(committed(1, first));
  catalog.add_written(committed(2, second));
  return catalog;
}

std::vector<std::string> told(const SchemaCatalog& catalog, const Lifts& lifts = {}) {
  std::vector<std::string> lines;
  for (const Incompatibility& found : catalog.check(lifts))
    lines.push_back(fmt::format("{} v{} <- v{} {} {}", found.reader, found.version, found.written,
                                found.change, found.path));
  return lines;
}

JsonObject add_code(JsonObject data) { return std::move(data.set("code", "none")); }
JsonObject add_number(JsonObject data) { return std::move(data.set("code", 7)); }
JsonObject refuse(JsonObject) { throw Error(Condition::invalid_input, "cannot be lifted"); }

TEST(SchemaCatalog, SaysWhichChangeBreaksWhom) {
  EXPECT_THAT(told(two_versions()),
              testing::ElementsAre("sales v2 <- v1 required_property_added code"));
}

TEST(SchemaCatalog, ComparesEveryVersionWithTheNewest) {
  SchemaCatalog catalog = two_versions();
  catalog.add_written(committed(3, second));

  EXPECT_THAT(told(catalog), testing::ElementsAre("sales v3 <- v1 required_property_added code"));
}

TEST(SchemaCatalog, HoldsReadersOfAPartAgainstEveryVersion) {
  SchemaCatalog catalog = two_versions();
  catalog.add_reader(committed(1, part, "mail"));
  catalog.add_reader(committed(2, second, "reporting"));

  EXPECT_THAT(told(catalog),
              testing::ElementsAre("sales v2 <- v1 required_property_added code",
                                   "mail v1 <- v2 reader_behind ",
                                   "reporting v2 <- v1 required_property_added code"));
}

TEST(SchemaCatalog, TakesTheWordOfATeamThatItsUpcasterLifts) {
  EXPECT_THAT(told(two_versions(), {.declared = {{"rejected", 1}}}), testing::IsEmpty());
}

TEST(SchemaCatalog, TriesUpcastersOnMadeUpData) {
  const std::pair<Upcasters::Step, std::vector<std::string>> rows[] = {
      {add_code, {}},
      {add_number, {"sales v2 <- v1 upcaster_fails code"}},
      {[](JsonObject data) { return data; }, {"sales v2 <- v1 upcaster_fails code"}},
      {refuse, {"sales v2 <- v1 upcaster_fails "}},
  };
  for (const auto& [step, expected] : rows) {
    const Upcasters upcasters = Upcasters().add("rejected", 1, step);
    EXPECT_THAT(told(two_versions(), {.upcasters = &upcasters}),
                testing::ElementsAreArray(expected));
  }
}

TEST(SchemaCatalog, MissesAnUpcasterEvenWhereTheSchemasAgree) {
  SchemaCatalog catalog;
  catalog.add_written(committed(1, second));
  catalog.add_written(committed(2, part));
  const Upcasters none;

  EXPECT_THAT(told(catalog), testing::IsEmpty());
  EXPECT_THAT(told(catalog, {.upcasters = &none}),
              testing::ElementsAre("sales v2 <- v1 upcaster_missing "));
}

TEST(SchemaCatalog, RefusesWhatContradictsItself) {
  SchemaCatalog catalog = two_versions();
  EXPECT_THROW(catalog.add_written(committed(2, second)), Error);
  EXPECT_THROW(catalog.add_written(committed(0, second)), Error);
  catalog.add_written(committed(4, second));
  catalog.add_reader({"unknown", 1, "mail", Schema::parse_text(part)});

  try {
    catalog.check_complete();
    FAIL() << "a gap was taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.detail(), testing::HasSubstr("version 3 is missing"));
    EXPECT_THAT(error.detail(), testing::HasSubstr("unknown: is read by mail"));
  }
}

}  // namespace
}  // namespace sinew::event
