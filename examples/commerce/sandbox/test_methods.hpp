#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace commerce::sandbox {

// What comes of a charge with one of Stripe's test methods.
struct Verdict {
  std::string code;          // card_declined, expired_card, ...; empty: it succeeds
  std::string decline_code;  // generic_decline, insufficient_funds, ...
  std::string message;
};

// Nothing for what is no test method: names begin with pm_card_; those with `chargeDeclined` in
// them are declined (https://docs.stripe.com/testing#declined-payments).
std::optional<Verdict> verdict_on(std::string_view payment_method);

}  // namespace commerce::sandbox
