#include "examples/commerce/sandbox/test_methods.hpp"

#include <array>

namespace commerce::sandbox {
namespace {

struct Decline {
  std::string_view ending;  // of the method's name, behind chargeDeclined
  std::string_view code;
  std::string_view decline_code;
  std::string_view message;
};

constexpr std::array declines{
    Decline{"InsufficientFunds", "card_declined", "insufficient_funds",
            "Your card has insufficient funds."},
    Decline{"LostCard", "card_declined", "lost_card", "Your card was declined."},
    Decline{"StolenCard", "card_declined", "stolen_card", "Your card was declined."},
    Decline{"FraudulentReport", "card_declined", "fraudulent", "Your card was declined."},
    Decline{"ExpiredCard", "expired_card", "expired_card", "Your card has expired."},
    Decline{"IncorrectCvc", "incorrect_cvc", "incorrect_cvc",
            "Your card's security code is incorrect."},
    Decline{"ProcessingError", "processing_error", "processing_error",
            "An error occurred while processing your card. Try again in a little bit."},
};
constexpr Decline plain_decline{"", "card_declined", "generic_decline", "Your card was declined."};

Verdict to_verdict(const Decline& decline) {
  return {std::string(decline.code), std::string(decline.decline_code),
          std::string(decline.message)};
}

}  // namespace

std::optional<Verdict> verdict_on(std::string_view payment_method) {
  constexpr std::string_view mark = "chargeDeclined";
  if (!payment_method.starts_with("pm_card_")) return std::nullopt;
  const auto at = payment_method.find(mark);
  if (at == std::string_view::npos) return Verdict();
  const auto ending = payment_method.substr(at + mark.size());
  for (const Decline& decline : declines) {
    if (ending == decline.ending) return to_verdict(decline);
  }
  return to_verdict(plain_decline);
}

}  // namespace commerce::sandbox
