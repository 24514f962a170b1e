#pragma once

#include <cstddef>
#include <type_traits>

namespace sinew {

// An array whose elements have no value until somebody gives them one: for buffers of a request's
// hot path, of which the first few are written and read, and clearing all would cost more than the
// work. For plain data; a copy copies all of it.
template <class T, std::size_t N>
class UnsetArray {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  UnsetArray() noexcept {}

  T& operator[](std::size_t index) noexcept { return items_[index]; }
  const T& operator[](std::size_t index) const noexcept { return items_[index]; }
  T* data() noexcept { return items_; }
  const T* data() const noexcept { return items_; }
  T* begin() noexcept { return items_; }
  T* end() noexcept { return items_ + N; }
  const T* begin() const noexcept { return items_; }
  const T* end() const noexcept { return items_ + N; }
  static constexpr std::size_t size() noexcept { return N; }

 private:
  union {
    T items_[N];
  };
};

}  // namespace sinew
