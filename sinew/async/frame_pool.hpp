#pragma once

#include <cstddef>

namespace sinew::async {

// Coroutine frames, recycled by the thread that frees them, in classes of 64 bytes. Frames above
// `largest_pooled` bytes come from the heap; a class keeps at most `kept_per_class` free frames.
// Under the address sanitizer every frame comes from the heap, so that a stale one is found.
class FramePool {
 public:
  static constexpr std::size_t class_bytes = 64;
  static constexpr std::size_t largest_pooled = 4096;
  static constexpr std::size_t kept_per_class = 256;

  static void* allocate(std::size_t size);
  static void release(void* frame, std::size_t size) noexcept;
};

}  // namespace sinew::async
