#include "sinew/proxy/observe/access_log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "sinew/async/descriptor.hpp"
#include "sinew/base/log_sink.hpp"
#include "sinew/proxy/observe/test_exchange.hpp"
#include "tests/support/error_of.hpp"

namespace sinew::proxy {
namespace {

using namespace std::chrono_literals;
using tests::error_of;

constexpr Duration kPatience = 20s;

// A folder of the test's own.
class AccessLogTest : public testing::Test {
 protected:
  AccessLogTest() { std::filesystem::create_directories(folder_); }
  ~AccessLogTest() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ / name; }

  static std::string content(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  // Of the lines of the exchange with this status.
  static AccessLogSettings settings(const std::string& target) {
    return {.target = target, .format = "$status $path"};
  }

  void write(AccessLog& log, int status, std::size_t worker = 0) {
    exchange_.record.status = status;
    log.worker(worker).write(exchange_.record);
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("sinew-access-log-" + std::to_string(::getpid()));
  test::Exchange exchange_;
};

TEST_F(AccessLogTest, LinesAreWrittenWithinTheIntervalByThemselves) {
  const auto pipe = path("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const async::Descriptor reader(::open(pipe.c_str(), O_RDONLY | O_NONBLOCK));
  auto often = settings(pipe);
  often.flush_interval = 10ms;
  AccessLog log(often, 1);

  write(log, 200);

  pollfd line{.fd = reader.get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&line, 1, 20'000), 1);
  std::array<char, 64> some;
  const ssize_t size = ::read(reader.get(), some.data(), some.size());
  EXPECT_EQ(std::string_view(some.data(), static_cast<std::size_t>(size)), "200 /shop/items\n");
}

TEST_F(AccessLogTest, TheLastLinesAreInTheFileWhenTheLogEnds) {
  const auto file = path("access.log");
  {
    AccessLog log(settings(file), 2);
    write(log, 200, 0);
    write(log, 201, 0);
    write(log, 404, 1);
  }

  EXPECT_EQ(content(file), "200 /shop/items\n201 /shop/items\n404 /shop/items\n");
}

TEST_F(AccessLogTest, ItGoesOnBehindWhatIsInTheFile) {
  const auto file = path("access.log");
  std::ofstream(file) << "before\n";
  {
    write(*std::make_unique<AccessLog>(settings(file), 1), 200);
  }

  EXPECT_EQ(content(file), "before\n200 /shop/items\n");
}

TEST_F(AccessLogTest, ARotatedFileIsOpenedAnewAndNoLineIsLost) {
  const auto file = path("access.log");
  AccessLog log(settings(file), 1);
  write(log, 200);
  ASSERT_TRUE(log.flush(kPatience));

  std::filesystem::rename(file, file + ".1");
  write(log, 201);
  ASSERT_TRUE(log.flush(kPatience));  // still to the file that was renamed
  log.reopen();
  write(log, 202);
  ASSERT_TRUE(log.flush(kPatience));

  EXPECT_EQ(content(file + ".1"), "200 /shop/items\n201 /shop/items\n");
  EXPECT_EQ(content(file), "202 /shop/items\n");
}

TEST_F(AccessLogTest, IfItCannotBeOpenedAnewTheFileThatIsOpenStays) {
  const log::Capture said;
  std::filesystem::create_directory(path("logs"));
  const auto file = path("logs/access.log");
  AccessLog log(settings(file), 1);
  std::filesystem::rename(path("logs"), path("old"));

  log.reopen();
  write(log, 200);
  ASSERT_TRUE(log.flush(kPatience));

  EXPECT_EQ(content(path("old/access.log")), "200 /shop/items\n");
  EXPECT_TRUE(said.contains("cannot be reopened"));
}

TEST_F(AccessLogTest, AFullDiskCostsLinesThatAreCountedAndSaidAndNothingElse) {
  const log::Capture said;
  AccessLog log(settings("/dev/full"), 1);

  for (int i = 0; i < 10; ++i)
    write(log, 200);
  ASSERT_TRUE(log.flush(kPatience));
  write(log, 200);
  ASSERT_TRUE(log.flush(kPatience));

  EXPECT_EQ(log.counts().lines, 11U);
  EXPECT_EQ(log.counts().write_failed, 11U);
  EXPECT_TRUE(said.contains("lines of the access log are lost"));
  EXPECT_TRUE(said.contains("No space left on device"));
  EXPECT_EQ(std::ranges::count_if(said.lines(),
                                  [](const std::string& line) { return line.contains("lost"); }),
            1)
      << "once in ten seconds";
}

// A file that may not grow above a size, and takes a part of a line therefore.
TEST_F(AccessLogTest, ALineThatWasTornIsEndedBeforeTheNextOne) {
  const auto file = path("access.log");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  AccessLog log(settings(file), 1);
  const rlimit small{.rlim_cur = 20, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  write(log, 200);
  write(log, 201);
  EXPECT_TRUE(log.flush(kPatience));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, ignored);

  write(log, 202);
  ASSERT_TRUE(log.flush(kPatience));

  EXPECT_EQ(content(file), "200 /shop/items\n201 \n202 /shop/items\n");
  EXPECT_EQ(log.counts().write_failed, 1U);
}

TEST_F(AccessLogTest, AReaderWhoTakesNothingStopsNoWorkerAndTheRestIsWholeLines) {
  const auto pipe = path("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const async::Descriptor reader(::open(pipe.c_str(), O_RDONLY | O_NONBLOCK));
  const log::Capture said;
  std::string received;
  AccessLog::Counts counts;
  {
    auto small = settings(pipe);
    small.buffer_bytes = std::size_t{64} << 10U;
    small.flush_interval = 10ms;
    AccessLog log(small, 1);

    for (int i = 0; i < 20'000; ++i)
      write(log, 200);

    EXPECT_TRUE(log.flush(kPatience));
    counts = log.counts();
  }
  std::array<char, 4'096> some;
  for (ssize_t size; (size = ::read(reader.get(), some.data(), some.size())) > 0;)
    received.append(some.data(), static_cast<std::size_t>(size));

  EXPECT_EQ(counts.lines + counts.no_room, 20'000U);
  EXPECT_GT(counts.no_room + counts.write_failed, 0U);
  const std::string line = "200 /shop/items\n";
  ASSERT_EQ(received.size() % line.size(), 0U);
  EXPECT_EQ(received.size() / line.size(), counts.lines - counts.write_failed);
  for (std::size_t at = 0; at < received.size(); at += line.size())
    ASSERT_EQ(received.substr(at, line.size()), line);
}

TEST_F(AccessLogTest, OffWritesNothing) {
  AccessLog log(settings("off"), 1);

  write(log, 200);

  EXPECT_TRUE(log.flush(0ns));
  EXPECT_FALSE(log.on());
  EXPECT_EQ(log.counts().lines, 0U);
}

TEST_F(AccessLogTest, WhatIsWrongWithTheSettingsIsSaidAtOnce) {
  const auto wrong =
      error_of([&] { AccessLog({.target = "", .buffer_bytes = 100, .flush_interval = 1h}, 1); });
  EXPECT_NE(wrong.detail().find("target must be"), std::string::npos);
  EXPECT_NE(wrong.detail().find("buffer_bytes = 100"), std::string::npos);
  EXPECT_NE(wrong.detail().find("flush_interval"), std::string::npos);
  EXPECT_EQ(error_of([&] { AccessLog(settings(path("no/folder")), 1); }).condition(),
            Condition::unavailable);
}

}  // namespace
}  // namespace sinew::proxy
