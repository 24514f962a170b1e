#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "sinew/base/config_rule.hpp"
#include "sinew/base/config_scalar.hpp"

namespace sinew::config {

// One value with an inclusive range.
template <class T>
class ScalarRule final : public Rule {
 public:
  void set_range(T low, T high) { range_.emplace(std::move(low), std::move(high)); }

  void read(const Node& node, void* value, Walk& walk) const override {
    const auto* text = scalar_text(node, walk, accepts());
    if (text == nullptr) return;
    auto parsed = Scalar<T>::parse(*text);
    if (!parsed || !allowed(*parsed)) return walk.mismatch(shown(*text), accepts());
    *static_cast<T*>(value) = std::move(*parsed);
  }
  void check(const void* value, Walk& walk) const override {
    const auto& typed = *static_cast<const T*>(value);
    if (!allowed(typed)) walk.mismatch(Scalar<T>::print(typed), accepts());
  }
  std::string accepts() const override {
    std::string noun(Scalar<T>::kNoun);
    if (!range_) return noun;
    return noun + " from " + Scalar<T>::print(range_->first) + " to " +
           Scalar<T>::print(range_->second);
  }
  std::string print(const void* value) const override {
    return Scalar<T>::print(*static_cast<const T*>(value));
  }

 private:
  // Written so that a NaN is outside.
  bool allowed(const T& value) const {
    return !range_ || (value >= range_->first && value <= range_->second);
  }

  std::optional<std::pair<T, T>> range_;
};

// A text with an inclusive range of its length in bytes.
template <>
class ScalarRule<std::string> final : public Rule {
 public:
  void set_length(std::size_t low, std::size_t high) {
    min_ = low;
    max_ = high;
  }

  void read(const Node& node, void* value, Walk& walk) const override;
  void check(const void* value, Walk& walk) const override;
  std::string accepts() const override;
  std::string print(const void* value) const override;

 private:
  static constexpr std::size_t kMaxText = 65'536;  // unless described otherwise

  std::size_t min_ = 0;
  std::size_t max_ = kMaxText;
};

}  // namespace sinew::config
