#pragma once

#include "sinew/wire/bytes.hpp"
#include "sinew/wire/fault.hpp"
#include "sinew/wire/field_section.hpp"
#include "sinew/wire/head.hpp"

namespace sinew::wire {

// Parses the head of one HTTP/1.1 or HTTP/1.0 request (RFC 9112) where it lies. Reads no byte twice
// for its line feed, allocates nothing, and gives the same result for every split of the bytes.
//
// Strict: lines end in CRLF only, no folding, one space between the parts of the request line, one
// valid Host in HTTP/1.1, one way to tell the body's length. One empty line may precede the request
// line. The path must be of RFC 3986's characters (that its percent-encoding is right is for
// normalize_path); the query may have []{}|^`\ besides. The target is in the form its method has
// (RFC 9112, section 3.2); in absolute form the scheme is http or https, and Host must agree.
//
// Owned by one connection; not shared between threads.
class RequestParser {
 public:
  explicit RequestParser(HeadLimits limits = {}) noexcept;

  // `received`: the bytes of this request so far, from its first; the same ones at each call, and
  // more, at any address. What lies behind the head (body, pipelined requests) is not looked at.
  Progress parse(Bytes received) noexcept;

  // Once complete, until reset(); its slices are of the `received` of that call.
  const RequestHead& head() const noexcept { return head_; }
  Fault fault() const noexcept { return fault_; }

  // Ready for the next request, whose bytes begin at offset 0 again.
  void reset() noexcept;

 private:
  Progress refuse(Fault fault) noexcept;
  Fault start_line(std::string_view received, Slice line) noexcept;
  Fault target(std::string_view received) noexcept;
  Fault split_target(std::string_view received, Slice rest) noexcept;
  Fault absolute_form(std::string_view received) noexcept;
  Fault finish(std::string_view received) noexcept;
  Fault check_host(const Field* host, std::string_view received) noexcept;

  HeadLimits limits_;
  LineCursor cursor_;
  FieldSection section_;
  bool in_fields_ = false;
  bool skipped_line_ = false;
  Fault fault_ = Fault::none;
  RequestHead head_;
};

}  // namespace sinew::wire
