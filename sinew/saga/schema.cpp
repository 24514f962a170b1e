#include <array>

#include "sinew/saga/instances.hpp"

namespace sinew::saga {
namespace {

constexpr std::array<store::Migration, 6> migrations{
    {{1, "sagas", R"sql(
CREATE TABLE saga_instances (
  definition TEXT NOT NULL,
  id TEXT NOT NULL,
  definition_version BIGINT NOT NULL,
  status TEXT NOT NULL,
  live BIGINT NOT NULL,
  step BIGINT NOT NULL,
  attempt BIGINT NOT NULL,
  attempt_group BIGINT NOT NULL,
  command_id BYTES NOT NULL,
  wake_at BIGINT,
  rejected BIGINT NOT NULL,
  error TEXT NOT NULL,
  data TEXT NOT NULL,
  correlation_id BYTES NOT NULL,
  causation_id BYTES NOT NULL,
  traceparent TEXT NOT NULL,
  hops BIGINT NOT NULL,
  revision BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (definition, id)
);
CREATE INDEX saga_instances_by_wake ON saga_instances (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX saga_instances_live ON saga_instances (status) WHERE live = 1;
CREATE INDEX saga_instances_by_id ON saga_instances (id);
CREATE INDEX saga_instances_by_start ON saga_instances (started_at);
CREATE TABLE saga_history (
  entry_id BYTES NOT NULL PRIMARY KEY,
  definition TEXT NOT NULL,
  id TEXT NOT NULL,
  at BIGINT NOT NULL,
  step TEXT NOT NULL,
  what TEXT NOT NULL,
  detail TEXT NOT NULL
);
CREATE INDEX saga_history_by_instance ON saga_history (definition, id, entry_id);
CREATE TABLE saga_verbs (
  id BYTES NOT NULL PRIMARY KEY,
  definition TEXT NOT NULL,
  instance TEXT NOT NULL,
  verb TEXT NOT NULL,
  result TEXT NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  requested_at BIGINT NOT NULL
);
CREATE TABLE saga_tombstones (
  action TEXT NOT NULL,
  entity TEXT NOT NULL,
  left_at BIGINT NOT NULL,
  PRIMARY KEY (action, entity)
);
)sql"},
     {2, "the code of the rejection",
      "ALTER TABLE saga_instances ADD COLUMN rejection TEXT NOT NULL DEFAULT '';"},
     {3, "the step by name and kind, what became of verbs", R"sql(
ALTER TABLE saga_instances ADD COLUMN step_name TEXT NOT NULL DEFAULT '';
ALTER TABLE saga_instances ADD COLUMN step_kind TEXT NOT NULL DEFAULT '';
CREATE TABLE saga_verb_outcomes (
  id BYTES NOT NULL PRIMARY KEY,
  refusal TEXT NOT NULL,
  decided_at BIGINT NOT NULL
);
CREATE INDEX saga_verb_outcomes_by_time ON saga_verb_outcomes (decided_at);
)sql"},
     {4, "locks and their stash", R"sql(
CREATE TABLE saga_locks (
  resource TEXT NOT NULL PRIMARY KEY,
  saga TEXT NOT NULL,
  saga_id TEXT NOT NULL,
  accepted BIGINT NOT NULL,
  locked_at BIGINT NOT NULL
);
CREATE INDEX saga_locks_by_saga ON saga_locks (saga, saga_id);
CREATE TABLE saga_stash (
  sequence BYTES NOT NULL PRIMARY KEY,
  resource TEXT NOT NULL,
  saga TEXT NOT NULL,
  saga_id TEXT NOT NULL,
  type TEXT NOT NULL,
  acquires BIGINT NOT NULL,
  consumer TEXT NOT NULL,
  stashed_at BIGINT NOT NULL,
  envelope BYTES NOT NULL
);
CREATE INDEX saga_stash_by_resource ON saga_stash (resource, sequence);
)sql"},
     {5, "the journal of choreographed processes", R"sql(
CREATE TABLE saga_journal (
  message_id BYTES NOT NULL PRIMARY KEY,
  correlation_id BYTES NOT NULL,
  cause_id BYTES NOT NULL,
  cause_type TEXT NOT NULL,
  type TEXT NOT NULL,
  ordering_key TEXT NOT NULL,
  hops BIGINT NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX saga_journal_by_process ON saga_journal (correlation_id, message_id);
CREATE INDEX saga_journal_by_key ON saga_journal (ordering_key, message_id);
CREATE INDEX saga_journal_by_time ON saga_journal (at);
)sql"},
     {6, "lists that do not depend on how many are finished", R"sql(
CREATE INDEX saga_instances_live_version ON saga_instances (definition, definition_version)
  WHERE live = 1;
CREATE INDEX saga_instances_finished ON saga_instances (status, started_at) WHERE live = 0;
)sql"}}};

}  // namespace

store::MigrationSet saga_migrations() { return {"sinew.saga", migrations}; }

}  // namespace sinew::saga
