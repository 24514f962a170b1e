#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/base/log.hpp"

namespace sinew::log {

enum class Format {
  text,  // level=info message="order placed" order=42   (logfmt)
  json,  // {"level":"info","message":"order placed","order":42}
};

// One line without time and line end, at most kMaxLineBytes. Control characters are escaped, so an
// event never makes two lines; bytes that are not UTF-8 become U+FFFD. A field called `time`,
// `level` or `message` gets a trailing underscore.
std::string format(const Event& event, Format format);

inline constexpr std::size_t kMaxLineBytes = 16'384;  // fields that do not fit are left out

// Lines with UTC time in milliseconds. Writing errors lose lines; the next one that succeeds is
// preceded by `log lines lost`.
std::shared_ptr<Sink> stderr_sink(Format format);

struct FileLimits {
  std::size_t bytes = 64U << 20U;  // a file, then it is renamed to .1, .2, ...
  std::size_t files = 5;           // kept beside the current one
};

// Appends to `path`. Throws Error unavailable when it cannot be opened.
std::shared_ptr<Sink> file_sink(const std::filesystem::path& path, Format format,
                                FileLimits limits = {});

// Keeps the newest lines in memory, without time: for tests.
class CaptureSink final : public Sink {
 public:
  static constexpr std::size_t kMaxLines = 10'000;

  explicit CaptureSink(Format format = Format::text) : format_(format) {}
  void write(const Event& event) noexcept override;

  std::vector<std::string> lines() const;
  bool contains(std::string_view text) const;

 private:
  Format format_;
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

// Sends the events of log::root() to memory while it lives: for tests of code that logs there.
class Capture {
 public:
  explicit Capture(Level level = Level::debug);
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  std::vector<std::string> lines() const { return sink_->lines(); }
  bool contains(std::string_view text) const { return sink_->contains(text); }

 private:
  std::shared_ptr<CaptureSink> sink_ = std::make_shared<CaptureSink>();
  std::shared_ptr<Sink> former_;
  Level former_level_;
};

}  // namespace sinew::log
