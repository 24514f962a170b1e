#include "sinew/async/sim/file_image.hpp"

#include <algorithm>
#include <utility>

namespace sinew::async::sim {
namespace {

// A lost sector holds, now and then, neither the old nor the new content.
constexpr double garbled = 1.0 / 16;

std::string noise(std::size_t size, Random& random) {
  std::string bytes(size, '\0');
  for (char& byte : bytes)
    byte = static_cast<char>(random.below(256));
  return bytes;
}

void put(std::string& content, std::uint64_t offset, std::string_view bytes) {
  if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size());
  content.replace(offset, bytes.size(), bytes);
}

}  // namespace

void FileImage::apply(std::string& content, const Change& change) {
  if (change.truncation) {
    content.resize(change.offset);
  } else {
    put(content, change.offset, change.bytes);
  }
}

void FileImage::write(std::uint64_t offset, std::string_view bytes) {
  changes_.push_back({offset, std::string(bytes), false});
  apply(cached_, changes_.back());
}

void FileImage::truncate(std::uint64_t size) {
  changes_.push_back({size, {}, true});
  apply(cached_, changes_.back());
}

void FileImage::sync() {
  for (const Change& change : changes_)
    apply(durable_, change);
  changes_.clear();
}

void FileImage::fail_sync(Random& random) {
  for (const Change& change : std::exchange(changes_, {})) {
    if (random.chance(0.5)) apply(durable_, change);
  }
}

void FileImage::cut_power(Random& random) {
  const std::vector<Change> changes = std::exchange(changes_, {});
  switch (random.below(4)) {
    case 0: break;
    case 1:
      for (const Change& change : changes)
        apply(durable_, change);
      break;
    case 2: {
      const std::size_t kept = random.below(changes.size() + 1);
      for (std::size_t i = 0; i < kept; ++i)
        apply(durable_, changes[i]);
      if (kept == changes.size()) break;
      const Change& torn = changes[kept];
      if (!torn.truncation) {
        const std::string_view bytes = torn.bytes;
        put(durable_, torn.offset, bytes.substr(0, random.below(bytes.size() + 1)));
      }
      break;
    }
    default: {
      const double kept = static_cast<double>(random.below(100)) / 100;
      for (const Change& change : changes)
        keep_some_sectors(change, kept, random);
    }
  }
  cached_ = durable_;
}

void FileImage::keep_some_sectors(const Change& change, double kept, Random& random) {
  if (change.truncation) {
    if (random.chance(kept)) apply(durable_, change);
    return;
  }
  const std::string_view bytes = change.bytes;
  for (std::size_t begin = 0; begin < bytes.size();) {
    const std::uint64_t offset = change.offset + begin;
    const std::size_t size =
        std::min<std::size_t>(sector_bytes - offset % sector_bytes, bytes.size() - begin);
    if (random.chance(kept)) {
      put(durable_, offset, bytes.substr(begin, size));
    } else if (random.chance(garbled)) {
      put(durable_, offset, noise(size, random));
    }
    begin += size;
  }
}

}  // namespace sinew::async::sim
