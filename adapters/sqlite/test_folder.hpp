#pragma once

#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sinew::sqlite {

// For tests: a folder of its own, deleted in the end, with a database's files in it.
class TestFolder {
 public:
  TestFolder() {
    // In memory where that is possible: what a crash leaves is tested elsewhere.
    const std::filesystem::path memory = "/dev/shm";
    const auto parent = exists(memory) ? memory : std::filesystem::temp_directory_path();
    std::string name = (parent / "sinew-sqlite-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
    path_ = name;
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  ~TestFolder() { std::filesystem::remove_all(path_); }

  std::string database() const { return (path_ / "context.db").string(); }
  std::string wal() const { return database() + "-wal"; }
  std::string file(std::string_view name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline void write_file(const std::string& path, std::string_view content) {
  std::ofstream(path, std::ios::binary)
      .write(content.data(), static_cast<std::streamsize>(content.size()));
}

// A connection of somebody else's: another program at the same file.
class Stranger {
 public:
  explicit Stranger(const std::string& path) {
    sqlite3_open(path.c_str(), &database_);
    sqlite3_db_config(database_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;
  ~Stranger() { sqlite3_close(database_); }

  void run(const char* sql) {
    char* message = nullptr;
    if (sqlite3_exec(database_, sql, nullptr, nullptr, &message) == SQLITE_OK) return;
    const std::string text = message == nullptr ? "" : message;
    sqlite3_free(message);
    throw std::runtime_error(text);
  }

 private:
  sqlite3* database_ = nullptr;
};

}  // namespace sinew::sqlite
