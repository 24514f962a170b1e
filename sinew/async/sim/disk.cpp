#include "sinew/async/sim/disk.hpp"

#include <algorithm>
#include <utility>

#include "sinew/async/sim/world.hpp"

namespace sinew::async::sim {

DiskHandle::DiskHandle(Disk& disk, std::shared_ptr<FileImage> image, std::string path) noexcept
    : disk_(disk), process_(disk.process_), image_(std::move(image)), path_(std::move(path)) {}

bool DiskHandle::dead() const noexcept { return disk_.dead(process_); }

DiskFault DiskHandle::read(std::uint64_t offset, std::span<char> into, std::size_t& count) {
  count = 0;
  if (dead()) return DiskFault::io;
  if (disk_.maybe(disk_.options_.read_error, "disk.read_error")) return DiskFault::io;
  if (offset < size()) count = image_->content().copy(into.data(), into.size(), offset);
  return DiskFault::none;
}

DiskFault DiskHandle::write(std::uint64_t offset, std::string_view bytes) {
  if (dead()) return DiskFault::io;
  if (offset + bytes.size() > size() && !disk_.has_room(path_)) {
    return DiskFault::full;
  }
  if (disk_.maybe(disk_.options_.write_error, "disk.write_error")) return DiskFault::io;
  image_->write(offset, bytes);
  return disk_.operate() ? DiskFault::none : DiskFault::io;
}

DiskFault DiskHandle::truncate(std::uint64_t size) {
  if (dead()) return DiskFault::io;
  image_->truncate(size);
  return disk_.operate() ? DiskFault::none : DiskFault::io;
}

// The power may go before anything of it is on the disk.
DiskFault DiskHandle::sync() {
  if (dead() || !disk_.operate()) return DiskFault::io;
  if (!image_->clean() && disk_.maybe(disk_.options_.sync_error, "disk.sync_error")) {
    image_->fail_sync(disk_.world_.random());
    return DiskFault::io;
  }
  image_->sync();
  return DiskFault::none;
}

Disk::Disk(World& world, const DiskOptions& options) : world_(world), options_(options) {}

std::unique_ptr<DiskHandle> Disk::open(const std::string& path, bool create) {
  auto found = names_.find(path);
  if (found == names_.end()) {
    if (!create) return nullptr;
    auto image = std::make_shared<FileImage>();
    const std::uint64_t process = process_;
    change({std::string(folder_of(path)), path, image, {}});
    if (!operate() || dead(process)) return nullptr;
    found = names_.find(path);
  }
  return std::make_unique<DiskHandle>(*this, found->second, path);
}

std::optional<std::size_t> Disk::size(const std::string& path) const {
  const auto found = names_.find(path);
  if (found == names_.end()) return std::nullopt;
  return found->second->content().size();
}

std::vector<std::string> Disk::list(std::string_view folder) const {
  std::vector<std::string> paths;
  for (const auto& [path, image] : names_) {
    if (folder_of(path) == folder) paths.push_back(path);
  }
  return paths;
}

DiskFault Disk::remove(const std::string& path) {
  if (!names_.contains(path)) return DiskFault::not_found;
  change({std::string(folder_of(path)), path, nullptr, {}});
  return operate() ? DiskFault::none : DiskFault::io;
}

DiskFault Disk::rename(const std::string& from, const std::string& to) {
  const auto found = names_.find(from);
  if (found == names_.end()) return DiskFault::not_found;
  change({std::string(folder_of(to)), to, found->second, from});
  return operate() ? DiskFault::none : DiskFault::io;
}

DiskFault Disk::sync_folder(std::string_view folder) {
  if (!operate()) return DiskFault::io;
  std::erase_if(name_changes_, [&](const NameChange& change) {
    if (change.folder != folder) return false;
    apply(durable_names_, change);
    return true;
  });
  return DiskFault::none;
}

std::string_view Disk::folder_of(std::string_view path) noexcept {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

void Disk::end_process() noexcept {
  ++process_;
  operations_left_ = 0;
  for (const auto& [path, image] : names_)
    image->attached.reset();
}

void Disk::cut_power() {
  end_process();
  Random& random = world_.random();
  std::map<std::string, std::size_t, std::less<>> kept;  // by folder: changes that survive
  for (const NameChange& change : name_changes_)
    ++kept[change.folder];
  for (auto& [folder, count] : kept)
    count = random.below(count + 1);
  for (const NameChange& change : std::exchange(name_changes_, {})) {
    if (std::size_t& left = kept[change.folder]; left > 0) {
      --left;
      apply(durable_names_, change);
    }
  }
  names_ = durable_names_;
  for (const auto& [path, image] : names_)
    image->cut_power(random);
}

void Disk::cut_power_after(std::uint64_t count, std::function<void()> then) {
  operations_left_ = count;
  then_ = std::move(then);
}

bool Disk::operate() {
  ++operations_;
  if (operations_left_ == 0 || --operations_left_ > 0) return true;
  cut_power();
  if (const auto then = std::exchange(then_, nullptr)) then();
  return false;
}

bool Disk::maybe(double probability, const char* site) {
  return probability > 0 && world_.maybe(probability, site);
}

bool Disk::has_room(std::string_view path) {
  if (full_below_ && path.starts_with(*full_below_)) return false;
  return !maybe(options_.full, "disk.full");
}

void Disk::apply(Names& names, const NameChange& change) {
  if (!change.renamed_from.empty()) names.erase(change.renamed_from);
  if (change.image) {
    names[change.path] = change.image;
  } else {
    names.erase(change.path);
  }
}

void Disk::change(NameChange change) {
  apply(names_, change);
  name_changes_.push_back(std::move(change));
}

}  // namespace sinew::async::sim
