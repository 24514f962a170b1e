#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "sinew/base/config_environment.hpp"

namespace sinew {

// A password, key or token. It cannot be printed, logged or compared by accident: `reveal` is the
// only way to the text. The memory is wiped at the end.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { other.wipe(); }
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { wipe(); }

  std::string_view reveal() const noexcept { return text_; }
  bool empty() const noexcept { return text_.empty(); }

 private:
  void wipe() noexcept;

  std::string text_;
};

// Reads what `env:NAME` or `file:/absolute/path` names; one line end at the end of a file is not
// part of it. The error is a sentence that never repeats anything secret. At most 64 KiB.
std::expected<Secret, std::string> resolve_secret(std::string_view reference,
                                                  const Environment& environment);

}  // namespace sinew
