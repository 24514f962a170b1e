#include "sinew/context/resilience_operations.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "sinew/async/test_runtime.hpp"
#include "sinew/base/error.hpp"
#include "sinew/resilience/pipeline.hpp"

namespace sinew::context {
namespace {

using resilience::Pipeline;
using resilience::Step;
using testing::ElementsAre;
using testing::HasSubstr;

// Keeps the lines, each with its fields.
class Lines final : public log::Sink {
 public:
  void write(const log::Event& event) noexcept override {
    std::string line(event.message);
    for (const auto& field : event.fields) {
      const auto* text = std::get_if<std::string_view>(&field.value());
      line += " " + std::string(field.name()) + "=" + std::string(text ? *text : "?");
    }
    lines.push_back(line);
  }
  std::vector<std::string> lines;
};

class ResilienceOperations : public testing::Test {
 protected:
  Json operate(const std::string& operation, std::string_view arguments = "{}") {
    return operate_on_pipelines(registry, operation, "ann", parse_json(arguments));
  }
  Error refusal(const std::string& operation, std::string_view arguments) {
    try {
      operate(operation, arguments);
    } catch (const Error& error) {
      return error;
    }
    return {Condition::unsupported, "accepted"};
  }
  int ask() {
    return runtime.run(prices.run({.key = "chai"}, []() -> Task<int> { co_return 7; })).value;
  }

  async::TestRuntime runtime;
  metrics::Registry metrics;
  std::shared_ptr<Lines> lines = std::make_shared<Lines>();
  resilience::PipelineRegistry registry{runtime, metrics, "shop", log::Logger(lines)};
  Pipeline<int> prices{registry, "prices", {.steps = {Step::cache, Step::breaker}}};
  Pipeline<int> stock{registry, "stock", {.steps = {Step::bulkhead}}};
};

TEST_F(ResilienceOperations, ListsEveryPipelineWithItsState) {
  ask();

  const Json all = operate("resilience.list");
  const Json one = operate("resilience.list", R"({"pipeline": "prices"})");

  ASSERT_EQ(all.at("pipelines").as_array().size(), 2U);
  ASSERT_EQ(one.at("pipelines").as_array().size(), 1U);
  const Json& row = one.at("pipelines").as_array()[0];
  EXPECT_EQ(row.at("name").as_string(), "prices");
  EXPECT_EQ(row.at("cache").at("entries").as_integer(), 1);
  EXPECT_TRUE(row.at("breaker").at("forced").is_null());
}

TEST_F(ResilienceOperations, ForcesABreakerAndClearsACacheWithATrailInTheLog) {
  ask();

  const Json answer = operate("resilience.force", R"({"pipeline": "prices", "breaker": "open",
                                                      "clear_cache": true, "reason": "wrong"})");

  EXPECT_EQ(answer.at("cleared").as_integer(), 1);
  EXPECT_EQ(answer.at("pipeline").at("breaker").at("forced").as_string(), "open");
  EXPECT_THROW(ask(), Error);
  ASSERT_EQ(lines->lines.size(), 1U);
  EXPECT_THAT(lines->lines[0], HasSubstr("actor=ann pipeline=prices breaker=open"));
  EXPECT_THAT(lines->lines[0], HasSubstr("reason=wrong"));

  operate("resilience.force", R"({"pipeline": "prices", "breaker": "automatic"})");
  EXPECT_EQ(ask(), 7);
}

TEST_F(ResilienceOperations, RefusesWhatMakesNoSenseAndThenDoesNothing) {
  struct Row {
    const char* arguments;
    Condition condition;
    const char* detail;
  };
  const Row rows[] = {
      {R"({"pipeline": "price", "breaker": "open"})", Condition::not_found,
       "did you mean `prices`"},
      {R"({"pipeline": "prices"})", Condition::invalid_input, "say what to force"},
      {R"({"pipeline": "prices", "breaker": "ajar"})", Condition::invalid_input, "got ajar"},
      {R"({"pipeline": "stock", "breaker": "open"})", Condition::invalid_input, "no breaker"},
      {R"({"pipeline": "stock", "clear_cache": true})", Condition::invalid_input, "no cache"},
      {R"({"pipe": "stock"})", Condition::invalid_input, "pipe"},
  };
  for (const auto& row : rows) {
    const Error error = refusal("resilience.force", row.arguments);
    EXPECT_EQ(error.condition(), row.condition) << row.arguments;
    EXPECT_THAT(error.detail(), HasSubstr(row.detail));
  }
  EXPECT_EQ(refusal("resilience.open", "{}").condition(), Condition::not_found);
  EXPECT_TRUE(lines->lines.empty());
}

TEST_F(ResilienceOperations, NeedARunningHost) {
  try {
    refuse_without_host("resilience.list");
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::unavailable);
    EXPECT_THAT(error.detail(), HasSubstr("asks a running host"));
  }
}

}  // namespace
}  // namespace sinew::context
