#include "sinew/tls/record_buffers.hpp"

#include <malloc.h>
#include <openssl/crypto.h>

#include <cstdlib>
#include <new>

namespace sinew::tls {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif
#else
constexpr bool sanitized = false;
#endif

constexpr std::size_t smallest = 16 * 1024;  // of what counts as a buffer
constexpr std::size_t rounding = 64;         // more than malloc ever adds to a block's size

struct Free {
  Free* next;
};

// Nothing here has a destructor: OpenSSL's own thread exit may come after ours.
struct Pool {
  Free* first;
  RecordBuffers counts;
  bool closed;
};
constinit thread_local Pool pool{};

struct Closing {
  ~Closing() {
    pool.closed = true;
    while (pool.first != nullptr) {
      Free* const buffer = pool.first;
      pool.first = buffer->next;
      std::free(buffer);
    }
    pool.counts.kept = 0;
  }
  void arm() noexcept {}
};
thread_local Closing closing;

void* take(std::size_t size, const char*, int) noexcept {
  const bool buffer = size > smallest && size <= RecordBuffers::bytes;
  if (buffer && pool.first != nullptr) {
    Free* const block = pool.first;
    pool.first = block->next;
    --pool.counts.kept;
    ++pool.counts.reused;
    return block;
  }
  if (size == 0) return nullptr;
  if (buffer) ++pool.counts.heap;
  return std::malloc(buffer ? RecordBuffers::bytes : size);
}

// Every block of that size is a buffer, or as good as one.
bool is_buffer(void* block) noexcept {
  const std::size_t size = ::malloc_usable_size(block);
  return size >= RecordBuffers::bytes && size < RecordBuffers::bytes + rounding;
}

void give(void* block, const char*, int) noexcept {
  if (block == nullptr) return;
  if (pool.closed || pool.counts.kept == RecordBuffers::kept_per_thread || !is_buffer(block)) {
    std::free(block);
    return;
  }
  closing.arm();
  pool.first = new (block) Free{pool.first};
  ++pool.counts.kept;
}

void* resize(void* block, std::size_t size, const char* file, int line) noexcept {
  if (size == 0) {
    give(block, file, line);
    return nullptr;
  }
  return std::realloc(block, size);
}

}  // namespace

bool pool_record_buffers() noexcept {
  return !sanitized && CRYPTO_set_mem_functions(take, resize, give) == 1;
}

RecordBuffers record_buffers() noexcept { return pool.counts; }

}  // namespace sinew::tls
