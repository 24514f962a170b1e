#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "sinew/async/stream.hpp"
#include "sinew/base/unset_array.hpp"
#include "sinew/proxy/exchange/codec.hpp"
#include "sinew/wire/bytes.hpp"
#include "sinew/wire/fault.hpp"
#include "sinew/wire/outgoing_head.hpp"

namespace sinew::proxy {

// How a body is framed on its way out.
enum class OutFraming : std::uint8_t {
  none,    // no body
  length,  // as the head says
  chunked,
  close,   // the end of the connection is its end
  tunnel,  // as it comes; the end is the end of this direction
};

// An HTTP/1.1 message on its way out: head and body from where they lie, together in one system
// call where they are there together.
class Http1Out final : public BodySink {
 public:
  // What the writer of a head may put its own text in; good until the head is flushed.
  std::span<std::byte> scratch() noexcept { return scratch_; }

  void attach(async::Stream& stream) noexcept {
    stream_ = &stream;
    sent_ = body_ = 0;
  }
  // Pieces which stay where they are until they are flushed. One head at a time; interim ones
  // before the final.
  wire::Fault head(wire::OutgoingHead& head, OutFraming framing) noexcept;
  void head(wire::Bytes text, OutFraming framing) noexcept;
  // From here on bytes go as they come.
  void tunnel() noexcept { framing_ = OutFraming::tunnel; }
  // `text`, behind what is there: a body of our own.
  void raw(wire::Bytes text) noexcept { put(text); }

  bool holds_piece() const noexcept override { return holds_piece_; }
  void piece(wire::Bytes bytes) noexcept override;
  void end(const Trailers& trailers) noexcept override;
  Flush flush() noexcept override;
  bool empty() const noexcept { return first_ == count_; }
  // Forgets what is not sent; the next head begins anew. Only where none of it was.
  void discard() noexcept;

  std::uint64_t sent() const noexcept { return sent_; }
  std::uint64_t body_bytes() const noexcept { return body_; }  // without framing, given so far

 private:
  static constexpr std::size_t kMaxPieces = wire::OutgoingHead::kMaxPieces + 8;

  void put(wire::Bytes bytes) noexcept {
    if (!bytes.empty()) pieces_[count_++] = bytes;
  }
  void put(std::string_view text) noexcept { put(wire::as_bytes(text)); }
  void drop(std::size_t bytes) noexcept;

  async::Stream* stream_ = nullptr;
  OutFraming framing_ = OutFraming::none;
  bool holds_piece_ = false;
  bool shut_down_ = false;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t body_ = 0;
  UnsetArray<wire::Bytes, kMaxPieces> pieces_;
  std::array<char, 24> chunk_line_;
  std::array<std::byte, 4096> scratch_;
  std::array<std::byte, 4096 + 8> trailers_;  // BodyLimits::trailer_bytes and the last chunk's line
};

}  // namespace sinew::proxy
