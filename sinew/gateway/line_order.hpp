#pragma once

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

namespace sinew::gateway {

// Brings items into the order of their lines; those of a line keep theirs. (std::stable_sort of
// libstdc++ 12 calls what C++17 deprecated.)
template <class T>
void order_by_line(std::vector<T>& items) {
  std::multimap<std::size_t, T> lines;
  for (auto& item : items) {
    const auto line = item.position.line;
    lines.emplace(line, std::move(item));
  }
  items.clear();
  for (auto& [line, item] : lines)
    items.push_back(std::move(item));
}

}  // namespace sinew::gateway
