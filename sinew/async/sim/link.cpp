#include "sinew/async/sim/link.hpp"

#include <algorithm>
#include <utility>

#include "sinew/async/sim/network.hpp"
#include "sinew/async/sim/node.hpp"
#include "sinew/async/sim/world.hpp"

namespace sinew::async::sim {
namespace {

IoResult failed(std::error_code error) { return {0, error, false}; }
IoResult failed(std::errc error) { return failed(std::make_error_code(error)); }

}  // namespace

Link::Link(Network& network, Node& client, Endpoint client_end, Node& server, Endpoint server_end)
    : network_(network) {
  sides_[0].node = &client;
  sides_[0].endpoint = std::move(client_end);
  sides_[1].node = &server;
  sides_[1].endpoint = std::move(server_end);
}

std::unique_ptr<LinkStream> Link::open(std::size_t side) {
  auto stream = std::make_unique<LinkStream>(shared_from_this(), side);
  sides_[side].stream = stream.get();
  return stream;
}

IoResult Link::read(std::size_t side, std::span<std::byte> into) noexcept {
  Side& self = sides_[side];
  const std::size_t count = std::min(into.size(), unread(side));
  if (count == 0) {
    if (self.error) return failed(self.error);
    if (self.ended) return {0, {}, true};
    self.stream->readable_ = false;
    return failed(std::errc::operation_would_block);
  }
  take(self, into.first(count));
  if (count < into.size() && !self.ended && !self.error) self.stream->readable_ = false;
  // As TCP does, the writer hears of room when it is worth a write.
  if (self.held <= network_.options_.buffer_bytes / 3 * 2) wake_writer(1 - side);
  return {count, {}, false};
}

void Link::take(Side& side, std::span<std::byte> into) noexcept {
  const auto from = side.unread.begin() + static_cast<std::ptrdiff_t>(side.taken);
  std::copy_n(from, into.size(), into.begin());
  side.taken += into.size();
  side.held -= std::min(side.held, into.size());
  if (side.taken == side.unread.size()) {
    side.unread.clear();
    side.taken = 0;
  }
}

IoResult Link::write(std::size_t side, std::span<const std::byte> from) noexcept {
  Side& self = sides_[side];
  if (self.error) return failed(self.error);
  if (from.empty()) return {};
  if (self.finished) {
    self.error = std::make_error_code(std::errc::broken_pipe);
    self.stream->set_readable();
    return failed(self.error);
  }
  Random& random = network_.world_.random();
  if (random.chance(network_.options_.reset)) {
    reset();
    return failed(self.error);
  }
  const std::size_t held = other(side).held;
  const std::size_t capacity = network_.options_.buffer_bytes;
  const std::size_t room = capacity - std::min(held, capacity);
  std::size_t count = std::min(room, from.size());
  if (count > 1 && random.chance(network_.options_.short_write)) count = 1 + random.below(count);
  if (count > 0) send_in_pieces(1 - side, from.first(count));
  if (count < from.size()) {
    self.stream->writable_ = false;
    if (count < room) wake_writer(side);
  }
  return count > 0 ? IoResult{count, {}, false} : failed(std::errc::operation_would_block);
}

void Link::send_in_pieces(std::size_t to, std::span<const std::byte> bytes) {
  Random& random = network_.world_.random();
  sides_[to].held += bytes.size();
  for (std::size_t left = std::max<std::size_t>(network_.options_.pieces, 1); !bytes.empty();
       --left) {
    const std::size_t count = left == 1 ? bytes.size() : 1 + random.below(bytes.size());
    send(to, Piece::Kind::bytes, bytes.first(count));
    bytes = bytes.subspan(count);
  }
}

Duration Link::latency() { return network_.latency(*sides_[0].node, *sides_[1].node); }

// A piece that overtakes another waits for it: deliver() takes them in order.
void Link::send(std::size_t to, Piece::Kind kind, std::span<const std::byte> bytes) {
  const Instant arrival = network_.world_.now() + latency();
  sides_[to].coming.push_back({kind, arrival, {bytes.begin(), bytes.end()}});
  deliver_at(arrival, to);
}

void Link::deliver_at(Instant when, std::size_t side) {
  network_.world_.at(when, [self = shared_from_this(), side] { self->deliver(side); });
}

void Link::deliver(std::size_t side) {
  Side& self = sides_[side];
  if (network_.parted(*sides_[0].node, *sides_[1].node)) return;
  bool arrived = false;
  while (!self.coming.empty() && self.coming.front().arrival <= network_.world_.now()) {
    const Piece piece = std::move(self.coming.front());
    self.coming.pop_front();
    if (!accept(side, piece)) return;
    arrived = true;
  }
  if (arrived && self.stream != nullptr) self.stream->set_readable();
}

// False when this side takes nothing more.
bool Link::accept(std::size_t side, const Piece& piece) {
  Side& self = sides_[side];
  switch (piece.kind) {
    case Piece::Kind::reset: fail(side); return false;
    case Piece::Kind::end: self.ended = true; return true;
    case Piece::Kind::bytes: break;
  }
  if (self.closed) {
    self.coming.clear();
    send(1 - side, Piece::Kind::reset, {});
    return false;
  }
  self.unread.insert(self.unread.end(), piece.bytes.begin(), piece.bytes.end());
  return true;
}

void Link::fail(std::size_t side) noexcept {
  Side& self = sides_[side];
  if (self.error || self.closed) return;
  self.error = std::make_error_code(std::errc::connection_reset);
  self.coming.clear();
  if (network_.world_.random().chance(0.5)) {
    self.unread.clear();
    self.taken = 0;
  }
  if (self.stream == nullptr) return;
  self.stream->set_readable();
  self.stream->set_writable();
}

void Link::wake_writer(std::size_t side) {
  if (sides_[side].stream == nullptr || sides_[side].stream->writable_) return;
  const auto wake = [self = shared_from_this(), side] {
    if (LinkStream* stream = self->sides_[side].stream; stream != nullptr) stream->set_writable();
  };
  network_.world_.at(network_.world_.now() + latency(), wake);
}

void Link::shutdown_write(std::size_t side) noexcept {
  Side& self = sides_[side];
  if (self.finished || self.error) return;
  self.finished = true;
  send(1 - side, Piece::Kind::end, {});
}

void Link::close(std::size_t side) noexcept {
  Side& self = sides_[side];
  if (self.closed) return;
  self.closed = true;
  self.stream = nullptr;
  if (self.error) return;
  if (unread(side) > 0) {
    send(1 - side, Piece::Kind::reset, {});
  } else {
    shutdown_write(side);
  }
}

void Link::abandon(std::size_t side) noexcept {
  Side& self = sides_[side];
  if (self.closed) return;
  self.closed = true;
  if (LinkStream* stream = std::exchange(self.stream, nullptr); stream != nullptr) {
    stream->closed_ = true;
  }
  auto& coming = other(side).coming;
  if (network_.world_.random().chance(0.5)) {
    coming.resize(network_.world_.random().below(coming.size() + 1));
  }
  if (!self.error) send(1 - side, Piece::Kind::reset, {});
}

void Link::reset() noexcept {
  fail(0);
  fail(1);
}

void Link::release() {
  for (std::size_t side : {0, 1}) {
    if (!sides_[side].coming.empty()) deliver_at(network_.world_.now() + latency(), side);
  }
}

IoResult LinkStream::try_read(std::span<std::byte> into) noexcept {
  if (closed_) return failed(std::errc::connection_aborted);
  if (!readable_) return failed(std::errc::operation_would_block);
  if (into.empty()) return {};
  return link_->read(side_, into);
}

IoResult LinkStream::try_write(std::span<const std::byte> from) noexcept {
  if (closed_) return failed(std::errc::connection_aborted);
  if (!writable_) return failed(std::errc::operation_would_block);
  return link_->write(side_, from);
}

void LinkStream::shutdown_write() noexcept {
  if (!closed_) link_->shutdown_write(side_);
}

void LinkStream::close() noexcept {
  detach(true);
  set_readable();
  set_writable();
}

void LinkStream::abort() noexcept { detach(false); }

void LinkStream::detach(bool in_order) noexcept {
  if (std::exchange(closed_, true)) return;
  if (in_order) {
    link_->close(side_);
  } else {
    link_->abandon(side_);
  }
}

}  // namespace sinew::async::sim
