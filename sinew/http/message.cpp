#include "sinew/http/message.hpp"

#include <algorithm>

#include "sinew/http/problem.hpp"
#include "sinew/wire/chars.hpp"

namespace sinew::http {
namespace {

const std::string* find_parameter(const std::vector<wire::QueryParameter>& parameters,
                                  std::string_view name) noexcept {
  const auto found = std::ranges::find(parameters, name, &wire::QueryParameter::name);
  return found == parameters.end() ? nullptr : &found->value;
}

Response with_json(int status, const Json& body) {
  Response response{.status = status, .headers = {}, .body = to_text(body)};
  response.headers.add("Content-Type", "application/json");
  return response;
}

}  // namespace

const std::string& Request::path_text(std::string_view name) const {
  const std::string* text = find_parameter(path_parameters, name);
  if (text == nullptr) {
    throw Error(Condition::unsupported,
                "the route has no parameter {" + std::string(name) + "}; add it to its pattern");
  }
  return *text;
}

const std::string* Request::query_text(std::string_view name) const noexcept {
  return find_parameter(query, name);
}

Json Request::json() const {
  if (!is_json(headers.get("Content-Type")))
    throw StatusError(415, "the body must be application/json");
  return parse_json(body, {.max_bytes = body.size() + 1});
}

Json Response::json() const {
  if (!is_json(headers.get("Content-Type"))) {
    throw Error(Condition::corrupt,
                "the answer is not JSON but `" + std::string(headers.get("Content-Type")) + "`");
  }
  try {
    return parse_json(body, {.max_bytes = body.size() + 1});
  } catch (const Error& error) {
    throw Error(Condition::corrupt, "the answer is not valid JSON: " + error.detail());
  }
}

Response ok(const Json& body) { return with_json(200, body); }

Response ok(std::string text, std::string content_type) {
  Response response{.status = 200, .headers = {}, .body = std::move(text)};
  response.headers.add("Content-Type", std::move(content_type));
  return response;
}

Response created(std::string location, const Json& body) {
  Response response = with_json(201, body);
  response.headers.add("Location", std::move(location));
  return response;
}

Response accepted(const Json& body) { return with_json(202, body); }

Response no_content() { return {.status = 204, .headers = {}, .body = {}}; }

bool is_json(std::string_view content_type) noexcept {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t'))
    type.remove_suffix(1);
  if (wire::iequals(type, "application/json")) return true;
  constexpr std::string_view kSuffix = "+json";
  return type.size() > kSuffix.size() && type.find('/') != std::string_view::npos &&
         wire::iequals(type.substr(type.size() - kSuffix.size()), kSuffix);
}

}  // namespace sinew::http
