#include <fmt/format.h>

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>
#include <set>

#include "sinew/base/error.hpp"
#include "sinew/base/json.hpp"
#include "sinew/base/utf8.hpp"

namespace sinew {
namespace {

using boost::json::error_code;
using boost::json::string_view;

std::string_view std_view(string_view text) { return {text.data(), text.size()}; }

// Builds the value from the events of Boost's parser. An event that refuses sets `refusal_`, its
// reason, and any error code, at which the parser stops.
class Builder {
 public:
  static constexpr std::size_t max_object_size = -1;
  static constexpr std::size_t max_array_size = -1;
  static constexpr std::size_t max_key_size = -1;
  static constexpr std::size_t max_string_size = -1;

  Json take() { return std::move(result_); }
  const std::string& refusal() const { return refusal_; }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }

  bool on_object_begin(error_code&) { return open(JsonObject()); }
  bool on_object_end(std::size_t, error_code&) { return close(); }
  bool on_array_begin(error_code&) { return open(JsonArray()); }
  bool on_array_end(std::size_t, error_code&) { return close(); }

  bool on_key_part(string_view part, std::size_t, error_code&) { return keep(part); }
  bool on_key(string_view part, std::size_t, error_code& ec) {
    keep(part);
    Frame& frame = open_.back();
    if (frame.has(text_))
      return refuse(fmt::format("the name {} is there twice", brief(text_)), ec);
    frame.name = std::move(text_);
    text_.clear();
    return true;
  }

  bool on_string_part(string_view part, std::size_t, error_code&) { return keep(part); }
  bool on_string(string_view part, std::size_t, error_code&) {
    keep(part);
    return add(std::exchange(text_, {}));
  }

  bool on_number_part(string_view part, error_code&) { return keep(part); }
  bool on_int64(std::int64_t value, string_view, error_code&) {
    text_.clear();
    return add(value);
  }
  bool on_uint64(std::uint64_t value, string_view, error_code&) {
    text_.clear();
    return add(static_cast<double>(value));
  }
  // Boost 1.81 computes doubles to within an ulp or so; std::from_chars is exact.
  bool on_double(double approximation, string_view part, error_code& ec) {
    keep(part);
    double value = 0;
    const auto read = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (read.ec == std::errc::result_out_of_range) {
      if (std::abs(approximation) > 1) return refuse("the number is beyond a double's range", ec);
      value = 0;
    }
    text_.clear();
    return add(value);
  }

  bool on_bool(bool value, error_code&) { return add(value); }
  bool on_null(error_code&) { return add(nullptr); }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }

 private:
  // An array or object that is being read.
  struct Frame {
    Json container;
    std::string name;             // of the member whose value comes next
    std::set<std::string> names;  // of a large object, which linear search would make quadratic

    bool has(const std::string& candidate) {
      constexpr std::size_t linear_up_to = 16;
      const JsonObject& object = container.as_object();
      if (object.size() < linear_up_to) return object.find(candidate) != nullptr;
      if (names.empty()) {
        for (const JsonMember& member : object.members())
          names.insert(member.name);
      }
      return !names.insert(candidate).second;
    }
  };

  bool keep(string_view part) {
    text_ += std_view(part);
    return true;
  }

  bool open(Json container) {
    open_.push_back({std::move(container), {}, {}});
    return true;
  }

  bool close() {
    Json container = std::move(open_.back().container);
    open_.pop_back();
    return add(std::move(container));
  }

  bool add(Json value) {
    if (open_.empty()) {
      result_ = std::move(value);
    } else if (Frame& frame = open_.back(); frame.container.is_array()) {
      frame.container.as_array().push_back(std::move(value));
    } else {
      frame.container.as_object().append(frame.name, std::move(value));
    }
    return true;
  }

  bool refuse(std::string reason, error_code& ec) {
    refusal_ = std::move(reason);
    ec = boost::json::error::syntax;
    return false;
  }

  Json result_;
  std::vector<Frame> open_;
  std::string text_;
  std::string refusal_;
};

[[noreturn]] void refuse_at(std::string_view text, std::size_t offset, std::string_view reason) {
  const std::string_view before = text.substr(0, offset);
  const auto line = 1 + std::ranges::count(before, '\n');
  const std::size_t line_start = before.rfind('\n') + 1;
  const std::size_t column = 1 + count_characters(before.substr(line_start));
  throw Error(Condition::invalid_input,
              fmt::format("line {}, column {}: {}", line, column, reason));
}

// What the parser's code means at this place of the text.
std::string reason(const error_code& ec, std::string_view rest, const JsonLimits& limits) {
  using boost::json::error;
  if (ec == error::incomplete) return "the text ends before its value is complete";
  if (ec == error::too_deep) return fmt::format("nested deeper than {} levels", limits.max_depth);
  if (ec == error::extra_data) return "expected the end of the text after its value";
  if (ec != error::syntax) return ec.message();
  if (rest.empty()) return "the text ends before its value is complete";
  if (utf8_character_at(rest, 0) == 0) return "a byte that is not UTF-8";
  return fmt::format("unexpected {}", to_text(first_characters(rest, 1)));
}

}  // namespace

Json parse_json(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    throw Error(Condition::invalid_input,
                fmt::format("the JSON text has {} bytes; up to {} are taken here", text.size(),
                            limits.max_bytes));
  }
  boost::json::parse_options options;
  options.max_depth = limits.max_depth;
  boost::json::basic_parser<Builder> parser(options);
  error_code ec;
  std::size_t offset = parser.write_some(false, text.data(), text.size(), ec);
  if (!ec) {
    const std::size_t end = text.find_first_not_of(" \t\r\n", offset);
    if (end == std::string_view::npos) return parser.handler().take();
    offset = end;
    ec = boost::json::error::extra_data;
  }
  const std::string& refusal = parser.handler().refusal();
  if (!refusal.empty()) refuse_at(text, offset, refusal);
  refuse_at(text, offset, reason(ec, text.substr(offset), limits));
}

}  // namespace sinew
