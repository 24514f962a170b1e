#include "adapters/sqlite/files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/sqlite/test_folder.hpp"
#include "sinew/base/error.hpp"

namespace sinew::sqlite {
namespace {

using testing::HasSubstr;

TEST(SqliteFiles, LockIsHeldUntilItsObjectEnds) {
  const TestFolder folder;
  const auto files = Files::system();
  auto lock = files->lock(folder.file("lock"));

  EXPECT_THROW(files->lock(folder.file("lock")), Error);
  lock.reset();

  EXPECT_NO_THROW(files->lock(folder.file("lock")));
}

TEST(SqliteFiles, CopyReplacesAndRenameMoves) {
  const TestFolder folder;
  const auto files = Files::system();
  const std::string content(3'000'000, 'x');
  write_file(folder.file("a"), content);
  write_file(folder.file("b"), "old");

  files->copy_durably(folder.file("a"), folder.file("b"));
  files->rename_durably(folder.file("b"), folder.file("c"));

  EXPECT_EQ(files->head(folder.file("c"), content.size() + 1), content);
  EXPECT_EQ(files->head(folder.file("c"), 3), "xxx");
  EXPECT_EQ(files->size(folder.file("c")), content.size());
  EXPECT_EQ(files->size(folder.file("b")), std::nullopt);
}

// The kernel's own folders refuse root as well.
TEST(SqliteFiles, NamesPathAndReason) {
  const auto files = Files::system();
  const struct {
    const char* path;
    Condition condition;
  } cases[] = {{"/sys/kernel/sinew.lock", Condition::unauthorized},
               {"/nonexistent/sinew.lock", Condition::not_found},
               {"/etc/hostname/sinew.lock", Condition::not_found}};
  for (const auto& [path, condition] : cases) {
    try {
      files->lock(path);
      ADD_FAILURE() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.condition(), condition) << error.detail();
      EXPECT_THAT(error.detail(), HasSubstr(path));
    }
  }
}

}  // namespace
}  // namespace sinew::sqlite
