#include "sinew/http/headers.hpp"

#include <algorithm>

#include "sinew/wire/chars.hpp"

namespace sinew::http {
namespace {

auto named(std::string_view name) {
  return [name](const Header& header) { return wire::iequals(header.name, name); };
}

}  // namespace

std::string_view Headers::get(std::string_view name) const noexcept {
  const auto found = std::ranges::find_if(headers_, named(name));
  return found == headers_.end() ? std::string_view() : std::string_view(found->value);
}

bool Headers::has(std::string_view name) const noexcept {
  return std::ranges::any_of(headers_, named(name));
}

Headers& Headers::add(std::string name, std::string value) {
  headers_.push_back({std::move(name), std::move(value)});
  return *this;
}

Headers& Headers::set(std::string name, std::string value) {
  erase(name);
  return add(std::move(name), std::move(value));
}

void Headers::erase(std::string_view name) { std::erase_if(headers_, named(name)); }

}  // namespace sinew::http
