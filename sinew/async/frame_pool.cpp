#include "sinew/async/frame_pool.hpp"

#include <array>
#include <new>

namespace sinew::async {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SINEW_FRAMES_FROM_HEAP
#endif
#endif

#ifdef SINEW_FRAMES_FROM_HEAP
constexpr std::size_t pooled_bytes = 0;
#else
constexpr std::size_t pooled_bytes = FramePool::largest_pooled;
#endif

struct FreeFrame {
  FreeFrame* next;
};

struct FreeList {
  FreeFrame* head = nullptr;
  std::size_t size = 0;
};

constexpr std::size_t class_count = FramePool::largest_pooled / FramePool::class_bytes;

class ThreadFrames {
 public:
  ThreadFrames() noexcept = default;
  ThreadFrames(const ThreadFrames&) = delete;
  ThreadFrames& operator=(const ThreadFrames&) = delete;
  ~ThreadFrames() {
    for (FreeList& list : lists) {
      while (list.head != nullptr) {
        FreeFrame* frame = list.head;
        list.head = frame->next;
        ::operator delete(frame);
      }
      list.size = FramePool::kept_per_class;  // a frame freed after us goes straight to the heap
    }
  }

  std::array<FreeList, class_count> lists;
};

thread_local ThreadFrames thread_frames;

constexpr std::size_t class_of(std::size_t size) { return (size - 1) / FramePool::class_bytes; }

}  // namespace

void* FramePool::allocate(std::size_t size) {
  if (size > pooled_bytes) return ::operator new(size);
  FreeList& list = thread_frames.lists[class_of(size)];
  if (list.head == nullptr) return ::operator new((class_of(size) + 1) * class_bytes);
  FreeFrame* frame = list.head;
  list.head = frame->next;
  --list.size;
  return frame;
}

void FramePool::release(void* frame, std::size_t size) noexcept {
  if (size > pooled_bytes) return ::operator delete(frame);
  FreeList& list = thread_frames.lists[class_of(size)];
  if (list.size >= kept_per_class) return ::operator delete(frame);
  list.head = new (frame) FreeFrame{list.head};
  ++list.size;
}

}  // namespace sinew::async
