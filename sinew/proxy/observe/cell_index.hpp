#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace sinew::proxy {

// What one worker counts about many things, a Cell a thing, made when the thing is first met.
//
// The worker finds a cell by a number that it has at hand (an address, an id) in a hash table of
// its own, without lock or allocation; the first time under a number it asks by the thing's name,
// which takes a lock and may allocate. Any other thread reads the cells by name, whose counts are
// atomics, and forgets those of things that are gone.
//
// A number may come to mean another thing: the worker looks whether the cell is of the name that it
// means, and puts it again if not. Cell has `std::atomic<bool> forgotten` and is made from a Name.
template <typename Name, typename Cell>
class CellIndex {
 public:
  using CellPtr = std::shared_ptr<Cell>;

  // The worker's: the cell that was put under the number; nullptr: none, or it has been forgotten.
  Cell* find(std::uint64_t number) const noexcept {
    if (slots_.empty()) return nullptr;
    for (std::size_t at = place(number);; at = (at + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[at];
      if (slot.cell == nullptr) return nullptr;
      if (slot.number != number) continue;
      return slot.cell->forgotten.load(std::memory_order_relaxed) ? nullptr : slot.cell.get();
    }
  }

  // The worker's: the cell of that name, from now on also under the number. nullptr: there are
  // `most` already.
  Cell* put(std::uint64_t number, const Name& name, std::size_t most) {
    CellPtr cell;
    std::size_t cells = 0;
    {
      const std::scoped_lock lock(mutex_);
      auto found = cells_.find(name);
      if (found == cells_.end()) {
        if (cells_.size() >= most) return nullptr;
        found = cells_.emplace(name, std::make_shared<Cell>(name)).first;
      }
      cell = found->second;
      cells = cells_.size();
    }
    if (used_ * 2 >= slots_.size()) rebuild(cells);
    insert(number, cell);
    return cell.get();
  }

  // The worker's: places of its table, of which less than half are taken.
  std::size_t places() const noexcept { return slots_.size(); }

  // From any thread.
  std::vector<std::pair<Name, CellPtr>> cells() const {
    const std::scoped_lock lock(mutex_);
    return {cells_.begin(), cells_.end()};
  }
  std::size_t size() const {
    const std::scoped_lock lock(mutex_);
    return cells_.size();
  }
  void forget(const Name& name) {
    const std::scoped_lock lock(mutex_);
    const auto found = cells_.find(name);
    if (found == cells_.end()) return;
    found->second->forgotten.store(true, std::memory_order_relaxed);
    cells_.erase(found);
  }

 private:
  struct Slot {
    std::uint64_t number = 0;
    CellPtr cell;
  };
  static constexpr std::size_t kFirstSlots = 16;

  // Fibonacci hashing: addresses and ids differ in their low and middle bits.
  std::size_t place(std::uint64_t number) const noexcept {
    return static_cast<std::size_t>((number * 0x9e3779b97f4a7c15) >> 32U) & (slots_.size() - 1);
  }

  void insert(std::uint64_t number, CellPtr cell) {
    std::size_t at = place(number);
    while (slots_[at].cell != nullptr && slots_[at].number != number)
      at = (at + 1) & (slots_.size() - 1);
    if (slots_[at].cell == nullptr) ++used_;
    slots_[at] = {number, std::move(cell)};
  }

  // Begins anew, with room for twice the cells: numbers of things that are gone, or that go by
  // another one now, would stay for ever; the others are put again when they are met.
  void rebuild(std::size_t cells) {
    std::size_t size = kFirstSlots;
    while (size < cells * 4)
      size *= 2;
    slots_.assign(size, Slot{});
    used_ = 0;
  }

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
  mutable std::mutex mutex_;
  std::map<Name, CellPtr> cells_;  // guarded by mutex_
};

}  // namespace sinew::proxy
