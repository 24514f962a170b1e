#include "sinew/store/outbox.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>
#include <span>
#include <string_view>
#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/base/hash.hpp"
#include "sinew/base/id.hpp"
#include "sinew/base/json.hpp"

namespace sinew::store {
namespace {

bool name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

using Extensions = std::map<std::string, std::string>;

std::string extensions_text(const Extensions& extensions) {
  if (extensions.empty()) return {};
  JsonObject object;
  for (const auto& [name, value] : extensions)
    object.append(name, value);
  return to_text(object);
}

Extensions extensions_from(const std::string& text) {
  Extensions extensions;
  if (text.empty()) return extensions;
  const Json object = parse_json(text);
  for (const JsonMember& member : object.as_object().members()) {
    extensions.emplace(member.name, member.value.as_string());
  }
  return extensions;
}

OutboxEntry entry_from(Row row) {
  OutboxEntry entry;
  entry.position = row.integer(0);
  entry.destination = {row.integer(1) == 0 ? DestinationKind::queue : DestinationKind::topic,
                       row.text(2)};
  event::Envelope& envelope = entry.envelope;
  envelope.ordering_key = row.text(3);
  envelope.id = row.uuid(4);
  envelope.type = row.text(5);
  envelope.data = SharedBytes(row.blob(6));
  envelope.source = row.text(7);
  envelope.version = static_cast<std::int32_t>(row.integer(8));
  envelope.subject = row.text(9);
  envelope.reply_to = row.text(10);
  envelope.time = row.timestamp(11);
  envelope.content_type = row.text(12);
  envelope.lineage = {row.uuid(13), row.uuid(14), row.text(15),
                      static_cast<std::int32_t>(row.integer(16))};
  envelope.extensions = extensions_from(row.text(17));
  return entry;
}

// One row's parameters, in the order of the columns below. They refer to the arguments.
using RowParameters = std::array<Parameter, 18>;

RowParameters parameters_of(const Destination& destination, const event::Envelope& envelope,
                            const std::string& extensions) {
  const event::Lineage& lineage = envelope.lineage;
  return {envelope.id,
          destination.name,
          envelope.ordering_key,
          envelope.type,
          envelope.data.span(),
          static_cast<std::int64_t>(destination.kind),
          Outbox::partition_of(envelope),
          envelope.source,
          envelope.version,
          envelope.subject,
          envelope.reply_to,
          envelope.time,
          envelope.content_type,
          lineage.correlation_id,
          lineage.causation_id,
          lineage.traceparent,
          lineage.hops,
          extensions};
}

// The statement that inserts `Rows` rows. Only powers of two up to most_rows are used, so that
// engines keep them prepared.
template <std::size_t Rows>
struct InsertText {
  static constexpr std::string_view head =
      "INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload, destination_kind, "
      "partition_no, source, schema_version, subject, reply_to, event_time, content_type, "
      "correlation_id, causation_id, traceparent, hops, extensions) VALUES ";
  static constexpr std::string_view row = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

  constexpr InsertText() {
    char* end = std::ranges::copy(head, text).out;
    for (std::size_t i = 0; i < Rows; ++i) {
      if (i > 0) *end++ = ',';
      end = std::ranges::copy(row, end).out;
    }
  }
  char text[head.size() + Rows * (row.size() + 1)] = {};  // NOLINT: what a Statement is made of
};
template <std::size_t Rows>
constexpr InsertText<Rows> insert_text;

constexpr std::array<Statement, 7> insert_statements{
    insert_text<1>.text,  insert_text<2>.text,  insert_text<4>.text, insert_text<8>.text,
    insert_text<16>.text, insert_text<32>.text, insert_text<64>.text};
constexpr std::size_t most_rows = std::size_t{1} << (insert_statements.size() - 1);

void check_batch(std::size_t size, std::string_view what) {
  if (size == 0 || size > Outbox::max_batch) {
    throw Error(Condition::invalid_input,
                fmt::format("{} is {}, from 1 to {} are allowed", what, size, Outbox::max_batch));
  }
}

}  // namespace

void validate(const Destination& destination) {
  const std::string& name = destination.name;
  if (name.empty() || name.size() > max_id_length ||
      !std::all_of(name.begin(), name.end(), name_character)) {
    throw Error(Condition::invalid_input,
                fmt::format("\"{}\" cannot name a queue or topic: 1 to {} of a-z A-Z 0-9 . _ -",
                            name.substr(0, max_id_length), max_id_length));
  }
}

std::int32_t Outbox::partition_of(const event::Envelope& envelope) noexcept {
  const std::string_view key =
      envelope.ordering_key.empty() ? envelope.id.bytes() : std::string_view(envelope.ordering_key);
  const std::uint64_t hash = stable_hash(key);
  // The low bits of FNV-1a depend on the low bits of each byte alone: mix the high ones in.
  return static_cast<std::int32_t>((hash ^ (hash >> 32)) % partitions);
}

// Counts the rows once for up to an eighth of the capacity. A transaction that is rolled back has
// used up room all the same, which only brings the next count forward.
Task<void> Outbox::reserve(Transaction& transaction, std::int64_t messages) {
  if (room_ < messages) {
    room_ = 0;
    const std::int64_t waiting = co_await size(transaction);
    const std::int64_t free = capacity_ - waiting;
    full_ = free < messages;
    if (full_) {
      throw OutboxFull(
          fmt::format("the outbox holds {} messages that wait for the broker, {} are its "
                      "limit: is the broker reachable and the relay running?",
                      waiting, capacity_));
    }
    room_ = std::min(free, std::max(capacity_ / 8, messages));
  }
  room_ -= messages;
}

event::Timing timing_of(const Destination& destination, const event::Envelope& envelope) {
  if (destination.kind == DestinationKind::queue) return event::timing_of(envelope);
  if (!event::delayed(envelope)) return {};
  throw Error(Condition::invalid_input,
              fmt::format("a record of type {} for the topic {} has a delay: a topic keeps one "
                          "order for all; delay the command that leads to it",
                          envelope.type, destination.name));
}

void validate(const Destination& destination, const event::Envelope& envelope) {
  validate(destination);
  event::validate(envelope);
  timing_of(destination, envelope);
  if (destination.kind == DestinationKind::topic && envelope.ordering_key.empty()) {
    throw Error(Condition::invalid_input,
                fmt::format("a message of type {} for the topic {} has no ordering key: name the "
                            "entity whose events must stay in order",
                            envelope.type, destination.name));
  }
}

Task<void> Outbox::insert(Transaction& transaction, Destination destination,
                          event::Envelope envelope) {
  validate(destination, envelope);
  co_await reserve(transaction, 1);
  tell_relays(transaction);
  const std::string extensions = extensions_text(envelope.extensions);
  const auto parameters = parameters_of(destination, envelope, extensions);
  co_await transaction.execute(insert_statements.front(), parameters);
}

Task<BatchInserted> Outbox::insert_all(Transaction& transaction, OutboxBatch batch,
                                       OnError on_error) {
  if (!batch.refusals_.empty() && on_error == OnError::fail) {
    throw BatchRefused(std::move(batch.refusals_), batch.size_);
  }
  const std::span<const OutboxBatch::Row> all(batch.rows_);
  if (!all.empty()) {
    co_await reserve(transaction, static_cast<std::int64_t>(all.size()));
    tell_relays(transaction);
  }
  for (std::size_t done = 0; done < all.size();) {
    const std::size_t rows = std::bit_floor(std::min(all.size() - done, most_rows));
    co_await insert_rows(transaction, all.subspan(done, rows));
    done += rows;
  }
  co_return BatchInserted{all.size(), std::move(batch.refusals_)};
}

// A power of two of them.
Task<void> Outbox::insert_rows(Transaction& transaction, std::span<const OutboxBatch::Row> rows) {
  std::vector<std::string> extensions;
  std::vector<Parameter> parameters;
  extensions.reserve(rows.size());
  parameters.reserve(rows.size() * std::tuple_size_v<RowParameters>);
  for (const auto& [destination, envelope] : rows) {
    extensions.push_back(extensions_text(envelope.extensions));
    std::ranges::copy(parameters_of(destination, envelope, extensions.back()),
                      std::back_inserter(parameters));
  }
  co_await transaction.execute(insert_statements.at(std::bit_width(rows.size()) - 1),
                               std::span<const Parameter>(parameters));
}

void Outbox::tell_relays(Transaction& transaction) {
  for (CommitListener* relay : relays_)
    transaction.after_commit(*relay);
}

// What may be taken is said twice: where updates wait for each other, the inner choice is made
// before the wait and the outer one after it.
Task<std::vector<Outbox::Lease>> Outbox::lease(Transaction& transaction, Uuid owner, Timestamp now,
                                               Duration duration, std::int32_t most) {
  const Timestamp until = now + std::chrono::ceil<std::chrono::microseconds>(duration);
  co_await transaction.execute(
      "UPDATE outbox_keys SET epoch = CASE WHEN owner = ? THEN epoch ELSE epoch + 1 END, "
      "owner = ?, lease_until = ? WHERE (owner IS NULL OR owner = ? OR lease_until <= ?) "
      "AND partition_no IN (SELECT partition_no FROM outbox_keys "
      "WHERE owner IS NULL OR owner = ? OR lease_until <= ? "
      "ORDER BY CASE WHEN owner = ? THEN 0 ELSE 1 END, partition_no LIMIT ?)",
      {owner, owner, until, owner, now, owner, now, owner, most});
  const Rows rows = co_await transaction.execute(
      "SELECT partition_no, epoch FROM outbox_keys WHERE owner = ? AND lease_until = ? "
      "ORDER BY partition_no",
      {owner, until});
  std::vector<Lease> leases;
  leases.reserve(rows.size());
  for (const Row row : rows) {
    leases.push_back({static_cast<std::int32_t>(row.integer(0)), row.integer(1)});
  }
  co_return leases;
}

Task<std::vector<OutboxEntry>> Outbox::read(Transaction& transaction, std::int32_t partition,
                                            std::int64_t after, std::size_t limit) {
  check_batch(limit, "the limit of a read of the outbox");
  const Rows rows = co_await transaction.execute(
      "SELECT position, destination_kind, aggregatetype, aggregateid, id, type, payload, source, "
      "schema_version, subject, reply_to, event_time, content_type, correlation_id, causation_id, "
      "traceparent, hops, extensions FROM outbox WHERE partition_no = ? AND position > ? "
      "ORDER BY position LIMIT ?",
      {partition, after, limit});
  std::vector<OutboxEntry> entries;
  entries.reserve(rows.size());
  for (const Row row : rows)
    entries.push_back(entry_from(row));
  co_return entries;
}

Task<bool> Outbox::published(Transaction& transaction, Lease lease,
                             std::vector<std::int64_t> positions) {
  check_batch(positions.size(), "the number of published messages");
  const std::int64_t last = *std::max_element(positions.begin(), positions.end());
  // Taking the row first also makes a new owner wait for this transaction, or this one see it.
  const Rows held = co_await transaction.execute(
      "UPDATE outbox_keys SET published_through = CASE WHEN published_through > ? "
      "THEN published_through ELSE ? END WHERE partition_no = ? AND epoch = ?",
      {last, last, lease.partition, lease.epoch});
  if (held.changed() == 0) co_return false;
  full_ = false;
  for (const std::int64_t position : positions) {
    co_await transaction.execute("DELETE FROM outbox WHERE position = ? AND partition_no = ?",
                                 {position, lease.partition});
  }
  co_return true;
}

Task<void> Outbox::release(Transaction& transaction, Uuid owner) {
  co_await transaction.execute(
      "UPDATE outbox_keys SET owner = NULL, lease_until = 0 WHERE owner = ?", {owner});
}

Task<void> Outbox::release_all(Transaction& transaction) {
  co_await transaction.execute(
      "UPDATE outbox_keys SET owner = NULL, lease_until = 0 WHERE owner IS NOT NULL");
}

Task<std::int64_t> Outbox::size(Transaction& transaction) {
  const Rows rows = co_await transaction.execute("SELECT COUNT(*) FROM outbox");
  co_return rows[0].integer(0);
}

}  // namespace sinew::store
