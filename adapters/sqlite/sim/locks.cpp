#include "adapters/sqlite/sim/locks.hpp"

#include <cstddef>

namespace sinew::sqlite::sim {

int Locks::lock(Holder& holder, int level) {
  if (level <= holder.level) return SQLITE_OK;
  const bool others = reserved_ != nullptr && reserved_ != &holder;
  if (holder.level == SQLITE_LOCK_NONE) {
    if (others && pending_) return SQLITE_BUSY;
    ++shared_;
    holder.level = SQLITE_LOCK_SHARED;
  }
  if (level == SQLITE_LOCK_SHARED) return SQLITE_OK;
  if (others) return SQLITE_BUSY;
  reserved_ = &holder;
  holder.level = SQLITE_LOCK_RESERVED;
  if (level == SQLITE_LOCK_RESERVED) return SQLITE_OK;
  pending_ = true;
  holder.level = SQLITE_LOCK_PENDING;
  if (shared_ > 1) return SQLITE_BUSY;
  holder.level = SQLITE_LOCK_EXCLUSIVE;
  return SQLITE_OK;
}

int Locks::unlock(Holder& holder, int level) {
  if (holder.level <= level) return SQLITE_OK;
  if (reserved_ == &holder) {
    reserved_ = nullptr;
    pending_ = false;
  }
  if (level == SQLITE_LOCK_NONE) --shared_;
  holder.level = level;
  return SQLITE_OK;
}

int Locks::lock_index(Holder& holder, int first, int count, int flags) {
  const auto bits = static_cast<std::uint16_t>(((1U << count) - 1) << first);
  const auto each = [&](auto&& visit) {
    for (int slot = first; slot < first + count; ++slot)
      visit(slots_[static_cast<std::size_t>(slot)], static_cast<std::uint16_t>(1U << slot));
  };
  if ((flags & SQLITE_SHM_UNLOCK) != 0) {
    each([&](int& slot, std::uint16_t bit) {
      if ((holder.exclusive & bit) != 0) slot = 0;
      if ((holder.shared & bit) != 0) --slot;
    });
    holder.exclusive &= static_cast<std::uint16_t>(~bits);
    holder.shared &= static_cast<std::uint16_t>(~bits);
    return SQLITE_OK;
  }
  const bool share = (flags & SQLITE_SHM_SHARED) != 0;
  const std::uint16_t held = share ? holder.shared : holder.exclusive;
  bool busy = false;
  each([&](int slot, std::uint16_t bit) {
    busy = busy || ((held & bit) == 0 && (share ? slot < 0 : slot != 0));
  });
  if (busy) return SQLITE_BUSY;
  each([&](int& slot, std::uint16_t bit) {
    if ((held & bit) == 0) slot = share ? slot + 1 : -1;
  });
  (share ? holder.shared : holder.exclusive) |= bits;
  return SQLITE_OK;
}

void* Locks::map(int region, int size, bool extend) {
  const auto index = static_cast<std::size_t>(region);
  if (index >= regions_.size() && !extend) return nullptr;
  while (regions_.size() <= index)
    regions_.push_back(std::make_unique<char[]>(static_cast<std::size_t>(size)));
  return regions_[index].get();
}

void Locks::forget(Holder& holder) {
  lock_index(holder, 0, SQLITE_SHM_NLOCK, SQLITE_SHM_UNLOCK);
  unlock(holder, SQLITE_LOCK_NONE);
}

}  // namespace sinew::sqlite::sim
