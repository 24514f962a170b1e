#include "examples/commerce/program/audit_run.hpp"

#include <fmt/format.h>

#include <utility>

#include <chrono>
#include <string>

#include "sinew/async/wait.hpp"
#include "sinew/base/error.hpp"
#include "sinew/context/host_file.hpp"

namespace commerce::program {
namespace {

using sinew::Task;

constexpr auto look_every = std::chrono::milliseconds(50);

std::string what_to_do(const std::filesystem::path& folder) {
  if (sinew::context::running_hosts(folder).empty()) {
    return "it was stopped in the middle of its work: start it again, and it goes on";
  }
  return "wait longer with --wait, or see `sinew saga list` and `sinew dlq list` for what it waits "
         "for";
}

}  // namespace

Task<books::Statement> audit_books(sinew::async::Runtime& runtime, std::filesystem::path folder,
                                   Provider provider, sinew::Duration wait) {
  const auto until = runtime.now() + wait;
  Motion before = co_await look_at_motion(runtime, folder);
  for (;;) {
    const auto batches = co_await collect_batches(runtime, folder);
    auto audits = co_await collect_audits(runtime, folder, provider);
    const Motion after = co_await look_at_motion(runtime, folder);
    if (at_rest(before, after)) {
      books::Statement statement = books::reconcile(batches, std::move(audits));
      statement.open_work = open_work(after);
      co_return statement;
    }
    if (runtime.now() >= until) {
      throw sinew::Error(sinew::Condition::timeout,
                         fmt::format("the system did not come to rest ({}); {}",
                                     describe_motion(after), what_to_do(folder)));
    }
    before = after;
    co_await sinew::async::sleep_for(look_every);
    before = co_await look_at_motion(runtime, folder);
  }
}

}  // namespace commerce::program
