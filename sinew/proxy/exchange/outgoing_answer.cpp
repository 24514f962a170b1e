#include "sinew/proxy/exchange/outgoing_answer.hpp"

#include <array>

#include "sinew/wire/hop_by_hop.hpp"
#include "sinew/wire/outgoing_head.hpp"

namespace sinew::proxy {

using Kind = wire::Framing::Kind;

OutFraming framing_of(const OutgoingAnswer& answer) noexcept {
  const Kind kind = answer.head.framing.kind;
  if (kind == Kind::none) return OutFraming::none;
  if (kind == Kind::tunnel) return OutFraming::tunnel;
  if (answer.length) return OutFraming::length;
  if (kind == Kind::length && !answer.rechunk) return OutFraming::length;
  return answer.mode.old_client ? OutFraming::close : OutFraming::chunked;
}

wire::Fault put_answer_head(const OutgoingAnswer& answer, OutFraming framing,
                            Http1Out& out) noexcept {
  wire::OutgoingHead head(answer.head, answer.received, out.scratch());
  head.remove(wire::hop_by_hop(answer.head, answer.received));
  if (framing == OutFraming::chunked) head.chunked();
  if (framing == OutFraming::close) head.remove(wire::FieldId::content_length);
  if (answer.length) head.content_length(*answer.length);
  if (framing == OutFraming::tunnel) {
    head.add("Connection", "upgrade").add("Upgrade", answer.upgrade);
  } else if (answer.mode.close) {
    head.add("Connection", "close");
  } else if (answer.mode.old_client) {
    head.add("Connection", "keep-alive");
  }
  std::array<char, 128> via;
  const std::string_view version = answer.head.version == wire::Version::http_1_0 ? "1.0 " : "1.1 ";
  const std::string_view name = answer.pseudonym.substr(0, via.size() - version.size());
  version.copy(via.data(), version.size());
  name.copy(via.data() + version.size(), name.size());
  head.add("Via", {via.data(), version.size() + name.size()});
  head.set("X-Request-Id", answer.request_id);
  if (!answer.set_cookie.empty()) head.add("Set-Cookie", answer.set_cookie);
  if (answer.edits != nullptr) answer.edits->apply(head);
  return out.head(head, framing);
}

bool put_interim_answer(const wire::AnswerHead& interim, wire::Bytes received,
                        Http1Out& out) noexcept {
  static constexpr std::size_t kOwn = 8;  // the empty line behind the fields
  const std::span<std::byte> scratch = out.scratch();
  wire::OutgoingHead head(interim, received, scratch.first(kOwn));
  head.remove(wire::hop_by_hop(interim, received));
  const auto pieces = head.pieces();
  if (!pieces) return false;
  const auto joined = wire::join(*pieces, scratch.subspan(kOwn));
  if (!joined) return false;
  out.head(*joined, OutFraming::none);
  return true;
}

}  // namespace sinew::proxy
