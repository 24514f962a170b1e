#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <variant>

// Structured log: one event is one line, a constant message and typed fields.
//
//   log::info("order placed", {{"order", to_string(id)}, {"lines", lines.size()}});
//   const auto log = log::root().with({{"context", "sales"}});
//   log.warn("relay is behind", {{"messages", waiting}});
namespace sinew::log {

enum class Level { debug, info, warn, error, off };

std::string_view to_string(Level level) noexcept;

inline constexpr std::size_t kMaxFields = 32;  // an event; further ones are left out
inline constexpr std::size_t kMaxValueBytes =
    2'048;  // a text, message included; then cut with "..."

// A name and a typed value. It refers to the texts it is made from: it lives no longer than the
// call it is passed to (Logger::with copies).
class Field {
 public:
  using Value = std::variant<std::string_view, bool, std::int64_t, std::uint64_t, double>;

  Field() = default;
  Field(std::string_view name, bool value) : name_(name), value_(value) {}
  template <std::signed_integral T>
  Field(std::string_view name, T value) : name_(name), value_(std::int64_t{value}) {}
  template <std::unsigned_integral T>
  Field(std::string_view name, T value) : name_(name), value_(std::uint64_t{value}) {}
  Field(std::string_view name, double value) : name_(name), value_(value) {}
  template <std::convertible_to<std::string_view> T>
  Field(std::string_view name, const T& value) : name_(name), value_(std::string_view(value)) {}

  std::string_view name() const noexcept { return name_; }
  const Value& value() const noexcept { return value_; }

 private:
  std::string_view name_;
  Value value_;
};

using Fields = std::initializer_list<Field>;

// What a sink gets. The views are good during the call only.
struct Event {
  Level level;
  std::string_view message;
  std::span<const Field> fields;  // bound ones first; names are unique
};

// Where lines go. A sink stamps the time itself: one in a simulation stamps virtual time.
// Called from any thread, must not throw and must not log.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void write(const Event& event) noexcept = 0;
  virtual void flush() noexcept {}
};

// A handle: cheap to copy, usable from any thread. All loggers derived from one share its sink and
// level. No member but `with` throws; a line that cannot be written is lost (and counted by the
// sink).
class Logger {
 public:
  explicit Logger(std::shared_ptr<Sink> sink, Level level = Level::info);

  // A logger that adds these fields to each event; a field of the same name given later replaces
  // one bound earlier.
  Logger with(Fields fields) const;

  bool enabled(Level level) const noexcept {
    return level >= core_->level.load(std::memory_order_relaxed);
  }
  void set_level(Level level) noexcept { core_->level.store(level, std::memory_order_relaxed); }
  Level level() const noexcept { return core_->level.load(std::memory_order_relaxed); }

  // Replaces the sink of this logger and of all that share it; returns the former one.
  std::shared_ptr<Sink> set_sink(std::shared_ptr<Sink> sink) noexcept;
  void flush() const noexcept;

  void write(Level level, std::string_view message, Fields fields = {}) const noexcept {
    if (enabled(level)) emit(level, message, fields);
  }
  void debug(std::string_view message, Fields fields = {}) const noexcept {
    write(Level::debug, message, fields);
  }
  void info(std::string_view message, Fields fields = {}) const noexcept {
    write(Level::info, message, fields);
  }
  void warn(std::string_view message, Fields fields = {}) const noexcept {
    write(Level::warn, message, fields);
  }
  void error(std::string_view message, Fields fields = {}) const noexcept {
    write(Level::error, message, fields);
  }

 private:
  struct Core {
    std::atomic<Level> level;
    std::mutex mutex;  // guards the pointer, not the writing
    std::shared_ptr<Sink> sink;
  };
  class Bound;

  std::shared_ptr<Sink> sink() const noexcept;
  void emit(Level level, std::string_view message, Fields fields) const noexcept;

  std::shared_ptr<Core> core_;
  std::shared_ptr<const Bound> bound_;
};

// The logger of the process: to standard error as text until a program sets another sink.
Logger& root() noexcept;

inline void debug(std::string_view message, Fields fields = {}) noexcept {
  root().debug(message, fields);
}
inline void info(std::string_view message, Fields fields = {}) noexcept {
  root().info(message, fields);
}
inline void warn(std::string_view message, Fields fields = {}) noexcept {
  root().warn(message, fields);
}
inline void error(std::string_view message, Fields fields = {}) noexcept {
  root().error(message, fields);
}

}  // namespace sinew::log
