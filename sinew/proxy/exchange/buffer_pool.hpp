#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <utility>
#include <vector>

namespace sinew::proxy {

class BufferPool;

// A block of a worker's pool, or none. Goes back to the pool, which outlives it.
class Buffer {
 public:
  // Holds every head within wire::HeadLimits' defaults, and keeps a stream of large bodies at two
  // system calls for 32 KiB; nginx and Envoy read 8 to 16 KiB, HAProxy 16.
  static constexpr std::size_t bytes = 32 * 1024;

  Buffer() = default;
  Buffer(Buffer&& other) noexcept
      : pool_(other.pool_), data_(std::exchange(other.data_, nullptr)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    if (this != &other) {
      release();
      pool_ = other.pool_;
      data_ = std::exchange(other.data_, nullptr);
    }
    return *this;
  }
  ~Buffer() { release(); }

  explicit operator bool() const noexcept { return data_ != nullptr; }
  std::span<std::byte> span() const noexcept { return {data_, data_ != nullptr ? bytes : 0}; }
  void release() noexcept;

 private:
  friend BufferPool;
  Buffer(BufferPool& pool, std::byte* data) noexcept : pool_(&pool), data_(data) {}

  BufferPool* pool_ = nullptr;
  std::byte* data_ = nullptr;
};

// The blocks of one worker. What is idle holds none, so a worker needs as many as it has exchanges
// under way, and keeps some.
class BufferPool {
 public:
  static constexpr std::size_t kept = 256;  // free ones: 8 MiB

  BufferPool() { free_.reserve(kept); }
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool();

  // None when there is no memory.
  Buffer take() noexcept;
  std::size_t in_use() const noexcept { return in_use_; }

 private:
  friend Buffer;
  void give_back(std::byte* data) noexcept;

  std::vector<std::byte*> free_;
  std::size_t in_use_ = 0;
};

inline void Buffer::release() noexcept {
  if (data_ != nullptr) pool_->give_back(std::exchange(data_, nullptr));
}

// Storage of objects of one type, used again by the worker that freed it.
template <class T>
class ObjectPool {
 public:
  static constexpr std::size_t kept = 256;

  struct Release {
    ObjectPool* pool;
    void operator()(T* object) const noexcept {
      object->~T();
      pool->give_back(object);
    }
  };
  using Pointer = std::unique_ptr<T, Release>;

  ObjectPool() { free_.reserve(kept); }
  ObjectPool(const ObjectPool&) = delete;
  ObjectPool& operator=(const ObjectPool&) = delete;
  ~ObjectPool() {
    for (void* storage : free_)
      release(storage);
  }

  template <class... Args>
  Pointer make(Args&&... args) {
    void* storage = take();
    try {
      return Pointer(new (storage) T(std::forward<Args>(args)...), Release{this});
    } catch (...) {
      release(storage);
      throw;
    }
  }

 private:
  static void release(void* storage) noexcept {
    ::operator delete(storage, std::align_val_t(alignof(T)));
  }
  void* take() {
    if (free_.empty()) return ::operator new(sizeof(T), std::align_val_t(alignof(T)));
    void* storage = free_.back();
    free_.pop_back();
    return storage;
  }
  void give_back(void* storage) noexcept {
    if (free_.size() < kept) {
      free_.push_back(storage);
    } else {
      release(storage);
    }
  }

  std::vector<void*> free_;
};

}  // namespace sinew::proxy
