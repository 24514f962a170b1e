#include "examples/commerce/fulfillment/carrier_signature.hpp"

#include <gtest/gtest.h>

#include <string>

#include "sinew/base/error.hpp"

namespace commerce::fulfillment {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const sinew::Secret secret("whsec_test");
const sinew::Timestamp now = sinew::parse_rfc3339("2026-05-04T10:30:00Z");
constexpr auto body = R"({"report_id":"1"})";

// Empty: accepted; else why not.
std::string refusal(std::string_view header, sinew::Timestamp at = now,
                    std::string_view text = body) {
  try {
    verify_report(header, text, at, minutes(5), secret);
    return "";
  } catch (const sinew::Error& error) {
    EXPECT_EQ(error.condition(), sinew::Condition::unauthorized);
    return error.detail();
  }
}

TEST(CarrierSignature, IsTimeAndHmacOverTimeAndBody) {
  // printf '%s' '1777890600.{"report_id":"1"}' | openssl dgst -sha256 -hmac whsec_test
  EXPECT_EQ(sign_report(body, now, secret),
            "t=1777890600,v1=059042c2b23cd4b50a58aa40d4eabca40ab00a15fe027594d4866120b884999e");
}

TEST(CarrierSignature, IsAcceptedWithinTheTolerance) {
  const std::string header = sign_report(body, now, secret);

  EXPECT_EQ(refusal(header), "");
  EXPECT_EQ(refusal(header, now + minutes(5)), "");
  EXPECT_EQ(refusal(header, now - minutes(5)), "");
  EXPECT_NE(refusal(header, now + minutes(5) + seconds(1)), "");
  EXPECT_NE(refusal(header, now - minutes(5) - seconds(1)), "");
}

TEST(CarrierSignature, MayBeOneOfSeveral) {
  const std::string header = sign_report(body, now, secret);
  EXPECT_EQ(refusal(header + ",v1=00,v0=ab"), "");
  EXPECT_EQ(refusal("t=1777890600,v1=00," + header.substr(header.find("v1="))), "");
}

TEST(CarrierSignature, RefusesEverythingElse) {
  const std::string header = sign_report(body, now, secret);
  const std::string digest = header.substr(header.find("v1="));
  std::string flipped = header;
  flipped.back() = flipped.back() == '0' ? '1' : '0';

  for (const std::string& wrong :
       {std::string(), std::string("t=1777890600"), digest, flipped, "t=1777890601," + digest,
        "t=x," + digest, "t=99999999999999999999," + digest, "t=-1," + digest,
        header.substr(0, header.size() - 1), header + "0", std::string(100, ',')}) {
    EXPECT_NE(refusal(wrong), "") << wrong;
  }
  EXPECT_NE(refusal(header, now, R"({"report_id":"2"})"), "");
}

}  // namespace
}  // namespace commerce::fulfillment
