#include "sinew/proxy/exchange/inbound.hpp"

#include <cstring>

namespace sinew::proxy {

async::IoResult InboundBuffer::read(async::Stream& stream) noexcept {
  static constexpr std::size_t kWorthReading = 4 * 1024;
  if (!block_) {
    block_ = pool_.take();
    begin_ = end_ = held_ = 0;
  } else if (begin_ == end_) {
    begin_ = end_ = held_;
  } else if (begin_ > held_ && Buffer::bytes - end_ < kWorthReading) {
    std::memmove(block_.span().data() + held_, block_.span().data() + begin_, end_ - begin_);
    end_ -= begin_ - held_;
    begin_ = held_;
  }
  const std::span<std::byte> room = block_.span().subspan(end_);
  if (room.empty()) return {.error = std::make_error_code(std::errc::no_buffer_space)};
  const async::IoResult result = stream.try_read(room);
  end_ += result.bytes;
  return result;
}

wire::Bytes InboundBuffer::hold_head(std::size_t head) noexcept {
  // Behind bytes of earlier messages it would leave little room for the body.
  if (begin_ > 0) {
    std::memmove(block_.span().data(), block_.span().data() + begin_, end_ - begin_);
    end_ -= begin_;
  }
  held_ = begin_ = head;
  return block_.span().first(head);
}

void InboundBuffer::release_head() noexcept {
  held_ = 0;
  release_if_empty();
}

void InboundBuffer::release_if_empty() noexcept {
  if (!empty()) return;
  block_.release();
  begin_ = end_ = held_ = 0;
}

void Http1Body::begin(wire::Framing framing, const wire::BodyLimits& limits) noexcept {
  decoder_ = wire::BodyDecoder(framing, limits);
  received_ = body_ = 0;
}

Pull Http1Body::pull() noexcept {
  for (;;) {
    const wire::BodyDecoder::Step step = decoder_.next(in_.bytes());
    in_.take(step.consumed);
    received_ += step.consumed;
    piece_ = step.bytes;
    switch (step.event) {
      case wire::BodyDecoder::Event::piece: body_ += piece_.size(); return Pull::piece;
      case wire::BodyDecoder::Event::end: return Pull::end;
      case wire::BodyDecoder::Event::refused: return Pull::malformed;
      case wire::BodyDecoder::Event::need_more: break;
    }
    if (const Pull pull = read(); pull != Pull::piece) return pull;
  }
}

// `piece`: something came.
Pull Http1Body::read() noexcept {
  const async::IoResult result = in_.read(stream_);
  if (result.bytes > 0) return Pull::piece;
  if (result.error == std::errc::operation_would_block) return Pull::wait;
  if (!result.end_of_stream) return Pull::broken;
  const bool ends_so = decoder_.finish() == wire::BodyDecoder::Event::end;
  piece_ = {};
  return ends_so ? Pull::end : Pull::closed;
}

}  // namespace sinew::proxy
