#include "examples/commerce/sandbox/stripe_answers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "sinew/wire/uri.hpp"

namespace commerce::sandbox {

using sinew::Json;
using sinew::JsonObject;

Form::Form(std::string_view body) {
  const auto fields = sinew::wire::parse_query(body);
  if (!fields) refuse("The body is not a valid form.", "", "parameter_invalid");
  for (const auto& field : *fields) {
    if (!fields_.emplace(field.name, field.value).second) {
      refuse(fmt::format("Received the parameter {} twice.", field.name), field.name,
             "parameter_invalid");
    }
  }
}

std::string Form::text(std::string_view name) const {
  const auto found = fields_.find(name);
  return found == fields_.end() ? std::string() : found->second;
}

std::string Form::required(std::string_view name) const {
  std::string value = text(name);
  if (value.empty()) {
    refuse(fmt::format("Missing required param: {}.", name), name, "parameter_missing");
  }
  return value;
}

std::int64_t Form::amount(std::string_view name) const {
  const std::string text = required(name);
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (read.ec != std::errc() || read.ptr != end) {
    refuse(fmt::format("Invalid integer: {}", text), name, "parameter_invalid_integer");
  }
  if (value < 1) refuse("Amount must be at least 1.", name, "amount_too_small");
  return value;
}

JsonObject Form::metadata() const {
  constexpr std::string_view prefix = "metadata[";
  JsonObject metadata;
  for (const auto& [name, value] : fields_) {
    if (!name.starts_with(prefix) || !name.ends_with(']')) continue;
    metadata.set(std::string_view(name).substr(prefix.size(), name.size() - prefix.size() - 1),
                 value);
  }
  return metadata;
}

void Form::allow_only(const std::vector<std::string_view>& names) const {
  for (const auto& [name, value] : fields_) {
    if (std::ranges::find(names, std::string_view(name).substr(0, name.find('['))) == names.end()) {
      refuse(fmt::format("Received unknown parameter: {}", name), name, "parameter_unknown");
    }
  }
}

Answer error_answer(int status, std::string_view type, std::string message,
                    const JsonObject& members) {
  JsonObject error;
  error.set("type", type);
  error.set("message", std::move(message));
  for (const auto& [name, value] : members.members())
    error.set(name, value);
  JsonObject body;
  body.set("error", std::move(error));
  return {status, std::move(body)};
}

void refuse(std::string message, std::string_view param, std::string_view code) {
  JsonObject members;
  members.set("code", code);
  if (!param.empty()) members.set("param", param);
  throw StripeRefusal{error_answer(400, "invalid_request_error", std::move(message), members)};
}

Json list_page(std::string_view url, sinew::JsonArray items, bool has_more) {
  JsonObject page;
  page.set("object", "list");
  page.set("url", url);
  page.set("has_more", has_more);
  page.set("data", std::move(items));
  return page;
}

sinew::http::Response to_response(const Answer& answer) {
  sinew::http::Response response = sinew::http::ok(answer.body);
  response.status = answer.status;
  return response;
}

}  // namespace commerce::sandbox
