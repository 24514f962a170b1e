#include "tests/conformance/engine.hpp"

#include "sinew/store/schema.hpp"

namespace sinew::conformance {
namespace {

constexpr store::Migration migrations[] = {
    {1, "accounts",
     "CREATE TABLE accounts (name TEXT NOT NULL PRIMARY KEY, balance BIGINT NOT NULL);"
     "CREATE TABLE samples (id BIGINT NOT NULL PRIMARY KEY, number BIGINT, words TEXT, raw BYTES);"
     "CREATE TABLE counted (position IDENTITY, word TEXT NOT NULL);"},
};

}  // namespace

void Conformance::use_seed(std::uint64_t seed) {
  bench_.reset();
  bench_ = GetParam().make(seed);
  run([this]() -> Task<void> {
    co_await db().migrate(store::store_migrations());
    co_await db().migrate({"conformance", migrations});
  });
}

Task<void> Conformance::together(std::vector<Task<void>> tasks) {
  async::Scope scope(co_await async::this_context());
  for (Task<void>& task : tasks)
    scope.spawn(std::move(task));
  co_await scope.join();
}

void Conformance::run_together(std::vector<Task<void>> tasks) {
  bench_->run(together(std::move(tasks)));
}

}  // namespace sinew::conformance
