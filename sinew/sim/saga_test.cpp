#include "sinew/sim/saga.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sinew/base/error.hpp"
#include "sinew/saga/builder.hpp"
#include "sinew/sim/failure.hpp"

namespace sinew::sim {
namespace {

using saga::Status;
using testing::AllOf;
using testing::HasSubstr;

struct Trip {
  std::string id;
  std::string room;
};
BOOST_DESCRIBE_STRUCT(Trip, (), (id, room))

struct Done {
  static constexpr event::EventType type{"hotel.done", 1};
  std::string room;
};
BOOST_DESCRIBE_STRUCT(Done, (), (room))
struct Reserve {
  static constexpr event::EventType type{"hotel.reserve", 1};
  using Reply = Done;
  std::string trip;
};
BOOST_DESCRIBE_STRUCT(Reserve, (), (trip))
struct Cancel {
  static constexpr event::EventType type{"hotel.cancel", 1};
  using Reply = Done;
  std::string room;
};
BOOST_DESCRIBE_STRUCT(Cancel, (), (room))
struct Fly {
  static constexpr event::EventType type{"airline.fly", 1};
  using Reply = Done;
  std::string trip;
};
BOOST_DESCRIBE_STRUCT(Fly, (), (trip))

constexpr store::Migration tables[] = {{1, "notes", "CREATE TABLE notes (word TEXT NOT NULL);"}};

saga::Definition book_trip(bool broken = false) {
  return saga::define<Trip>("book-trip", saga::Version{1})
      .step("reserve",
            saga::ask<Reserve>([](const Trip& trip) { return Reserve{trip.id}; },
                               [](Trip& trip, const Done& done) { trip.room = done.room; }))
      .compensate(saga::ask<Cancel>([](const Trip& trip) { return Cancel{trip.room}; }))
      .timeout(std::chrono::seconds(30))
      .retry({.max_attempts = 2})
      .pivot("fly", saga::ask<Fly>([](const Trip& trip) { return Fly{trip.id}; }))
      .step("note", saga::local([broken](store::Transaction& tx, Trip& trip) -> Task<void> {
              co_await tx.execute("INSERT INTO notes (word) VALUES (?)", {trip.room});
              if (broken) throw Error(Condition::invalid_input, "the pen is dry");
            }));
}

std::string failure_of(const std::function<void()>& test) {
  try {
    test();
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "it did not fail";
}

class SagaKit : public testing::Test {
 protected:
  SagaTest saga{book_trip(), Trip{"t-1", ""}, {.migrations = tables}};
};

TEST_F(SagaKit, WalksToItsEnd) {
  saga.when_started().then_asks(Reserve{"t-1"}).then(Status::running);
  saga.when_answered(Done{"12"}).then_asks(Fly{"t-1"}).then_data(Trip{"t-1", "12"});
  saga.when_answered(Done{}).then_asks_nothing().then_runs("note").then(Status::completed);
  saga.then_rows("SELECT word FROM notes", {{"12"}});
}

TEST_F(SagaKit, GoesBackWhenItIsRefused) {
  saga.when_started().when_answered(Done{"12"}).then_asks(Fly{"t-1"});
  saga.when_rejected("no_seat").then_asks(Cancel{"12"}).then(Status::compensating);
  saga.when_answered(Done{}).then(Status::compensated);
}

TEST_F(SagaKit, AsksAgainUnderTheSameKey) {
  saga.when_started().when_timed_out().then_asks_again();
  saga.when_timed_out().then_asks(Cancel{""});
}

TEST_F(SagaKit, TakesAReplyOnceAndSurvivesACrash) {
  saga.when_started().crash_and_restart().when_answered(Done{"12"}).twice();
  saga.then_asks(Fly{"t-1"}).crash_and_restart().when_answered(Done{}).then(Status::completed);
}

TEST_F(SagaKit, IsOperated) {
  saga.when_started().when_operated(saga::Verb::resolve, to_json(Done{"3"})).then_asks(Fly{"t-1"});
  saga.then_data(Trip{"t-1", "3"});
}

TEST(SagaKitFailing, TellsALocalStepThatFails) {
  SagaTest saga(book_trip(true), Trip{"t-1", ""}, {.migrations = tables});

  saga.when_started().when_answered(Done{"1"}).when_answered(Done{});

  saga.then_fails("note", "the pen is dry").then_rows("SELECT word FROM notes", {});
  saga.then(Status::running);
}

TEST_F(SagaKit, SaysWhatHappenedInstead) {
  saga.when_started();

  EXPECT_THAT(failure_of([&] { saga.then_asks(Reserve{"t-2"}); }),
              AllOf(HasSubstr("saga_test.cpp:"),
                    HasSubstr("command 1, hotel.reserve, differs\n    trip: expected \"t-2\", "
                              "found \"t-1\""),
                    HasSubstr("its history since:\n    reserve started")));
  EXPECT_THAT(failure_of([&] { saga.then_asks_nothing(); }), HasSubstr("found hotel.reserve"));
  EXPECT_THAT(failure_of([&] { saga.then_runs("note"); }), HasSubstr("note was not run"));
  EXPECT_THAT(failure_of([&] { saga.then(Status::completed); }),
              HasSubstr("expected the saga to be completed, it is running"));
  EXPECT_THAT(failure_of([&] { saga.then_data(Trip{"t-1", "7"}); }),
              HasSubstr("room: expected \"7\", found \"\""));
  EXPECT_THAT(failure_of([&] { saga.then_asks_again(); }), HasSubstr("nothing before"));
}

TEST(SagaKitFailing, NeedsAStart) {
  SagaTest saga(book_trip(), Trip{}, {.migrations = tables});

  EXPECT_THAT(failure_of([&] { saga.then(Status::running); }), HasSubstr("when_started()"));
  EXPECT_THAT(failure_of([&] { saga.when_answered(Done{}); }), HasSubstr("no command to answer"));
  EXPECT_THAT(failure_of([&] { saga.when_timed_out(); }), HasSubstr("waits for no time"));
}

}  // namespace
}  // namespace sinew::sim
