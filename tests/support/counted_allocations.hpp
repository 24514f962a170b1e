#pragma once

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#if __has_feature(thread_sanitizer)
#include <sanitizer/allocator_interface.h>
#endif

// Counts every allocation of a test binary: it replaces operator new, weakly, so that several
// sources of a binary can look. The address sanitizer's goes before it: nothing is counted there.
namespace sinew::test {

inline std::atomic<std::size_t> allocations = 0;

}  // namespace sinew::test

#if __has_feature(thread_sanitizer)
// Its operator new cannot be replaced, but tells of each allocation, of C libraries' malloc too.
namespace sinew::test {

inline constexpr bool counts_malloc = true;

inline void note_allocation(const volatile void*, std::size_t) {
  allocations.fetch_add(1, std::memory_order_relaxed);
}
inline void note_release(const volatile void*) {}
inline const int allocation_hooks =
    __sanitizer_install_malloc_and_free_hooks(note_allocation, note_release);

}  // namespace sinew::test
#else
namespace sinew::test {

inline constexpr bool counts_malloc = false;

}  // namespace sinew::test

[[gnu::weak]] void* operator new(std::size_t size) {
  sinew::test::allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::weak]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::weak]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif
