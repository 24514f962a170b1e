#include "tests/conformance/saga_lock_suite.hpp"

#include <fmt/format.h>

#include "sinew/messaging/backlog.hpp"
#include "sinew/saga/instances.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::conformance {

using saga::Locks;
using saga::LockUse;
using store::Transaction;

namespace {

constexpr auto consumer = "hall/hall.commands";

}  // namespace

void SagaLockConformance::SetUp() { use_seed(0); }

void SagaLockConformance::use_seed(std::uint64_t seed) {
  Conformance::use_seed(seed);
  run([this]() -> Task<void> {
    co_await db().migrate(messaging::messaging_migrations());
    co_await db().migrate(saga::saga_migrations());
  });
}

event::Envelope SagaLockConformance::command(const std::string& saga, const std::string& type) {
  event::Envelope message;
  message.id = new_id();
  message.source = "/shop";
  message.type = type;
  message.ordering_key = saga;
  if (!saga.empty()) message.extensions = {{"sagatype", "buy"}, {"sagaid", saga}};
  message.data = SharedBytes("{}");
  return message;
}

Task<std::string> SagaLockConformance::enter(event::Envelope message, LockUse use,
                                             std::string seat) {
  const Uuid sequence = new_id();
  co_return co_await db().transaction([&](Transaction& tx) -> Task<std::string> {
    Locks locks(consumer);
    const auto turn = co_await locks.enter(tx, {message, use, seat, sequence, noon});
    if (const auto* no = std::get_if<messaging::Rejection>(&turn)) co_return no->code;
    co_return std::get<Locks::Turn>(turn) == Locks::Turn::run ? "run" : "stashed";
  });
}

Task<void> SagaLockConformance::leave(event::Envelope message, LockUse use, bool accepted,
                                      std::string seat) {
  co_await db().transaction([&](Transaction& tx) -> Task<void> {
    Locks locks(consumer);
    co_await locks.leave(tx, {message, use, seat, Uuid(), noon}, accepted);
  });
}

Task<std::string> SagaLockConformance::handle(event::Envelope message, LockUse use,
                                              std::string seat) {
  const Uuid sequence = new_id();
  co_return co_await db().transaction([&](Transaction& tx) -> Task<std::string> {
    Locks locks(consumer);
    const Locks::Command command{message, use, seat, sequence, noon};
    const auto turn = co_await locks.enter(tx, command);
    if (const auto* no = std::get_if<messaging::Rejection>(&turn)) co_return no->code;
    if (std::get<Locks::Turn>(turn) == Locks::Turn::stashed) co_return "stashed";
    co_await locks.leave(tx, command, true);
    co_return "run";
  });
}

Task<std::string> SagaLockConformance::lock(std::string seat) {
  const auto locks = co_await db().read([](Transaction& tx) { return saga::list_locks(tx, 100); });
  for (const auto& each : locks) {
    if (each.resource != seat) continue;
    co_return fmt::format("{} {}, {} waiting", each.owner.id,
                          each.accepted ? "held" : "handed over", each.waiting);
  }
  co_return "free";
}

Task<std::string> SagaLockConformance::unstashed() {
  const auto entries =
      co_await db().read([](Transaction& tx) -> Task<std::vector<messaging::BacklogEntry>> {
        messaging::Backlog backlog(consumer);
        co_return co_await backlog.due(tx, noon, 100);
      });
  std::string sagas;
  for (const auto& entry : entries)
    sagas += (sagas.empty() ? "" : " ") + entry.key;
  co_return sagas;
}

TEST_P(SagaLockConformance, KeepsOthersWaitingInOrderUntilTheOwnerUnlocks) {
  run([this]() -> Task<void> {
    EXPECT_EQ(co_await handle(command("ann"), LockUse::acquire), "run");
    EXPECT_EQ(co_await handle(command("bob"), LockUse::acquire), "stashed");
    EXPECT_EQ(co_await handle(command("eve"), LockUse::acquire), "stashed");
    EXPECT_EQ(co_await handle(command("ann"), LockUse::acquire), "run") << "it owns the lock";
    EXPECT_EQ(co_await handle(command("bob"), LockUse::acquire, "B2"), "run") << "another seat";
    EXPECT_EQ(co_await lock(), "ann held, 2 waiting");
    EXPECT_EQ(co_await unstashed(), "");

    EXPECT_EQ(co_await handle(command("ann"), LockUse::release), "run");

    EXPECT_EQ(co_await lock(), "bob handed over, 1 waiting");
    EXPECT_EQ(co_await unstashed(), "bob");
    EXPECT_EQ(co_await handle(command("joe"), LockUse::acquire), "stashed") << "bob is next";
    EXPECT_EQ(co_await handle(command("bob"), LockUse::acquire), "run");
    EXPECT_EQ(co_await lock(), "bob held, 2 waiting");
    EXPECT_EQ(co_await handle(command("bob"), LockUse::release), "run");
    EXPECT_EQ(co_await unstashed(), "bob eve");
  });
}

TEST_P(SagaLockConformance, RunsThoseThatOnlyWaitBeforeTheNextOwner) {
  run([this]() -> Task<void> {
    co_await handle(command("ann"), LockUse::acquire);
    EXPECT_EQ(co_await handle(command("bob"), LockUse::wait), "stashed");
    EXPECT_EQ(co_await handle(command(""), LockUse::wait), "stashed") << "also without a saga";
    EXPECT_EQ(co_await handle(command("eve"), LockUse::acquire), "stashed");
    EXPECT_EQ(co_await handle(command("joe"), LockUse::wait), "stashed");

    co_await handle(command("ann"), LockUse::release);

    EXPECT_EQ(co_await lock(), "eve handed over, 1 waiting");
    co_await handle(command("eve"), LockUse::acquire);
    co_await handle(command("eve"), LockUse::release);
    EXPECT_EQ(co_await lock(), "free");
    EXPECT_EQ(co_await handle(command("kim"), LockUse::wait), "run");
    EXPECT_EQ(co_await lock(), "free") << "who waits owns nothing";
  });
}

TEST_P(SagaLockConformance, TakesNoLockForANo) {
  run([this]() -> Task<void> {
    const auto ann = command("ann");
    EXPECT_EQ(co_await enter(ann, LockUse::acquire), "run");
    co_await leave(ann, LockUse::acquire, false);
    EXPECT_EQ(co_await lock(), "free");

    co_await handle(ann, LockUse::acquire);
    co_await handle(command("bob"), LockUse::acquire);
    co_await handle(command("eve"), LockUse::acquire);
    co_await leave(ann, LockUse::acquire, false);
    EXPECT_EQ(co_await lock(), "ann held, 2 waiting") << "a no to a repetition changes nothing";
    co_await leave(ann, LockUse::release, false);
    EXPECT_EQ(co_await lock(), "ann held, 2 waiting") << "not undone: still locked";

    co_await handle(ann, LockUse::release);
    co_await leave(command("bob"), LockUse::acquire, false);
    EXPECT_EQ(co_await lock(), "eve handed over, 0 waiting") << "bob was told no";
  });
}

TEST_P(SagaLockConformance, EndsTheWaitOfASagaThatCompensates) {
  run([this]() -> Task<void> {
    co_await handle(command("ann"), LockUse::acquire);
    co_await handle(command("bob"), LockUse::acquire);

    EXPECT_EQ(co_await handle(command("bob", "hall.free"), LockUse::release), "run");

    EXPECT_EQ(co_await lock(), "ann held, 0 waiting");
    co_await handle(command("ann"), LockUse::release);
    EXPECT_EQ(co_await unstashed(), "");
    EXPECT_EQ(co_await lock(), "free");
  });
}

TEST_P(SagaLockConformance, GivesARepeatedAttemptTheEarlierOnesPlace) {
  run([this]() -> Task<void> {
    co_await handle(command("ann"), LockUse::acquire);
    co_await handle(command("bob"), LockUse::acquire);
    co_await handle(command("eve"), LockUse::acquire);
    const auto again = command("bob");
    EXPECT_EQ(co_await handle(again, LockUse::acquire), "stashed");
    EXPECT_EQ(co_await lock(), "ann held, 2 waiting");

    co_await handle(command("ann"), LockUse::release);

    const auto entries =
        co_await db().read([](Transaction& tx) -> Task<std::vector<messaging::BacklogEntry>> {
          messaging::Backlog backlog(consumer);
          co_return co_await backlog.due(tx, noon, 100);
        });
    EXPECT_EQ(entries.size(), 1U);
    if (entries.size() == 1) EXPECT_EQ(entries[0].message.id, again.id) << "its reply is awaited";
  });
}

TEST_P(SagaLockConformance, LetsNobodyWaitWhoIsWaitedFor) {
  run([this]() -> Task<void> {
    co_await handle(command("ann"), LockUse::acquire, "A1");
    co_await handle(command("bob"), LockUse::acquire, "B2");

    EXPECT_EQ(co_await handle(command("ann"), LockUse::acquire, "B2"), "locked");
    EXPECT_EQ(co_await handle(command("bob"), LockUse::wait, "A1"), "locked");

    EXPECT_EQ(co_await lock("A1"), "ann held, 0 waiting");
    EXPECT_EQ(co_await lock("B2"), "bob held, 0 waiting");
  });
}

TEST_P(SagaLockConformance, BoundsTheStash) {
  run([this]() -> Task<void> {
    co_await handle(command("ann"), LockUse::acquire);
    for (std::int64_t i = 0; i < Locks::max_stash; ++i)
      co_await handle(command(fmt::format("s{}", i)), LockUse::acquire);
    EXPECT_EQ(co_await handle(command("late"), LockUse::acquire), "locked");
    EXPECT_EQ(co_await handle(command("s7"), LockUse::acquire), "stashed") << "it has its place";
    EXPECT_EQ(co_await lock(), fmt::format("ann held, {} waiting", Locks::max_stash));
  });
}

TEST_P(SagaLockConformance, RefusesWhatCannotLock) {
  run([this]() -> Task<void> {
    EXPECT_EQ(co_await handle(command(""), LockUse::acquire), "no_saga");
    EXPECT_EQ(co_await handle(command(""), LockUse::release), "run");
  });
  for (const std::string& seat : {std::string(), std::string(201, 'x')}) {
    EXPECT_EQ(condition_of(
                  [&]() -> Task<void> { co_await handle(command("ann"), LockUse::acquire, seat); }),
              Condition::invalid_input);
  }
}

TEST_P(SagaLockConformance, IsForcedOpenByAnOperator) {
  run([this]() -> Task<void> {
    co_await handle(command("ann"), LockUse::acquire);
    co_await handle(command("bob"), LockUse::acquire);
    co_await db().transaction([](Transaction& tx) { return Locks::force_release(tx, "A1", noon); });
    EXPECT_EQ(co_await lock(), "bob handed over, 0 waiting");
    EXPECT_EQ(co_await unstashed(), "bob");
    EXPECT_EQ(co_await handle(command("ann"), LockUse::release), "run") << "too late, harmless";
    EXPECT_EQ(co_await lock(), "bob handed over, 0 waiting");
  });
  EXPECT_EQ(condition_of([this]() -> Task<void> {
              co_await db().transaction(
                  [](Transaction& tx) { return Locks::force_release(tx, "B2", noon); });
            }),
            Condition::not_found);
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SagaLockConformance);

}  // namespace sinew::conformance
