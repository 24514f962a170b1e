#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sinew {

// Where in a distributed trace some work belongs (W3C Trace Context, level 1). It travels with
// every request, message and stored row; a context without trace_id is none.
class TraceContext {
 public:
  using TraceId = std::array<std::uint8_t, 16>;
  using SpanId = std::array<std::uint8_t, 8>;

  // Longer tracestate is dropped whole, as a receiver may (section 3.3.1.5 asks for 512 at least).
  static constexpr std::size_t max_tracestate = 512;

  TraceContext() = default;

  // Begins a trace from 24 random bytes. `sampled` is the caller's decision to record it.
  static TraceContext start(std::uint64_t random_hi, std::uint64_t random_lo,
                            std::uint64_t random_span, bool sampled);

  // Reads the `traceparent` header, strictly: lower-case digits, no zero ids, version 00 at exact
  // length; of a later version the fields of 00 are taken, as section 3.2.2 says. nullopt
  // otherwise: the caller starts a new trace, never refuses the request.
  static std::optional<TraceContext> parse(std::string_view traceparent,
                                           std::string_view tracestate = {});

  bool valid() const noexcept { return trace_id_ != TraceId{}; }
  const TraceId& trace_id() const noexcept { return trace_id_; }
  const SpanId& span_id() const noexcept { return span_id_; }
  bool sampled() const noexcept { return (flags_ & 1) != 0; }

  // Passed on as it came, but for being dropped when too long or not printable ASCII.
  const std::string& tracestate() const noexcept { return tracestate_; }

  // The same trace with a span of its own, whose id is `random`. Of an invalid context: invalid.
  TraceContext child(std::uint64_t random) const;

  // The `traceparent` header in version 00; empty for an invalid context.
  std::string traceparent() const;

  friend bool operator==(const TraceContext&, const TraceContext&) = default;

 private:
  TraceId trace_id_{};
  SpanId span_id_{};
  std::uint8_t flags_ = 0;
  std::string tracestate_;
};

// 32 and 16 lower-case digits, as logs write them.
std::string trace_id_text(const TraceContext& context);
std::string span_id_text(const TraceContext& context);

}  // namespace sinew
