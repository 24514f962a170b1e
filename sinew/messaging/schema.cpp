#include <array>

#include "sinew/messaging/backlog.hpp"

namespace sinew::messaging {
namespace {

constexpr std::array<store::Migration, 4> migrations{{{1, "backlog of consumers", R"sql(
CREATE TABLE consumer_backlog (
  consumer TEXT NOT NULL,
  sequence BYTES NOT NULL,
  state TEXT NOT NULL,
  ordering_key TEXT NOT NULL,
  source TEXT NOT NULL,
  message_id BYTES NOT NULL,
  type TEXT NOT NULL,
  correlation_id BYTES,
  causation_id BYTES,
  traceparent TEXT,
  hops BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  arrived_at BIGINT NOT NULL,
  not_before BIGINT NOT NULL,
  reason TEXT NOT NULL,
  first_error TEXT NOT NULL,
  last_error TEXT NOT NULL,
  envelope BYTES NOT NULL,
  PRIMARY KEY (consumer, sequence)
);
CREATE UNIQUE INDEX consumer_backlog_by_sequence ON consumer_backlog (sequence);
CREATE INDEX consumer_backlog_by_key ON consumer_backlog (consumer, ordering_key, sequence);
CREATE INDEX consumer_backlog_by_due ON consumer_backlog (consumer, state, not_before);
CREATE TABLE consumer_starts (
  consumer TEXT NOT NULL,
  source TEXT NOT NULL,
  message_id BYTES NOT NULL,
  starts BIGINT NOT NULL,
  PRIMARY KEY (consumer, source, message_id)
);
CREATE TABLE consumer_stops (
  consumer TEXT NOT NULL PRIMARY KEY,
  clean BIGINT NOT NULL
);
CREATE TABLE operator_audit (
  id BYTES NOT NULL PRIMARY KEY,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  verb TEXT NOT NULL,
  target TEXT NOT NULL,
  detail TEXT NOT NULL
);
)sql"},
                                                      {2, "counts of the backlog", R"sql(
CREATE TABLE consumer_backlog_counts (
  consumer TEXT NOT NULL,
  what TEXT NOT NULL,
  messages BIGINT NOT NULL,
  PRIMARY KEY (consumer, what)
);
INSERT INTO consumer_backlog_counts (consumer, what, messages)
  SELECT consumer, state, COUNT(*) FROM consumer_backlog GROUP BY consumer, state;
INSERT INTO consumer_backlog_counts (consumer, what, messages)
  SELECT b.consumer, 'blocked', COUNT(*) FROM consumer_backlog b JOIN consumer_backlog p
    ON p.consumer = b.consumer AND p.ordering_key = b.ordering_key
    WHERE b.state = 'behind' AND p.state = 'parked' GROUP BY b.consumer;
)sql"},
                                                      {3, "marks of the backlog are held", R"sql(
UPDATE inbox SET handled_at = 9223372036854775807 WHERE (consumer, source, id) IN
  (SELECT consumer, source, message_id FROM consumer_backlog);
)sql"},
                                                      {4, "postponed messages", R"sql(
ALTER TABLE consumer_backlog ADD COLUMN postponed_since BIGINT;
CREATE INDEX consumer_backlog_by_wait
  ON consumer_backlog (consumer, state, postponed_since, not_before);
)sql"}}};

}  // namespace

store::MigrationSet messaging_migrations() { return {"sinew.messaging", migrations}; }

}  // namespace sinew::messaging
