#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

// What the durable benchmarks measure with: wall time, processor time, quantiles, and what a sync
// costs the disk that they run on, which stands beside every durable figure.
namespace bench {

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  }

 private:
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

// Of the whole process, since its start.
inline double processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

inline double quantile(std::vector<double> values, double at) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(static_cast<double>(values.size() - 1) * at)];
}

// BENCH_FOLDER; it must lie on a real disk.
inline std::filesystem::path folder() {
  const char* named = std::getenv("BENCH_FOLDER");
  std::filesystem::path folder = named == nullptr ? "." : named;
  std::filesystem::create_directories(folder);
  return folder;
}

// The database and what SQLite keeps beside it.
inline void remove_database(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm"})
    std::filesystem::remove(path + suffix);
}

// One after the other, as a probe of the disk: what the sync of a small commit costs.
inline std::vector<double> sync_seconds(const std::filesystem::path& folder) {
  const std::string path = folder / "probe";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0644);
  const std::string page(3 * 4096, 'x');
  std::vector<double> seconds;
  for (int pass = 0; pass < 2; ++pass) {
    for (int i = 0; i < 200; ++i) {
      if (::pwrite(file, page.data(), page.size(), i * static_cast<off_t>(page.size())) < 0) break;
      const Stopwatch watch;
      if (::fdatasync(file) != 0) break;
      if (pass == 1) seconds.push_back(watch.seconds());  // the first pass allocates
    }
  }
  ::close(file);
  std::filesystem::remove(path);
  return seconds;
}

// Prints them as well; gives the p99 in seconds.
inline double print_sync(const std::filesystem::path& folder) {
  const std::vector<double> syncs = sync_seconds(folder);
  fmt::print("fdatasync of 12 KB here: p50 {:.0f} us, p99 {:.0f} us\n", quantile(syncs, 0.5) * 1e6,
             quantile(syncs, 0.99) * 1e6);
  return quantile(syncs, 0.99);
}

}  // namespace bench
