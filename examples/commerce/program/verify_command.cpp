#include <fmt/format.h>

#include "examples/commerce/program/audit_run.hpp"
#include "examples/commerce/program/commands.hpp"
#include "examples/commerce/program/layout.hpp"
#include "examples/commerce/program/settings.hpp"
#include "examples/commerce/program/statement_text.hpp"
#include "examples/commerce/program/work.hpp"
#include "sinew/base/error.hpp"

namespace commerce::program {

int verify(VerifyOptions options) {
  const Provider provider = load_settings(options.config).payment_provider.whose();
  require_system(options.folder);
  sinew::async::WorkerGroup workers({.workers = 1});
  try {
    const auto statement = work<books::Statement>(workers, [&](sinew::async::Reactor& reactor) {
      return audit_books(reactor, options.folder, provider, options.wait);
    });
    if (options.format == Format::json) {
      fmt::print("{}", sinew::to_pretty_text(books::to_json(statement)));
    } else {
      fmt::print("{}", statement_text(statement));
    }
    return statement.balanced() ? exit_done : exit_unbalanced;
  } catch (const sinew::Error& error) {
    if (error.condition() != sinew::Condition::timeout) throw;
    if (options.format == Format::json) {
      fmt::print("{}", sinew::to_pretty_text(sinew::Json(
                           sinew::JsonObject{{"balanced", false}, {"unsettled", error.detail()}})));
    }
    fmt::print(stderr, "commerce: {}\n", error.detail());
    return exit_unsettled;
  }
}

}  // namespace commerce::program
