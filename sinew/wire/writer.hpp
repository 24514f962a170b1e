#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "sinew/wire/bytes.hpp"
#include "sinew/wire/fault.hpp"
#include "sinew/wire/head.hpp"

namespace sinew::wire {

// Writes the head of a message, and chunks, into a buffer of the caller's. The first fault stays
// and nothing is written behind it; whoever writes checks fault() once, at the end. Text that could
// end a line or begin another (CR, LF, NUL, any control character; in a target also a space) is
// refused, so no value can add a field or a message.
//
//   Writer writer(buffer);
//   writer.answer(200).field("Content-Type",
//   "text/plain").content_length(5).end_of_head().raw(body);
class Writer {
 public:
  explicit Writer(std::span<std::byte> out) noexcept : out_(out) {}

  // `method` is a token; `target` in any form.
  Writer& request(std::string_view method, std::string_view target) noexcept;

  // `status` 100 to 599; with the reason phrase that RFC 9110 has for it.
  Writer& answer(int status) noexcept;
  Writer& answer(int status, std::string_view reason) noexcept;

  // A line of a head or of a trailer section.
  Writer& field(std::string_view name, std::string_view value) noexcept;
  Writer& field(std::string_view name, std::uint64_t value) noexcept;
  Writer& content_length(std::uint64_t length) noexcept { return field("Content-Length", length); }
  Writer& chunked() noexcept { return field("Transfer-Encoding", "chunked"); }

  // The empty line behind a head or a trailer section.
  Writer& end_of_head() noexcept;

  // One chunk; an empty one is not written, since it would end the body.
  Writer& chunk(Bytes data) noexcept;
  // The line before a chunk whose data is sent from where it lies; "\r\n" goes behind it.
  Writer& chunk_line(std::uint64_t length) noexcept;
  // The last chunk; fields of a trailer section may follow, then end_of_head().
  Writer& last_chunk() noexcept;

  // Bytes as they are: a body.
  Writer& raw(Bytes data) noexcept;

  Bytes written() const noexcept { return Bytes(out_).first(size_); }
  std::size_t size() const noexcept { return size_; }
  Fault fault() const noexcept { return fault_; }

 private:
  Writer& refuse(Fault fault) noexcept;
  void put(std::string_view text) noexcept;

  std::span<std::byte> out_;
  std::size_t size_ = 0;
  Fault fault_ = Fault::none;
};

// RFC 9110, section 15, and RFC 6585; empty for a status that has none.
std::string_view reason_phrase(int status) noexcept;

}  // namespace sinew::wire
