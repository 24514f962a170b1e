#include "sinew/wire/writer.hpp"

#include <array>
#include <charconv>
#include <cstring>

#include "sinew/wire/chars.hpp"

namespace sinew::wire {
namespace {

constexpr std::size_t kNumberBytes = 20;  // of a 64-bit number in decimal

std::string_view number_text(std::uint64_t value, int base, std::span<char, kNumberBytes> out) {
  const auto result = std::to_chars(out.data(), out.data() + out.size(), value, base);
  return {out.data(), static_cast<std::size_t>(result.ptr - out.data())};
}

// A value that keeps its meaning through a parser, which strips white space around it.
bool is_value(std::string_view text) noexcept {
  if (text.empty()) return true;
  return text.front() != ' ' && text.front() != '\t' && text.back() != ' ' && text.back() != '\t' &&
         is_field_text(text);
}

}  // namespace

Writer& Writer::refuse(Fault fault) noexcept {
  if (fault_ == Fault::none) fault_ = fault;
  return *this;
}

void Writer::put(std::string_view text) noexcept {
  if (fault_ != Fault::none || text.empty()) return;
  if (text.size() > out_.size() - size_) {
    refuse(Fault::no_space);
    return;
  }
  std::memcpy(out_.data() + size_, text.data(), text.size());
  size_ += text.size();
}

Writer& Writer::request(std::string_view method, std::string_view target) noexcept {
  if (!is_token(method)) return refuse(Fault::bad_method);
  if (target.empty() || !all(target, kQuery)) return refuse(Fault::bad_target);
  put(method);
  put(" ");
  put(target);
  put(" HTTP/1.1\r\n");
  return *this;
}

Writer& Writer::answer(int status) noexcept { return answer(status, reason_phrase(status)); }

Writer& Writer::answer(int status, std::string_view reason) noexcept {
  if (status < 100 || status > 599 || !is_field_text(reason)) return refuse(Fault::bad_status_line);
  std::array<char, kNumberBytes> number;
  put("HTTP/1.1 ");
  put(number_text(static_cast<std::uint64_t>(status), 10, number));
  put(" ");
  put(reason);
  put("\r\n");
  return *this;
}

Writer& Writer::field(std::string_view name, std::string_view value) noexcept {
  if (!is_token(name)) return refuse(Fault::bad_field_name);
  if (!is_value(value)) return refuse(Fault::bad_field_value);
  put(name);
  put(": ");
  put(value);
  put("\r\n");
  return *this;
}

Writer& Writer::field(std::string_view name, std::uint64_t value) noexcept {
  std::array<char, kNumberBytes> number;
  return field(name, number_text(value, 10, number));
}

Writer& Writer::end_of_head() noexcept {
  put("\r\n");
  return *this;
}

Writer& Writer::chunk(Bytes data) noexcept {
  if (data.empty()) return *this;
  chunk_line(data.size()).raw(data);
  put("\r\n");
  return *this;
}

Writer& Writer::chunk_line(std::uint64_t length) noexcept {
  std::array<char, kNumberBytes> number;
  put(number_text(length, 16, number));
  put("\r\n");
  return *this;
}

Writer& Writer::last_chunk() noexcept { return chunk_line(0); }

Writer& Writer::raw(Bytes data) noexcept {
  put(as_text(data));
  return *this;
}

std::string_view reason_phrase(int status) noexcept {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 203: return "Non-Authoritative Information";
    case 204: return "No Content";
    case 205: return "Reset Content";
    case 206: return "Partial Content";
    case 300: return "Multiple Choices";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 407: return "Proxy Authentication Required";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "";
  }
}

}  // namespace sinew::wire
