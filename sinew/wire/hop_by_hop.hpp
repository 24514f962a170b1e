#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "sinew/wire/bytes.hpp"
#include "sinew/wire/head.hpp"

namespace sinew::wire {

// Some of the fields of one head, by their place in it.
class FieldSet {
 public:
  void insert(std::size_t place) noexcept { words_[place / 64] |= std::uint64_t{1} << place % 64; }
  bool contains(std::size_t place) const noexcept {
    return (words_[place / 64] >> place % 64 & 1U) != 0;
  }
  bool empty() const noexcept { return words_[0] == 0 && words_[1] == 0; }
  void insert(const FieldSet& others) noexcept {
    words_[0] |= others.words_[0];
    words_[1] |= others.words_[1];
  }

 private:
  static_assert(kMaxFields <= 128);
  std::array<std::uint64_t, 2> words_{};
};

// The fields of a head that are between its sender and this proxy, and do not go on (RFC 9110,
// section 7.6.1). `buffer` is the one that was parsed.
//
// * Connection, Keep-Alive, Proxy-Connection, TE, Upgrade, Transfer-Encoding, Proxy-Authenticate,
//   Proxy-Authorization; whoever sends the message on adds the ones it means itself: its own
//   framing, `TE: trailers` or an Upgrade it has allowed, each with its Connection;
// * fields which Connection names, but for the known ones that are not hop by hop: no client gets
//   Host, Content-Length, Authorization, Cookie or X-Forwarded-For taken away by naming them;
// * Expect where nothing is expected: in HTTP/1.0, or of a request without a body;
// * names that read like a known field's once "_" is taken for "-" (X_Forwarded_For), as
//   gateway interfaces (CGI, WSGI) do. Aliases of the fields that frame a message are refused by
//   the parser already.
FieldSet hop_by_hop(const RequestHead& head, Bytes buffer) noexcept;
FieldSet hop_by_hop(const AnswerHead& head, Bytes buffer) noexcept;

// Whether `name`, its "_" taken for "-", is a known field's, and is not as it stands.
bool is_field_alias(std::string_view name) noexcept;

// The client takes trailers: TE and Connection say so (RFC 9110, section 10.1.4). Only then
// trailers are worth sending on.
bool accepts_trailers(const RequestHead& head, Bytes buffer) noexcept;

// The protocol, with its version if any, that a request asks to go over to; nothing unless the
// request is a GET of HTTP/1.1 without a body, and names exactly one. Which ones may pass is for
// the route: never "h2c", behind which requests pass unseen.
std::optional<std::string_view> requested_upgrade(const RequestHead& head, Bytes buffer) noexcept;

// Whether an answer goes over to the `requested` protocol, and nothing else. An answer 101 that
// does not is malformed: its sender no longer speaks HTTP, and its client still does.
bool grants_upgrade(const AnswerHead& head, Bytes buffer, std::string_view requested) noexcept;

// Whether Via names `pseudonym` as a receiver already: the request goes in a circle (RFC 9110,
// section 7.6.3). `pseudonym` is a token or a host with its port.
bool passed_through(const Head& head, Bytes buffer, std::string_view pseudonym) noexcept;

}  // namespace sinew::wire
