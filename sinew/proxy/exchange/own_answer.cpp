#include "sinew/proxy/exchange/own_answer.hpp"

#include <array>

#include "sinew/wire/chars.hpp"
#include "sinew/wire/writer.hpp"

namespace sinew::proxy {
namespace {

void put_connection(const AnswerMode& mode, wire::Writer& writer) noexcept {
  if (mode.close) {
    writer.field("Connection", "close");
  } else if (mode.old_client) {
    writer.field("Connection", "keep-alive");
  }
}

}  // namespace

Refusal refusal_of(wire::Fault fault) noexcept {
  const int status = wire::status_for(fault);
  const bool large = status == 413 || status == 414 || status == 431;
  const std::string_view message = status == 413   ? "Request body too large"
                                   : status == 414 ? "Request line too long"
                                   : status == 431 ? "Request header fields too large"
                                   : status == 417 ? "Expectation failed"
                                   : status == 501 ? "Not implemented"
                                   : status == 505 ? "HTTP version not supported"
                                                   : "Bad request";
  return {status, large ? ResponseFlag::request_too_large : ResponseFlag::malformed_request,
          message, to_string(fault)};
}

void put_own_answer(const OwnAnswer& answer, const AnswerMode& mode, Http1Out& out) noexcept {
  static constexpr std::string_view kBegin = "{\"message\":\"";
  static constexpr std::string_view kMiddle = "\",\"request_id\":\"";
  static constexpr std::string_view kEnd = "\"}";
  const std::size_t body = kBegin.size() + answer.message.size() + kMiddle.size() +
                           answer.request_id.size() + kEnd.size();
  std::array<char, 64> flags;
  wire::Writer writer(out.scratch());
  writer.answer(answer.status)
      .field("Server", answer.server)
      .field("Content-Type", "application/json; charset=utf-8")
      .content_length(body)
      .field("X-Request-Id", answer.request_id)
      .field("Sinew-Response-Flags", write_codes(answer.flags, flags));
  if (!answer.location.empty()) writer.field("Location", answer.location);
  if (answer.status == 426) writer.field("Upgrade", "TLS/1.2, HTTP/1.1");
  if (answer.retry_after > 0) {
    writer.field("Retry-After", static_cast<std::uint64_t>(answer.retry_after));
  }
  if (answer.status == 426 && !mode.close) {
    writer.field("Connection", "Upgrade");
  } else {
    put_connection(mode, writer);
  }
  writer.end_of_head();
  if (!mode.head_request) {
    for (const std::string_view text : {kBegin, answer.message, kMiddle, answer.request_id, kEnd}) {
      writer.raw(wire::as_bytes(text));
    }
  }
  out.head(writer.written(), OutFraming::none);
}

bool put_early_answer(const EarlyAnswer& answer, std::string_view request_id,
                      const AnswerMode& mode, Http1Out& out) noexcept {
  wire::Writer writer(out.scratch());
  writer.answer(answer.status);
  for (const auto& [name, value] : answer.fields)
    writer.field(name, value);
  const bool bodiless = answer.status == 204 || answer.status == 304;
  if (!bodiless) writer.content_length(answer.body.size());
  writer.field("X-Request-Id", request_id);
  put_connection(mode, writer);
  writer.end_of_head();
  if (writer.fault() != wire::Fault::none) return false;
  out.head(writer.written(), OutFraming::length);
  if (!bodiless && !mode.head_request) out.raw(wire::as_bytes(answer.body));
  return true;
}

}  // namespace sinew::proxy
