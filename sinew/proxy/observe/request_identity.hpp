#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sinew/base/trace.hpp"
#include "sinew/wire/bytes.hpp"
#include "sinew/wire/head.hpp"
#include "sinew/wire/outgoing_head.hpp"

namespace sinew::proxy {

// The random bits of one request's identity. Drawn in one place so that a simulation with the same
// seed gives the same ids.
struct IdentityBits {
  std::uint64_t id_high;
  std::uint64_t id_low;
  std::uint64_t trace_high;
  std::uint64_t trace_low;
  std::uint64_t span;

  // `random()` gives 64 uniform bits: async::Runtime's.
  template <typename Random>
  static IdentityBits draw(Random random) {
    return {random(), random(), random(), random(), random()};
  }
};

// Which request this is: an id for people, who look for it in logs, and its place in a trace for
// programs. Texts are in buffers of its own, so nothing is allocated; a view of them lives as long
// as the object, and not over a fill().
//
// The id is that of X-Request-Id where a trusted peer sent one that is well formed (one line, 1 to
// kMaxIdBytes of letters, digits and -_.:+/=@~); otherwise 32 hexadecimal digits, as Kong's and
// nginx's. A stranger's is not kept, like everything else by which a request says who it is:
// whoever chooses ids can give two requests the same one, and hide the second behind the first.
//
// The trace is that of `traceparent`, from whomever it comes, since it is nothing but a hint to
// those behind: passed on with a span of this hop's own. Without a valid one a trace begins, not
// sampled, for nothing here records it.
class RequestIdentity {
 public:
  static constexpr std::size_t kMaxIdBytes = 128;

  RequestIdentity() = default;

  // `received` is the buffer that `head` is of; only the call looks at them.
  void fill(const wire::RequestHead& head, wire::Bytes received, bool trusted_peer,
            const IdentityBits& bits) noexcept;
  // Of a request whose head was not understood.
  void fill(const IdentityBits& bits) noexcept;

  std::string_view id() const noexcept { return {id_.data(), id_size_}; }
  std::string_view traceparent() const noexcept { return {traceparent_.data(), kTraceparent}; }
  // Of the span of this hop; without tracestate.
  const TraceContext& trace() const noexcept { return trace_; }
  // It began before this hop. If not, a tracestate that came is nobody's, and to be removed.
  bool continued() const noexcept { return continued_; }

  // X-Request-Id and traceparent of the head that is sent on; tracestate goes as it came.
  void put_into(wire::OutgoingHead& head) const noexcept;

 private:
  static constexpr std::size_t kTraceparent = 55;

  void write_id(const IdentityBits& bits) noexcept;
  void write_traceparent() noexcept;

  std::array<char, kMaxIdBytes> id_;
  std::array<char, kTraceparent> traceparent_;
  std::uint8_t id_size_ = 0;
  bool continued_ = false;
  TraceContext trace_;
};

}  // namespace sinew::proxy
