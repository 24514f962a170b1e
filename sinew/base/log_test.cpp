#include "sinew/base/log.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <thread>

#include "sinew/base/error.hpp"
#include "sinew/base/log_sink.hpp"

namespace sinew::log {
namespace {

using Lines = std::vector<std::string>;

struct Captured {
  explicit Captured(Format format = Format::text) : sink(std::make_shared<CaptureSink>(format)) {}

  std::shared_ptr<CaptureSink> sink;
  Logger logger{sink};
};

TEST(Log, WritesTypedFieldsAsText) {
  const Captured log;

  log.logger.info("order placed", {{"order", std::string("o-1")},
                                   {"lines", 3U},
                                   {"delta", -2},
                                   {"ratio", 0.5},
                                   {"paid", true},
                                   {"note", "two words"},
                                   {"empty", ""}});

  EXPECT_EQ(log.sink->lines(),
            Lines{R"(level=info message="order placed" order=o-1 lines=3 delta=-2 ratio=0.5 )"
                  R"(paid=true note="two words" empty="")"});
}

TEST(Log, WritesTypedFieldsAsJson) {
  const Captured log(Format::json);

  log.logger.warn("late", {{"by_ms", 12},
                           {"limit", std::numeric_limits<double>::infinity()},
                           {"max", std::numeric_limits<std::uint64_t>::max()}});

  EXPECT_EQ(log.sink->lines(), Lines{R"({"level":"warn","message":"late","by_ms":12,"limit":"inf",)"
                                     R"("max":18446744073709551615})"});
}

TEST(Log, HostileTextStaysOneLineOfUtf8) {
  const Captured text;
  const Captured json(Format::json);
  const std::string hostile("a\nb\"\\\x01\xFF\xE2\x82\xAC", 10);

  text.logger.error("x", {{"v", hostile}, {"k\"=\n", 1}});
  json.logger.error("x", {{"v", hostile}, {"k\"=\n", 1}});

  EXPECT_EQ(
      text.sink->lines(),
      Lines{"level=error message=x v=\"a\\nb\\\"\\\\\\u0001\xEF\xBF\xBD\xE2\x82\xAC\" k___=1"});
  EXPECT_EQ(json.sink->lines(),
            Lines{"{\"level\":\"error\",\"message\":\"x\",\"v\":\"a\\nb\\\"\\\\\\u0001\xEF\xBF\xBD"
                  "\xE2\x82\xAC\",\"k___\":1}"});
}

TEST(Log, ReservedNamesDoNotCollide) {
  const Captured log(Format::json);

  log.logger.info("m", {{"level", 1}, {"message", 2}, {"time", 3}});

  EXPECT_EQ(log.sink->lines(),
            Lines{R"({"level":"info","message":"m","level_":1,"message_":2,"time_":3})"});
}

TEST(Log, LinesAreBounded) {
  const Captured log;
  const std::string huge(1'000'000, 'x');

  log.logger.info(huge, {{"a", huge},
                         {"b", huge},
                         {"c", huge},
                         {"d", huge},
                         {"e", huge},
                         {"f", huge},
                         {"g", huge},
                         {"h", huge},
                         {"i", 1}});

  const auto line = log.sink->lines().at(0);
  EXPECT_LE(line.size(), kMaxLineBytes);
  EXPECT_NE(line.find("xxx...\""), std::string::npos);
  EXPECT_TRUE(line.ends_with(" i=1"));
}

TEST(Log, ChildAddsItsFieldsAndTheCallReplacesThem) {
  const Captured log;
  Logger child = log.logger;
  {
    const std::string name = "sales";  // the child must not refer to it
    child = log.logger.with({{"context", name}, {"worker", 1}}).with({{"worker", 2}});
  }

  child.info("a");
  child.info("b", {{"context", "other"}});
  log.logger.info("c");

  EXPECT_EQ(log.sink->lines(),
            (Lines{"level=info message=a context=sales worker=2",
                   "level=info message=b worker=2 context=other", "level=info message=c"}));
}

TEST(Log, LevelIsSharedWithChildren) {
  Captured log;
  const auto child = log.logger.with({{"a", 1}});

  child.debug("hidden");
  log.logger.set_level(Level::debug);
  child.debug("seen");
  log.logger.set_level(Level::off);
  child.error("hidden");

  EXPECT_EQ(log.sink->lines(), Lines{"level=debug message=seen a=1"});
}

TEST(Log, CaptureTakesTheRootAndGivesItBack) {
  const auto former = root().level();
  {
    const Capture capture;
    debug("seen", {{"n", 1}});
    EXPECT_TRUE(capture.contains("message=seen n=1"));
    EXPECT_FALSE(capture.contains("other"));
  }
  EXPECT_EQ(root().level(), former);
}

TEST(Log, WritesFromManyThreadsAreWholeLines) {
  const Captured log;
  constexpr int kThreads = 4;
  constexpr int kEach = 200;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([child = log.logger.with({{"thread", i}})] {
        for (int n = 0; n < kEach; ++n)
          child.info("tick");
      });
    }
  }

  const auto lines = log.sink->lines();
  EXPECT_EQ(lines.size(), std::size_t{kThreads * kEach});
  for (const auto& line : lines)
    EXPECT_TRUE(line.starts_with("level=info message=tick thread="));
}

class LogFile : public testing::Test {
 protected:
  LogFile() { std::filesystem::remove_all(folder_); }
  ~LogFile() override { std::filesystem::remove_all(folder_); }

  static std::string read(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) / ("sinew_log_" + std::to_string(::getpid()));
};

TEST_F(LogFile, StampsUtcTime) {
  const auto path = folder_ / "a.log";
  const Logger logger(file_sink(path, Format::json));

  logger.info("m", {{"n", 1}});
  logger.flush();

  const auto text = read(path);
  EXPECT_TRUE(text.starts_with(R"({"time":"20)")) << text;
  EXPECT_TRUE(text.ends_with("Z\",\"level\":\"info\",\"message\":\"m\",\"n\":1}\n")) << text;
}

TEST_F(LogFile, RotatesWithinItsLimits) {
  const auto path = folder_ / "a.log";
  const Logger logger(file_sink(path, Format::text, {.bytes = 1'000, .files = 2}));

  for (int i = 0; i < 200; ++i)
    logger.info("a line of some length", {{"n", i}});
  logger.flush();

  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    EXPECT_LE(entry.file_size(), 1'000U);
    ++files;
  }
  EXPECT_EQ(files, 3U);
}

TEST_F(LogFile, SaysWhyAFileCannotBeOpened) {
  std::filesystem::create_directories(folder_);
  try {
    file_sink(folder_, Format::text);
    FAIL() << "a folder was opened as a log file";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::unavailable);
    EXPECT_NE(error.detail().find(folder_.string()), std::string::npos) << error.detail();
  }
}

TEST_F(LogFile, AFullDiskLosesLinesAndNeverThrows) {
  const Logger logger(file_sink("/dev/full", Format::text));

  for (int i = 0; i < 10; ++i)
    logger.error("does not fit");
}

}  // namespace
}  // namespace sinew::log
