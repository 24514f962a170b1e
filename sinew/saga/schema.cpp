#include <array>

#include "sinew/saga/instances.hpp"

namespace sinew::saga {
namespace {

constexpr std::array<store::Migration, 2> migrations{
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
      "ALTER TABLE saga_instances ADD COLUMN rejection TEXT NOT NULL DEFAULT '';"}}};

}  // namespace

store::MigrationSet saga_migrations() { return {"sinew.saga", migrations}; }

}  // namespace sinew::saga
