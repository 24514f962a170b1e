#include "sinew/event/cloudevents_http.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sinew/base/error.hpp"
#include "sinew/base/json_reader.hpp"
#include "sinew/event/cloudevents.hpp"

namespace sinew::event {
namespace {

using testing::HasSubstr;

Envelope sample() {
  Envelope envelope;
  envelope.id = Uuid::parse("01890a5d-ac96-774b-bcce-b302099a8057");
  envelope.source = "/sales";
  envelope.type = "sales.order.placed";
  envelope.version = 2;
  envelope.subject = "Euro \xe2\x82\xac \xf0\x9f\x98\x80 50% \"off\"";
  envelope.ordering_key = "10248";
  envelope.time = from_micros(1'700'000'000'123'456);
  envelope.lineage.correlation_id = Uuid::parse("01890a5d-ac96-774b-bcce-b302099a8058");
  envelope.lineage.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  envelope.lineage.hops = 3;
  envelope.extensions = {{"tenant", "north"}};
  envelope.data = SharedBytes(std::string(R"({"a": 1})"));
  return envelope;
}

std::string value_of(const HttpContent& content, std::string_view name) {
  for (const HttpField& field : content.fields) {
    if (field.name == name) return field.value;
  }
  return "(none)";
}

// The least that is an event.
std::vector<HttpField> fields(std::vector<HttpField> more = {}) {
  std::vector<HttpField> all = {{"ce-specversion", "1.0"},
                                {"ce-id", "01890a5d-ac96-774b-bcce-b302099a8057"},
                                {"ce-source", "/carriers/3"},
                                {"ce-type", "left"}};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::string refusal_of(const std::vector<HttpField>& given, std::string_view body = "") {
  try {
    from_http(given, body);
  } catch (const Error& error) {
    return error.detail();
  }
  return {};
}

TEST(CloudEventsHttp, GivesBackWhatWasWrittenInEitherMode) {
  for (const HttpMode mode : {HttpMode::binary, HttpMode::structured}) {
    const HttpContent content = to_http(sample(), mode);

    EXPECT_EQ(http_mode(content.fields), mode);
    Envelope read = from_http(content.fields, content.body);
    if (mode == HttpMode::structured) read.data = sample().data;  // JSON comes back compact
    EXPECT_EQ(read, sample());
  }
}

TEST(CloudEventsHttp, HasTheDataAsBodyAndAttributesAsFieldsInBinaryMode) {
  const HttpContent content = to_http(sample(), HttpMode::binary);

  EXPECT_EQ(content.body, R"({"a": 1})");
  EXPECT_EQ(value_of(content, "Content-Type"), "application/json");
  EXPECT_EQ(value_of(content, "ce-specversion"), "1.0");
  EXPECT_EQ(value_of(content, "ce-dataschema"), "urn:sinew:sales.order.placed:2");
  EXPECT_EQ(value_of(content, "ce-hops"), "3");
  EXPECT_EQ(value_of(content, "ce-tenant"), "north");
  EXPECT_EQ(value_of(content, "ce-datacontenttype"), "(none)");
}

// HTTP binding 1.0.2, 3.1.3.2: its own example and the rules around it.
TEST(CloudEventsHttp, EncodesWhatIsNotPrintableAscii) {
  EXPECT_EQ(value_of(to_http(sample(), HttpMode::binary), "ce-subject"),
            "Euro%20%E2%82%AC%20%F0%9F%98%80%2050%25%20%22off%22");
}

TEST(CloudEventsHttp, DecodesEscapesAndQuotedStrings) {
  const std::pair<const char*, const char*> rows[] = {
      {"Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro \xe2\x82\xac \xf0\x9f\x98\x80"},
      {"%e2%82%ac", "\xe2\x82\xac"},
      {"%41", "A"},
      {"%2520", "%20"},
      {R"("Euro \"x\" \\ %20")", R"(Euro "x" \  )"},
      {R"("")", ""},
      {"plain", "plain"},
  };
  for (const auto& [wire, text] : rows) {
    EXPECT_EQ(from_http(fields({{"ce-subject", wire}}), "").subject, text) << wire;
  }
}

TEST(CloudEventsHttp, ComparesNamesWithoutCase) {
  const Envelope envelope = from_http({{{"CE-SpecVersion", "1.0"},
                                        {"Ce-Id", "x-1"},
                                        {"cE-source", "/a"},
                                        {"ce-TYPE", "t"},
                                        {"Ce-Tenant", "North"},
                                        {"content-TYPE", "text/plain"}}},
                                      "body");

  EXPECT_EQ(envelope.type, "t");
  EXPECT_EQ(envelope.extensions.at("tenant"), "North");
  EXPECT_EQ(envelope.extensions.at("foreignid"), "x-1");
  EXPECT_EQ(envelope.content_type, "text/plain");
  EXPECT_EQ(envelope.data.view(), "body");
}

TEST(CloudEventsHttp, TakesDataWithoutATypeForBytes) {
  EXPECT_EQ(from_http(fields(), "x").content_type, "application/octet-stream");
  EXPECT_EQ(from_http(fields(), "").content_type, "application/json");
}

TEST(CloudEventsHttp, TellsTheModes) {
  const auto mode = [](const char* type) { return http_mode(fields({{"Content-Type", type}})); };

  EXPECT_EQ(mode("application/json"), HttpMode::binary);
  EXPECT_EQ(mode("application/cloudevents+json; charset=utf-8"), HttpMode::structured);
  EXPECT_EQ(mode("Application/CloudEvents+JSON"), HttpMode::structured);
  for (const char* other : {"application/cloudevents-batch+json", "application/cloudevents+xml"}) {
    try {
      mode(other);
      FAIL() << other << " was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.condition(), Condition::unsupported);
    }
  }
  EXPECT_THROW(http_mode(std::vector<HttpField>{{"Content-Type", "application/json"}}),
               DocumentError);
}

TEST(CloudEventsHttp, RefusesWhatIsAmbiguousOrNoAttribute) {
  const std::pair<std::vector<HttpField>, const char*> rows[] = {
      {{{"ce-type", "other"}}, "comes twice"},
      {{{"CE-Id", "2"}}, "comes twice"},
      {{{"Content-Type", "a/b"}, {"content-type", "a/b"}}, "comes twice"},
      {{{"ce-my-name", "x"}}, "no name"},
      {{{"ce-", "x"}}, "no name"},
      {{{"ce-datacontenttype", "a/b"}}, "Content-Type in binary mode"},
      {{{"ce-data", "x"}}, "data is the body"},
      {{{"ce-subject", "%"}}, "percent"},
      {{{"ce-subject", "%4"}}, "percent"},
      {{{"ce-subject", "%zz"}}, "percent"},
      {{{"ce-subject", "%C0%A0"}}, "UTF-8"},
      {{{"ce-subject", "\xff"}}, "UTF-8"},
      {{{"ce-subject", "a%0Ab"}}, "control"},
      {{{"ce-subject", "\"open"}}, "quoted"},
      {{{"ce-subject", "\"a\" b"}}, "quoted"},
      {{{"ce-subject", "\"a\\"}}, "quoted"},
      {{{"ce-subject", std::string(max_http_value_bytes + 1, 'x')}}, "at most"},
      {{{"ce-subject", std::string(Envelope::max_attribute_bytes + 1, 'x')}}, "at most"},
      {{{"ce-hops", "many"}}, "hops"},
      {{{"ce-time", "now"}}, "time"},
      {{{"ce-dataschema", "urn:sinew:other:1"}}, "dataschema"},
  };
  for (const auto& [more, told] : rows) {
    EXPECT_THAT(refusal_of(fields(more)), HasSubstr(told)) << more[0].name << more[0].value;
  }
  EXPECT_THAT(refusal_of({HttpField{"ce-specversion", "0.3"}}), HasSubstr("specversion"));
  EXPECT_THAT(refusal_of({HttpField{"ce-specversion", "1.0"}}), HasSubstr("is missing"));
}

TEST(CloudEventsHttp, IsBounded) {
  std::vector<HttpField> many;
  for (std::size_t i = 0; i <= max_http_fields; ++i)
    many.push_back({"ce-x" + std::to_string(i), "1"});

  EXPECT_THAT(refusal_of(fields(many)), HasSubstr("one too many"));
  EXPECT_THAT(refusal_of(fields(), std::string(Envelope::max_data_bytes + 1, 'x')),
              HasSubstr("at most"));
}

TEST(CloudEventsHttp, SendsAnEventWithinAnEventInStructuredModeOnly) {
  Envelope nested = sample();
  nested.content_type = cloudevents_content_type;

  EXPECT_THROW(to_http(nested, HttpMode::binary), DocumentError);
  EXPECT_NO_THROW(to_http(nested, HttpMode::structured));
}

TEST(CloudEventsHttp, PicksItsFieldsFromAnyHeaders) {
  const std::vector<HttpField> headers = {
      {"Host", "x"}, {"Ce-Id", "1"}, {"CONTENT-TYPE", "a/b"}, {"cena", "x"}};

  EXPECT_EQ(cloudevent_fields(headers), (std::vector<HttpField>{headers[1], headers[2]}));
}

}  // namespace
}  // namespace sinew::event
