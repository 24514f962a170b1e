#include "sinew/wire/field_section.hpp"

#include <cstring>

#include "sinew/wire/chars.hpp"

namespace sinew::wire {
namespace {

bool is_space(char c) noexcept { return c == ' ' || c == '\t'; }

Fault name_fault(std::string_view line, std::size_t name_length) noexcept {
  if (is_space(line.front())) return Fault::folded_field;
  if (name_length > 0 && name_length < line.size() && is_space(line[name_length])) {
    return Fault::space_before_colon;
  }
  return line.find('\r') == std::string_view::npos ? Fault::bad_field_name
                                                   : Fault::bare_carriage_return;
}

// `line` is not empty; offsets are made absolute with `offset`.
Fault parse_field(std::string_view line, std::uint32_t offset, Field& field) noexcept {
  const std::size_t name_length = run(line, kToken);
  if (name_length == 0 || name_length == line.size() || line[name_length] != ':') {
    return name_fault(line, name_length);
  }
  std::size_t begin = name_length + 1;
  std::size_t end = line.size();
  while (begin < end && is_space(line[begin]))
    ++begin;
  while (end > begin && is_space(line[end - 1]))
    --end;
  const std::string_view value = line.substr(begin, end - begin);
  if (!is_field_text(value)) {
    return value.find('\r') == std::string_view::npos ? Fault::bad_field_value
                                                      : Fault::bare_carriage_return;
  }
  field.name = {offset, static_cast<std::uint32_t>(name_length)};
  field.value = {offset + static_cast<std::uint32_t>(begin),
                 static_cast<std::uint32_t>(value.size())};
  field.id = identify_field(line.substr(0, name_length));
  return Fault::none;
}

}  // namespace

Progress LineCursor::next(std::string_view received, std::uint32_t end, Fault beyond,
                          Slice& line) noexcept {
  const char* feed = nullptr;
  if (scanned_ < received.size()) {
    feed = static_cast<const char*>(
        std::memchr(received.data() + scanned_, '\n', received.size() - scanned_));
  }
  // A line whose feed is still to come ends behind what is there.
  const std::size_t line_end =
      feed == nullptr ? received.size() + 1 : static_cast<std::size_t>(feed - received.data()) + 1;
  if (line_end > end) {
    fault_ = beyond;
    return Progress::refused;
  }
  if (feed == nullptr) {
    scanned_ = static_cast<std::uint32_t>(received.size());
    return Progress::incomplete;
  }
  if (line_end - start_ < 2 || received[line_end - 2] != '\r') {
    fault_ = Fault::bare_line_feed;
    return Progress::refused;
  }
  line = {start_, static_cast<std::uint32_t>(line_end) - 2 - start_};
  start_ = scanned_ = static_cast<std::uint32_t>(line_end);
  return Progress::complete;
}

Progress FieldSection::refuse(Fault fault) noexcept {
  fault_ = fault;
  return Progress::refused;
}

Progress FieldSection::parse(std::string_view received, std::span<Field> storage) noexcept {
  for (;;) {
    Slice line;
    const Progress progress =
        cursor_.next(received, start_ + limits_.bytes, limits_.too_large, line);
    if (progress == Progress::refused) return refuse(cursor_.fault());
    if (progress == Progress::incomplete) return Progress::incomplete;
    if (line.empty()) return Progress::complete;
    if (count_ == limits_.fields) return refuse(Fault::too_many_fields);
    const Fault fault = parse_field(line.in(received), line.offset, storage[count_]);
    if (fault != Fault::none) return refuse(fault);
    ++count_;
  }
}

}  // namespace sinew::wire
