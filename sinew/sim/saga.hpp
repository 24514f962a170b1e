#pragma once

#include <chrono>
#include <initializer_list>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/messaging/reply.hpp"
#include "sinew/saga/machine.hpp"
#include "sinew/sim/payload.hpp"
#include "sinew/store/migration.hpp"

// Tests of a saga: the real orchestrator on SQLite in virtual time; the test is all its
// participants.
//
//   sim::SagaTest saga(place_order_saga(confirm, reject), data);
//   saga.when_started().then_asks(Reserve{"1", items});
//   saga.when_answered(Reserved{"1", items}).then_asks(Charge{"1", payable});
//   saga.when_rejected("card_declined").then_asks(Release{"1"});
//   saga.when_answered(Released{"1"}).then_runs("open").then(saga::Status::compensated);
namespace sinew::sim {

struct SagaOptions {
  std::uint64_t seed = 1;
  std::string id = "1";                               // of the saga
  std::span<const store::Migration> migrations = {};  // tables that its local steps use
};

class SagaTest {
 public:
  using Where = std::source_location;

  // Errors: those of saga::validate.
  SagaTest(saga::Definition definition, Json data, const SagaOptions& options = {});
  template <class Data>
  SagaTest(saga::Definition definition, const Data& data, const SagaOptions& options = {})
      : SagaTest(std::move(definition), to_json(data), options) {}
  SagaTest(const SagaTest&) = delete;
  SagaTest& operator=(const SagaTest&) = delete;
  ~SagaTest();

  SagaTest& when_started();
  // The command that it sent last is answered.
  template <event::Typed R>
  SagaTest& when_answered(const R& reply, const Where& where = Where::current()) {
    return answer({to_json(reply), std::nullopt}, where);
  }
  SagaTest& when_rejected(std::string code, std::string detail = "no",
                          const Where& where = Where::current());
  // The same reply comes once more.
  SagaTest& twice();
  // Nobody answers, until the step's timeout or the pause before its next attempt is over.
  SagaTest& when_timed_out(const Where& where = Where::current());
  // An operator asks for a verb; `result` is for resolve.
  SagaTest& when_operated(saga::Verb verb, Json argument = {});
  // The process is killed and starts again.
  SagaTest& crash_and_restart();

  // It has sent this command since the last when...(), and no other.
  SagaTest& then_asks(const Payload& command, const Where& where = Where::current());
  // ... the one before once more, under the same idempotency key.
  SagaTest& then_asks_again(const Where& where = Where::current());
  SagaTest& then_asks_nothing(const Where& where = Where::current());
  // The local work of this step, its compensation when the saga goes back, was done since the last
  // when...(); then_fails: it threw, and what it threw has `says` in it.
  SagaTest& then_runs(std::string_view step, const Where& where = Where::current());
  SagaTest& then_fails(std::string_view step, std::string_view says = {},
                       const Where& where = Where::current());
  SagaTest& then(saga::Status status, const Where& where = Where::current());
  template <class Data>
  SagaTest& then_data(const Data& data, const Where& where = Where::current()) {
    return expect_data(to_json(data), where);
  }
  // What a query of its database gives, row by row.
  SagaTest& then_rows(std::string_view sql, std::initializer_list<std::initializer_list<Json>> rows,
                      const Where& where = Where::current());

  saga::Instance instance();
  // Every line of the saga's history, such as `charge rejected card_declined: no`.
  std::vector<std::string> history();

 private:
  struct Process;
  SagaTest& answer(const messaging::ReplyData& data, const Where& where);
  SagaTest& expect_data(const Json& data, const Where& where);
  void look();
  std::string happened() const;
  bool found_step(std::string_view step, std::string_view what, std::string_view detail) const;

  std::unique_ptr<Process> process_;
};

}  // namespace sinew::sim
