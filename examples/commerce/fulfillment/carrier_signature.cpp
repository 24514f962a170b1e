#include "examples/commerce/fulfillment/carrier_signature.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "sinew/base/error.hpp"
#include "sinew/base/hash.hpp"

namespace commerce::fulfillment {

using sinew::Condition;
using sinew::Error;

namespace {

// A header has a time and one signature, two while a secret is being replaced.
constexpr std::size_t most_signatures = 8;

struct Parts {
  std::optional<std::int64_t> seconds;
  std::vector<std::string_view> signatures;
};

Parts split(std::string_view header) {
  Parts parts;
  while (!header.empty() && parts.signatures.size() < most_signatures) {
    const std::string_view part = header.substr(0, header.find(','));
    header.remove_prefix(std::min(part.size() + 1, header.size()));
    if (part.starts_with("t=")) {
      std::int64_t seconds = 0;
      const auto read = std::from_chars(part.data() + 2, part.data() + part.size(), seconds);
      const bool whole = read.ec == std::errc() && read.ptr == part.data() + part.size();
      if (whole) parts.seconds = seconds;
    } else if (part.starts_with("v1=")) {
      parts.signatures.push_back(part.substr(3));
    }
  }
  return parts;
}

std::string signature(std::int64_t seconds, std::string_view text, const sinew::Secret& secret) {
  return sinew::hmac_sha256_hex(secret.reveal(), fmt::format("{}.{}", seconds, text));
}

std::int64_t seconds_of(sinew::Timestamp time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

}  // namespace

std::string sign_report(std::string_view text, sinew::Timestamp now, const sinew::Secret& secret) {
  const std::int64_t seconds = seconds_of(now);
  return fmt::format("t={},v1={}", seconds, signature(seconds, text, secret));
}

void verify_report(std::string_view header, std::string_view text, sinew::Timestamp now,
                   sinew::Duration tolerance, const sinew::Secret& secret) {
  const Parts parts = split(header);
  if (!parts.seconds || parts.signatures.empty()) {
    throw Error(Condition::unauthorized,
                "the header Carrier-Signature is missing or not of the form t=...,v1=...");
  }
  const std::string expected = signature(*parts.seconds, text, secret);
  bool fits = false;
  for (const auto found : parts.signatures)
    fits = sinew::constant_time_equal(found, expected) || fits;
  if (!fits) throw Error(Condition::unauthorized, "the report's signature is wrong");
  // In seconds, and without a difference that could overflow.
  const std::int64_t ours = seconds_of(now);
  const auto allowed = std::chrono::floor<std::chrono::seconds>(tolerance).count();
  if (*parts.seconds >= ours - allowed && *parts.seconds <= ours + allowed) return;
  throw Error(Condition::unauthorized,
              fmt::format("the report was signed more than {} s before or after now; is a clock "
                          "wrong, or is this a replay?",
                          allowed));
}

}  // namespace commerce::fulfillment
