#pragma once

#include <string>
#include <string_view>

#include "sinew/base/instant.hpp"
#include "sinew/base/secret.hpp"
#include "sinew/base/time.hpp"

namespace commerce::fulfillment {

// The value of Carrier-Signature: `t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<text>">`, as
// Stripe signs its webhooks (https://docs.stripe.com/webhooks/signature); `text` is signed_text().
std::string sign_report(std::string_view text, sinew::Timestamp now, const sinew::Secret& secret);

// Throws Error unauthorized unless `header` signs `text` under `secret` at a time within
// `tolerance` of `now`. Takes the same time for every wrong signature. Of several v1 one must fit.
void verify_report(std::string_view header, std::string_view text, sinew::Timestamp now,
                   sinew::Duration tolerance, const sinew::Secret& secret);

}  // namespace commerce::fulfillment
