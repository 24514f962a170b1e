#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/proxy/observe/exchange_record.hpp"
#include "sinew/proxy/observe/log_escape.hpp"
#include "sinew/proxy/observe/log_variable.hpp"

namespace sinew::proxy {

inline constexpr std::size_t kMaxLogLineBytes = 16'384;  // line end included
inline constexpr std::size_t kMaxLogValueBytes = 2'048;  // of a text before it is escaped

// How a line of the access log looks, compiled once. Whatever a client sends, an exchange makes
// exactly one line of at most kMaxLogLineBytes, in which no value can be taken for another: longer
// texts are cut, the rest is escaped.
//
// Immutable, for all workers.
class AccessLogFormat {
 public:
  // One JSON object a line, with these variables as members, in this order; those without a value
  // are left out. Texts are strings, durations seconds with a fraction, the time is RFC 3339 in UTC
  // with milliseconds. Throws Error invalid_input naming every variable that is unknown, carries
  // credentials or is named twice.
  static AccessLogFormat json(std::span<const std::string> variables);
  static AccessLogFormat json();  // with those that are of use to most

  // A line as nginx's log_format: `$name` or `${name}` stands for a variable, `$$` for a dollar
  // sign; a variable without value is "-". Between double quotes of the format values may have
  // spaces, elsewhere these are escaped. Throws Error invalid_input as above, and for a format that
  // is empty, has control characters or is longer than half a line.
  static AccessLogFormat text(std::string_view format);

  // Keeps the text of the second that it wrote last; one for each worker.
  class Clock {
   public:
    // 2026-05-04T10:30:00.123Z at `out`; returns the place behind it.
    char* write(std::uint64_t micros, char* out) noexcept;
    static constexpr std::size_t kBytes = 24;

   private:
    std::uint64_t second_ = ~std::uint64_t{0};
    std::array<char, 19> text_;
  };

  // The line of the record with its line end. Allocates nothing.
  using Line = std::array<char, kMaxLogLineBytes>;
  std::string_view write(const ExchangeRecord& record, Clock& clock, Line& line) const noexcept;

 private:
  struct Part {
    std::string before;  // text before the value; of JSON the name
    LogVariableUse use;
    LogEscape escape;
  };

  AccessLogFormat() = default;
  void add(std::string before, LogVariableUse use, LogEscape escape);
  void reserve_fixed_bytes();
  std::string_view write_json(const ExchangeRecord& record, Clock& clock,
                              Line& line) const noexcept;
  std::string_view write_text(const ExchangeRecord& record, Clock& clock,
                              Line& line) const noexcept;

  bool json_ = false;
  std::vector<Part> parts_;
  std::string end_;
  std::size_t text_bytes_ = 0;  // of a line, for values that are texts
};

}  // namespace sinew::proxy
