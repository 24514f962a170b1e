#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace sinew::http {

struct Header {
  std::string name;
  std::string value;

  friend bool operator==(const Header&, const Header&) = default;
};

// The fields of a message in their order. Names compare without regard to case and may repeat.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Header> headers) : headers_(headers) {}

  // The value of the first field of that name; empty when there is none.
  std::string_view get(std::string_view name) const noexcept;
  bool has(std::string_view name) const noexcept;

  // Appends a field.
  Headers& add(std::string name, std::string value);
  // Replaces all fields of that name by one.
  Headers& set(std::string name, std::string value);
  void erase(std::string_view name);

  std::size_t size() const noexcept { return headers_.size(); }
  auto begin() const noexcept { return headers_.begin(); }
  auto end() const noexcept { return headers_.end(); }

  friend bool operator==(const Headers&, const Headers&) = default;

 private:
  std::vector<Header> headers_;
};

}  // namespace sinew::http
