#include "sinew/async/file_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>

#include "sinew/async/reactor.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/async/sim/node.hpp"
#include "sinew/async/sim/world.hpp"
#include "sinew/async/test_runtime.hpp"
#include "sinew/base/error.hpp"
#include "sinew/sim/temporary_folder.hpp"

namespace sinew::async {
namespace {

using namespace std::chrono_literals;
using std::filesystem::path;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

void write(const path& file, const std::string& text) { std::ofstream(file) << text; }

// Events are there as soon as a file was touched; time passes only as it is told to.
class FileWatchTest : public testing::Test {
 protected:
  path file(const char* name) const { return folder.file(name); }
  void watch(const std::vector<path>& files, FileWatchSettings settings = {.look_every = 1h}) {
    watcher.emplace(runtime, files, settings);
    scope.spawn(collect());
    runtime.settle();
  }
  Task<void> collect() {
    while (true)
      told.push_back(co_await watcher->next());
  }

  sinew::sim::TemporaryFolder folder;
  TestRuntime runtime;
  std::optional<FileWatch> watcher;
  Scope scope{runtime};
  std::vector<std::vector<path>> told;
};

TEST_F(FileWatchTest, TellsOfAFileThatIsWrittenOnceItRests) {
  write(file("a"), "1");
  watch({file("a")});

  write(file("a"), "22");
  runtime.advance(150ms);
  write(file("a"), "333");
  runtime.advance(199ms);
  EXPECT_THAT(told, IsEmpty());
  runtime.advance(1ms);

  EXPECT_THAT(told, ElementsAre(ElementsAre(file("a"))));
  runtime.advance(10min);
  EXPECT_THAT(told, SizeIs(1));
}

TEST_F(FileWatchTest, DoesNotWaitForRestForEver) {
  write(file("a"), "1");
  watch({file("a")});

  for (int i = 0; i < 30; ++i) {
    write(file("a"), std::string(static_cast<std::size_t>(i + 2), 'x'));
    runtime.advance(100ms);
  }

  EXPECT_THAT(told, SizeIs(1));
  runtime.advance(1s);
  EXPECT_THAT(told, SizeIs(2));
}

TEST_F(FileWatchTest, TellsOfWhatIsRenamedOverRemovedAndMade) {
  write(file("a"), "1");
  write(file("b"), "1");
  watch({file("a"), file("b"), file("c")});

  write(file("a.new"), "1");
  std::filesystem::rename(file("a.new"), file("a"));
  std::filesystem::remove(file("b"));
  write(file("c"), "1");
  runtime.advance(1s);

  EXPECT_THAT(told, ElementsAre(ElementsAre(file("a"), file("b"), file("c"))));
}

TEST_F(FileWatchTest, TellsWhenOthersMayReadIt) {
  write(file("key"), "1");
  watch({file("key")});

  std::filesystem::permissions(file("key"), std::filesystem::perms::owner_read);
  runtime.advance(1s);

  EXPECT_THAT(told, SizeIs(1));
}

TEST_F(FileWatchTest, OtherFilesOfTheFolderDoNotMatter) {
  write(file("a"), "1");
  watch({file("a")});

  for (int i = 0; i < 10; ++i) {
    write(file("log"), std::to_string(i));
    runtime.advance(50ms);
  }
  write(file("a"), "22");
  runtime.advance(200ms);  // the log was no reason to wait longer

  EXPECT_THAT(told, ElementsAre(ElementsAre(file("a"))));
}

// config -> ..data/config, ..data -> ..version_1: Kubernetes makes the next version beside it and
// renames one link.
TEST_F(FileWatchTest, TellsWhenAConfigMapIsSwapped) {
  for (const char* version : {"..version_1", "..version_2", "..version_3"}) {
    std::filesystem::create_directory(file(version));
    write(file(version) / "config", version);
  }
  std::filesystem::create_symlink("..version_1", file("..data"));
  std::filesystem::create_symlink("..data/config", file("config"));
  watch({file("config")});

  for (const char* version : {"..version_2", "..version_3"}) {
    std::filesystem::create_symlink(version, file("..data_tmp"));
    std::filesystem::rename(file("..data_tmp"), file("..data"));
    runtime.advance(1s);
  }
  std::filesystem::remove_all(file("..version_1"));
  runtime.advance(1s);

  EXPECT_THAT(told, ElementsAre(ElementsAre(file("config")), ElementsAre(file("config"))));
  write(file("..version_3") / "config", "written in place");
  runtime.advance(1s);
  EXPECT_THAT(told, SizeIs(3));
}

// live/cert.pem -> ../archive/cert1.pem.
TEST_F(FileWatchTest, TellsWhenCertbotRenews) {
  std::filesystem::create_directory(file("live"));
  std::filesystem::create_directory(file("archive"));
  write(file("archive") / "cert1.pem", "1");
  const path certificate = file("live") / "cert.pem";
  std::filesystem::create_symlink("../archive/cert1.pem", certificate);
  watch({certificate});

  write(file("archive") / "cert2.pem", "2");
  std::filesystem::remove(certificate);
  std::filesystem::create_symlink("../archive/cert2.pem", certificate);
  runtime.advance(1s);

  EXPECT_THAT(told, ElementsAre(ElementsAre(certificate)));
}

TEST_F(FileWatchTest, AFolderMayComeLater) {
  const path late = file("one") / "two" / "file";
  watch({late});

  std::filesystem::create_directories(late.parent_path());
  runtime.advance(1s);
  EXPECT_THAT(told, IsEmpty());
  write(late, "1");
  runtime.advance(1s);

  EXPECT_THAT(told, ElementsAre(ElementsAre(late)));
}

TEST_F(FileWatchTest, AFolderMayBeReplaced) {
  const path inside = file("folder") / "file";
  std::filesystem::create_directory(file("folder"));
  std::filesystem::create_directory(file("next"));
  write(inside, "1");
  write(file("next") / "file", "2");
  watch({inside});

  std::filesystem::rename(file("folder"), file("before"));
  std::filesystem::rename(file("next"), file("folder"));
  runtime.advance(1s);
  EXPECT_THAT(told, ElementsAre(ElementsAre(inside)));

  write(inside, "333");
  runtime.advance(1s);
  EXPECT_THAT(told, SizeIs(2));
}

TEST_F(FileWatchTest, LinksInACircleLeadNowhere) {
  std::filesystem::create_symlink("b", file("a"));
  std::filesystem::create_symlink("a", file("b"));
  watch({file("a")});

  std::filesystem::remove(file("b"));
  write(file("b"), "1");
  runtime.advance(1s);

  EXPECT_THAT(told, ElementsAre(ElementsAre(file("a"))));
}

TEST_F(FileWatchTest, OtherFilesCanBeWatchedInstead) {
  write(file("a"), "1");
  write(file("b"), "1");
  watch({file("a")});

  watcher->watch({file("b")});
  write(file("a"), "22");
  runtime.advance(1s);
  EXPECT_THAT(told, IsEmpty());
  write(file("b"), "22");
  runtime.advance(1s);

  EXPECT_THAT(told, ElementsAre(ElementsAre(file("b"))));
}

TEST_F(FileWatchTest, WhatHappensWhileNobodyWaitsIsToldLater) {
  write(file("a"), "1");
  FileWatch files(runtime, {file("a")});

  write(file("a"), "22");

  EXPECT_THAT(runtime.run(files.next()), ElementsAre(file("a")));
  EXPECT_THROW(runtime.run(with_deadline(runtime.now() + 1h, files.next())), Error);
}

// A simulated runtime has no descriptors: neither has a file system that tells nothing.
TEST_F(FileWatchTest, WithoutEventsItLooksByItself) {
  sinew::sim::TemporaryFolder other;
  const path plain = other.file("a");
  write(plain, "1");
  async::sim::World world(1);
  async::sim::Node& node = world.add_node("process");
  FileWatch files(node, {plain}, {.look_every = 30s});
  const Instant before = world.now();
  Scope writing(node);
  const auto write_later = [&]() -> Task<> {
    co_await sleep_for(1s);
    write(plain, "22");
  };
  writing.spawn(write_later());

  EXPECT_THAT(node.run(files.next()), ElementsAre(plain));
  EXPECT_GE(world.now() - before, 30s);
  EXPECT_LE(world.now() - before, 31s);
}

TEST(FileWatch, WorksOnARealRuntime) {
  const sinew::sim::TemporaryFolder folder;
  const path config = folder.file("config");
  write(config, "1");
  OffloadPools pools;
  Reactor reactor(pools);
  FileWatch files(reactor, {config}, {.settle = 5ms, .look_every = 1h});
  const auto body = [&]() -> Task<> {
    Scope scope(co_await this_context());
    std::vector<path> told;
    const auto wait = [&]() -> Task<> { told = co_await files.next(); };
    scope.spawn(wait());
    co_await yield();
    write(config, "22");
    co_await scope.join();
    EXPECT_THAT(told, ElementsAre(config));
  };

  reactor.run(with_deadline(reactor.now() + 30s, body()));
}

}  // namespace
}  // namespace sinew::async
