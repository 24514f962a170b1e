#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sinew/async/stream.hpp"
#include "sinew/base/json.hpp"
#include "sinew/http/headers.hpp"
#include "sinew/http/parameter.hpp"
#include "sinew/wire/head.hpp"
#include "sinew/wire/uri.hpp"

namespace sinew::http {

using wire::Method;

// A request as a handler gets it: whole, within the server's limits.
struct Request {
  Method method = Method::get;
  std::string path;    // decoded and normalised, see wire::normalize_path
  std::string target;  // as sent
  std::vector<wire::QueryParameter> query;
  Headers headers;
  std::string body;
  std::vector<wire::QueryParameter> path_parameters;  // of the route, in its order
  async::Endpoint peer;

  // The parameter `{name}` of the route as a T. Throws Error invalid_input, which names it, when it
  // is no T; the route must have it.
  template <Parameter T>
  T path_parameter(std::string_view name) const {
    return parse_parameter<T>(name, path_text(name));
  }

  // The first query parameter of that name as a T, or nothing. Throws Error invalid_input when it
  // is no T.
  template <Parameter T>
  std::optional<T> query_parameter(std::string_view name) const {
    const std::string* text = query_text(name);
    if (text == nullptr) return std::nullopt;
    return parse_parameter<T>(name, *text);
  }

  // Throws StatusError 415 unless Content-Type is application/json or has the suffix +json;
  // invalid_input when the body is not JSON.
  Json json() const;

 private:
  const std::string& path_text(std::string_view name) const;
  const std::string* query_text(std::string_view name) const noexcept;
};

// An answer. The server adds Content-Length, Date and Connection; it refuses to send header fields
// that could end a line (500 instead).
struct Response {
  int status = 200;  // 200 to 599
  Headers headers;
  std::string body;

  bool success() const noexcept { return status >= 200 && status < 300; }
  // As Request::json; Error corrupt instead, since it is the peer's.
  Json json() const;
};

Response ok(const Json& body);
Response ok(std::string text, std::string content_type);
// 201 with Location, which is a path or URL.
Response created(std::string location, const Json& body = {});
// 202: taken, done later.
Response accepted(const Json& body = {});
Response no_content();

// Whether a value of Content-Type names JSON.
bool is_json(std::string_view content_type) noexcept;

}  // namespace sinew::http
