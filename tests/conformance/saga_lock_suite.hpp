#pragma once

#include "sinew/saga/locks.hpp"
#include "tests/conformance/engine.hpp"

namespace sinew::conformance {

// Semantic locks on an engine: one owner, the others' commands in order, handed on with the lock.
class SagaLockConformance : public Conformance {
 protected:
  static constexpr Timestamp noon = from_micros(1'767'268'800'000'000);

  void SetUp() override;
  void use_seed(std::uint64_t seed);

  // A command of the saga buy/<saga>; without a saga when it is empty.
  event::Envelope command(const std::string& saga, const std::string& type = "hall.hold");
  // What becomes of it before its handler: run, stashed, or the code of a rejection.
  Task<std::string> enter(event::Envelope message, saga::LockUse use, std::string seat = "A1");
  Task<void> leave(event::Envelope message, saga::LockUse use, bool accepted = true,
                   std::string seat = "A1");
  // Both, with a handler that says yes.
  Task<std::string> handle(event::Envelope message, saga::LockUse use, std::string seat = "A1");
  // buy/ann held, 2 waiting
  Task<std::string> lock(std::string seat = "A1");
  // The sagas whose commands left the stash for the backlog, in its order.
  Task<std::string> unstashed();
};

}  // namespace sinew::conformance
