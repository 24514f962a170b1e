#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sinew/async/sim/file_image.hpp"

namespace sinew::async::sim {

class Disk;
class World;

// Probabilities for each operation, asked of the world's fault sites (disk.full and so on).
struct DiskOptions {
  double full = 0;         // of a write that makes the file longer
  double read_error = 0;   // the medium does not give the sectors, this time
  double write_error = 0;  // nothing of the write happened
  double sync_error = 0;   // see FileImage::fail_sync
};

enum class DiskFault : std::uint8_t { none, not_found, full, io };

// A file that a process has open. Once the process is gone every call answers `io`.
class DiskHandle {
 public:
  DiskHandle(Disk& disk, std::shared_ptr<FileImage> image, std::string path) noexcept;

  const std::string& path() const noexcept { return path_; }
  const std::shared_ptr<FileImage>& image() const noexcept { return image_; }
  std::size_t size() const noexcept { return image_->content().size(); }

  // `count` is how much there was, from `offset` on.
  DiskFault read(std::uint64_t offset, std::span<char> into, std::size_t& count);
  DiskFault write(std::uint64_t offset, std::string_view bytes);
  DiskFault truncate(std::uint64_t size);
  DiskFault sync();

 private:
  bool dead() const noexcept;

  Disk& disk_;
  std::uint64_t process_;
  std::shared_ptr<FileImage> image_;
  std::string path_;
};

// The disk of a simulated machine: files by path, and what of them survives a power cut: content
// that was synced, and names (creations, renames, deletions) whose folder was. Of the rest a drawn
// part survives: any sectors of the content, and of each folder's changes the first ones, as a
// journalling file system leaves them. Folders need not be made.
//
// One process has it at a time, on the world's thread.
class Disk {
 public:
  explicit Disk(World& world, const DiskOptions& options = {});
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  // Null when there is no such file and none is to be made, or when the process is gone.
  std::unique_ptr<DiskHandle> open(const std::string& path, bool create);
  bool exists(const std::string& path) const { return names_.contains(path); }
  std::optional<std::size_t> size(const std::string& path) const;
  // The paths of the files in a folder itself, in order.
  std::vector<std::string> list(std::string_view folder) const;
  DiskFault remove(const std::string& path);
  DiskFault rename(const std::string& from, const std::string& to);
  DiskFault sync_folder(std::string_view folder);
  static std::string_view folder_of(std::string_view path) noexcept;

  // From now on no file whose path begins so grows; until make_room().
  void fill(std::string below = "") { full_below_ = std::move(below); }
  void make_room() noexcept { full_below_.reset(); }

  // The process ends, the machine goes on: open files, their locks and memory are gone, and what
  // was written is there. What the process still does has no effect.
  void end_process() noexcept;
  // The machine ends: as above, and what was not synced is lost, kept, or kept in part.
  void cut_power();
  // Cuts the power during the operation (write, truncation, sync, change of names) that is the
  // `count`-th from here, count >= 1, and tells it, inside that operation.
  void cut_power_after(std::uint64_t count, std::function<void()> then);
  void forget_cut() noexcept { operations_left_ = 0; }
  // Operations so far.
  std::uint64_t operations() const noexcept { return operations_; }

 private:
  friend class DiskHandle;
  using Image = std::shared_ptr<FileImage>;
  using Names = std::map<std::string, Image, std::less<>>;
  struct NameChange {
    std::string folder;
    std::string path;
    Image image;               // null: removed
    std::string renamed_from;  // disappears at the same moment
  };

  bool dead(std::uint64_t process) const noexcept { return process != process_; }
  // False when the power went.
  bool operate();
  bool maybe(double probability, const char* site);
  bool has_room(std::string_view path);
  static void apply(Names& names, const NameChange& change);
  void change(NameChange change);

  World& world_;
  DiskOptions options_;
  Names names_;
  Names durable_names_;
  std::vector<NameChange> name_changes_;
  std::optional<std::string> full_below_;
  std::uint64_t process_ = 1;
  std::uint64_t operations_ = 0;
  std::uint64_t operations_left_ = 0;  // until the power goes; 0: it does not
  std::function<void()> then_;
};

}  // namespace sinew::async::sim
