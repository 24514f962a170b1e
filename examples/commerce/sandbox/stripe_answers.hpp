#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/base/json.hpp"
#include "sinew/http/message.hpp"

// How Stripe's API asks and answers (https://docs.stripe.com/api/errors, .../pagination,
// .../idempotent_requests).
namespace commerce::sandbox {

// The fields of a form-encoded request; `metadata[order_id]` is a name like others.
class Form {
 public:
  // Throws StripeRefusal for what is no form, or repeats a name.
  explicit Form(std::string_view body);

  bool has(std::string_view name) const { return fields_.contains(name); }
  // Empty when it is absent.
  std::string text(std::string_view name) const;
  // Throws StripeRefusal when it is absent.
  std::string required(std::string_view name) const;
  // A whole number from 1; throws StripeRefusal.
  std::int64_t amount(std::string_view name) const;
  // The fields metadata[...], as an object.
  sinew::JsonObject metadata() const;
  // Throws StripeRefusal for a field that is neither among these nor under one of them
  // (`metadata` allows `metadata[a]`).
  void allow_only(const std::vector<std::string_view>& names) const;

 private:
  std::map<std::string, std::string, std::less<>> fields_;
};

// An answer that is settled: it is kept under its idempotency key and given again.
struct Answer {
  int status = 200;
  sinew::Json body;
};

// `type`: card_error, invalid_request_error, idempotency_error, api_error. `members` join the
// error object: code, decline_code, param, payment_intent.
Answer error_answer(int status, std::string_view type, std::string message,
                    const sinew::JsonObject& members = {});

// A request that was refused before anything was tried; it leaves its idempotency key unused.
struct StripeRefusal {
  Answer answer;
};
[[noreturn]] void refuse(std::string message, std::string_view param, std::string_view code);

// One page of a list, newest first.
sinew::Json list_page(std::string_view url, sinew::JsonArray items, bool has_more);

sinew::http::Response to_response(const Answer& answer);

}  // namespace commerce::sandbox
