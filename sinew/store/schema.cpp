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
};

}  // namespace

MigrationSet store_migrations() { return {"sinew.store", migrations}; }

}  // namespace sinew::store
