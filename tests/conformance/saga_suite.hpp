#pragma once

#include "sinew/saga/instances.hpp"
#include "sinew/saga/verb_requests.hpp"
#include "tests/conformance/engine.hpp"

namespace sinew::conformance {

// The tables of sagas on an engine: an instance once, moved by compare-and-set, found when it is
// due; operators' verbs with their record; tombstones.
class SagaConformance : public Conformance {
 protected:
  static constexpr Timestamp noon = from_micros(1'767'268'800'000'000);

  void SetUp() override;
  void use_seed(std::uint64_t seed);

  static saga::Instance instance(std::string definition, std::string id);
  Task<bool> insert(saga::Instance instance);
  Task<void> update(saga::Instance instance);
  Task<saga::Instance> find(std::string definition, std::string id);
  Task<void> move(saga::Instance stale, int number, int& moved);
  saga::VerbRequest verb(std::string id, saga::Verb verb, Timestamp at);
  Task<void> request(saga::VerbRequest request);
};

}  // namespace sinew::conformance
