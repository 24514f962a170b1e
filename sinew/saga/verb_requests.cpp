#include "sinew/saga/verb_requests.hpp"

#include <fmt/format.h>

#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/messaging/audit.hpp"
#include "sinew/saga/verbs.hpp"

namespace sinew::saga {

using store::Row;
using store::Transaction;

namespace {

VerbRequest request_of(const Row& row) {
  VerbRequest request;
  request.id = row.uuid(0);
  request.target = {row.text(1), row.text(2)};
  const auto verb = parse_verb(row.text(3));
  if (!verb) throw Error(Condition::corrupt, "a saga's verb is " + row.text(3));
  request.verb = *verb;
  request.argument = parse_json(row.text(4));
  request.actor = row.text(5);
  request.reason = row.text(6);
  request.requested_at = row.timestamp(7);
  return request;
}

}  // namespace

Task<void> request_verb(Transaction& tx, VerbRequest request) {
  const auto instance = co_await find_instance(tx, request.target.definition, request.target.id);
  if (!instance) {
    throw Error(Condition::not_found, fmt::format("there is no saga {}/{}; `sinew saga list` shows "
                                                  "which there are",
                                                  request.target.definition, request.target.id));
  }
  const std::string why = refusal(*instance, request.verb);
  if (!why.empty()) throw Error(Condition::conflict, why);
  const std::string argument = to_text(request.argument);
  co_await tx.execute(
      "INSERT INTO saga_verbs (id, definition, instance, verb, result, actor, reason, "
      "requested_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      {request.id, request.target.definition, request.target.id, to_string(request.verb), argument,
       request.actor, request.reason, request.requested_at});
  Instance asked = *instance;
  asked.updated_at = request.requested_at;
  co_await record(tx, std::move(asked), request.id, "",
                  fmt::format("{}_requested", to_string(request.verb)),
                  fmt::format("by {}: {}", request.actor, request.reason));
  co_await messaging::audit(tx,
                            {request.id, request.requested_at, request.actor,
                             fmt::format("saga {}", to_string(request.verb)),
                             request.target.definition + "/" + request.target.id, request.reason});
}

Task<std::vector<VerbRequest>> pending_verbs(Transaction& tx, std::size_t limit) {
  const auto rows = co_await tx.execute(
      "SELECT id, definition, instance, verb, result, actor, reason, requested_at "
      "FROM saga_verbs ORDER BY requested_at, id LIMIT ?",
      {limit});
  std::vector<VerbRequest> requests;
  for (const auto row : rows)
    requests.push_back(request_of(row));
  co_return requests;
}

Task<std::vector<VerbRequest>> pending_migrations(Transaction& tx, std::size_t limit) {
  const auto rows = co_await tx.execute(
      "SELECT id, definition, instance, verb, result, actor, reason, requested_at "
      "FROM saga_verbs WHERE verb = 'migrate' ORDER BY requested_at, id LIMIT ?",
      {limit});
  std::vector<VerbRequest> requests;
  for (const auto row : rows)
    requests.push_back(request_of(row));
  co_return requests;
}

Task<bool> settle_verb(Transaction& tx, Uuid id, std::string refusal, Timestamp now) {
  const auto deleted = co_await tx.execute("DELETE FROM saga_verbs WHERE id = ?", {id});
  if (deleted.changed() == 0) co_return false;
  co_await tx.execute("DELETE FROM saga_verb_outcomes WHERE decided_at < ?", {now - outcomes_kept});
  co_await tx.execute("INSERT INTO saga_verb_outcomes (id, refusal, decided_at) VALUES (?, ?, ?)",
                      {id, refusal, now});
  co_return true;
}

Task<std::optional<VerbOutcome>> verb_outcome(Transaction& tx, Uuid id) {
  const auto rows =
      co_await tx.execute("SELECT refusal FROM saga_verb_outcomes WHERE id = ?", {id});
  if (rows.empty()) co_return std::nullopt;
  co_return VerbOutcome{rows[0].text(0)};
}

}  // namespace sinew::saga
