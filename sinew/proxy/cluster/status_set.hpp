#pragma once

#include <bitset>
#include <initializer_list>
#include <span>

namespace sinew::proxy {

// A set of HTTP status codes, asked once an answer. Codes outside 100 to 599 are in no set.
class StatusSet {
 public:
  StatusSet() = default;
  StatusSet(std::initializer_list<int> codes) : StatusSet(std::span(codes.begin(), codes.size())) {}
  explicit StatusSet(std::span<const int> codes) {
    for (const int code : codes) {
      if (is_status(code)) codes_.set(static_cast<std::size_t>(code - kFirst));
    }
  }

  bool contains(int code) const noexcept {
    return is_status(code) && codes_[static_cast<std::size_t>(code - kFirst)];
  }

 private:
  static constexpr int kFirst = 100;
  static constexpr int kEnd = 600;
  static constexpr bool is_status(int code) noexcept { return code >= kFirst && code < kEnd; }

  std::bitset<kEnd - kFirst> codes_;
};

}  // namespace sinew::proxy
