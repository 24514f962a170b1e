#include "sinew/event/cloudevents.hpp"

#include <gtest/gtest.h>

#include "sinew/base/error.hpp"
#include "sinew/base/json.hpp"
#include "sinew/base/json_reader.hpp"

namespace sinew::event {
namespace {

Envelope sample() {
  Envelope envelope;
  envelope.id = Uuid::parse("01890a5d-ac96-774b-bcce-b302099a8057");
  envelope.source = "/sales";
  envelope.type = "sales.order.placed";
  envelope.version = 2;
  envelope.subject = "order-10248";
  envelope.ordering_key = "10248";
  envelope.reply_to = "sales.replies";
  envelope.time = from_micros(1'700'000'000'123'456);
  envelope.lineage.correlation_id = Uuid::parse("01890a5d-ac96-774b-bcce-b302099a8058");
  envelope.lineage.causation_id = Uuid::parse("01890a5d-ac96-774b-bcce-b302099a8059");
  envelope.lineage.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  envelope.lineage.hops = 3;
  envelope.extensions = {{"tenant", "north"}, {"foreigncurrency", "EUR"}};
  envelope.data = R"({"total":"12.50"})";
  return envelope;
}

std::string with_id(const std::string& id, const std::string& more = "") {
  return R"({"specversion":"1.0","id":")" + id + R"(","source":"/x","type":"t")" + more + "}";
}
std::string minimal(const std::string& more) { return with_id("A-1", more); }

TEST(CloudEvents, WritesTheStandardsNames) {
  EXPECT_EQ(parse_json(to_cloudevent(sample())), parse_json(R"({
    "specversion": "1.0",
    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "source": "/sales",
    "type": "sales.order.placed",
    "subject": "order-10248",
    "time": "2023-11-14T22:13:20.123456Z",
    "datacontenttype": "application/json",
    "dataschema": "urn:sinew:sales.order.placed:2",
    "partitionkey": "10248",
    "correlationid": "01890a5d-ac96-774b-bcce-b302099a8058",
    "causationid": "01890a5d-ac96-774b-bcce-b302099a8059",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "hops": 3,
    "replyto": "sales.replies",
    "tenant": "north",
    "foreigncurrency": "EUR",
    "data": {"total": "12.50"}
  })"));
}

TEST(CloudEvents, GivesBackWhatWasWritten) {
  EXPECT_EQ(from_cloudevent(to_cloudevent(sample())), sample());
}

TEST(CloudEvents, GivesBackBytesThatAreNotJson) {
  for (const char* type : {"application/octet-stream", "application/json"}) {
    Envelope envelope = sample();
    envelope.content_type = type;
    envelope.data = std::string("\x00\xff{", 3);

    const std::string text = to_cloudevent(envelope);

    EXPECT_NE(text.find(R"("data_base64":"AP97")"), std::string::npos) << text;
    EXPECT_EQ(from_cloudevent(text), envelope);
  }
}

TEST(CloudEvents, LeavesOutWhatIsEmpty) {
  Envelope envelope;
  envelope.id = sample().id;
  envelope.source = "/x";
  envelope.type = "t";

  EXPECT_EQ(to_cloudevent(envelope),
            R"({"specversion":"1.0","id":"01890a5d-ac96-774b-bcce-b302099a8057","source":"/x",)"
            R"("type":"t","datacontenttype":"application/json","dataschema":"urn:sinew:t:1"})");
  EXPECT_EQ(from_cloudevent(to_cloudevent(envelope)), envelope);
}

TEST(CloudEvents, DerivesTheIdOfAForeignProducerAndKeepsItsOwn) {
  const Envelope first = from_cloudevent(minimal(""));
  const Envelope again = from_cloudevent(minimal(R"(,"subject":"s")"));

  EXPECT_FALSE(first.id.is_nil());
  EXPECT_EQ(first.id, again.id);
  EXPECT_EQ(first.extensions.at("foreignid"), "A-1");
  EXPECT_EQ(parse_json(to_cloudevent(first)).at("id"), Json("A-1"));
  EXPECT_EQ(from_cloudevent(to_cloudevent(first)), first);
}

TEST(CloudEvents, DerivesOtherIdsForOtherSourcesAndSpellings) {
  const Envelope lower = from_cloudevent(with_id("01890a5d-ac96-774b-bcce-b302099a8057"));
  const Envelope upper = from_cloudevent(with_id("01890A5D-AC96-774B-BCCE-B302099A8057"));
  const Envelope elsewhere =
      from_cloudevent(R"({"specversion":"1.0","id":"A-1","source":"/y","type":"t"})");

  EXPECT_EQ(lower.id, sample().id);
  EXPECT_NE(upper.id, lower.id);
  EXPECT_NE(elsewhere.id, from_cloudevent(minimal("")).id);
}

TEST(CloudEvents, IgnoresAForeignIdThatIsClaimedFromOutside) {
  const Envelope envelope = from_cloudevent(
      with_id("01890a5d-ac96-774b-bcce-b302099a8057", R"(,"foreignid":"someone-elses")"));

  EXPECT_TRUE(envelope.extensions.empty());
}

TEST(CloudEvents, TakesForeignAttributesAsTheStandardAllows) {
  const Envelope envelope = from_cloudevent(minimal(
      R"(,"dataschema":"https://example.org/s.json","time":"2018-04-05T17:31:00+02:00",)"
      R"("sequence":7,"sampled":true,"subject":null,"correlationid":"case 7","data":[1, 2])"));

  EXPECT_EQ(envelope.version, 1);
  EXPECT_EQ(to_rfc3339(envelope.time), "2018-04-05T15:31:00Z");
  EXPECT_EQ(envelope.extensions.at("sequence"), "7");
  EXPECT_EQ(envelope.extensions.at("sampled"), "true");
  EXPECT_EQ(envelope.subject, "");
  EXPECT_FALSE(envelope.lineage.correlation_id.is_nil());
  EXPECT_EQ(envelope.data.view(), "[1,2]");
  const Json written = parse_json(to_cloudevent(envelope));
  EXPECT_EQ(written.at("dataschema"), Json("https://example.org/s.json"));
  EXPECT_EQ(written.at("correlationid"), Json("case 7"));
}

TEST(CloudEvents, TakesTextInlineWhenTheContentIsNotJson) {
  EXPECT_EQ(from_cloudevent(minimal(R"(,"datacontenttype":"text/xml","data":"<a/>")")).data.view(),
            "<a/>");
}

struct Refusal {
  const char* name;
  std::string text;
  const char* detail;
  Condition condition = Condition::invalid_input;
};

TEST(CloudEvents, AreKnownByTheirContentType) {
  EXPECT_TRUE(is_cloudevent("application/cloudevents+json"));
  EXPECT_TRUE(is_cloudevent("Application/CloudEvents+JSON; charset=utf-8"));
  EXPECT_FALSE(is_cloudevent("application/cloudevents-batch+json"));
  EXPECT_FALSE(is_cloudevent("application/cloudevents+jsonl"));
  EXPECT_FALSE(is_cloudevent("application/json"));
  EXPECT_FALSE(is_cloudevent(""));
}

TEST(CloudEvents, NameTheAttributeThatIsWrong) {
  for (const std::string& text : {minimal(R"(,"time":"yesterday")"), minimal(R"(,"time":true)")}) {
    try {
      from_cloudevent(text);
      FAIL() << text << " was accepted";
    } catch (const DocumentError& error) {
      ASSERT_EQ(error.errors().size(), 1u);
      EXPECT_EQ(error.errors()[0].path, "time");
    }
  }
}

class RefusedCloudEvent : public testing::TestWithParam<Refusal> {};

TEST_P(RefusedCloudEvent, SaysWhy) {
  try {
    from_cloudevent(GetParam().text);
    FAIL() << "it was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), GetParam().condition);
    EXPECT_NE(error.detail().find(GetParam().detail), std::string::npos) << error.detail();
  }
}

INSTANTIATE_TEST_SUITE_P(
    CloudEvents, RefusedCloudEvent,
    testing::Values(
        Refusal{"NoJson", "{", "line 1"}, Refusal{"NoObject", "[]", "specversion"},
        Refusal{"NoSpecversion", R"({"id":"1","source":"/","type":"t"})", "specversion"},
        Refusal{"OtherSpecversion", R"({"specversion":"0.3","id":"1","source":"/","type":"t"})",
                "0.3", Condition::unsupported},
        Refusal{"NoId", R"({"specversion":"1.0","source":"/","type":"t"})", "id"},
        Refusal{"EmptyId", R"({"specversion":"1.0","id":"","source":"/","type":"t"})", "id"},
        Refusal{"NumberAsId", R"({"specversion":"1.0","id":1,"source":"/","type":"t"})", "id"},
        Refusal{"NoSource", R"({"specversion":"1.0","id":"1","type":"t"})", "source"},
        Refusal{"NoType", R"({"specversion":"1.0","id":"1","source":"/"})", "type"},
        Refusal{"BadTime", minimal(R"(,"time":"yesterday")"), "time"},
        Refusal{"SchemaOfOtherType", minimal(R"(,"dataschema":"urn:sinew:other:2")"), "dataschema"},
        Refusal{"SchemaWithoutVersion", minimal(R"(,"dataschema":"urn:sinew:t:")"), "dataschema"},
        Refusal{"SchemaVersionZero", minimal(R"(,"dataschema":"urn:sinew:t:0")"), "dataschema"},
        Refusal{"ObjectAsExtension", minimal(R"(,"tenant":{})"), "tenant"},
        Refusal{"FractionAsExtension", minimal(R"(,"rate":1.5)"), "rate"},
        Refusal{"UpperCaseName", minimal(R"(,"Tenant":"x")"), "Tenant"},
        Refusal{"HopsAsWord", minimal(R"(,"hops":"many")"), "hops"},
        Refusal{"TooManyHops", minimal(R"(,"hops":65)"), "hops"},
        Refusal{"DataTwice", minimal(R"(,"data":1,"data_base64":"AA==")"), "data"},
        Refusal{"BadBase64", minimal(R"(,"data_base64":"A")"), "data_base64"},
        Refusal{"ObjectAsText", minimal(R"(,"datacontenttype":"text/plain","data":{})"), "data"}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace sinew::event
