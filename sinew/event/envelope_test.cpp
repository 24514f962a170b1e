#include "sinew/event/envelope.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "sinew/base/error.hpp"

namespace sinew::event {
namespace {

Envelope sample() {
  Envelope envelope;
  envelope.id = Uuid::parse("01890a5d-ac96-774b-bcce-b302099a8057");
  envelope.source = "/sales";
  envelope.type = "sales.order.placed";
  return envelope;
}

struct Refusal {
  const char* name;
  std::function<void(Envelope&)> spoil;
  const char* detail;  // what it must mention
};

class RefusedEnvelope : public testing::TestWithParam<Refusal> {};

TEST_P(RefusedEnvelope, NamesTheAttribute) {
  Envelope envelope = sample();
  ASSERT_NO_THROW(validate(envelope));

  GetParam().spoil(envelope);

  try {
    validate(envelope);
    FAIL() << "it was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::invalid_input);
    EXPECT_NE(error.detail().find(GetParam().detail), std::string::npos) << error.detail();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Envelope, RefusedEnvelope,
    testing::Values(
        Refusal{"NoId", [](Envelope& e) { e.id = Uuid(); }, "id: "},
        Refusal{"NoSource", [](Envelope& e) { e.source.clear(); }, "source: "},
        Refusal{"NoType", [](Envelope& e) { e.type.clear(); }, "type: "},
        Refusal{"VersionZero", [](Envelope& e) { e.version = 0; }, "dataschema"},
        Refusal{"LongSubject", [](Envelope& e) { e.subject.assign(1025, 'x'); }, "1025 bytes"},
        Refusal{"ControlCharacter", [](Envelope& e) { e.subject = "a\nb"; }, "subject"},
        Refusal{"BrokenUtf8", [](Envelope& e) { e.ordering_key = "\xff"; }, "partitionkey"},
        Refusal{"NoContentType", [](Envelope& e) { e.content_type.clear(); }, "datacontenttype"},
        Refusal{"TooManyHops", [](Envelope& e) { e.lineage.hops = 65; }, "hops"},
        Refusal{"NegativeHops", [](Envelope& e) { e.lineage.hops = -1; }, "hops"},
        Refusal{"UpperCaseName", [](Envelope& e) { e.extensions["Tenant"] = ""; }, "Tenant"},
        Refusal{"LongName", [](Envelope& e) { e.extensions[std::string(21, 'a')] = ""; }, "aaa"},
        Refusal{"EmptyName", [](Envelope& e) { e.extensions[""] = ""; }, "no valid name"},
        Refusal{"ReservedName", [](Envelope& e) { e.extensions["hops"] = "1"; }, "member"},
        Refusal{"ManyExtensions",
                [](Envelope& e) {
                  for (int i = 0; i < 33; ++i)
                    e.extensions["x" + std::to_string(i)] = "";
                },
                "extensions"},
        Refusal{"LargeData",
                [](Envelope& e) { e.data = std::string(Envelope::max_data_bytes + 1, 'x'); },
                "data"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Lineage, OfAnEffectNamesItsCauseAndKeepsTheProcess) {
  Envelope cause = sample();
  cause.lineage.correlation_id = Uuid::parse("01890a5d-ac96-774b-bcce-b302099a8001");
  cause.lineage.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  cause.lineage.hops = 3;

  const Lineage lineage = caused_by(cause);

  EXPECT_EQ(lineage.correlation_id, cause.lineage.correlation_id);
  EXPECT_EQ(lineage.causation_id, cause.id);
  EXPECT_EQ(lineage.traceparent, cause.lineage.traceparent);
  EXPECT_EQ(lineage.hops, 4);
}

TEST(Lineage, OfTheFirstEffectStartsTheProcess) {
  EXPECT_EQ(caused_by(sample()).correlation_id, sample().id);
}

TEST(Lineage, EndsALoopBetweenContexts) {
  Envelope message = sample();
  for (int hop = 0; hop < Lineage::max_hops; ++hop)
    message.lineage = caused_by(message);

  EXPECT_THROW(caused_by(message), Error);
}

}  // namespace
}  // namespace sinew::event
