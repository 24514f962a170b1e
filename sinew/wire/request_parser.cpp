#include "sinew/wire/request_parser.hpp"

#include <algorithm>

#include "sinew/wire/chars.hpp"
#include "sinew/wire/framing.hpp"

namespace sinew::wire {
namespace {

FieldSection make_section(std::uint32_t start, const HeadLimits& limits) noexcept {
  return {start, {limits.field_bytes, limits.fields, Fault::fields_too_large}};
}

// Control characters make a line of every form wrong; the carriage return has a name of its own.
Fault line_fault(std::string_view line, Fault otherwise) noexcept {
  return line.find('\r') == std::string_view::npos ? otherwise : Fault::bare_carriage_return;
}

}  // namespace

RequestParser::RequestParser(HeadLimits limits) noexcept
    : limits_(limits), section_(make_section(0, limits)) {
  limits_.fields = std::min<std::uint32_t>(limits_.fields, kMaxFields);
  reset();
}

void RequestParser::reset() noexcept {
  cursor_ = LineCursor();
  in_fields_ = false;
  skipped_line_ = false;
  fault_ = Fault::none;
}

Progress RequestParser::refuse(Fault fault) noexcept {
  fault_ = fault;
  return Progress::refused;
}

Progress RequestParser::parse(Bytes bytes) noexcept {
  const std::string_view received = as_text(bytes);
  if (fault_ != Fault::none) return Progress::refused;
  while (!in_fields_) {
    Slice line;
    const Progress progress = cursor_.next(received, cursor_.position() + limits_.start_line_bytes,
                                           Fault::start_line_too_long, line);
    if (progress == Progress::refused) return refuse(cursor_.fault());
    if (progress == Progress::incomplete) return progress;
    if (line.empty() && !skipped_line_) {
      skipped_line_ = true;
      continue;
    }
    const Fault fault = start_line(received, line);
    if (fault != Fault::none) return refuse(fault);
    section_ = make_section(cursor_.position(), limits_);
    in_fields_ = true;
  }
  const Progress progress = section_.parse(received, head_.storage);
  if (progress == Progress::refused) return refuse(section_.fault());
  if (progress == Progress::incomplete) return progress;
  const Fault fault = finish(received);
  return fault == Fault::none ? Progress::complete : refuse(fault);
}

Fault RequestParser::start_line(std::string_view received, Slice slice) noexcept {
  const std::string_view line = slice.in(received);
  const std::size_t method_end = run(line, kToken);
  if (method_end == 0 || method_end == line.size() || line[method_end] != ' ') {
    return line_fault(line, method_end == line.size() && method_end != 0 ? Fault::bad_request_line
                                                                         : Fault::bad_method);
  }
  const std::size_t target_end = line.find(' ', method_end + 1);
  if (target_end == std::string_view::npos) return line_fault(line, Fault::bad_request_line);
  const std::string_view version = line.substr(target_end + 1);
  if (const Fault fault = parse_version(version, head_.version); fault != Fault::none) {
    return line_fault(line, fault);
  }
  head_.method_text = {slice.offset, static_cast<std::uint32_t>(method_end)};
  head_.method = identify_method(line.substr(0, method_end));
  head_.target = {slice.offset + static_cast<std::uint32_t>(method_end) + 1,
                  static_cast<std::uint32_t>(target_end - method_end - 1)};
  head_.path = head_.query = head_.authority = Slice{};
  head_.has_query = false;
  const Fault fault = target(received);
  return fault == Fault::none ? fault : line_fault(line, fault);
}

Fault RequestParser::target(std::string_view received) noexcept {
  const std::string_view text = head_.target.in(received);
  if (head_.method == Method::connect) {
    head_.form = TargetForm::authority;
    head_.authority = head_.target;
    return is_authority(text, true) ? Fault::none : Fault::bad_target;
  }
  if (text.starts_with('/')) {
    head_.form = TargetForm::origin;
    return split_target(received, head_.target);
  }
  if (text == "*") {
    head_.form = TargetForm::asterisk;
    head_.path = head_.target;
    return head_.method == Method::options ? Fault::none : Fault::bad_target;
  }
  head_.form = TargetForm::absolute;
  return absolute_form(received);
}

Fault RequestParser::absolute_form(std::string_view received) noexcept {
  const std::string_view text = head_.target.in(received);
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string_view scheme = text.substr(0, colon);
  if (!iequals(scheme, "http") && !iequals(scheme, "https")) return Fault::bad_target;
  if (!text.substr(colon).starts_with("://")) return Fault::bad_target;
  const std::size_t begin = colon + 3;
  const std::size_t end = std::min(text.find_first_of("/?", begin), text.size());
  if (!is_authority(text.substr(begin, end - begin), false)) return Fault::bad_target;
  const std::uint32_t offset = head_.target.offset;
  head_.authority = {offset + static_cast<std::uint32_t>(begin),
                     static_cast<std::uint32_t>(end - begin)};
  return split_target(received, {offset + static_cast<std::uint32_t>(end),
                                 static_cast<std::uint32_t>(text.size() - end)});
}

// `rest` begins with the path, which may be empty.
Fault RequestParser::split_target(std::string_view received, Slice rest) noexcept {
  const std::string_view text = rest.in(received);
  const auto path_end = static_cast<std::uint32_t>(run(text, kPath));
  head_.path = {rest.offset, path_end};
  if (path_end == text.size()) return Fault::none;
  if (text[path_end] != '?' || !all(text.substr(path_end + 1), kQuery)) return Fault::bad_target;
  head_.has_query = true;
  head_.query = {rest.offset + path_end + 1, rest.length - path_end - 1};
  return Fault::none;
}

Fault RequestParser::finish(std::string_view received) noexcept {
  head_.field_count = static_cast<std::uint16_t>(section_.count());
  head_.bytes = section_.end();
  MessageFields fields;
  if (const Fault fault = fields.gather(head_, received); fault != Fault::none) return fault;
  if (const Fault fault = check_host(fields.host, received); fault != Fault::none) return fault;

  head_.keep_alive = fields.persistent(head_.version);
  head_.upgrade = fields.upgrade();
  if (fields.expect != nullptr && head_.version == Version::http_1_1) {
    if (!iequals(fields.expect->value.in(received), "100-continue")) {
      return Fault::unsupported_expectation;
    }
  }
  head_.framing = {};
  if (fields.chunked) {
    head_.framing.kind = Framing::Kind::chunked;
  } else if (fields.length > 0) {
    head_.framing = {Framing::Kind::length, fields.length};
  }
  // Without a body there is nothing to wait for (RFC 9110, section 10.1.1).
  head_.expects_continue = fields.expect != nullptr && head_.version == Version::http_1_1 &&
                           head_.framing.kind != Framing::Kind::none;
  // RFC 9110, sections 9.3.6 and 9.3.8.
  if (head_.method == Method::connect || head_.method == Method::trace) {
    if (head_.framing.kind != Framing::Kind::none) return Fault::body_not_allowed;
  }
  if (head_.method == Method::connect) head_.framing.kind = Framing::Kind::tunnel;
  return Fault::none;
}

Fault RequestParser::check_host(const Field* host, std::string_view received) noexcept {
  if (host == nullptr) {
    return head_.version == Version::http_1_1 ? Fault::missing_host : Fault::none;
  }
  if (!is_authority(host->value.in(received), false)) return Fault::bad_host;
  if (head_.authority.empty()) {
    head_.authority = host->value;
    return Fault::none;
  }
  return iequals(head_.authority.in(received), host->value.in(received)) ? Fault::none
                                                                         : Fault::differing_host;
}

}  // namespace sinew::wire
