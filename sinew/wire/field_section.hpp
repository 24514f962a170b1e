#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "sinew/wire/bytes.hpp"
#include "sinew/wire/fault.hpp"
#include "sinew/wire/field.hpp"

namespace sinew::wire {

// Takes whole lines off a growing buffer; looks at each byte for its line feed once, however the
// bytes arrive.
class LineCursor {
 public:
  explicit LineCursor(std::uint32_t start = 0) noexcept : start_(start), scanned_(start) {}

  // The next line, without its CRLF, in `line`. Refused: a line that ends in LF alone, and one that
  // passes the offset `end`, whether or not its end is there already, so that the verdict does not
  // depend on how the bytes were split; then the fault is `beyond`.
  Progress next(std::string_view received, std::uint32_t end, Fault beyond, Slice& line) noexcept;

  // Where the next line begins.
  std::uint32_t position() const noexcept { return start_; }
  Fault fault() const noexcept { return fault_; }

 private:
  std::uint32_t start_;
  std::uint32_t scanned_;
  Fault fault_ = Fault::none;
};

// The field lines of a head or of a trailer section, up to and with the empty line.
class FieldSection {
 public:
  struct Limits {
    std::uint32_t bytes;   // all lines, the empty one included
    std::uint32_t fields;  // at most the size of the storage given to parse()
    Fault too_large;       // what exceeding `bytes` is called here
  };

  FieldSection(std::uint32_t start, Limits limits) noexcept
      : cursor_(start), start_(start), limits_(limits) {}

  // `received` is the same buffer at each call, and longer; `storage` the same storage.
  Progress parse(std::string_view received, std::span<Field> storage) noexcept;

  std::uint32_t count() const noexcept { return count_; }
  // Behind the empty line, once complete.
  std::uint32_t end() const noexcept { return cursor_.position(); }
  Fault fault() const noexcept { return fault_; }

 private:
  Progress refuse(Fault fault) noexcept;

  LineCursor cursor_;
  std::uint32_t start_;
  Limits limits_;
  std::uint32_t count_ = 0;
  Fault fault_ = Fault::none;
};

}  // namespace sinew::wire
