#include "sinew/context/position.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sinew/async/sim/random.hpp"
#include "sinew/base/error.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/for_seeds.hpp"
#include "tests/support/test_host.hpp"

namespace sinew::context {
namespace {

using namespace std::chrono_literals;
using store::Checkpoint;
using testing::ElementsAre;
using testing::HasSubstr;
using tests::error_of;

http::Request asking(std::initializer_list<http::Header> headers) {
  http::Request request;
  request.headers = headers;
  return request;
}
http::Request preferring(std::string preferences) {
  return asking(
      {{"Sinew-Min-Position", "shop:0000000000000007"}, {"Prefer", std::move(preferences)}});
}

TEST(Position, IsReadAsItWasWritten) {
  const auto position = Checkpoint::from_position(0x1a);

  EXPECT_EQ(write_position("shop", position), "shop:000000000000001a");
  EXPECT_EQ(read_position("shop", "shop:000000000000001a"), position);
}

TEST(Position, OfAnotherContextOrMalformedIsRefused) {
  for (const std::string_view text :
       {"", "shop", "shop:", ":000000000000001a", "stock:000000000000001a", "Shop:000000000000001a",
        "000000000000001a", "shop:1a1", "shop:1A", "shop: 1a", "shop:1a,shop:1b", "shop:shop:1a",
        "shop:\xff\xff"}) {
    const Error error = error_of([&] { read_position("shop", text); });

    EXPECT_EQ(error.condition(), Condition::invalid_input) << text;
    EXPECT_THAT(error.detail(), HasSubstr("Sinew-Min-Position")) << text;
    EXPECT_THAT(error.detail(), HasSubstr("such as shop:0000000000000001")) << text;
  }
}

TEST(Position, HasOneTextWhateverComesIn) {
  const std::string alphabet = "shop:0123456789abcdefABg ,\xff";
  tests::for_seeds(5000, [&](std::uint64_t seed) {
    async::sim::Random random(seed);
    std::string text = random.next() % 2 == 0 ? "shop:" : "";
    for (auto length = random.next() % 20; length > 0; --length)
      text += alphabet[random.next() % alphabet.size()];
    try {
      EXPECT_EQ(write_position("shop", read_position("shop", text)), text);
    } catch (const Error& error) {
      EXPECT_EQ(error.condition(), Condition::invalid_input) << text;
    }
  });
}

TEST(Position, IsAskedForByOneField) {
  EXPECT_FALSE(requested_wait("shop", asking({{"Prefer", "wait=5"}})));

  const auto wait = requested_wait("shop", asking({{"sinew-min-position", "shop:07"}}));
  ASSERT_TRUE(wait);
  EXPECT_EQ(wait->position, Checkpoint::parse("07"));
  EXPECT_EQ(wait->patience, view_patience);

  const Error twice = error_of([] {
    requested_wait("shop",
                   asking({{"Sinew-Min-Position", "shop:07"}, {"Sinew-Min-Position", "shop:08"}}));
  });
  EXPECT_EQ(twice.condition(), Condition::invalid_input);
  EXPECT_THAT(twice.detail(), HasSubstr("more than once"));
}

TEST(Position, IsWaitedForAsLongAsTheClientPrefers) {
  struct Row {
    std::string_view name;
    std::string preferences;
    Duration patience;
  };
  const Row rows[] = {
      {"a number", "wait=5", 5s},
      {"not at all", "wait=0", 0s},
      {"quoted", "wait=\"7\"", 7s},
      {"in any case, with spaces", " Wait = 3 ", 3s},
      {"with a parameter", "wait=4; foo=5", 4s},
      {"among others", "respond-async, wait=6", 6s},
      {"the first of two", "wait=1, wait=9", 1s},
      {"a comma in a string", "note=\"a, wait=9\", wait=8", 8s},
      {"more than the longest", "wait=3600", longest_view_patience},
      {"more than a number", "wait=99999999999999999999999", longest_view_patience},
      {"negative", "wait=-1", view_patience},
      {"no number", "wait=soon", view_patience},
      {"a number and more", "wait=5s", view_patience},
      {"no value", "wait", view_patience},
      {"an empty value", "wait=", view_patience},
      {"an open string", "wait=\"5", view_patience},
      {"something else", "waiting=5", view_patience},
      {"nothing", "", view_patience},
      {"separators", ",,;=\",", view_patience},
  };
  for (const Row& row : rows) {
    const auto wait = requested_wait("shop", preferring(row.preferences));
    EXPECT_EQ(wait.value().patience, row.patience) << row.name;
  }
}

// By messages: a reply that carries a position, and a question that waits for it.
struct NoteKept {
  static constexpr event::EventType type{"notes.keep_note.reply", 1};
  Checkpoint position;
};
BOOST_DESCRIBE_STRUCT(NoteKept, (), (position))
struct KeepNote {
  static constexpr event::EventType type{"notes.keep_note", 1};
  using Reply = NoteKept;
  std::string text;
};
BOOST_DESCRIBE_STRUCT(KeepNote, (), (text))
struct NotesCounted {
  static constexpr event::EventType type{"notes.count_notes.reply", 1};
  std::int64_t notes = 0;
};
BOOST_DESCRIBE_STRUCT(NotesCounted, (), (notes))
struct CountNotes {
  static constexpr event::EventType type{"notes.count_notes", 1};
  using Reply = NotesCounted;
  Checkpoint position;
};
BOOST_DESCRIBE_STRUCT(CountNotes, (), (position))

class Reader final : public Context {
 public:
  std::string_view name() const noexcept override { return "reader"; }
  void describe(ContextSpec& spec) override { spec.asks<KeepNote>().asks<CountNotes>(); }
};

// Keeps notes: facts in its log, and a view of them.
class Notes final : public Context {
 public:
  static constexpr store::Migration tables[] = {
      {1, "notes", "CREATE TABLE notes (position IDENTITY, text TEXT NOT NULL);"}};

  class View final : public store::Projection {
   public:
    std::string_view name() const noexcept override { return "notes"; }
    Task<void> apply(store::Transaction& tx, const store::RecordedEvent& event) override {
      const std::string text(event.data.view());
      if (blocked) throw Error(Condition::unavailable, "no ink");
      if (text == "unreadable") throw Error(Condition::corrupt, "what does it say?");
      co_await tx.execute("INSERT INTO notes (text) VALUES (?)", {text});
    }
    bool blocked = false;
  };

  std::string_view name() const noexcept override { return "notes"; }
  void describe(ContextSpec& spec) override {
    spec.migrations(tables)
        .answers(&Notes::keep)
        .answers(&Notes::count)
        .route(http::Method::post, "/notes", &Notes::take)
        .route(http::Method::get, "/notes", &Notes::list, view);
    if (described) spec.projection(view);
  }

  Task<Checkpoint> note(store::Transaction& tx, std::string text) {
    std::vector<store::NewEvent> facts(1);
    facts[0].id = runtime().new_id();
    facts[0].type = "note";
    facts[0].data = SharedBytes(std::move(text));
    const auto appended =
        co_await events().append(tx, "note-1", store::ExpectedVersion::any(), std::move(facts));
    co_return appended.position;
  }

  View view;
  bool described = true;

 private:
  Task<messaging::Answer<NoteKept>> keep(store::Transaction& tx, KeepNote command,
                                         const event::Envelope&) {
    co_return NoteKept{co_await note(tx, command.text)};
  }
  Task<void> count(messaging::Handling& handling, CountNotes question) {
    co_await wait_for("notes", question.position, 10s);
    co_await handling.commit([&](store::Transaction& tx) -> Task<void> {
      const auto rows = co_await tx.execute("SELECT COUNT(*) FROM notes");
      co_await reply<NotesCounted>(tx, handling.message(), NotesCounted{rows[0].integer(0)});
    });
  }
  Task<http::Response> take(const http::Request& request) {
    const auto position = co_await database().transaction(
        [&](store::Transaction& tx) { return note(tx, request.body); });
    co_return with_position(http::created("/notes", {}), position);
  }
  Task<http::Response> list(const http::Request&) {
    JsonArray notes;
    const auto rows = co_await database().read([](store::Transaction& tx) -> Task<store::Rows> {
      co_return co_await tx.execute("SELECT text FROM notes ORDER BY position");
    });
    for (const auto row : rows)
      notes.push_back(row.text(0));
    co_return http::ok(Json(std::move(notes)));
  }
};

class NotesHost {
 public:
  explicit NotesHost(std::uint64_t seed = 1,
                     TestHost::Databases databases = TestHost::Databases::plain)
      : host(seed, databases) {
    std::vector<std::unique_ptr<Context>> contexts;
    contexts.push_back(std::make_unique<Notes>());
    notes = static_cast<Notes*>(contexts.front().get());
    contexts.push_back(std::make_unique<Reader>());
    host.start(std::move(contexts));
  }

  http::Response post(std::string text) {
    return host.send(origin(),
                     {.method = http::Method::post, .url = "/notes", .body = std::move(text)});
  }
  // What is read by whoever wrote `text`, at once after that.
  http::Response post_and_get(std::string text, std::string preference = {}) {
    return get(std::string(post(std::move(text)).headers.get("Sinew-Position")),
               std::move(preference));
  }
  http::Response get(std::string position, std::string preference = {}) {
    http::ClientRequest request{.method = http::Method::get, .url = "/notes"};
    if (!position.empty()) request.headers.add("Sinew-Min-Position", std::move(position));
    if (!preference.empty()) request.headers.add("Prefer", std::move(preference));
    const Instant began = host.outside.now();
    auto response = host.send(origin(), std::move(request));
    took = host.outside.now() - began;
    return response;
  }
  std::string origin() { return to_string(host.context("notes").endpoint()); }

  TestHost host;
  Notes* notes = nullptr;
  Duration took{};  // the last get()
};

class PositionOverDatabases : public testing::TestWithParam<TestHost::Databases> {};
INSTANTIATE_TEST_SUITE_P(Databases, PositionOverDatabases,
                         testing::Values(TestHost::Databases::plain,
                                         TestHost::Databases::interleaving),
                         [](const auto& test) {
                           return test.param == TestHost::Databases::plain ? "plain"
                                                                           : "interleaving";
                         });

TEST_P(PositionOverDatabases, WhoWritesReadsIt) {
  tests::for_seeds(10, [](std::uint64_t seed) {
    NotesHost notes(seed, GetParam());
    std::string expected;
    for (int i = 0; i < 5; ++i) {
      const std::string text = "note " + std::to_string(i);
      expected += (i == 0 ? "[\"" : ",\"") + text + '"';
      const auto posted = notes.post(text);
      if (posted.status >= 500) return;  // whether it was written is unknown

      const auto answer = notes.get(std::string(posted.headers.get("Sinew-Position")));

      EXPECT_EQ(posted.status, 201);
      EXPECT_EQ(answer.status, 200) << answer.body;
      EXPECT_EQ(answer.body, expected + ']');
    }
  });
}

TEST_P(PositionOverDatabases, AReplyCarriesOneToAQuestionThatWaitsForIt) {
  tests::for_seeds(10, [](std::uint64_t seed) {
    NotesHost notes(seed, GetParam());
    const Entrance reader = notes.host.host->entrance("reader");
    notes.notes->view.blocked = true;
    auto kept = reader.ask(KeepNote{"a"}, 30s);
    notes.host.world.run_for(5s);
    const auto position = std::get<NoteKept>(kept.get(0s)).position;

    auto counted = reader.ask(CountNotes{position}, 30s);
    notes.host.world.run_for(1s);
    notes.notes->view.blocked = false;
    notes.host.world.run_for(20s);

    EXPECT_EQ(std::get<NotesCounted>(counted.get(0s)).notes, 1);
  });
}

TEST(PositionOverHttp, ALateViewIsRefusedWithItsReason) {
  NotesHost notes;
  notes.notes->view.blocked = true;

  const auto late = notes.post_and_get("a");

  EXPECT_EQ(late.status, 503) << late.body;
  EXPECT_EQ(late.headers.get("Retry-After"), "1");
  EXPECT_EQ(late.headers.get("Content-Type"), "application/problem+json");
  EXPECT_THAT(late.body, HasSubstr("the view notes stands before the first event"));
  EXPECT_THAT(late.body, HasSubstr("no ink"));
  EXPECT_GE(notes.took, view_patience);
  EXPECT_LT(notes.took, view_patience + 1s);

  EXPECT_EQ(notes.get("").body, "[]") << "who asks for nothing gets the view as it is";
}

TEST(PositionOverHttp, WaitsAsLongAsTheClientPrefersAndIsWokenBefore) {
  NotesHost notes;
  notes.notes->view.blocked = true;

  EXPECT_EQ(notes.post_and_get("a", "wait=9").status, 503);
  EXPECT_GE(notes.took, 9s);
  EXPECT_LT(notes.took, 10s);

  EXPECT_EQ(notes.post_and_get("b", "wait=0").status, 503);
  EXPECT_LT(notes.took, 1s);

  std::optional<http::Response> answer;
  async::Scope scope(notes.host.outside);
  const auto ask = [&]() -> Task<void> {
    answer = co_await notes.host.client.send(
        {.method = http::Method::get,
         .url = "http://" + notes.origin() + "/notes",
         .headers = {{"Sinew-Min-Position", "notes:0000000000000002"}, {"Prefer", "wait=20"}}});
  };
  scope.spawn(ask());
  notes.host.world.run_for(2s);
  EXPECT_FALSE(answer);
  notes.notes->view.blocked = false;
  notes.host.world.run_for(10s);

  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, R"(["a","b"])");
}

TEST(PositionOverHttp, APausedViewIsRefusedAtOnce) {
  NotesHost notes;

  const auto paused = notes.post_and_get("unreadable", "wait=20");

  EXPECT_EQ(paused.status, 503) << paused.body;
  EXPECT_THAT(paused.body, HasSubstr("what does it say?"));
  EXPECT_LT(notes.took, 1s);
}

TEST(PositionOverHttp, PlacesThatAreNoneOfThisLogAreBadRequests) {
  NotesHost notes;
  notes.post("a");

  for (const std::string position :
       {"garbage", "shop:0000000000000001", "notes:0000000000000002", "notes:01",
        "notes:ffffffffffffffffffffffffffffffffffffffffffffffff"}) {
    const auto refused = notes.get(position, "wait=20");
    EXPECT_EQ(refused.status, 400) << position;
    EXPECT_THAT(refused.body, HasSubstr("invalid_input")) << position;
    EXPECT_LT(notes.took, 1s) << position;
  }
}

TEST(PositionOverHttp, AWaitEndsWithTheDrain) {
  NotesHost notes;
  notes.notes->view.blocked = true;
  notes.post("a");
  std::optional<http::Response> answer;
  async::Scope scope(notes.host.outside);
  const auto ask = [&]() -> Task<void> {
    answer = co_await notes.host.client.send(
        {.method = http::Method::get,
         .url = "http://" + notes.origin() + "/notes",
         .headers = {{"Sinew-Min-Position", "notes:0000000000000001"}, {"Prefer", "wait=20"}}});
  };
  scope.spawn(ask());
  notes.host.world.run_for(1s);

  const Instant began = notes.host.outside.now();
  notes.host.drain();
  notes.host.world.run_for(1s);

  EXPECT_LT(notes.host.outside.now() - began, HostSettings().drain + 3s);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 503) << answer->body;
}

TEST(PositionOverHttp, AWaitMayEndWithAPowerCut) {
  NotesHost notes;
  notes.notes->view.blocked = true;
  notes.post("a");
  async::Scope scope(notes.host.outside);
  bool lost = false;
  const auto ask = [&]() -> Task<void> {
    try {
      co_await notes.host.client.send(
          {.method = http::Method::get,
           .url = "http://" + notes.origin() + "/notes",
           .headers = {{"Sinew-Min-Position", "notes:0000000000000001"}, {"Prefer", "wait=20"}}});
    } catch (const Error&) {
      lost = true;
    }
  };
  scope.spawn(ask());
  notes.host.world.run_for(1s);

  notes.host.crash();
  notes.host.world.run_for(1min);

  EXPECT_TRUE(lost);
}

TEST(PositionOverHttp, ARouteReadsFromADescribedViewOnly) {
  TestHost host;
  std::vector<std::unique_ptr<Context>> contexts;
  contexts.push_back(std::make_unique<Notes>());
  static_cast<Notes&>(*contexts.front()).described = false;

  const Error error = error_of([&] { host.start(std::move(contexts)); });

  EXPECT_EQ(error.condition(), Condition::invalid_input);
  EXPECT_THAT(error.detail(), HasSubstr("the view notes, which it does not describe"));
}

TEST(PositionFromThreads, WaitsForAViewAndReadsIt) {
  NotesHost notes;
  const Entrance entrance = notes.host.host->entrance("notes");
  notes.notes->view.blocked = true;

  auto appended = entrance.transaction([&notes](store::Transaction& tx) -> Task<Checkpoint> {
    co_return co_await notes.notes->note(tx, "from a thread");
  });
  notes.host.world.run_for(1s);
  const Checkpoint position = appended.get(0s);
  auto waited = entrance.wait_for("notes", position, 1min);
  notes.host.world.run_for(1s);
  EXPECT_EQ(error_of([&] { waited.get(0s); }).condition(), Condition::timeout) << "not there yet";
  notes.notes->view.blocked = false;
  notes.host.world.run_for(10s);
  waited.get(0s);
  auto unknown = entrance.wait_for("receipts", position, 1min);
  auto beyond =
      entrance.wait_for("notes", Checkpoint::from_position(position.position() + 1), 1min);
  notes.host.world.run_for(1s);

  EXPECT_THAT(notes.host.rows("notes", "SELECT text FROM notes"), ElementsAre("from a thread"));
  const Error no_view = error_of([&] { unknown.get(0s); });
  EXPECT_EQ(no_view.condition(), Condition::invalid_input);
  EXPECT_THAT(no_view.detail(), HasSubstr("the view receipts"));
  EXPECT_EQ(error_of([&] { beyond.get(0s); }).condition(), Condition::invalid_input);
}

}  // namespace
}  // namespace sinew::context
