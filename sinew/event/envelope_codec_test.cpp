#include "sinew/event/envelope_codec.hpp"

#include <gtest/gtest.h>

#include "sinew/base/error.hpp"

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
  envelope.lineage.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  envelope.lineage.hops = 3;
  envelope.extensions = {{"tenant", "north"}, {"empty", ""}};
  envelope.data = SharedBytes(std::string("{\"a\":\0}", 7));
  return envelope;
}

TEST(EnvelopeCodec, GivesBackWhatWasWritten) {
  EXPECT_EQ(decode(encode(sample())), sample());
  EXPECT_EQ(decode(encode(Envelope())), Envelope());
}

TEST(EnvelopeCodec, RefusesEveryTruncation) {
  const std::string bytes = encode(sample());

  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(decode(std::string_view(bytes).substr(0, size)), Error) << size;
  }
}

TEST(EnvelopeCodec, RefusesBytesBehindTheEnd) {
  EXPECT_THROW(decode(encode(sample()) + "x"), Error);
}

TEST(EnvelopeCodec, NamesALaterFormatUnsupported) {
  std::string bytes = encode(sample());
  bytes[0] = 2;

  try {
    decode(bytes);
    FAIL() << "a later format was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::unsupported);
  }
}

}  // namespace
}  // namespace sinew::event
