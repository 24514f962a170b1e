#include "sinew/proxy/exchange/outbound.hpp"

#include <charconv>
#include <utility>

#include "sinew/wire/writer.hpp"

namespace sinew::proxy {

wire::Fault Http1Out::head(wire::OutgoingHead& head, OutFraming framing) noexcept {
  const auto pieces = head.pieces();
  if (!pieces) return pieces.error();
  framing_ = framing;
  for (const wire::Bytes piece : *pieces)
    put(piece);
  return wire::Fault::none;
}

void Http1Out::head(wire::Bytes text, OutFraming framing) noexcept {
  framing_ = framing;
  put(text);
}

void Http1Out::piece(wire::Bytes bytes) noexcept {
  if (bytes.empty()) return;
  body_ += bytes.size();
  holds_piece_ = true;
  if (framing_ != OutFraming::chunked) return put(bytes);
  char* const begin = chunk_line_.data();
  char* end = std::to_chars(begin, begin + chunk_line_.size(), bytes.size(), 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  put(std::string_view(begin, end));
  put(bytes);
  put("\r\n");
}

void Http1Out::end(const Trailers& trailers) noexcept {
  holds_piece_ = true;
  if (framing_ == OutFraming::tunnel) shut_down_ = true;
  if (framing_ != OutFraming::chunked) return;
  if (trailers.fields.empty()) return put("0\r\n\r\n");
  // The trailers are copied: their own lines may have fields that do not go on.
  wire::Writer writer(trailers_);
  writer.last_chunk();
  for (const wire::Field& field : trailers.fields) {
    writer.field(field.name.in(trailers.buffer), field.value.in(trailers.buffer));
  }
  writer.end_of_head();
  put(writer.fault() == wire::Fault::none ? wire::as_text(writer.written()) : "0\r\n\r\n");
}

Flush Http1Out::flush() noexcept {
  while (first_ < count_) {
    const async::IoResult result =
        stream_->try_write_gathered(std::span(pieces_).subspan(first_, count_ - first_));
    if (result.bytes == 0 && result.error) {
      return result.error == std::errc::operation_would_block ? Flush::wait : Flush::failed;
    }
    sent_ += result.bytes;
    drop(result.bytes);
  }
  first_ = count_ = 0;
  holds_piece_ = false;
  if (std::exchange(shut_down_, false)) stream_->shutdown_write();
  return Flush::done;
}

void Http1Out::discard() noexcept {
  first_ = count_ = 0;
  holds_piece_ = shut_down_ = false;
  body_ = 0;
}

void Http1Out::drop(std::size_t bytes) noexcept {
  while (bytes > 0) {
    wire::Bytes& piece = pieces_[first_];
    if (bytes < piece.size()) {
      piece = piece.subspan(bytes);
      return;
    }
    bytes -= piece.size();
    ++first_;
  }
}

}  // namespace sinew::proxy
