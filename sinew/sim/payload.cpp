#include "sinew/sim/payload.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "sinew/sim/failure.hpp"

namespace sinew::sim {
namespace {

constexpr std::size_t most_differences = 10;

std::string named(const std::string& path) { return path.empty() ? "the value" : path; }

// Walks two values at once and collects where they part.
class Comparison {
 public:
  void compare(const std::string& path, const Json& expected, const Json& found) {
    if (expected == found) return;
    if (expected.is_object() && found.is_object()) {
      compare_objects(path, expected.as_object(), found.as_object());
    } else if (expected.is_array() && found.is_array()) {
      compare_arrays(path, expected.as_array(), found.as_array());
    } else {
      note(
          fmt::format("{}: expected {}, found {}", named(path), to_text(expected), to_text(found)));
    }
  }
  std::vector<std::string> take() {
    if (count_ > most_differences)
      lines_.push_back(fmt::format("... and {} more", count_ - most_differences));
    return std::move(lines_);
  }

 private:
  void compare_objects(const std::string& path, const JsonObject& expected,
                       const JsonObject& found) {
    const std::string prefix = path.empty() ? "" : path + ".";
    for (const auto& [name, value] : expected.members()) {
      const Json* other = found.find(name);
      if (other != nullptr) {
        compare(prefix + name, value, *other);
      } else {
        note(fmt::format("{}{}: expected {}, found nothing", prefix, name, to_text(value)));
      }
    }
    for (const auto& [name, value] : found.members()) {
      if (expected.find(name) == nullptr)
        note(fmt::format("{}{}: not expected, found {}", prefix, name, to_text(value)));
    }
  }
  void compare_arrays(const std::string& path, const JsonArray& expected, const JsonArray& found) {
    const std::size_t common = std::min(expected.size(), found.size());
    for (std::size_t i = 0; i < common; ++i)
      compare(fmt::format("{}[{}]", path, i), expected[i], found[i]);
    for (std::size_t i = common; i < expected.size(); ++i)
      note(fmt::format("{}[{}]: expected {}, found nothing", path, i, to_text(expected[i])));
    for (std::size_t i = common; i < found.size(); ++i)
      note(fmt::format("{}[{}]: not expected, found {}", path, i, to_text(found[i])));
  }
  void note(std::string line) {
    if (++count_ <= most_differences) lines_.push_back(std::move(line));
  }

  std::vector<std::string> lines_;
  std::size_t count_ = 0;
};

std::string listed(std::string_view heading, const std::vector<Payload>& payloads) {
  std::string text = fmt::format("\n  {}:{}", heading, payloads.empty() ? " nothing" : "");
  for (std::size_t i = 0; i < payloads.size(); ++i)
    text += fmt::format("\n    {}. {}", i + 1, to_text(payloads[i]));
  return text;
}

// What is wrong at the first place where the lists part.
std::string first_difference(std::string_view what, const std::vector<Payload>& expected,
                             const std::vector<Payload>& found) {
  const std::size_t common = std::min(expected.size(), found.size());
  for (std::size_t i = 0; i < common; ++i) {
    const Payload& wanted = expected[i];
    const Payload& got = found[i];
    if (wanted == got) continue;
    if (wanted.type != got.type || wanted.version != got.version) {
      return fmt::format("{} {} is {} v{}, expected {} v{}", what, i + 1, got.type, got.version,
                         wanted.type, wanted.version);
    }
    return fmt::format("{} {}, {}, differs\n    {}", what, i + 1, wanted.type,
                       fmt::join(differences(wanted.data, got.data), "\n    "));
  }
  if (expected.size() > found.size())
    return fmt::format("{} {}, {}, is missing", what, common + 1, expected[common].type);
  return fmt::format("{} {}, {}, was not expected", what, common + 1, found[common].type);
}

}  // namespace

Payload::Payload(const event::Envelope& envelope, const event::Codecs& codecs)
    : type(envelope.type),
      version(envelope.version),
      data(codecs.decode(envelope.content_type, envelope.type, envelope.version, envelope.data)) {}

std::string to_text(const Payload& payload) {
  return fmt::format("{} v{} {}", payload.type, payload.version, to_text(payload.data));
}

std::vector<std::string> differences(const Json& expected, const Json& found) {
  Comparison comparison;
  comparison.compare("", expected, found);
  return comparison.take();
}

void expect_equal(std::string_view what, const std::vector<Payload>& expected,
                  const std::vector<Payload>& found, const std::source_location& where) {
  if (expected == found) return;
  fail(first_difference(what, expected, found) + listed("expected", expected) +
           listed("found", found),
       where);
}

void expect_equal(std::string_view what, const Json& expected, const Json& found,
                  const std::source_location& where) {
  if (expected == found) return;
  fail(fmt::format("{} differs\n    {}\n  expected: {}\n  found:    {}", what,
                   fmt::join(differences(expected, found), "\n    "), to_text(expected),
                   to_text(found)),
       where);
}

}  // namespace sinew::sim
