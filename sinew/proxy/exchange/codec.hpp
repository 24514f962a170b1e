#pragma once

#include <cstddef>
#include <cstdint>

#include "sinew/wire/bytes.hpp"
#include "sinew/wire/fault.hpp"
#include "sinew/wire/field.hpp"

// What the engine asks of a codec: a message's body as a stream of pieces, in and out, of whatever
// connection or multiplexed stream. Nothing here suspends: who pulls or flushes in vain waits for
// the edges of the streams below.
namespace sinew::proxy {

enum class Pull : std::uint8_t {
  piece,      // piece() belongs to the body; good until the next pull
  end,        // the message is whole; trailers() has what came behind it
  wait,       // more has to come
  closed,     // the peer ended the connection, or its half, before the message was whole
  broken,     // the connection is reset or failed
  malformed,  // fault() says why; nothing of it can be trusted any more
};

struct Trailers {
  wire::Fields fields = {};
  wire::Bytes buffer = {};  // that the fields are of
};

class BodySource {
 public:
  virtual Pull pull() noexcept = 0;
  virtual wire::Bytes piece() const noexcept = 0;
  virtual Trailers trailers() const noexcept = 0;
  virtual wire::Fault fault() const noexcept = 0;
  virtual bool at_end() const noexcept = 0;

 protected:
  ~BodySource() = default;
};

enum class Flush : std::uint8_t { done, wait, failed };

class BodySink {
 public:
  // Whether the piece given last was not written yet.
  virtual bool holds_piece() const noexcept = 0;
  // One piece, which stays where it is until flush() is done; only when none is held.
  virtual void piece(wire::Bytes bytes) noexcept = 0;
  // Nothing follows. Trailers go where the framing has a place for them.
  virtual void end(const Trailers& trailers) noexcept = 0;
  virtual Flush flush() noexcept = 0;

 protected:
  ~BodySink() = default;
};

}  // namespace sinew::proxy
