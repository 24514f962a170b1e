#include "sinew/proxy/exchange/buffer_pool.hpp"

namespace sinew::proxy {

BufferPool::~BufferPool() {
  for (std::byte* data : free_)
    ::operator delete(data);
}

Buffer BufferPool::take() noexcept {
  std::byte* data = nullptr;
  if (free_.empty()) {
    data = static_cast<std::byte*>(::operator new(Buffer::bytes, std::nothrow));
    if (data == nullptr) return {};
  } else {
    data = free_.back();
    free_.pop_back();
  }
  ++in_use_;
  return {*this, data};
}

void BufferPool::give_back(std::byte* data) noexcept {
  --in_use_;
  if (free_.size() < kept) {
    free_.push_back(data);
  } else {
    ::operator delete(data);
  }
}

}  // namespace sinew::proxy
