#include "sinew/exchange/drop_folder.hpp"

#include <fmt/format.h>

#include <fstream>
#include <optional>
#include <sstream>
#include <utility>

#include "sinew/base/crash_point.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/hash.hpp"
#include "sinew/base/id.hpp"
#include "sinew/store/inbox.hpp"

namespace sinew::exchange {
namespace {

// The namespace of the marks of files; drawn once, never changed.
Uuid file_namespace() { return Uuid::parse("7d0f3a52-5a6e-4c1b-9a57-0d5f0e7c3b11"); }

std::string read_file(const std::filesystem::path& path) {
  if (std::filesystem::file_size(path) > DropFolder::max_file_bytes) {
    throw Error(Condition::invalid_input, "the file is larger than 64 MiB; split it");
  }
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  if (!file) {
    throw Error(Condition::unavailable, fmt::format("{} cannot be read", path.string()));
  }
  return std::move(content).str();
}

// A file that is wrong; anything else may pass.
bool is_refusal(Condition condition) {
  return condition == Condition::invalid_input || condition == Condition::corrupt ||
         condition == Condition::unsupported;
}

}  // namespace

class DropFolder::File final : public DroppedFile {
 public:
  File(DropFolder& folder, std::string name, std::string content)
      : folder_(folder), name_(std::move(name)), content_(std::move(content)) {}

  const std::string& name() const noexcept override { return name_; }
  const std::string& content() const noexcept override { return content_; }

 private:
  Task<bool> commit_function(std::function<Task<void>(store::Transaction&)> body) override {
    const Uuid mark = derive_uuid(file_namespace(), sha256_hex(content_));
    co_return co_await folder_.database_.transaction([&](store::Transaction& tx) -> Task<bool> {
      if (!co_await store::Inbox::mark(tx, folder_.consumer_, name_, mark)) co_return false;
      co_await body(tx);
      co_return true;
    });
  }

  DropFolder& folder_;
  std::string name_;
  std::string content_;
};

DropFolder::DropFolder(store::Database& database, std::string consumer,
                       std::filesystem::path folder, Handler handler)
    : database_(database),
      consumer_(std::move(consumer)),
      folder_(std::move(folder)),
      handler_(std::move(handler)),
      log_(log::root().with({{"drop", folder_.string()}})) {
  std::error_code error;
  std::filesystem::create_directories(folder_ / "done", error);
  if (!error) std::filesystem::create_directories(folder_ / "refused", error);
  if (error) {
    throw Error(Condition::unauthorized, fmt::format("the drop folder {} cannot be made: {}",
                                                     folder_.string(), error.message()));
  }
}

Task<void> DropFolder::run() {
  for (;;) {
    co_await look();
    co_await async::sleep_for(look_every);
  }
}

Task<void> DropFolder::look() {
  const std::set<std::filesystem::path> files = list();
  std::erase_if(failures_, [&](const auto& item) {
    return item.first != folder_ && !files.contains(item.first);
  });
  status_.waiting = files.size();
  for (const auto& path : files) {
    co_await take(path);
    --status_.waiting;
  }
}

std::set<std::filesystem::path> DropFolder::list() {
  std::set<std::filesystem::path> files;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder_, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code vanished;
    if (entry->path().extension() == ".csv" && entry->is_regular_file(vanished)) {
      files.insert(entry->path());
    }
  }
  note(folder_, error ? error.message() : "");
  return files;
}

Task<void> DropFolder::take(std::filesystem::path path) {
  std::string failure;
  try {
    co_await take_or_refuse(path);
  } catch (const Error& error) {
    if (error.condition() == Condition::cancelled) throw;
    failure = error.detail();
  } catch (const std::exception& error) {
    failure = error.what();
  }
  note(path, failure);
}

// Throws what is to be tried again.
Task<void> DropFolder::take_or_refuse(std::filesystem::path path) {
  std::optional<std::string> refusal;
  try {
    File file(*this, path.filename().string(), read_file(path));
    co_await handler_(file);
  } catch (const Error& error) {
    if (!is_refusal(error.condition())) throw;
    refusal = error.detail();
  }
  if (refusal) {
    refuse(path, *refusal);
    ++status_.refused;
  } else {
    move_away(path, "done");
    ++status_.taken;
  }
}

// Every look finds a lasting failure again; the log has it once.
void DropFolder::note(const std::filesystem::path& path, const std::string& failure) {
  if (failure.empty()) {
    failures_.erase(path);
  } else if (std::string& known = failures_[path]; known != failure) {
    known = failure;
    log_.warn("a drop is tried again", {{"path", path.string()}, {"error", failure}});
  }
  status_.last_error = failures_.empty() ? "" : failures_.begin()->second;
}

void DropFolder::move_away(const std::filesystem::path& path, const char* folder) {
  SINEW_CRASH_POINT("drop.before_rename");
  std::filesystem::rename(path, folder_ / folder / path.filename());
  SINEW_CRASH_POINT("drop.after_rename");
}

void DropFolder::refuse(const std::filesystem::path& path, const std::string& reason) {
  const auto explanation = folder_ / "refused" / (path.filename().string() + ".reason");
  std::ofstream stream(explanation);
  stream << reason << '\n';
  stream.close();
  if (!stream) {
    throw Error(Condition::unavailable, fmt::format("{} cannot be written", explanation.string()));
  }
  move_away(path, "refused");
  log_.warn("a dropped file is refused", {{"file", path.string()}, {"reason", reason}});
}

}  // namespace sinew::exchange
