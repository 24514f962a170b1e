#include <fmt/format.h>

#include <utility>

#include "adapters/sqlite/sim/vfs.hpp"
#include "sinew/base/error.hpp"

namespace sinew::sqlite::sim {
namespace {

using async::sim::Disk;
using async::sim::DiskFault;
using async::sim::DiskHandle;

void check(DiskFault fault, const std::string& path) {
  switch (fault) {
    case DiskFault::none: return;
    case DiskFault::not_found: throw Error(Condition::not_found, path + ": no such file");
    case DiskFault::full: throw Error(Condition::exhausted, path + ": the disk is full");
    case DiskFault::io: throw Error(Condition::unavailable, path + ": the disk failed");
  }
}

class Held final : public FileLock {
 public:
  Held(std::unique_ptr<DiskHandle> file, std::shared_ptr<int> token, bool left_behind)
      : file_(std::move(file)), token_(std::move(token)), left_behind_(left_behind) {}

  bool left_behind() const noexcept override { return left_behind_; }
  void finish() noexcept override { file_->truncate(0); }

 private:
  std::unique_ptr<DiskHandle> file_;
  std::shared_ptr<int> token_;  // attached to the lock file while it lives
  bool left_behind_;
};

class SimulatedFiles final : public Files {
 public:
  explicit SimulatedFiles(Disk& disk) : disk_(disk) {}

  std::unique_ptr<FileLock> lock(const std::string& path) override {
    auto file = open(path, true);
    if (!file->image()->attached.expired()) {
      throw Error(Condition::conflict, "this process has the database open: it holds " + path);
    }
    auto token = std::make_shared<int>();
    file->image()->attached = token;
    const bool left_behind = file->size() > 0;
    check(file->write(0, "held"), path);
    return std::make_unique<Held>(std::move(file), std::move(token), left_behind);
  }

  std::optional<std::uint64_t> size(const std::string& path) override { return disk_.size(path); }

  std::string head(const std::string& path, std::size_t bytes) override {
    return read(*open(path, false), bytes);
  }

  void copy_durably(const std::string& from, const std::string& to) override {
    const auto source = open(from, false);
    const auto target = open(to, true);
    const std::string content = read(*source, source->size());
    check(target->truncate(0), to);
    check(target->write(0, content), to);
    check(target->sync(), to);
  }

  void rename_durably(const std::string& from, const std::string& to) override {
    check(disk_.rename(from, to), from);
    check(disk_.sync_folder(Disk::folder_of(to)), to);
  }

 private:
  std::unique_ptr<DiskHandle> open(const std::string& path, bool create) {
    auto file = disk_.open(path, create);
    if (!file) check(create ? DiskFault::io : DiskFault::not_found, path);
    return file;
  }
  static std::string read(DiskHandle& file, std::size_t bytes) {
    std::string content(bytes, '\0');
    std::size_t count = 0;
    check(file.read(0, content, count), file.path());
    content.resize(count);
    return content;
  }

  Disk& disk_;
};

}  // namespace

std::shared_ptr<Files> files_on(Disk& disk) { return std::make_shared<SimulatedFiles>(disk); }

}  // namespace sinew::sqlite::sim
