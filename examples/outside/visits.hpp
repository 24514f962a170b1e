#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sinew/context/context.hpp"
#include "sinew/context/spec.hpp"

// Two bounded contexts: the door hears who comes, the tally counts them.
namespace visits {

// What the door publishes.
struct VisitorEntered {
  static constexpr sinew::event::EventType type{"door.visitor.entered", 1};
  std::string visitor;
};
BOOST_DESCRIBE_STRUCT(VisitorEntered, (), (visitor))

struct Count {
  std::string visitor;
  std::int64_t visits = 0;
};
BOOST_DESCRIBE_STRUCT(Count, (), (visitor, visits))

// POST /visitors/{visitor}: publishes that they entered.
class Door final : public sinew::context::Context {
 public:
  std::string_view name() const noexcept override { return "door"; }
  void describe(sinew::context::ContextSpec& spec) override;

 private:
  sinew::Task<sinew::http::Response> enter(const sinew::http::Request& request);
};

// GET /counts/{visitor}: how often they came. Counts each event once, however often it arrives.
class Tally final : public sinew::context::Context {
 public:
  std::string_view name() const noexcept override { return "tally"; }
  void describe(sinew::context::ContextSpec& spec) override;

 private:
  sinew::Task<void> count(sinew::store::Transaction& tx, VisitorEntered event,
                          const sinew::event::Envelope& message);
  sinew::Task<Count> show(const sinew::http::Request& request);
};

}  // namespace visits
