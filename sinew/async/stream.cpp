#include "sinew/async/stream.hpp"

namespace sinew::async {

std::string to_string(const Endpoint& endpoint) {
  const std::string port = std::to_string(endpoint.port);
  if (endpoint.address.find(':') != std::string::npos) return "[" + endpoint.address + "]:" + port;
  return endpoint.address + ":" + port;
}

std::error_code Stream::Readiness::await_resume() const noexcept {
  switch (outcome()) {
    case WaitOutcome::timed_out: return std::make_error_code(std::errc::timed_out);
    case WaitOutcome::cancelled: return std::make_error_code(std::errc::operation_canceled);
    default: return {};
  }
}

IoResult Stream::try_write_gathered(Pieces from) noexcept {
  IoResult all;
  for (const auto piece : from) {
    const IoResult one = try_write(piece);
    all.bytes += one.bytes;
    if (one.bytes == piece.size()) continue;
    if (all.bytes == 0) all.error = one.error;
    break;
  }
  return all;
}

bool Stream::undisturbed() noexcept {
  if (!readable_) return true;
  std::byte unexpected;
  return try_read({&unexpected, 1}).error == std::errc::operation_would_block;
}

Task<std::error_code> write_all(Stream& stream, std::span<const std::byte> from) {
  while (!from.empty()) {
    const IoResult result = stream.try_write(from);
    from = from.subspan(result.bytes);
    if (result.error == std::errc::operation_would_block) {
      if (auto error = co_await stream.writable()) co_return error;
    } else if (result.error) {
      co_return result.error;
    }
  }
  co_return std::error_code{};
}

void drop_front(std::span<std::span<const std::byte>>& pieces, std::size_t bytes) noexcept {
  while (!pieces.empty() && pieces.front().size() <= bytes) {
    bytes -= pieces.front().size();
    pieces = pieces.subspan(1);
  }
  if (!pieces.empty()) pieces.front() = pieces.front().subspan(bytes);
}

}  // namespace sinew::async
