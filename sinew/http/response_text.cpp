#include "sinew/http/response_text.hpp"

#include "sinew/http/http_date.hpp"
#include "sinew/wire/chars.hpp"
#include "sinew/wire/writer.hpp"

namespace sinew::http {
namespace {

bool is_servers_own(std::string_view name) noexcept {
  return wire::iequals(name, "Content-Length") || wire::iequals(name, "Transfer-Encoding") ||
         wire::iequals(name, "Connection");
}

// An upper bound of what the head and body take.
std::size_t room_for(const Response& response) noexcept {
  constexpr std::size_t kStatusLineAndOwnFields = 256;
  constexpr std::size_t kSeparators = 4;  // ": " and CRLF
  std::size_t bytes = kStatusLineAndOwnFields + response.body.size();
  for (const Header& header : response.headers) {
    bytes += header.name.size() + header.value.size() + kSeparators;
  }
  return bytes;
}

}  // namespace

wire::Fault write_response(const Response& response, SendAs how, std::string& out) {
  if (response.status < 200) return wire::Fault::bad_status_line;
  const bool bodiless = response.status == 204 || response.status == 304;
  out.resize(room_for(response));
  wire::Writer writer(std::as_writable_bytes(std::span(out)));
  writer.answer(response.status);
  for (const Header& header : response.headers) {
    if (!is_servers_own(header.name)) writer.field(header.name, header.value);
  }
  if (!response.headers.has("Date")) writer.field("Date", to_http_date(how.date));
  if (how.close) writer.field("Connection", "close");
  if (!bodiless) writer.content_length(response.body.size());
  writer.end_of_head();
  if (!bodiless && !how.head) writer.raw(wire::as_bytes(response.body));
  out.resize(writer.size());
  return writer.fault();
}

}  // namespace sinew::http
