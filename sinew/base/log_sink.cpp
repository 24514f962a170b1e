#include "sinew/base/log_sink.hpp"

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <utility>

#include "sinew/base/error.hpp"

namespace sinew::log {
namespace {

spdlog::level::level_enum to_spdlog(Level level) noexcept {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warn: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
    case Level::off: return spdlog::level::off;
  }
  return spdlog::level::info;
}

// spdlog keeps the time, the locking and the rotation; the rest of the line is ours.
class SpdlogSink final : public Sink {
 public:
  SpdlogSink(std::shared_ptr<spdlog::sinks::sink> sink, Format format)
      : sink_(std::move(sink)), format_(format) {
    const auto pattern = format == Format::json ? "{\"time\":\"%Y-%m-%dT%H:%M:%S.%eZ\",%v"
                                                : "time=%Y-%m-%dT%H:%M:%S.%eZ %v";
    sink_->set_formatter(
        std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
  }

  void write(const Event& event) noexcept override {
    const auto lost = lost_.exchange(0, std::memory_order_relaxed);
    const Field count("lines", lost);
    const bool told = lost == 0 || put({Level::error, "log lines lost", {&count, 1}});
    const bool written = told && put(event);
    if (written && event.level >= Level::warn) flush();
    const auto missing = (told ? 0 : lost) + (written ? 0U : 1U);
    if (missing != 0) lost_.fetch_add(missing, std::memory_order_relaxed);
  }

  void flush() noexcept override {
    try {
      sink_->flush();
    } catch (const std::exception&) {
      lost_.fetch_add(1, std::memory_order_relaxed);
    }
  }

 private:
  bool put(const Event& event) noexcept {
    try {
      const auto line = format(event, format_);
      const auto payload = std::string_view(line).substr(format_ == Format::json ? 1 : 0);
      sink_->log(spdlog::details::log_msg(spdlog::string_view_t(), to_spdlog(event.level),
                                          spdlog::string_view_t(payload.data(), payload.size())));
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }

  std::shared_ptr<spdlog::sinks::sink> sink_;
  Format format_;
  std::atomic<std::uint64_t> lost_ = 0;
};

}  // namespace

std::shared_ptr<Sink> stderr_sink(Format format) {
  return std::make_shared<SpdlogSink>(std::make_shared<spdlog::sinks::stderr_sink_mt>(), format);
}

std::shared_ptr<Sink> file_sink(const std::filesystem::path& path, Format format,
                                FileLimits limits) {
  try {
    return std::make_shared<SpdlogSink>(std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
                                            path.string(), limits.bytes, limits.files),
                                        format);
  } catch (const spdlog::spdlog_ex& error) {
    throw Error(Condition::unavailable,
                fmt::format("cannot open the log file {}: {}; check that its folder exists and can "
                            "be written",
                            path.string(), error.what()));
  }
}

void CaptureSink::write(const Event& event) noexcept {
  try {
    auto line = format(event, format_);
    const std::lock_guard lock(mutex_);
    if (lines_.size() == kMaxLines) lines_.erase(lines_.begin());
    lines_.push_back(std::move(line));
  } catch (const std::exception&) {
    // Out of memory in a test: the line is missing and the test says so.
  }
}

std::vector<std::string> CaptureSink::lines() const {
  const std::lock_guard lock(mutex_);
  return lines_;
}

bool CaptureSink::contains(std::string_view text) const {
  return std::ranges::any_of(
      lines(), [&](const std::string& line) { return line.find(text) != std::string::npos; });
}

Capture::Capture(Level level) : former_(root().set_sink(sink_)), former_level_(root().level()) {
  root().set_level(level);
}

Capture::~Capture() {
  root().set_level(former_level_);
  root().set_sink(std::move(former_));
}

}  // namespace sinew::log
