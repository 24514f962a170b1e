#include "sinew/proxy/observe/access_log.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string_view>
#include <system_error>
#include <thread>

#include "sinew/async/clock.hpp"
#include "sinew/async/descriptor.hpp"
#include "sinew/async/thread.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/log.hpp"
#include "sinew/proxy/observe/line_ring.hpp"
#include "sinew/proxy/observe/log_target.hpp"

namespace sinew::proxy {
namespace {

constexpr std::size_t kMinBuffer = std::size_t{64} << 10U;
constexpr std::size_t kMaxBuffer = std::size_t{64} << 20U;
constexpr std::size_t kBatch = std::size_t{64} << 10U;  // one write; holds every line
static_assert(kBatch >= kMaxLogLineBytes);
constexpr auto kBetweenWarnings = std::chrono::seconds(10);

AccessLogFormat format_of(const AccessLogSettings& settings) {
  if (settings.format != "json") return AccessLogFormat::text(settings.format);
  return settings.json_variables.empty() ? AccessLogFormat::json()
                                         : AccessLogFormat::json(settings.json_variables);
}

}  // namespace

std::vector<std::string> AccessLogSettings::violations() const {
  std::vector<std::string> found;
  if (target.empty()) found.emplace_back("target must be off, stdout, stderr or a file's path");
  if (!std::has_single_bit(buffer_bytes) || buffer_bytes < kMinBuffer || buffer_bytes > kMaxBuffer)
    found.push_back(fmt::format("buffer_bytes = {} must be a power of two from {} to {}",
                                buffer_bytes, kMinBuffer, kMaxBuffer));
  if (flush_interval < std::chrono::milliseconds(10) || flush_interval > std::chrono::minutes(1))
    found.emplace_back("flush_interval must be from 10 ms to 1 minute");
  if (format != "json" && !json_variables.empty())
    found.emplace_back("json_variables are of the format json alone");
  return found;
}

// The thread and what it shares with the workers.
class AccessLog::Writer {
 public:
  Writer(const AccessLogSettings& settings, std::size_t workers);
  ~Writer();

  void push(std::size_t worker, std::string_view line) noexcept;
  void reopen() noexcept;
  bool flush(Duration patience);
  Counts counts() const noexcept;

 private:
  void run() noexcept;
  void wait() noexcept;
  void wake() noexcept;
  void drain() noexcept;
  void write(std::string_view lines) noexcept;
  void reopen_if_asked() noexcept;
  void warn_of_loss() noexcept;
  void round_is_over(std::uint64_t round);

  LogTarget target_;
  Duration flush_interval_;
  std::deque<LineRing> rings_;
  async::Descriptor event_;
  std::atomic<bool> awake_ = false;  // the event is set, nobody needs to set it again
  std::atomic<bool> reopen_ = false;
  std::atomic<bool> stop_ = false;
  std::atomic<std::uint64_t> write_failed_ = 0;
  std::atomic<std::uint64_t> asked_ = 0;  // rounds that somebody waits for
  std::mutex mutex_;
  std::condition_variable round_over_;
  std::uint64_t done_ = 0;  // guarded by mutex_

  // The thread's own.
  std::vector<char> batch_ = std::vector<char>(kBatch);
  std::error_code last_error_;
  std::uint64_t told_ = 0;  // of the lost lines
  Instant told_at_;
  std::jthread thread_;
};

AccessLog::Writer::Writer(const AccessLogSettings& settings, std::size_t workers)
    : target_(settings.target, settings.flush_interval),
      flush_interval_(settings.flush_interval),
      event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!event_)
    throw Error(Condition::unavailable, "the access log's thread cannot be woken: no descriptor");
  for (std::size_t i = 0; i < workers; ++i)
    rings_.emplace_back(settings.buffer_bytes);
  thread_ = async::start_thread("access-log", [this] { run(); });
}

AccessLog::Writer::~Writer() {
  stop_ = true;
  wake();
  thread_.join();
}

void AccessLog::Writer::push(std::size_t worker, std::string_view line) noexcept {
  LineRing& ring = rings_[worker];
  ring.push(line);
  if (ring.crowded() && !awake_.load(std::memory_order_relaxed)) wake();
}

void AccessLog::Writer::reopen() noexcept {
  reopen_ = true;
  wake();
}

bool AccessLog::Writer::flush(Duration patience) {
  const std::uint64_t round = asked_.fetch_add(1) + 1;
  wake();
  std::unique_lock lock(mutex_);
  return round_over_.wait_for(lock, patience, [&] { return done_ >= round; });
}

AccessLog::Counts AccessLog::Writer::counts() const noexcept {
  Counts counts{.write_failed = write_failed_.load(std::memory_order_relaxed)};
  for (const LineRing& ring : rings_) {
    counts.lines += ring.pushed();
    counts.no_room += ring.dropped();
  }
  return counts;
}

void AccessLog::Writer::run() noexcept {
  bool last = false;
  while (!last) {
    wait();
    last = stop_;
    const std::uint64_t round = asked_;
    reopen_if_asked();
    drain();
    warn_of_loss();
    round_is_over(round);
  }
}

void AccessLog::Writer::wait() noexcept {
  pollfd descriptor{.fd = event_.get(), .events = POLLIN, .revents = 0};
  const auto interval = std::chrono::ceil<std::chrono::milliseconds>(flush_interval_);
  ::poll(&descriptor, 1, static_cast<int>(interval.count()));
  std::uint64_t count = 0;
  if (::read(event_.get(), &count, sizeof count) < 0) count = 0;  // the interval has passed
  // Behind the reading, or the event of who asks in between would be lost with the flag set. Who
  // finds the flag set has written lines that this exchange makes visible.
  awake_.exchange(false);
}

void AccessLog::Writer::wake() noexcept {
  if (awake_.exchange(true)) return;
  const std::uint64_t one = 1;
  // It cannot fail but by being set already.
  if (::write(event_.get(), &one, sizeof one) < 0) return;
}

void AccessLog::Writer::drain() noexcept {
  for (LineRing& ring : rings_) {
    // What comes meanwhile is of the next round, or a busy worker would keep the others' lines out.
    for (std::size_t left = ring.size(); left > 0;) {
      const std::size_t size = ring.take(batch_);
      write({batch_.data(), size});
      left -= std::min(left, size);
    }
  }
}

void AccessLog::Writer::write(std::string_view lines) noexcept {
  const auto outcome = target_.write(lines);
  if (!outcome.error) return;
  last_error_ = outcome.error;
  write_failed_.fetch_add(static_cast<std::uint64_t>(std::ranges::count(outcome.rest, '\n')),
                          std::memory_order_relaxed);
}

void AccessLog::Writer::reopen_if_asked() noexcept {
  if (!reopen_.exchange(false)) return;
  if (const auto error = target_.reopen()) {
    log::error("the access log cannot be reopened; its lines go on to the file that was open",
               {{"target", target_.name()}, {"error", error.message()}});
  } else {
    log::info("the access log has been reopened", {{"target", target_.name()}});
  }
}

void AccessLog::Writer::warn_of_loss() noexcept {
  const Counts now = counts();
  const std::uint64_t lost = now.no_room + now.write_failed;
  const Instant time = async::monotonic_now();
  if (lost == told_ || (told_ != 0 && time - told_at_ < kBetweenWarnings && !stop_)) return;
  log::warn("lines of the access log are lost",
            {{"target", target_.name()},
             {"lines", lost - told_},
             {"ever_no_room", now.no_room},
             {"ever_write_failed", now.write_failed},
             {"error", last_error_ ? last_error_.message() : ""}});
  told_ = lost;
  told_at_ = time;
}

void AccessLog::Writer::round_is_over(std::uint64_t round) {
  const std::scoped_lock lock(mutex_);
  done_ = round;
  round_over_.notify_all();
}

AccessLog::AccessLog(const AccessLogSettings& settings, std::size_t workers)
    : format_(format_of(settings)) {
  if (const auto violations = settings.violations(); !violations.empty()) {
    throw Error(Condition::invalid_input,
                fmt::format("the access log: {}", fmt::join(violations, "; ")));
  }
  for (std::size_t index = 0; index < workers; ++index) {
    workers_.push_back(std::unique_ptr<Worker>(new Worker));
    workers_.back()->log_ = this;
    workers_.back()->index_ = index;
  }
  if (settings.target != "off") writer_ = std::make_unique<Writer>(settings, workers);
}

AccessLog::~AccessLog() = default;

void AccessLog::Worker::write(const ExchangeRecord& record) noexcept {
  if (log_->writer_ == nullptr) return;
  log_->writer_->push(index_, log_->format_.write(record, clock_, line_));
}

void AccessLog::reopen() noexcept {
  if (writer_) writer_->reopen();
}

bool AccessLog::flush(Duration patience) { return writer_ == nullptr || writer_->flush(patience); }

AccessLog::Counts AccessLog::counts() const noexcept {
  return writer_ ? writer_->counts() : Counts{};
}

}  // namespace sinew::proxy
