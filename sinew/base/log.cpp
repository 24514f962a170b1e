#include "sinew/base/log.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <utility>
#include <vector>

#include "sinew/base/log_sink.hpp"

namespace sinew::log {

std::string_view to_string(Level level) noexcept {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warn: return "warn";
    case Level::error: return "error";
    case Level::off: return "off";
  }
  return "unknown";
}

// The fields of a derived logger, with their texts.
class Logger::Bound {
 public:
  void set(const Field& field) {
    Field owned = own(field);
    const auto same = [&](const Field& other) { return other.name() == field.name(); };
    if (const auto it = std::ranges::find_if(fields_, same); it != fields_.end()) {
      *it = owned;
    } else if (fields_.size() < kMaxFields) {
      fields_.push_back(owned);
    }
  }
  const std::vector<Field>& fields() const noexcept { return fields_; }

 private:
  Field own(const Field& field) {
    const std::string_view name = texts_.emplace_back(field.name());
    return std::visit(
        [&]<class T>(const T& value) {
          if constexpr (std::same_as<T, std::string_view>) {
            return Field(name, texts_.emplace_back(value));
          } else {
            return Field(name, value);
          }
        },
        field.value());
  }

  std::deque<std::string> texts_;  // a deque: its elements stay where they are
  std::vector<Field> fields_;
};

Logger::Logger(std::shared_ptr<Sink> sink, Level level)
    : core_(std::make_shared<Core>(level)), bound_(std::make_shared<const Bound>()) {
  core_->sink = std::move(sink);
}

Logger Logger::with(Fields fields) const {
  auto bound = std::make_shared<Bound>();
  for (const auto& field : bound_->fields())
    bound->set(field);
  for (const auto& field : fields)
    bound->set(field);
  Logger child = *this;
  child.bound_ = std::move(bound);
  return child;
}

std::shared_ptr<Sink> Logger::set_sink(std::shared_ptr<Sink> sink) noexcept {
  const std::lock_guard lock(core_->mutex);
  return std::exchange(core_->sink, std::move(sink));
}

std::shared_ptr<Sink> Logger::sink() const noexcept {
  const std::lock_guard lock(core_->mutex);
  return core_->sink;
}

void Logger::flush() const noexcept {
  if (const auto current = sink()) current->flush();
}

void Logger::emit(Level level, std::string_view message, Fields fields) const noexcept {
  const auto current = sink();
  if (!current) return;
  std::array<Field, kMaxFields> all;
  std::size_t count = 0;
  const auto replaced = [&](const Field& bound) {
    return std::ranges::any_of(fields, [&](const Field& f) { return f.name() == bound.name(); });
  };
  for (const auto& field : bound_->fields()) {
    if (!replaced(field) && count < all.size()) all[count++] = field;
  }
  for (const auto& field : fields) {
    if (count < all.size()) all[count++] = field;
  }
  current->write({level, message, {all.data(), count}});
}

Logger& root() noexcept {
  // Never destroyed: threads and destructors of statics may log until the very end.
  static auto& logger = *new Logger(stderr_sink(Format::text));
  return logger;
}

}  // namespace sinew::log
