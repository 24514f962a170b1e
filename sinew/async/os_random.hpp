#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sinew::async {

// Uniform bits of the operating system's generator (getrandom(2)), fetched 4 KiB at a time.
class OsRandom {
 public:
  std::uint64_t next() noexcept {
    if (used_ == words_.size()) refill();
    return words_[used_++];
  }

 private:
  void refill() noexcept;

  std::array<std::uint64_t, 512> words_;
  std::size_t used_ = words_.size();
};

}  // namespace sinew::async
