#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sinew/base/unset_array.hpp"
#include "sinew/wire/bytes.hpp"
#include "sinew/wire/fault.hpp"
#include "sinew/wire/field.hpp"

namespace sinew::wire {

// Field lines a head can hold. nginx has no such bound but its buffers', Apache's is 100.
inline constexpr std::size_t kMaxFields = 100;

// Bounds of one head, each refused with its own fault. A buffer of head_bytes() holds every head
// within them, so a caller never has to grow it further.
struct HeadLimits {
  // With its CRLF. RFC 9112, section 3, recommends to support 8000 octets at least.
  std::uint32_t start_line_bytes = 8192;
  // All field lines and the empty line behind them.
  std::uint32_t field_bytes = 16384;
  // At most kMaxFields.
  std::uint32_t fields = kMaxFields;

  // The two are for an empty line before the start line, which RFC 9112, section 2.2, lets pass.
  std::uint32_t head_bytes() const noexcept { return start_line_bytes + field_bytes + 2; }
};

enum class Version : std::uint8_t { http_1_0, http_1_1 };

enum class Method : std::uint8_t {
  other,  // a token not listed here; its text is in the head
  get,
  head,
  post,
  put,
  delete_,
  connect,
  options,
  trace,
  patch,
};

// Methods are case sensitive (RFC 9110, section 9.1): "get" is `other`.
Method identify_method(std::string_view text) noexcept;

// The method's own spelling; empty for `other`.
std::string_view to_string(Method method) noexcept;

// RFC 9112, section 3.2.
enum class TargetForm : std::uint8_t { origin, absolute, authority, asterisk };

// How the end of a message's body is found (RFC 9112, section 6.3).
struct Framing {
  enum class Kind : std::uint8_t {
    none,    // there is no body
    length,  // `length` bytes, from 1
    chunked,
    until_close,  // answers only
    tunnel,       // the connection stops speaking HTTP/1.1 here (CONNECT, 101)
  };

  Kind kind = Kind::none;
  std::uint64_t length = 0;

  bool has_body() const noexcept { return kind != Kind::none && kind != Kind::tunnel; }
};

// What requests and answers have in common. Every slice is of the buffer that was parsed.
struct Head {
  Version version;
  // The peer lets the connection live on after this message (RFC 9112, section 9.3).
  bool keep_alive;
  // Connection lists `upgrade` and the field Upgrade is there.
  bool upgrade;
  std::uint16_t field_count;
  // Where the body begins.
  std::uint32_t bytes;
  Framing framing;
  UnsetArray<Field, kMaxFields> storage;

  Fields fields() const noexcept { return {storage.data(), field_count}; }
};

struct RequestHead : Head {
  Method method;
  TargetForm form;
  bool expects_continue;  // in HTTP/1.1, and there is a body to wait for
  bool has_query;
  Slice method_text;
  Slice target;
  Slice path;       // up to "?"; as sent, still percent-encoded; empty where absolute form has none
  Slice query;      // behind "?"
  Slice authority;  // of the target where it has one, else the value of Host; empty in HTTP/1.0
};

struct AnswerHead : Head {
  std::uint16_t status;  // 100 to 599
  Slice reason;
};

// Interim answers a final one may have before it. More than a few are a way to keep a proxy busy.
inline constexpr unsigned kMaxInterimAnswers = 16;

// An answer before the final one (RFC 9110, section 15.2); 101 is final, it ends HTTP here.
inline bool is_interim(const AnswerHead& head) noexcept {
  return head.status < 200 && head.status != 101;
}

}  // namespace sinew::wire
