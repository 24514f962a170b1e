#include "sinew/base/error.hpp"

namespace sinew {
namespace {

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "sinew"; }
  std::string message(int value) const override {
    return std::string(to_string(static_cast<Condition>(value)));
  }
};

}  // namespace

std::string_view to_string(Condition condition) noexcept {
  switch (condition) {
    case Condition::invalid_input: return "invalid_input";
    case Condition::unauthorized: return "unauthorized";
    case Condition::not_found: return "not_found";
    case Condition::conflict: return "conflict";
    case Condition::exhausted: return "exhausted";
    case Condition::unavailable: return "unavailable";
    case Condition::timeout: return "timeout";
    case Condition::cancelled: return "cancelled";
    case Condition::unsupported: return "unsupported";
    case Condition::corrupt: return "corrupt";
  }
  return "unknown";
}

std::string_view to_string(Applied applied) noexcept {
  return applied == Applied::no ? "no" : "unknown";
}

const std::error_category& sinew_category() noexcept {
  static const Category category;
  return category;
}

std::error_code make_error_code(Condition condition) noexcept {
  return {static_cast<int>(condition), sinew_category()};
}

Error::Error(Condition condition, const std::string& detail, Applied applied)
    : std::system_error(make_error_code(condition), detail), detail_(detail), applied_(applied) {}

bool Error::transient() const noexcept {
  return condition() == Condition::exhausted || condition() == Condition::unavailable ||
         condition() == Condition::timeout;
}

}  // namespace sinew
