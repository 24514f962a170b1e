#include "sinew/store/schema.hpp"

#include <array>

namespace sinew::store {
namespace {

// The outbox: id, aggregatetype, aggregateid, type and payload are the columns that Debezium's
// event router reads by default; aggregatetype names the destination, aggregateid is the ordering
// key. No unique index on ids: they are random to the index, and consumers deduplicate.
constexpr std::array migrations = {
    Migration{1, "inbox, outbox, checkpoints", R"(
CREATE TABLE inbox (
  consumer TEXT NOT NULL,
  source TEXT NOT NULL,
  id BYTES NOT NULL,
  handled_at BIGINT NOT NULL,
  PRIMARY KEY (consumer, source, id)
);
CREATE INDEX inbox_by_time ON inbox (handled_at);

CREATE TABLE outbox (
  position IDENTITY,
  id BYTES NOT NULL,
  aggregatetype TEXT NOT NULL,
  aggregateid TEXT NOT NULL,
  type TEXT NOT NULL,
  payload BYTES NOT NULL,
  destination_kind BIGINT NOT NULL,
  partition_no BIGINT NOT NULL,
  source TEXT NOT NULL,
  schema_version BIGINT NOT NULL,
  subject TEXT NOT NULL,
  reply_to TEXT NOT NULL,
  event_time BIGINT NOT NULL,
  content_type TEXT NOT NULL,
  correlation_id BYTES NOT NULL,
  causation_id BYTES NOT NULL,
  traceparent TEXT NOT NULL,
  hops BIGINT NOT NULL,
  extensions TEXT NOT NULL
);
CREATE INDEX outbox_by_partition ON outbox (partition_no, position);

CREATE TABLE outbox_keys (
  partition_no BIGINT NOT NULL PRIMARY KEY,
  owner BYTES,
  epoch BIGINT NOT NULL,
  lease_until BIGINT NOT NULL,
  published_through BIGINT NOT NULL
);
INSERT INTO outbox_keys (partition_no, epoch, lease_until, published_through) VALUES
  (0, 0, 0, 0), (1, 0, 0, 0), (2, 0, 0, 0), (3, 0, 0, 0), (4, 0, 0, 0), (5, 0, 0, 0),
  (6, 0, 0, 0), (7, 0, 0, 0), (8, 0, 0, 0), (9, 0, 0, 0), (10, 0, 0, 0), (11, 0, 0, 0),
  (12, 0, 0, 0), (13, 0, 0, 0), (14, 0, 0, 0), (15, 0, 0, 0);

CREATE TABLE checkpoints (
  name TEXT NOT NULL PRIMARY KEY,
  position BYTES NOT NULL
);
)"},
    // What was marked by the wall clock is not older to this one than its first mark.
    Migration{2, "the clock of the inbox", R"(
CREATE TABLE inbox_clock (
  id BIGINT NOT NULL PRIMARY KEY,
  reading BIGINT NOT NULL
);
INSERT INTO inbox_clock (id, reading) SELECT 0, COALESCE(MIN(handled_at), 0) FROM inbox;
)"},
    // Generations of views; a held event is named by its place in its stream, since checkpoints are
    // not computed with.
    Migration{3, "generations, held keys and skips of projections", R"(
CREATE TABLE projection_generations (
  projection TEXT NOT NULL,
  generation BIGINT NOT NULL,
  version BIGINT NOT NULL,
  state BIGINT NOT NULL,
  position BYTES NOT NULL,
  applied BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  rebuild_asked BIGINT NOT NULL,
  pause_reason TEXT NOT NULL,
  paused_event BYTES,
  PRIMARY KEY (projection, generation)
);
CREATE TABLE projection_tables (
  projection TEXT NOT NULL,
  generation BIGINT NOT NULL,
  name TEXT NOT NULL,
  physical TEXT NOT NULL,
  row_key TEXT NOT NULL,
  PRIMARY KEY (projection, generation, name)
);
CREATE TABLE projection_held_keys (
  projection TEXT NOT NULL,
  held_key TEXT NOT NULL,
  event_id BYTES NOT NULL,
  reason TEXT NOT NULL,
  held_at BIGINT NOT NULL,
  released BIGINT NOT NULL,
  PRIMARY KEY (projection, held_key)
);
CREATE TABLE projection_held_events (
  projection TEXT NOT NULL,
  position BYTES NOT NULL,
  held_key TEXT NOT NULL,
  stream TEXT NOT NULL,
  stream_version BIGINT NOT NULL,
  PRIMARY KEY (projection, position)
);
CREATE INDEX projection_held_by_key ON projection_held_events (projection, held_key, position);
CREATE TABLE projection_skips (
  projection TEXT NOT NULL,
  event_id BYTES NOT NULL,
  error TEXT NOT NULL,
  reason TEXT NOT NULL,
  actor TEXT NOT NULL,
  skipped_at BIGINT NOT NULL,
  PRIMARY KEY (projection, event_id)
);
)"},
};

}  // namespace

MigrationSet store_migrations() { return {"sinew.store", migrations}; }

}  // namespace sinew::store
