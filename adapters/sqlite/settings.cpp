#include <fmt/format.h>

#include <string>
#include <string_view>

#include "adapters/sqlite/database.hpp"
#include "sinew/base/error.hpp"

namespace sinew::sqlite {
namespace {

constexpr std::size_t largest_batch = 10'000;
constexpr std::size_t longest_queue = 1'000'000;
constexpr std::uint64_t smallest_cache = 64 * 1024;
constexpr std::uint64_t smallest_log = 16 * 1024;

class Complaints {
 public:
  void require(bool good, std::string_view setting, std::string_view range) {
    if (!good) text_ += fmt::format("{}{} is {}", text_.empty() ? "" : "; ", setting, range);
  }
  void raise() const {
    if (!text_.empty()) throw Error(Condition::invalid_input, "SQLite settings: " + text_);
  }

 private:
  std::string text_;
};

}  // namespace

void validate(const Settings& settings) {
  Complaints complaints;
  complaints.require(!settings.path.empty(), "path", "the name of a file, not empty");
  complaints.require(settings.batch_limit >= 1 && settings.batch_limit <= largest_batch,
                     "batch_limit", fmt::format("1 to {}", largest_batch));
  complaints.require(settings.queue_limit >= 1 && settings.queue_limit <= longest_queue,
                     "queue_limit", fmt::format("1 to {}", longest_queue));
  complaints.require(settings.batch_time >= Duration::zero(), "batch_time", "not negative");
  complaints.require(settings.quick_commit >= Duration::zero(), "quick_commit", "not negative");
  complaints.require(settings.busy_limit >= Duration::zero(), "busy_limit", "not negative");
  complaints.require(settings.cache_bytes >= smallest_cache, "cache_bytes",
                     fmt::format("at least {}", smallest_cache));
  complaints.require(settings.wal_passive_bytes >= smallest_log, "wal_passive_bytes",
                     fmt::format("at least {}", smallest_log));
  complaints.require(settings.wal_soft_bytes >= settings.wal_passive_bytes, "wal_soft_bytes",
                     "at least wal_passive_bytes");
  complaints.require(settings.wal_hard_bytes > settings.wal_soft_bytes, "wal_soft_bytes",
                     "less than wal_hard_bytes");
  complaints.raise();
}

}  // namespace sinew::sqlite
