#pragma once

#include <cstddef>
#include <cstdint>

#include "sinew/async/stream.hpp"
#include "sinew/proxy/exchange/buffer_pool.hpp"
#include "sinew/proxy/exchange/codec.hpp"
#include "sinew/wire/body.hpp"
#include "sinew/wire/bytes.hpp"

namespace sinew::proxy {

// What has come in on a connection and was not taken yet: one block, or none while nothing is
// there. A message's head can be held in front of it, so that it stays where it was parsed while
// the body passes behind it.
class InboundBuffer {
 public:
  explicit InboundBuffer(BufferPool& pool) noexcept : pool_(pool) {}

  wire::Bytes bytes() const noexcept { return block_.span().subspan(begin_, end_ - begin_); }
  bool empty() const noexcept { return begin_ == end_; }
  // Reads once; what was taken is gone then, and what is left may move. no_buffer_space when there
  // is no memory, or no room behind what was not taken.
  async::IoResult read(async::Stream& stream) noexcept;
  void take(std::size_t count) noexcept { begin_ += count; }

  // The first `head` bytes stay where they are until release_head(), with what was parsed of them.
  // Nothing was taken since the last release.
  wire::Bytes hold_head(std::size_t head) noexcept;
  void release_head() noexcept;
  // Of a connection that rests.
  void release_if_empty() noexcept;
  // What was not taken is of no use any more.
  void clear() noexcept {
    begin_ = end_;
    release_head();
  }

 private:
  BufferPool& pool_;
  Buffer block_;
  std::size_t held_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

// The body of an HTTP/1.1 message as it comes in.
class Http1Body final : public BodySource {
 public:
  Http1Body(async::Stream& stream, InboundBuffer& in) noexcept : stream_(stream), in_(in) {}
  void begin(wire::Framing framing, const wire::BodyLimits& limits) noexcept;

  Pull pull() noexcept override;
  wire::Bytes piece() const noexcept override { return piece_; }
  Trailers trailers() const noexcept override { return {decoder_.trailers(), piece_}; }
  wire::Fault fault() const noexcept override { return decoder_.fault(); }
  bool at_end() const noexcept override { return decoder_.at_end(); }

  std::uint64_t received() const noexcept { return received_; }  // with its framing
  std::uint64_t body_bytes() const noexcept { return body_; }    // without

 private:
  Pull read() noexcept;

  async::Stream& stream_;
  InboundBuffer& in_;
  wire::BodyDecoder decoder_;
  wire::Bytes piece_;
  std::uint64_t received_ = 0;
  std::uint64_t body_ = 0;
};

}  // namespace sinew::proxy
