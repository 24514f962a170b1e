#include "sinew/http/problem.hpp"

#include <fmt/core.h>

#include <utility>

#include "sinew/base/json_reader.hpp"
#include "sinew/wire/writer.hpp"

namespace sinew::http {
namespace {

constexpr const char* kProblemJson = "application/problem+json";
constexpr const char* kRetryAfterSeconds = "1";

std::string member_text(const Json& document, std::string_view name) {
  const Json* member = document.find(name);
  return member != nullptr && member->is_string() ? member->as_string() : std::string();
}

// The problem document of an answer, or null.
Json document_of(const Response& response) {
  if (!is_json(response.headers.get("Content-Type"))) return {};
  try {
    return response.json();
  } catch (const Error&) {
    return {};
  }
}

}  // namespace

StatusError::StatusError(int status, const std::string& detail)
    : Error(condition_for(status), detail), status_(status) {}

int status_for(Condition condition) noexcept {
  switch (condition) {
    case Condition::invalid_input: return 400;
    case Condition::unauthorized: return 401;
    case Condition::not_found: return 404;
    case Condition::conflict: return 409;
    case Condition::exhausted:
    case Condition::unavailable:
    case Condition::cancelled: return 503;
    case Condition::timeout: return 504;
    case Condition::unsupported: return 501;
    case Condition::corrupt: return 500;
  }
  return 500;
}

Condition condition_for(int status) noexcept {
  switch (status) {
    case 401:
    case 403: return Condition::unauthorized;
    case 404:
    case 410: return Condition::not_found;
    case 409:
    case 412: return Condition::conflict;
    case 429: return Condition::exhausted;
    case 408:
    case 504: return Condition::timeout;
    case 405:
    case 415:
    case 501: return Condition::unsupported;
    default: return status < 500 ? Condition::invalid_input : Condition::unavailable;
  }
}

Response problem(int status, const std::string& detail, const JsonObject& members) {
  JsonObject document{{"type", "about:blank"},
                      {"title", std::string(wire::reason_phrase(status))},
                      {"status", status},
                      {"detail", detail}};
  for (const JsonMember& member : members.members())
    document.set(member.name, member.value);
  Response response{.status = status, .headers = {}, .body = to_text(Json(std::move(document)))};
  response.headers.add("Content-Type", kProblemJson);
  if (status == 401) response.headers.add("WWW-Authenticate", "Bearer");
  if (status == 503) response.headers.add("Retry-After", kRetryAfterSeconds);
  return response;
}

Response problem(const Error& error) {
  const auto* chosen = dynamic_cast<const StatusError*>(&error);
  const int status = chosen != nullptr ? chosen->status() : status_for(error.condition());
  JsonObject members{{"condition", std::string(to_string(error.condition()))}};
  if (error.applied() == Applied::unknown) members.set("applied", "unknown");
  if (const auto* document = dynamic_cast<const DocumentError*>(&error)) {
    JsonArray errors;
    for (const JsonError& wrong : document->errors()) {
      errors.push_back(JsonObject{{"path", wrong.path}, {"message", wrong.message}});
    }
    members.set("errors", std::move(errors));
  }
  return problem(status, error.detail(), members);
}

Error to_error(const Response& response) {
  const Json document = document_of(response);
  std::string detail = member_text(document, "detail");
  if (detail.empty()) detail = member_text(document, "title");
  if (detail.empty()) detail = wire::reason_phrase(response.status);
  const bool told_unknown = member_text(document, "applied") == "unknown";
  const bool may_be_applied =
      response.status >= 500 && response.status != 501 && response.status != 503;
  return {condition_for(response.status),
          fmt::format("the peer answered {}: {}", response.status, detail),
          told_unknown || may_be_applied ? Applied::unknown : Applied::no};
}

}  // namespace sinew::http
