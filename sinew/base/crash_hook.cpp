#include "sinew/base/crash_hook.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "sinew/base/crash_point.hpp"
#include "sinew/base/error.hpp"

namespace sinew {
namespace {

constexpr std::size_t max_points = 64;

struct Slot {
  std::array<char, 56> name;
  std::uint64_t arrivals;
};
static_assert(sizeof(Slot) == 64);

constexpr std::size_t table_bytes = max_points * sizeof(Slot);

// Arrivals come from workers and committers alike, in any order: one lock, as only tests count.
class Arrivals {
 public:
  Arrivals(Slot* slots, std::string fatal_point, std::uint64_t fatal_arrival)
      : slots_(slots, max_points),
        fatal_point_(std::move(fatal_point)),
        fatal_arrival_(fatal_arrival) {}

  void note(std::string_view point) {
    const std::scoped_lock lock(mutex_);
    if (count(point) == fatal_arrival_ && point == fatal_point_) ::kill(::getpid(), SIGKILL);
  }

 private:
  std::uint64_t count(std::string_view point) {
    for (Slot& slot : slots_) {
      if (slot.name[0] == '\0') point.copy(slot.name.data(), slot.name.size() - 1);
      if (point == slot.name.data()) return ++slot.arrivals;
    }
    return 0;
  }

  std::mutex mutex_;
  std::span<Slot> slots_;
  std::string fatal_point_;
  std::uint64_t fatal_arrival_;
};

// For the life of the process: threads may still arrive while it ends.
Arrivals* installed = nullptr;

void note_arrival(const char* point) { installed->note(point); }

Slot* map_table(int descriptor) {
  const int flags = descriptor < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  void* table = ::mmap(nullptr, table_bytes, PROT_READ | PROT_WRITE, flags, descriptor, 0);
  return table == MAP_FAILED ? nullptr : static_cast<Slot*>(table);
}

Slot* map_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const bool sized = file >= 0 && ::ftruncate(file, table_bytes) == 0;
  Slot* table = sized ? map_table(file) : nullptr;
  const int failure = errno;
  if (file >= 0) ::close(file);
  if (table == nullptr) {
    throw Error(Condition::unavailable, fmt::format("SINEW_CRASH_COUNT: cannot write {}: {}", path,
                                                    std::generic_category().message(failure)));
  }
  return table;
}

}  // namespace

void install_crash_hook(const Environment& environment) {
  const auto at = environment("SINEW_CRASH_AT");
  const auto file = environment("SINEW_CRASH_COUNT");
  if (!at && !file) return;
  std::string point;
  std::uint64_t arrival = 0;
  if (at) {
    const std::size_t colon = at->rfind(':');
    const char* end = at->data() + at->size();
    if (colon != std::string::npos) {
      point = at->substr(0, colon);
      const auto parsed = std::from_chars(at->data() + colon + 1, end, arrival);
      if (parsed.ec != std::errc() || parsed.ptr != end) arrival = 0;
    }
    if (point.empty() || arrival == 0) {
      throw Error(Condition::invalid_input,
                  fmt::format("SINEW_CRASH_AT is \"{}\": give a crash point and an arrival from 1, "
                              "such as relay.before_mark:3",
                              *at));
    }
  }
  installed = new Arrivals(file ? map_file(*file) : map_table(-1), std::move(point), arrival);
  set_crash_hook(note_arrival);
}

}  // namespace sinew
