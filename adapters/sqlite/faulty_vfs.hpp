#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace sinew::sqlite {

// For tests: SQLite's own VFS with a say in each operation on the database and its log.
class FaultyVfs {
 public:
  enum class Operation : std::uint8_t { read, write, truncate, sync };
  struct Call {
    Operation operation;
    std::string_view path;
    std::int64_t offset = 0;  // of reads and writes
    bool log() const { return path.ends_with("-wal"); }
  };
  // Answers an SQLite result code in place of the operation; 0 lets it happen.
  using Judge = std::function<int(const Call&)>;

  // Registers itself under `name` until destroyed.
  explicit FaultyVfs(std::string name);
  FaultyVfs(const FaultyVfs&) = delete;
  FaultyVfs& operator=(const FaultyVfs&) = delete;
  ~FaultyVfs();

  const std::string& name() const noexcept;
  void judge(Judge judge);
  // Answers `code` for the next `times` calls of that kind, on the log or on the database.
  void fail(Operation operation, bool log, int code, int times = 1);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sinew::sqlite
