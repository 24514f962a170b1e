#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

#include "sinew/base/unset_array.hpp"
#include "sinew/wire/bytes.hpp"
#include "sinew/wire/fault.hpp"
#include "sinew/wire/head.hpp"
#include "sinew/wire/hop_by_hop.hpp"
#include "sinew/wire/writer.hpp"

namespace sinew::wire {

// The head a proxy sends on, as pieces to write one behind the other: ranges of the head that was
// parsed, with what was removed left out, and few pieces of its own. What is not touched is not
// copied; nothing is allocated. Always of HTTP/1.1.
//
//   OutgoingHead out(head, received, scratch);
//   out.remove(hop_by_hop(head, received)).target(path.text).set("Host", host).chunked();
//   const auto pieces = out.pieces();
//
// The first fault stays, and pieces() has it: no_space where `scratch` is too small for what was
// added, the Writer's own where a name, value or target could end its line. `received` is the
// buffer that was parsed; it, `scratch` and the text given to target() stay as they are until the
// pieces are written. For one message, on one thread; not to be moved.
class OutgoingHead {
 public:
  // The start line is kept as far as it can be: a request's target, unless target() replaces it, is
  // in origin form (absolute form loses its scheme and authority, which Host repeats), an answer
  // keeps its status and reason. An HTTP/1.0 request without Host needs one set.
  OutgoingHead(const RequestHead& head, Bytes received, std::span<std::byte> scratch) noexcept;
  OutgoingHead(const AnswerHead& head, Bytes received, std::span<std::byte> scratch) noexcept;

  OutgoingHead(const OutgoingHead&) = delete;
  OutgoingHead& operator=(const OutgoingHead&) = delete;

  // Of a request: its new path, a prefix put before it, and the query of the old target behind it.
  OutgoingHead& target(std::string_view path) noexcept { return target({}, path); }
  OutgoingHead& target(std::string_view prefix, std::string_view path) noexcept;

  // All fields of the parsed head that are called so, or are in the set; what was added stays.
  OutgoingHead& remove(const FieldSet& fields) noexcept;
  OutgoingHead& remove(FieldId id) noexcept;
  OutgoingHead& remove(std::string_view name) noexcept;

  // Behind the fields of the parsed head. set() removes those called so.
  OutgoingHead& add(std::string_view name, std::string_view value) noexcept;
  OutgoingHead& set(std::string_view name, std::string_view value) noexcept;
  // Framings of its own, in place of the parsed one.
  OutgoingHead& content_length(std::uint64_t length) noexcept;
  OutgoingHead& chunked() noexcept;

  // At most kMaxPieces, none of them empty. To be called once, at the end.
  static constexpr std::size_t kMaxPieces = kMaxFields / 2 + 8;
  std::expected<std::span<const Bytes>, Fault> pieces() noexcept;

 private:
  void put(std::string_view text) noexcept;
  void put_start_line() noexcept;
  void put_target() noexcept;
  void put_status_line() noexcept;
  void put_kept_fields() noexcept;
  std::string_view range(std::size_t begin, std::size_t end) const noexcept;
  std::size_t fields_begin() const noexcept;

  const Head& head_;
  const RequestHead* request_ = nullptr;
  std::string_view received_;
  Writer own_;
  FieldSet removed_;
  bool replaces_target_ = false;
  std::string_view prefix_;
  std::string_view path_;
  Fault fault_ = Fault::none;
  UnsetArray<Bytes, kMaxPieces> pieces_;
  std::size_t count_ = 0;
};

// All pieces one behind the other, for a stream that takes one buffer (TLS). Fault: no_space.
std::expected<Bytes, Fault> join(std::span<const Bytes> pieces, std::span<std::byte> out) noexcept;

}  // namespace sinew::wire
