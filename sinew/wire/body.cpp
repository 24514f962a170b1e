#include "sinew/wire/body.hpp"

#include <algorithm>

#include "sinew/wire/chars.hpp"

namespace sinew::wire {
namespace {

using Event = BodyDecoder::Event;
using Kind = Framing::Kind;

constexpr std::size_t kMostSizeDigits = 15;  // 2^60 - 1: sums of sizes cannot overflow

bool forbidden_in_trailers(FieldId id) noexcept {
  switch (id) {
    case FieldId::authorization:
    case FieldId::cache_control:
    case FieldId::connection:
    case FieldId::content_encoding:
    case FieldId::content_length:
    case FieldId::content_range:
    case FieldId::content_type:
    case FieldId::cookie:
    case FieldId::expect:
    case FieldId::host:
    case FieldId::keep_alive:
    case FieldId::proxy_authenticate:
    case FieldId::proxy_authorization:
    case FieldId::set_cookie:
    case FieldId::te:
    case FieldId::trailer:
    case FieldId::transfer_encoding:
    case FieldId::upgrade:
    case FieldId::www_authenticate: return true;
    default: return false;
  }
}

// The length of the quoted string at the start of `text` (RFC 9110, section 5.6.4), or 0.
std::size_t quoted_length(std::string_view text) noexcept {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1;
    if (text[i] == '\\') ++i;
    if (i == text.size() || !is(text[i], kField)) return 0;
  }
  return 0;
}

// *( ";" name [ "=" ( token / quoted-string ) ] ), RFC 9112, section 7.1.1, without the white space
// which that grammar calls bad.
bool are_extensions(std::string_view text) noexcept {
  while (!text.empty()) {
    if (text.front() != ';') return false;
    text.remove_prefix(1);
    const std::size_t name = run(text, kToken);
    if (name == 0) return false;
    text.remove_prefix(name);
    if (!text.starts_with('=')) continue;
    text.remove_prefix(1);
    const std::size_t value = text.starts_with('"') ? quoted_length(text) : run(text, kToken);
    if (value == 0) return false;
    text.remove_prefix(value);
  }
  return true;
}

}  // namespace

BodyDecoder::BodyDecoder(Framing framing, BodyLimits limits) noexcept
    : limits_(limits),
      kind_(framing.kind),
      state_(State::data),
      extensions_left_(limits.chunk_extension_bytes),
      section_(0, {limits.trailer_bytes, std::min<std::uint32_t>(limits.trailers, kMaxTrailers),
                   Fault::trailers_too_large}) {
  switch (kind_) {
    case Kind::none: state_ = State::end; break;
    case Kind::length:
      left_ = framing.length;
      if (left_ > limits.body_bytes) refuse(Fault::body_too_large);
      if (left_ == 0) state_ = State::end;
      break;
    case Kind::chunked:
      allowed_ = limits.body_bytes;
      state_ = State::chunk_line;
      break;
    case Kind::until_close: allowed_ = limits.body_bytes; break;
    case Kind::tunnel: allowed_ = UINT64_MAX; break;
  }
}

BodyDecoder::Step BodyDecoder::refuse(Fault fault) noexcept {
  state_ = State::refused;
  fault_ = fault;
  return {Event::refused, 0, {}};
}

BodyDecoder::Step BodyDecoder::next(Bytes input) noexcept {
  const std::string_view text = as_text(input);
  std::size_t at = 0;
  for (;;) {
    switch (state_) {
      case State::end: return {Event::end, at, {}};
      case State::refused: return {Event::refused, 0, {}};
      case State::data:
      case State::chunk_data: return data(input, at);
      case State::trailers: return trailer_section(text, at);
      case State::chunk_line:
        if (!chunk_line(text, at)) return {Event::need_more, at, {}};
        break;
      case State::chunk_end:
        if (!chunk_end(text, at)) return {Event::need_more, at, {}};
        break;
    }
  }
}

BodyDecoder::Step BodyDecoder::data(Bytes input, std::size_t at) noexcept {
  const std::size_t available = input.size() - at;
  if (available == 0) return {Event::need_more, at, {}};
  const bool open_ended = kind_ == Kind::until_close || kind_ == Kind::tunnel;
  std::uint64_t& left = open_ended ? allowed_ : left_;
  if (left == 0) return refuse(Fault::body_too_large);  // only an open-ended body comes here with 0
  const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(left, available));
  left -= length;
  if (!open_ended && left == 0) {
    state_ = kind_ == Kind::chunked ? State::chunk_end : State::end;
  }
  return {Event::piece, at + length, input.subspan(at, length)};
}

// Both return whether the state has changed; if not, more bytes are needed.
bool BodyDecoder::chunk_line(std::string_view input, std::size_t& at) noexcept {
  const std::string_view rest = input.substr(at);
  // A number that does not end is refused before its line does.
  if (run(rest.substr(0, kMostSizeDigits + 1), kHex) > kMostSizeDigits) {
    refuse(Fault::bad_chunk_size);
    return true;
  }
  const std::uint32_t longest = kMostSizeDigits + extensions_left_ + 2;
  Slice line;
  const Progress progress = cursor_.next(rest, longest, Fault::chunk_extensions_too_large, line);
  if (progress == Progress::incomplete) return false;
  if (progress == Progress::refused) {
    refuse(cursor_.fault());
    return true;
  }
  at += cursor_.position();
  cursor_ = LineCursor();
  if (const Fault fault = parse_chunk_line(line.in(rest)); fault != Fault::none) {
    refuse(fault);
    return true;
  }
  state_ = left_ == 0 ? State::trailers : State::chunk_data;
  return true;
}

Fault BodyDecoder::parse_chunk_line(std::string_view line) noexcept {
  const std::size_t digits = run(line, kHex);
  if (digits == 0) return Fault::bad_chunk_size;
  const std::string_view extensions = line.substr(digits);
  if (extensions.size() > extensions_left_) return Fault::chunk_extensions_too_large;
  if (!extensions.empty() && extensions.front() != ';') return Fault::bad_chunk_size;
  if (!are_extensions(extensions)) return Fault::bad_chunk_extension;
  extensions_left_ -= static_cast<std::uint32_t>(extensions.size());
  left_ = 0;
  for (const char c : line.substr(0, digits))
    left_ = left_ * 16 + hex_value(c);
  if (left_ > allowed_) return Fault::body_too_large;
  allowed_ -= left_;
  return Fault::none;
}

bool BodyDecoder::chunk_end(std::string_view input, std::size_t& at) noexcept {
  const std::string_view rest = input.substr(at, 2);
  if (!std::string_view("\r\n").starts_with(rest)) {
    refuse(Fault::bad_chunk_end);
    return true;
  }
  if (rest.size() < 2) return false;
  at += 2;
  state_ = State::chunk_line;
  return true;
}

BodyDecoder::Step BodyDecoder::trailer_section(std::string_view input, std::size_t at) noexcept {
  const std::string_view rest = input.substr(at);
  const Progress progress = section_.parse(rest, trailers_);
  if (progress == Progress::incomplete) return {Event::need_more, at, {}};
  if (progress == Progress::refused) return refuse(section_.fault());
  trailer_count_ = section_.count();
  for (const Field& field : trailers()) {
    if (forbidden_in_trailers(field.id)) return refuse(Fault::forbidden_trailer);
  }
  state_ = State::end;
  return {Event::end, at + section_.end(), as_bytes(rest.substr(0, section_.end()))};
}

Event BodyDecoder::finish() noexcept {
  if (state_ == State::end) return Event::end;
  if (state_ == State::refused) return Event::refused;
  if (state_ == State::data && (kind_ == Kind::until_close || kind_ == Kind::tunnel)) {
    state_ = State::end;
    return Event::end;
  }
  refuse(Fault::truncated);
  return Event::refused;
}

}  // namespace sinew::wire
