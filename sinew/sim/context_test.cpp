#include "sinew/sim/context.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sinew/base/error.hpp"
#include "sinew/context/spec.hpp"
#include "sinew/saga/builder.hpp"
#include "sinew/sim/failure.hpp"

namespace sinew::sim {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// A library that hears of members, lends books on command, and orders new ones by a saga.
struct Joined {
  static constexpr event::EventType type{"club.joined", 1};
  std::string member;
};
BOOST_DESCRIBE_STRUCT(Joined, (), (member))
struct Lent {
  static constexpr event::EventType type{"library.lent", 1};
  std::string member;
  std::string book;
};
BOOST_DESCRIBE_STRUCT(Lent, (), (member, book))
struct Lend {
  static constexpr event::EventType type{"library.lend", 1};
  using Reply = Lent;
  std::string member;
  std::string book;
};
BOOST_DESCRIBE_STRUCT(Lend, (), (member, book))
struct Delivered {
  static constexpr event::EventType type{"shop.delivered", 1};
  std::string book;
};
BOOST_DESCRIBE_STRUCT(Delivered, (), (book))
struct Deliver {
  static constexpr event::EventType type{"shop.deliver", 1};
  using Reply = Delivered;
  std::string book;
};
BOOST_DESCRIBE_STRUCT(Deliver, (), (book))
struct Wish {
  std::string book;
};
BOOST_DESCRIBE_STRUCT(Wish, (), (book))
struct Unheard {
  static constexpr event::EventType type{"nowhere.said", 1};
};
BOOST_DESCRIBE_STRUCT(Unheard, (), ())

constexpr store::Migration tables[] = {
    {1, "library",
     "CREATE TABLE members (name TEXT NOT NULL, times BIGINT NOT NULL);"
     "CREATE TABLE lent (book TEXT NOT NULL, member TEXT NOT NULL);"
     "CREATE TABLE books (book TEXT NOT NULL);"}};

class Library final : public context::Context {
 public:
  std::string_view name() const noexcept override { return "library"; }
  void describe(context::ContextSpec& spec) override {
    spec.migrations(tables)
        .handles(&Library::greet)
        .answers(&Library::lend)
        .drop("books", &Library::take)
        .route(http::Method::post, "/wishes", &Library::wish)
        .saga(saga::define<Wish>("order-book", saga::Version{1})
                  .step("deliver",
                        saga::ask<Deliver>([](const Wish& w) { return Deliver{w.book}; })));
  }

 private:
  Task<void> greet(store::Transaction& tx, Joined event, const event::Envelope&) {
    if (event.member.empty()) throw Error(Condition::invalid_input, "a member has a name");
    co_await tx.execute("INSERT INTO members (name, times) VALUES (?, 1)", {event.member});
  }
  Task<messaging::Answer<Lent>> lend(store::Transaction& tx, Lend command,
                                     const event::Envelope& message) {
    const auto known =
        co_await tx.execute("SELECT 1 FROM members WHERE name = ?", {command.member});
    if (known.empty()) co_return messaging::Rejection{"stranger", "who is that?"};
    co_await tx.execute("INSERT INTO lent (book, member) VALUES (?, ?)",
                        {command.book, command.member});
    const Lent lent{command.member, command.book};
    co_await publish(tx, lent, command.book, event::caused_by(message));
    co_return lent;
  }
  Task<void> take(exchange::DroppedFile& file) {
    co_await file.commit([&](store::Transaction& tx) -> Task<void> {
      co_await tx.execute("INSERT INTO books (book) VALUES (?)", {file.content()});
    });
  }
  Task<http::Response> wish(const Wish& wish) {
    const auto lineage = co_await new_lineage();
    co_await database().transaction([&](store::Transaction& tx) -> Task<void> {
      co_await sagas().start(tx, "order-book", wish.book, to_json(wish), lineage);
    });
    co_return http::accepted(to_json(wish));
  }
};

// Writes a member down outside of the handling's own transaction: wrong on purpose.
class Forgetful final : public context::Context {
 public:
  std::string_view name() const noexcept override { return "library"; }
  void describe(context::ContextSpec& spec) override {
    spec.migrations(tables).handles(&Forgetful::greet);
  }
  Task<void> greet(messaging::Handling&, Joined event) {
    co_await database().transaction([&](store::Transaction& tx) -> Task<void> {
      co_await tx.execute("INSERT INTO members (name, times) VALUES (?, 1)", {event.member});
    });
  }
};

std::string failure_of(const std::function<void()>& test) {
  try {
    test();
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "it did not fail";
}

TEST(ContextTest, AnswersACommandOnce) {
  ContextTest<Library> library;

  library.given(Joined{"ann"})
      .when(Lend{"ann", "Emma"}, "Emma")
      .twice()
      .then_replies(Lent{"ann", "Emma"})
      .then_publishes(Lent{"ann", "Emma"})
      .then_rows("SELECT book, member FROM lent", {{"Emma", "ann"}});
}

TEST(ContextTest, RefusesWithACode) {
  ContextTest<Library> library;

  library.when(Lend{"bob", "Emma"}).then_rejects("stranger").then_publishes({});
  library.then_rows("SELECT book FROM lent", {});
}

TEST(ContextTest, ParksWhatNoRetryCanMend) {
  ContextTest<Library> library;

  library.when(Joined{""}).then_parked(1).then_rows("SELECT name FROM members", {});
}

TEST(ContextTest, StandsWhereItStoodAfterACrash) {
  ContextTest<Library> library;

  library.given(Joined{"ann"})
      .crash_and_restart()
      .when(Lend{"ann", "Emma"})
      .then_replies(Lent{"ann", "Emma"});
}

TEST(ContextTest, IsAskedByHttpAndAsksOthers) {
  ContextTest<Library> library;

  library.when_requested(http::Method::post, "/wishes", to_json(Wish{"Emma"}))
      .then_answers(202, to_json(Wish{"Emma"}))
      .then_asks(Deliver{"Emma"});
  library.when_answered(Delivered{"Emma"})
      .then_asks({})
      .then_rows("SELECT status FROM saga_instances", {{"completed"}});
  library.when_requested(http::Method::get, "/wishes").then_answers(405);
}

TEST(ContextTest, LetsTimePassForTimeouts) {
  ContextTest<Library> library;
  library.when_requested(http::Method::post, "/wishes", to_json(Wish{"Emma"}));

  library.when_time_passes(std::chrono::seconds(31)).then_asks(Deliver{"Emma"});
  library.when_rejected("sold_out")
      .then_rows("SELECT status FROM saga_instances", {{"compensated"}});
}

TEST(ContextTest, TakesFiles) {
  ContextTest<Library> library;

  library.given_file("books", "Emma").then_rows("SELECT book FROM books", {{"Emma"}});
}

TEST(ContextTest, DoesAllOnceWhereverThePowerGoes) {
  const auto cuts = at_every_power_cut([](PowerCut& cut) {
    ContextTest<Library> library({.disk = async::sim::DiskOptions{}});
    library.given(Joined{"ann"})
        .cut_power_at(cut)
        .when(Lend{"ann", "Emma"})
        .then_replies(Lent{"ann", "Emma"})
        .then_publishes(Lent{"ann", "Emma"})
        .then_rows("SELECT book FROM lent", {{"Emma"}});
  });

  EXPECT_GT(cuts, 5U) << "of the broker and of the context, with their syncs";
}

TEST(ContextTest, NoticesAnEffectThatIsRepeated) {
  ContextTest<Forgetful> library;

  EXPECT_THAT(failure_of([&] {
                library.when(Joined{"ann"}).twice().then_rows("SELECT times FROM members", {{1}});
              }),
              HasSubstr("SELECT times FROM members differs\n    [1]: not expected, found [1]"));
}

TEST(ContextTest, NamesThePowerCutAfterWhichItIsRepeated) {
  const auto story = [](PowerCut& cut) {
    ContextTest<Forgetful> library({.disk = async::sim::DiskOptions{}});
    library.cut_power_at(cut).when(Joined{"ann"}).then_rows("SELECT times FROM members", {{1}});
  };

  EXPECT_THAT(
      failure_of([&] { at_every_power_cut(story); }),
      AllOf(HasSubstr("not expected, found [1]"), HasSubstr("the power went at operation")));
}

TEST(ContextTest, SaysWhatItFoundInstead) {
  ContextTest<Library> library;
  library.given(Joined{"ann"}).when(Lend{"ann", "Emma"});

  EXPECT_THAT(failure_of([&] { library.then_publishes(Lent{"bob", "Emma"}); }),
              AllOf(HasSubstr("context_test.cpp:"), HasSubstr("event 1, library.lent, differs"),
                    HasSubstr("member: expected \"bob\", found \"ann\"")));
  EXPECT_THAT(failure_of([&] { library.then_replies(Lent{"ann", "Ulysses"}); }),
              HasSubstr("the reply differs\n    book: expected \"Ulysses\", found \"Emma\""));
  EXPECT_THAT(failure_of([&] { library.then_rejects("stranger"); }), HasSubstr("found the reply"));
  EXPECT_THAT(failure_of([&] { library.then_asks(Deliver{"x"}); }),
              HasSubstr("command 1, shop.deliver, is missing"));
  EXPECT_THAT(failure_of([&] { library.then_answers(200); }), HasSubstr("nothing was requested"));
  EXPECT_THAT(failure_of([&] { library.then_rows("SELECT book FROM lent", {}); }),
              HasSubstr("[0]: not expected, found [\"Emma\"]"));
  EXPECT_THAT(failure_of([&] { library.then_parked(1); }), HasSubstr("found 0"));
  EXPECT_THAT(failure_of([&] { library.when(Unheard{}); }), HasSubstr("nobody hears nowhere.said"));
  EXPECT_THAT(failure_of([&] { library.when_answered(Delivered{}); }),
              HasSubstr("no command to answer"));
}

// Two contexts and their invariant, through power cuts, duplicates and lost answers.
class Club final : public context::Context {
 public:
  std::string_view name() const noexcept override { return "club"; }
  void describe(context::ContextSpec& spec) override {
    static constexpr store::Migration own[] = {
        {1, "members", "CREATE TABLE members (name TEXT NOT NULL PRIMARY KEY);"}};
    spec.migrations(own).route(http::Method::post, "/members", &Club::join);
  }
  Task<http::Response> join(const Joined& event) {
    const auto lineage = co_await new_lineage();
    co_await database().transaction([&](store::Transaction& tx) -> Task<void> {
      co_await tx.execute("INSERT INTO members (name) VALUES (?)", {event.member});
      co_await publish(tx, event, event.member, lineage);
    });
    co_return http::no_content();
  }
};

// Until somebody answers it; 409: an earlier try was done and its answer lost.
void join(World& world, const std::string& member) {
  for (;;) {
    try {
      const int status = world.post("club", "/members", to_json(Joined{member})).status;
      if (status == 204 || status == 409) return;
    } catch (const Error&) {
      world.run_for(std::chrono::milliseconds(10));
    }
    if (!world.down()) continue;
    world.cut_power();
    world.restart();
  }
}

std::uint64_t members_through_power_cuts(std::uint64_t seed, Databases databases) {
  World world(
      {.seed = seed, .databases = databases, .disk = async::sim::DiskOptions{}, .duplicates = 0.5});
  world.add<Club>().add<Library>();
  world.invariant("every member is known to the library once", [](World& w) {
    return w.rows("library", "SELECT name, times FROM members ORDER BY name") ==
           w.rows("club", "SELECT name, 1 FROM members ORDER BY name");
  });
  world.start();
  for (int i = 0; i < 5; ++i) {
    world.cut_power_after(1 + world.random().below(100));
    join(world, "m" + std::to_string(i));
  }
  world.endure(2);
  EXPECT_TRUE(world.settle());
  EXPECT_EQ(world.number("library", "SELECT COUNT(*) FROM members"), 5);
  return world.simulation().trace_hash();
}

TEST(World, HoldsItsInvariantsThroughPowerCuts) {
  for (const auto databases : {Databases::plain, Databases::interleaving}) {
    for_seeds(
        10, [&](std::uint64_t seed) { members_through_power_cuts(seed, databases); },
        testing::Test::HasFailure);
  }
}

TEST(World, TellsTheSameStoryBySeed) {
  const auto trace = members_through_power_cuts(4, Databases::plain);

  EXPECT_EQ(members_through_power_cuts(4, Databases::plain), trace);
  EXPECT_NE(members_through_power_cuts(5, Databases::plain), trace);
}

TEST(World, NamesTheInvariantThatIsBroken) {
  World world;
  world.add<Library>();
  world.invariant("there are no members", [](World& w) {
    return w.number("library", "SELECT COUNT(*) FROM members") == 0;
  });
  world.invariant("there is a table of dragons",
                  [](World& w) { return w.rows("library", "SELECT 1 FROM dragons").empty(); });
  world.start();

  EXPECT_THAT(failure_of([&] { world.settle(); }), AllOf(HasSubstr("table of dragons (")));
  world.deliver(world.message(Joined{"ann"}, "ann"));
  EXPECT_THAT(failure_of([&] { world.settle(); }), HasSubstr("\n  there are no members\n"));
}

TEST(World, SaysWhatItNeeds) {
  World world;
  world.add<Library>();

  EXPECT_THROW(world.rows("library", "SELECT 1"), Error) << "not started";
  world.start();
  EXPECT_THROW(world.rows("museum", "SELECT 1"), Error);
  EXPECT_THROW(world.cut_power(), Error) << "no simulated disk";
}

}  // namespace
}  // namespace sinew::sim
