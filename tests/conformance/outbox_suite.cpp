#include "tests/conformance/outbox_suite.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "sinew/store/commit_signal.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::conformance {

using event::Envelope;
using store::Destination;
using store::DestinationKind;
using store::OnError;
using store::Outbox;
using store::OutboxBatch;
using store::OutboxEntry;
using store::Transaction;

namespace {
const Destination topic{DestinationKind::topic, "sales.order"};
}

Envelope OutboxConformance::message(std::string key, std::string data) {
  Envelope envelope;
  envelope.id = new_id();
  envelope.source = "/sales";
  envelope.type = "sales.order.placed";
  envelope.ordering_key = std::move(key);
  envelope.data = SharedBytes(std::move(data));
  return envelope;
}

Task<void> OutboxConformance::insert(Envelope envelope) {
  co_await db().transaction([&](Transaction& tx) { return outbox_.insert(tx, topic, envelope); });
}

Task<OutboxConformance::Leases> OutboxConformance::lease(Uuid owner, Timestamp now,
                                                         std::int32_t most) {
  co_return co_await db().transaction(
      [&](Transaction& tx) { return outbox_.lease(tx, owner, now, lease_time, most); });
}

Task<OutboxConformance::Entries> OutboxConformance::read(std::int32_t partition, std::int64_t after,
                                                         std::size_t limit) {
  co_return co_await db().read(
      [&](Transaction& tx) { return outbox_.read(tx, partition, after, limit); });
}

Task<bool> OutboxConformance::publish(Outbox::Lease lease, std::vector<std::int64_t> positions) {
  co_return co_await db().transaction(
      [&](Transaction& tx) { return outbox_.published(tx, lease, positions); });
}

std::set<std::int32_t> OutboxConformance::partitions_of(const Leases& leases) {
  std::set<std::int32_t> partitions;
  for (const auto& each : leases)
    partitions.insert(each.partition);
  return partitions;
}

Task<std::int64_t> OutboxConformance::size() {
  co_return co_await db().read([this](Transaction& tx) { return outbox_.size(tx); });
}

TEST_P(OutboxConformance, GivesBackAllOfAMessage) {
  Envelope envelope = message("10248", std::string("{\"a\":\0}", 7));
  envelope.version = 2;
  envelope.subject = "order-10248";
  envelope.reply_to = "sales.replies";
  envelope.time = noon;
  envelope.content_type = "application/octet-stream";
  envelope.lineage = {new_id(), new_id(), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                      5};
  envelope.extensions = {{"tenant", "north \"1\""}, {"empty", ""}};

  run([&]() -> Task<void> {
    co_await insert(envelope);
    const Entries entries = co_await read(Outbox::partition_of(envelope));

    EXPECT_EQ(entries.size(), 1u);
    EXPECT_EQ(entries.at(0).envelope, envelope);
    EXPECT_EQ(entries.at(0).destination, topic);
  });
}

TEST_P(OutboxConformance, KeepsNothingOfATransactionThatFailed) {
  condition_of([this]() -> Task<void> {
    co_await db().transaction([this](Transaction& tx) -> Task<void> {
      co_await outbox_.insert(tx, topic, message("1"));
      throw Error(Condition::not_found, "no");
    });
  });

  run([this]() -> Task<void> { EXPECT_EQ(co_await size(), 0); });
}

TEST_P(OutboxConformance, RefusesWhatCannotBeSent) {
  struct {
    const char* name;
    Destination destination;
    Envelope envelope;
  } const rows[] = {
      {"a topic's message without key", topic, message("")},
      {"a name with a space", {DestinationKind::queue, "a b"}, message("1")},
      {"no name", {DestinationKind::queue, ""}, message("1")},
      {"a name of 201", {DestinationKind::queue, std::string(201, 'q')}, message("1")},
      {"an envelope without id", topic,
       [&] {
         auto e = message("1");
         e.id = Uuid();
         return e;
       }()},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(condition_of([&]() -> Task<void> {
                co_await db().transaction([&](Transaction& tx) {
                  return outbox_.insert(tx, row.destination, row.envelope);
                });
              }),
              Condition::invalid_input)
        << row.name;
  }
  run([this]() -> Task<void> {
    co_await db().transaction([this](Transaction& tx) {
      return outbox_.insert(tx, {DestinationKind::queue, std::string(200, 'q')}, message(""));
    });
  });
}

TEST_P(OutboxConformance, PushesBackWhenItIsFullUntilTheRelayCatchesUp) {
  run([this]() -> Task<void> {
    for (int i = 0; i < 20; ++i)
      co_await insert(message("1"));
  });

  EXPECT_EQ(condition_of([this] { return insert(message("1")); }), Condition::exhausted);

  run([this]() -> Task<void> {
    const Leases leases = co_await lease(new_id(), noon);
    const std::int32_t partition = Outbox::partition_of(message("1"));
    const Entries entries = co_await read(partition, 0, 3);
    EXPECT_TRUE(co_await publish(leases.at(static_cast<std::size_t>(partition)),
                                 {entries.at(0).position, entries.at(1).position}));
    co_await insert(message("1"));
    co_await insert(message("1"));
  });
  EXPECT_EQ(condition_of([this] { return insert(message("1")); }), Condition::exhausted);
}

// Messages of three keys in turn, and what Outbox::read() gives of them.
OutboxBatch OutboxConformance::batch_of(int messages) {
  OutboxBatch batch;
  for (int i = 0; i < messages; ++i)
    batch.add(topic, message("key " + std::to_string(i % 3), std::to_string(i)));
  return batch;
}

Task<std::size_t> OutboxConformance::insert_all(OutboxBatch batch, OnError on_error) {
  co_return co_await db().transaction([&](Transaction& tx) -> Task<std::size_t> {
    const auto done = co_await outbox_.insert_all(tx, batch, on_error);
    EXPECT_EQ(done.refused, batch.refusals());
    co_return done.inserted;
  });
}

TEST_P(OutboxConformance, InsertsABatchInItsOrder) {
  for (const int messages : {1, 2, 3, 7, 64, 100, 200}) {
    use_seed(0);
    outbox_ = Outbox(1000);
    run([&]() -> Task<void> {
      const std::size_t inserted = co_await insert_all(batch_of(messages));
      EXPECT_EQ(inserted, static_cast<std::size_t>(messages));
      EXPECT_EQ(co_await size(), messages);
      std::map<std::string, int> last;
      for (std::int32_t partition = 0; partition < Outbox::partitions; ++partition) {
        for (const auto& entry : co_await read(partition, 0, 1000)) {
          const int number = std::stoi(std::string(entry.envelope.data.view()));
          const auto before = last.try_emplace(entry.envelope.ordering_key, -1).first;
          EXPECT_LT(before->second, number);
          before->second = number;
        }
      }
    });
  }
}

TEST_P(OutboxConformance, GivesBackAllOfABatchsMessages) {
  Envelope envelope = message("10248", std::string("{\"a\":\0}", 7));
  envelope.reply_to = "sales.replies";
  envelope.lineage = {new_id(), new_id(), "", 5};
  envelope.extensions = {{"tenant", "north"}};
  Envelope other = message("10248");
  OutboxBatch batch;
  batch.add(topic, envelope);
  batch.add({DestinationKind::queue, "stock.commands"}, other);

  run([&]() -> Task<void> {
    co_await insert_all(batch);
    const Entries entries = co_await read(Outbox::partition_of(envelope));

    EXPECT_EQ(entries.size(), 2u);
    EXPECT_EQ(entries.at(0).envelope, envelope);
    EXPECT_EQ(entries.at(1).envelope, other);
    EXPECT_EQ(entries.at(1).destination, (Destination{DestinationKind::queue, "stock.commands"}));
  });
}

OutboxBatch OutboxConformance::batch_with_refusals() {
  OutboxBatch batch;
  const Envelope good = message("1");
  batch.add(topic, good);
  batch.add(topic, message(""));
  batch.refuse(Condition::unsupported, "no codec");
  batch.add({DestinationKind::queue, "a b"}, message("1"));
  batch.add(topic, message("2"));
  batch.add(topic, good);
  return batch;
}

TEST_P(OutboxConformance, RefusesABatchWithAllThatIsWrongWithIt) {
  const OutboxBatch batch = batch_with_refusals();
  EXPECT_EQ(batch.size(), 6u);

  run([&]() -> Task<void> {
    std::vector<store::Refusal> refusals;
    std::string sentence;
    try {
      co_await insert_all(batch, OnError::fail);
      ADD_FAILURE() << "it was taken";
    } catch (const store::BatchRefused& refused) {
      refusals = refused.refusals();
      sentence = refused.detail();
      EXPECT_EQ(refused.condition(), Condition::invalid_input);
    }
    EXPECT_EQ(refusals, batch.refusals());
    std::vector<std::size_t> indexes;
    for (const auto& refusal : refusals)
      indexes.push_back(refusal.index);
    EXPECT_EQ(indexes, (std::vector<std::size_t>{1, 2, 3, 5}));
    EXPECT_EQ(refusals.at(1).condition, Condition::unsupported);
    EXPECT_NE(sentence.find("4 of 6 messages are refused"), std::string::npos) << sentence;
    EXPECT_NE(sentence.find("message 1: a message of type"), std::string::npos) << sentence;
    EXPECT_NE(sentence.find("message 5: an earlier message"), std::string::npos) << sentence;
    EXPECT_EQ(co_await size(), 0);
  });
}

TEST_P(OutboxConformance, SkipsWhatIsRefusedWhenAskedTo) {
  run([this]() -> Task<void> {
    EXPECT_EQ(co_await insert_all(batch_with_refusals(), OnError::skip), 2u);
    EXPECT_EQ(co_await size(), 2);
    OutboxBatch none;
    none.refuse(Condition::invalid_input, "nothing is left");
    EXPECT_EQ(co_await insert_all(none, OnError::skip), 0u);
    EXPECT_EQ(co_await insert_all({}), 0u);
  });
}

TEST_P(OutboxConformance, BoundsABatch) {
  OutboxBatch many = batch_of(static_cast<int>(OutboxBatch::max_messages));
  EXPECT_THROW(many.add(topic, message("1")), Error);
  EXPECT_THROW(many.refuse(Condition::invalid_input, "no"), Error);
  EXPECT_EQ(many.size(), OutboxBatch::max_messages);

  OutboxBatch large;
  const std::string megabyte(event::Envelope::max_data_bytes, 'x');
  for (int i = 0; i < 16; ++i)
    large.add(topic, message("1", megabyte));
  EXPECT_THROW(large.add(topic, message("1", "x")), Error);
  large.add(topic, message("1", ""));
  EXPECT_EQ(large.size(), 17u);
}

// All or nothing, also where there is room for some.
TEST_P(OutboxConformance, TakesABatchOnlyWhenThereIsRoomForAllOfIt) {
  for (const OnError on_error : {OnError::fail, OnError::skip}) {
    use_seed(0);
    outbox_ = Outbox(20);
    run([&]() -> Task<void> {
      co_await insert_all(batch_of(15));
      EXPECT_EQ(co_await size(), 15);
    });
    EXPECT_EQ(condition_of([&]() -> Task<void> { co_await insert_all(batch_of(6), on_error); }),
              Condition::exhausted);
    run([&]() -> Task<void> {
      EXPECT_EQ(co_await size(), 15);
      co_await insert_all(batch_of(5), on_error);
      EXPECT_EQ(co_await size(), 20);
    });
  }
}

// Commits fail, and are applied all the same; whoever repeats has the same ids in another batch.
TEST_P(OutboxConformance, KeepsABatchWholeOverFailingCommits) {
  tests::for_seeds(seeds, [this](std::uint64_t seed) {
    use_seed(seed);
    outbox_ = Outbox(10'000);
    const auto write = [this]() -> Task<void> {
      for (int round = 0; round < 3; ++round) {
        try {
          co_await insert_all(batch_of(7));
        } catch (const Error&) {
          // Nobody knows whether it was applied.
        }
      }
    };
    std::vector<Task<void>> writers;
    for (int writer = 0; writer < 4; ++writer)
      writers.push_back(write());
    run_together(std::move(writers));

    run([this]() -> Task<void> { EXPECT_EQ(co_await size() % 7, 0); });
  });
}

TEST_P(OutboxConformance, TellsTheRelayAfterTheCommit) {
  store::CommitSignal relay;
  store::CommitSignal another;
  outbox_.wake(relay);
  outbox_.wake(another);

  condition_of([this]() -> Task<void> {
    co_await db().transaction([this](Transaction& tx) -> Task<void> {
      co_await outbox_.insert(tx, topic, message("1"));
      throw Error(Condition::not_found, "no");
    });
  });
  EXPECT_EQ(relay.count(), 0u);

  run([&]() -> Task<void> {
    co_await insert(message("1"));
    co_await relay.beyond(0);
  });
  EXPECT_EQ(relay.count(), 1u);
  EXPECT_EQ(another.count(), 1u);

  outbox_.stop_waking(another);
  run([&]() -> Task<void> {
    co_await insert(message("2"));
    co_await relay.beyond(1);
  });
  EXPECT_EQ(another.count(), 1u);
}

TEST_P(OutboxConformance, ReadsInOrderOfInsertionAndInParts) {
  run([this]() -> Task<void> {
    for (int i = 0; i < 5; ++i)
      co_await insert(message("k", std::to_string(i)));
    const std::int32_t partition = Outbox::partition_of(message("k"));

    const Entries first = co_await read(partition, 0, 2);
    const Entries rest = co_await read(partition, first.at(1).position, 100);

    EXPECT_EQ(first.size(), 2u);
    EXPECT_EQ(rest.size(), 3u);
    EXPECT_EQ(first.at(0).envelope.data.view(), "0");
    EXPECT_EQ(rest.at(0).envelope.data.view(), "2");
    EXPECT_EQ(rest.at(2).envelope.data.view(), "4");
  });
}

TEST_P(OutboxConformance, LeasesEveryPartitionToOneRelayAtATime) {
  const Uuid one = new_id();
  const Uuid two = new_id();
  run([&]() -> Task<void> {
    const Leases first = co_await lease(one, noon);
    const Leases refused = co_await lease(two, noon + std::chrono::seconds(9));
    const Leases renewed = co_await lease(one, noon + std::chrono::seconds(9));
    const Leases still_refused = co_await lease(two, noon + std::chrono::seconds(18));
    const Leases taken_over = co_await lease(two, noon + std::chrono::seconds(19));

    EXPECT_EQ(first.size(), static_cast<std::size_t>(Outbox::partitions));
    EXPECT_TRUE(refused.empty());
    EXPECT_EQ(renewed.at(0).epoch, first.at(0).epoch);
    EXPECT_TRUE(still_refused.empty());
    EXPECT_EQ(taken_over.size(), static_cast<std::size_t>(Outbox::partitions));
    EXPECT_GT(taken_over.at(0).epoch, first.at(0).epoch);
  });
}

TEST_P(OutboxConformance, LeasesEachRelayNoMoreThanItsShare) {
  const Uuid one = new_id();
  const Uuid two = new_id();
  constexpr std::int32_t half = Outbox::partitions / 2;
  run([&]() -> Task<void> {
    const Leases first = co_await lease(one, noon, half);
    const Leases second = co_await lease(two, noon, half);
    const Leases renewed = co_await lease(one, noon + std::chrono::seconds(5), half);
    const Leases late = co_await lease(one, noon + std::chrono::seconds(25), half);

    EXPECT_EQ(partitions_of(first), partitions_of(renewed));
    EXPECT_EQ(partitions_of(first), partitions_of(late)) << "its own before another's";
    std::set<std::int32_t> all = partitions_of(first);
    all.merge(partitions_of(second));
    EXPECT_EQ(all.size(), static_cast<std::size_t>(Outbox::partitions));
  });
}

TEST_P(OutboxConformance, GivesReleasedPartitionsToTheNextAtOnce) {
  const Uuid one = new_id();
  run([&]() -> Task<void> {
    const Leases first = co_await lease(one, noon);
    co_await db().transaction([&](Transaction& tx) { return outbox_.release(tx, one); });

    const Leases next = co_await lease(new_id(), noon);

    EXPECT_EQ(next.size(), static_cast<std::size_t>(Outbox::partitions));
    EXPECT_GT(next.at(0).epoch, first.at(0).epoch);
  });
}

TEST_P(OutboxConformance, GivesAllPartitionsToTheNextWhenEveryLeaseIsReleased) {
  run([this]() -> Task<void> {
    const Leases first = co_await lease(new_id(), noon);
    co_await db().transaction([&](Transaction& tx) { return outbox_.release_all(tx); });

    const Leases next = co_await lease(new_id(), noon);

    EXPECT_EQ(next.size(), static_cast<std::size_t>(Outbox::partitions));
    EXPECT_GT(next.at(0).epoch, first.at(0).epoch);
  });
}

TEST_P(OutboxConformance, FencesOffTheFormerOwner) {
  run([this]() -> Task<void> {
    co_await insert(message("k"));
    const auto partition = Outbox::partition_of(message("k"));
    const auto index = static_cast<std::size_t>(partition);
    const std::int64_t position = (co_await read(partition)).at(0).position;
    const Leases former = co_await lease(new_id(), noon);
    const Leases present = co_await lease(new_id(), noon + std::chrono::seconds(10));

    EXPECT_FALSE(co_await publish(former.at(index), {position}));
    EXPECT_EQ(co_await size(), 1);
    EXPECT_TRUE(co_await publish(present.at(index), {position}));
    EXPECT_EQ(co_await size(), 0);
  });
}

TEST_P(OutboxConformance, RefusesBatchesOutOfBounds) {
  for (const std::size_t limit : {std::size_t{0}, Outbox::max_batch + 1}) {
    EXPECT_EQ(condition_of([&]() -> Task<void> { co_await read(0, 0, limit); }),
              Condition::invalid_input);
    EXPECT_EQ(condition_of([&]() -> Task<void> {
                co_await publish({0, 1}, std::vector<std::int64_t>(limit, 1));
              }),
              Condition::invalid_input);
  }
}

// What a relay does: lease, publish what it reads, mark it. Its publishing is the push_back; it
// comes before the mark, so what a stolen lease leaves unmarked is published again.
Task<void> OutboxConformance::relay(Uuid owner, const bool& writing,
                                    std::vector<Envelope>& published) {
  for (int pass = 0; pass < 1000; ++pass) {
    const bool last = !writing;
    Leases leases;
    co_await insist([&](Transaction& tx) -> Task<void> {
      // Each pass steals from the other: a lease that always has expired.
      leases = co_await outbox_.lease(tx, owner, noon, -lease_time);
    });
    for (const Outbox::Lease lease : leases) {
      const Entries entries = co_await read(lease.partition, 0, 3);
      if (entries.empty()) continue;
      std::vector<std::int64_t> positions;
      for (const OutboxEntry& entry : entries) {
        published.push_back(entry.envelope);
        positions.push_back(entry.position);
      }
      co_await insist(
          [&](Transaction& tx) -> Task<void> { co_await outbox_.published(tx, lease, positions); });
    }
    if (last && co_await size() == 0) co_return;
    co_await async::yield();
  }
  ADD_FAILURE() << "the outbox was not emptied in 1000 passes";
}

TEST_P(OutboxConformance, KeepsTheOrderOfAKeyWithTwoRelays) {
  tests::for_seeds(seeds, [this](std::uint64_t seed) {
    use_seed(seed);
    outbox_ = Outbox(1000);
    constexpr int keys = 3;
    constexpr int messages = 8;
    bool writing = true;
    int writers = keys;
    std::vector<Envelope> published;
    const auto write = [&](std::string key) -> Task<void> {
      for (int i = 0; i < messages; ++i) {
        const Envelope envelope = message(key, std::to_string(i));
        co_await insist(
            [&](Transaction& tx) -> Task<void> { co_await outbox_.insert(tx, topic, envelope); });
      }
      writing = --writers > 0;
    };
    std::vector<Task<void>> tasks;
    for (int key = 0; key < keys; ++key)
      tasks.push_back(write("key " + std::to_string(key)));
    tasks.push_back(relay(new_id(), writing, published));
    tasks.push_back(relay(new_id(), writing, published));

    run_together(std::move(tasks));

    // By the first publication of each id: what comes again is the consumer's inbox's business.
    std::map<std::string, int> next;
    std::set<Uuid> seen;
    for (const Envelope& envelope : published) {
      if (!seen.insert(envelope.id).second) continue;
      const int number = std::stoi(std::string(envelope.data.view()));
      EXPECT_EQ(number, std::exchange(next[envelope.ordering_key], number + 1));
    }
    for (const auto& [key, count] : next)
      EXPECT_EQ(count, messages) << key;
    EXPECT_EQ(next.size(), static_cast<std::size_t>(keys));
  });
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(OutboxConformance);

}  // namespace sinew::conformance
