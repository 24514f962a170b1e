#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <system_error>
#include <vector>

#include "sinew/async/stream.hpp"
#include "sinew/base/instant.hpp"

namespace sinew::async::sim {

class LinkStream;
class Network;
class Node;

// One connection: two sides, and what is on its way to each. Kept alive by its streams and by the
// events to come. For Network only; programs see Streams.
class Link : public std::enable_shared_from_this<Link> {
 public:
  // Side 0 connected, side 1 accepted.
  Link(Network& network, Node& client, Endpoint client_end, Node& server, Endpoint server_end);

  std::unique_ptr<LinkStream> open(std::size_t side);
  const Node& node(std::size_t side) const noexcept { return *sides_[side].node; }
  const Endpoint& endpoint(std::size_t side) const noexcept { return sides_[side].endpoint; }
  bool open_anywhere() const noexcept { return !sides_[0].closed || !sides_[1].closed; }
  std::size_t unread(std::size_t side) const noexcept {
    return sides_[side].unread.size() - sides_[side].taken;
  }

  IoResult read(std::size_t side, std::span<std::byte> into) noexcept;
  IoResult write(std::size_t side, std::span<const std::byte> from) noexcept;
  void shutdown_write(std::size_t side) noexcept;
  // The side closes in good order; unread data makes it a reset, as with TCP.
  void close(std::size_t side) noexcept;
  // The side is gone without a word of its own: the peer is reset, bytes on their way may be lost.
  void abandon(std::size_t side) noexcept;
  // Both sides fail with connection_reset now.
  void reset() noexcept;
  // Sends again what a partition held back.
  void release();

 private:
  struct Piece {
    enum class Kind : std::uint8_t { bytes, end, reset };
    Kind kind;
    Instant arrival;
    std::vector<std::byte> bytes;
  };
  struct Side {
    Node* node;
    Endpoint endpoint;
    LinkStream* stream = nullptr;
    bool closed = false;
    bool finished = false;  // it has sent its end of stream
    bool ended = false;     // the peer's has arrived
    std::error_code error;
    std::deque<Piece> coming;
    std::vector<std::byte> unread;
    std::size_t taken = 0;  // of `unread`, from the front
    std::size_t held = 0;   // bytes coming and unread: what counts against the buffer
  };

  Side& other(std::size_t side) noexcept { return sides_[1 - side]; }
  Duration latency();
  void send(std::size_t to, Piece::Kind kind, std::span<const std::byte> bytes);
  void send_in_pieces(std::size_t to, std::span<const std::byte> bytes);
  void deliver_at(Instant when, std::size_t side);
  void deliver(std::size_t side);
  bool accept(std::size_t side, const Piece& piece);
  void fail(std::size_t side) noexcept;
  void wake_writer(std::size_t side);
  void take(Side& side, std::span<std::byte> into) noexcept;

  Network& network_;
  std::array<Side, 2> sides_;
};

// A side of a Link as the program has it.
class LinkStream final : public Stream {
 public:
  LinkStream(std::shared_ptr<Link> link, std::size_t side) noexcept
      : link_(std::move(link)), side_(side) {}
  ~LinkStream() override { detach(true); }

  IoResult try_read(std::span<std::byte> into) noexcept override;
  IoResult try_write(std::span<const std::byte> from) noexcept override;
  void shutdown_write() noexcept override;
  void close() noexcept override;
  Endpoint peer() const override { return link_->endpoint(1 - side_); }

  // Closes by a reset: for connections that nobody accepted.
  void abort() noexcept;

 private:
  friend class Link;
  void detach(bool in_order) noexcept;

  std::shared_ptr<Link> link_;
  std::size_t side_;
  bool closed_ = false;
};

}  // namespace sinew::async::sim
