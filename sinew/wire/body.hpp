#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sinew/base/unset_array.hpp"
#include "sinew/wire/bytes.hpp"
#include "sinew/wire/fault.hpp"
#include "sinew/wire/field_section.hpp"
#include "sinew/wire/head.hpp"

namespace sinew::wire {

inline constexpr std::size_t kMaxTrailers = 16;

// Bounds of one body. A buffer of working_bytes() is enough to decode any body within them.
struct BodyLimits {
  std::uint64_t body_bytes = 1U << 20U;
  // All chunk extensions of the body together; nobody uses them but to make a server work.
  std::uint32_t chunk_extension_bytes = 1024;
  std::uint32_t trailer_bytes = 4096;
  std::uint32_t trailers = kMaxTrailers;  // at most kMaxTrailers

  std::uint32_t working_bytes() const noexcept {
    constexpr std::uint32_t kChunkLine = 24;  // 16 digits, both CRLFs, and room to spare
    return trailer_bytes + chunk_extension_bytes + kChunkLine;
  }
};

// Finds a message's body in the bytes behind its head, piece by piece and where it lies, and the
// end of the message. Copies and allocates nothing; the pieces, put together, do not depend on how
// the bytes were split.
class BodyDecoder {
 public:
  enum class Event : std::uint8_t {
    need_more,  // read more behind what was not consumed
    piece,      // `bytes` belongs to the body; call again with what was not consumed
    end,        // the message ends at `consumed`; `bytes` is the trailer section, if any
    refused,    // fault() says why; the connection is of no more use
  };

  struct Step {
    Event event;
    std::size_t consumed;  // of the input; to be presented no more
    Bytes bytes;           // lies in the input
  };

  BodyDecoder() noexcept : BodyDecoder(Framing{}, BodyLimits{}) {}
  BodyDecoder(Framing framing, BodyLimits limits) noexcept;

  // `input` begins where the last call stopped consuming. A tunnel has no end and no limit: all
  // that comes are pieces.
  Step next(Bytes input) noexcept;

  // The peer has closed: `end` for a body that ends so, else refused as truncated.
  Event finish() noexcept;

  // After `end`: the trailer fields, slices of that step's bytes. Fields which frame, route,
  // authenticate or describe the body are refused there (RFC 9110, section 6.5.1).
  Fields trailers() const noexcept { return {trailers_.data(), trailer_count_}; }

  bool at_end() const noexcept { return state_ == State::end; }
  Fault fault() const noexcept { return fault_; }

 private:
  enum class State : std::uint8_t {
    data,
    chunk_line,
    chunk_data,
    chunk_end,
    trailers,
    end,
    refused
  };

  Step refuse(Fault fault) noexcept;
  Step data(Bytes input, std::size_t at) noexcept;
  bool chunk_line(std::string_view input, std::size_t& at) noexcept;
  bool chunk_end(std::string_view input, std::size_t& at) noexcept;
  Step trailer_section(std::string_view input, std::size_t at) noexcept;
  Fault parse_chunk_line(std::string_view line) noexcept;

  BodyLimits limits_;
  Framing::Kind kind_;
  State state_;
  Fault fault_ = Fault::none;
  std::uint64_t left_ = 0;     // of the body or the chunk, still to come
  std::uint64_t allowed_ = 0;  // of the body, within the limit, behind what is announced
  std::uint32_t extensions_left_;
  std::uint32_t trailer_count_ = 0;
  LineCursor cursor_;
  FieldSection section_;
  UnsetArray<Field, kMaxTrailers> trailers_;
};

}  // namespace sinew::wire
