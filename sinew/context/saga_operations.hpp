#pragma once

#include <string>

#include "sinew/async/runtime.hpp"
#include "sinew/async/task.hpp"
#include "sinew/base/json.hpp"
#include "sinew/saga/orchestrator.hpp"
#include "sinew/store/database.hpp"

namespace sinew::context {

// One call of an operation; see operations.hpp.
struct Call {
  async::Runtime& runtime;
  store::Database& database;
  std::string actor;
  Json arguments;
  const saga::Orchestrator* sagas = nullptr;
};

// The operations `saga.<what>`.
Task<Json> operate_on_sagas(Call call, std::string what);

}  // namespace sinew::context
