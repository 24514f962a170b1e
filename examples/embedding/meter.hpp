#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "sinew/context/context.hpp"
#include "sinew/context/entrance.hpp"
#include "sinew/context/spec.hpp"

// Two bounded contexts that the programs of this folder embed: meters publish readings, totals adds
// them up.
namespace embedding {

struct ReadingTaken {
  static constexpr sinew::event::EventType type{"meter.reading.taken", 1};
  std::string meter;
  std::int64_t value = 0;
};
BOOST_DESCRIBE_STRUCT(ReadingTaken, (), (meter, value))

struct Total {
  static constexpr sinew::event::EventType type{"totals.total.reply", 1};
  std::int64_t readings = 0;
  std::int64_t value = 0;
};
BOOST_DESCRIBE_STRUCT(Total, (), (readings, value))

// A question to totals.
struct AskTotal {
  static constexpr sinew::event::EventType type{"totals.total", 1};
  using Reply = Total;
  std::string meter;
};
BOOST_DESCRIBE_STRUCT(AskTotal, (), (meter))

class Meter final : public sinew::context::Context {
 public:
  std::string_view name() const noexcept override { return "meter"; }
  void describe(sinew::context::ContextSpec& spec) override;
};

class Totals final : public sinew::context::Context {
 public:
  std::string_view name() const noexcept override { return "totals"; }
  void describe(sinew::context::ContextSpec& spec) override;

 private:
  sinew::Task<void> add(sinew::store::Transaction& tx, ReadingTaken reading,
                        const sinew::event::Envelope& message);
  sinew::Task<sinew::messaging::Answer<Total>> total(sinew::store::Transaction& tx, AskTotal asked,
                                                     const sinew::event::Envelope& message);
};

// What totals has counted, asked from a thread that may block.
struct Counted {
  std::int64_t readings = 0;
  std::int64_t most_often = 0;  // a reading was added: 1
};
Counted counted(const sinew::context::Entrance& totals);

// Throws std::runtime_error unless it holds.
void expect(bool holds, std::string_view what);

// main(): runs `program` in the folder that is the only argument, emptied before. Gives the exit
// code, and says what went wrong.
int run_in_folder(int count, char** arguments,
                  const std::function<void(const std::filesystem::path&)>& program);

}  // namespace embedding
