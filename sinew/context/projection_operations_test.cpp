#include "sinew/context/projection_operations.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sinew/context/operations.hpp"
#include "sinew/store/schema.hpp"
#include "tests/support/test_host.hpp"

namespace sinew::context {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct Note {
  std::string about;
  std::string text;
};
BOOST_DESCRIBE_STRUCT(Note, (), (about, text))

const store::ViewTable note_tables[] = {
    {.name = "notes", .columns = "about TEXT NOT NULL, texts TEXT NOT NULL", .key = "about"}};

// Strings what was noted together, by what it is about.
class NotesView final : public store::Projection {
 public:
  std::string_view name() const noexcept override { return "notes"; }
  std::span<const store::ViewTable> tables() const noexcept override { return note_tables; }
  store::OnRefusal on_refusal() const noexcept override { return store::OnRefusal::pause_key; }
  Task<void> apply(store::Transaction& tx, const store::RecordedEvent& event) override {
    if (event.data.view() == refused) throw Error(Condition::corrupt, "this is not to be noted");
    co_await tx.execute(
        "INSERT INTO notes (about, texts) VALUES (?, ?) "
        "ON CONFLICT (about) DO UPDATE SET texts = notes.texts || ' ' || excluded.texts",
        {event.stream, event.data.view()});
  }
  std::string refused = "bad";
};

class Notebook final : public Context {
 public:
  std::string_view name() const noexcept override { return "notebook"; }
  void describe(ContextSpec& spec) override {
    spec.route(http::Method::post, "/notes", &Notebook::add).projection(view);
  }
  Task<http::Response> add(const Note& note) {
    store::NewEvent event;
    event.id = runtime().new_id();
    event.type = "noted";
    event.data = SharedBytes(note.text);
    co_await database().transaction([&](store::Transaction& tx) -> Task<void> {
      co_await events().append(tx, note.about, store::ExpectedVersion::any(), {event});
    });
    co_return http::accepted(Json(note.about));
  }
  NotesView view;
};

class ProjectionOperations : public testing::Test {
 protected:
  void SetUp() override {
    auto made = std::make_unique<Notebook>();
    notebook = made.get();
    std::vector<std::unique_ptr<Context>> contexts;
    contexts.push_back(std::move(made));
    system.start(std::move(contexts));
  }

  void note(std::string about, std::string text) {
    http::ClientRequest request{.method = http::Method::post, .url = "/notes"};
    request.body = to_text(to_json(Note{std::move(about), std::move(text)}));
    request.headers.set("Content-Type", "application/json");
    const auto place = to_string(system.context("notebook").endpoint());
    EXPECT_EQ(system.send(place, std::move(request)).status, 202);
    system.world.run_for(200ms);
  }

  http::Response ask(http::Method method, std::string path, std::string body) {
    http::ClientRequest request{.method = method, .url = std::move(path), .body = std::move(body)};
    request.headers.set("Authorization", "Bearer " + system.host->operator_token());
    request.headers.set("Content-Type", "application/json");
    request.headers.set("Sinew-Actor", "ann");
    return system.send(to_string(system.host->operator_endpoint()), std::move(request));
  }
  http::Response operate_on(const std::string& what, const std::string& arguments) {
    auto answer =
        ask(http::Method::post, "/v1/contexts/notebook/operations/projection." + what, arguments);
    system.world.run_for(1s);
    return answer;
  }
  Json shown() { return operate_on("show", R"({"projection":"notes"})").json(); }
  std::string metrics() { return ask(http::Method::get, "/metrics", "").body; }
  std::vector<std::string> notes() {
    return system.rows("notebook", "SELECT about || ': ' || texts FROM notes ORDER BY about");
  }

  TestHost system;
  Notebook* notebook = nullptr;
};

TEST_F(ProjectionOperations, ResumesAKeyThatIsHeld) {
  note("a", "bad");
  note("a", "two");
  note("b", "one");
  EXPECT_THAT(notes(), ElementsAre("b: one"));
  const Json held = shown();
  ASSERT_THAT(held.at("held").as_array(), SizeIs(1U));
  EXPECT_EQ(held.at("held").as_array()[0].at("events").as_integer(), 2);
  EXPECT_THAT(metrics(), HasSubstr(R"(sinew_projection_held_keys{context="notebook",)"
                                   R"(projection="notes"} 1)"));
  EXPECT_THAT(ask(http::Method::get, "/health", "").body,
              HasSubstr("projection notes: 1 keys are held, 2 events wait"));
  EXPECT_EQ(operate_on("resume", R"({"projection":"notes","key":"c"})").status, 404);
  EXPECT_EQ(operate_on("resume", R"({"projection":"notes"})").status, 409) << "it is not paused";

  notebook->view.refused.clear();
  EXPECT_EQ(operate_on("resume", R"({"projection":"notes","key":"a","reason":"mended"})").status,
            200);

  EXPECT_THAT(notes(), ElementsAre("a: bad two", "b: one"));
  EXPECT_THAT(shown().at("held").as_array(), IsEmpty());
  EXPECT_THAT(system.context("notebook").health().problems, IsEmpty());
  EXPECT_THAT(system.rows("notebook",
                          "SELECT verb || ' ' || target || ' ' || actor || ' ' || "
                          "detail FROM operator_audit"),
              ElementsAre("projection.resume notes/a ann mended"));
}

TEST_F(ProjectionOperations, SkipsAnEventOnlyByItsNameAndWithAReason) {
  note("a", "bad");
  note("a", "two");
  const std::string event = shown().at("held").as_array().at(0).at("event").as_string();
  const std::string other = to_string(system.node->new_id());
  const auto skip = [&](const std::string& which, const std::string& reason) {
    return operate_on("skip", R"({"projection":"notes","event":")" + which + R"(","reason":")" +
                                  reason + R"("})")
        .status;
  };
  EXPECT_EQ(skip(event, ""), 400);
  EXPECT_EQ(skip("x", "why"), 400);
  EXPECT_EQ(skip(other, "why"), 409);
  EXPECT_THAT(notes(), IsEmpty());

  EXPECT_EQ(skip(event, "a typing error"), 200);

  EXPECT_THAT(notes(), ElementsAre("a: two"));
  const Json skipped = shown().at("skipped").as_array().at(0);
  EXPECT_EQ(skipped.at("event").as_string(), event);
  EXPECT_EQ(skipped.at("actor").as_string(), "ann");
  EXPECT_EQ(skipped.at("reason").as_string(), "a typing error");
  EXPECT_EQ(system.number("notebook", "SELECT COUNT(*) FROM operator_audit"), 1);
}

TEST_F(ProjectionOperations, RebuildsARunningView) {
  notebook->view.refused.clear();
  for (const char* text : {"one", "bad", "three"})
    note("a", text);
  system.node->run(
      system.context("notebook").database().transaction([](store::Transaction& tx) -> Task<void> {
        co_await tx.execute("DELETE FROM notes");
      }));
  EXPECT_EQ(operate_on("rebuild", R"({"projection":"none"})").status, 404);
  EXPECT_EQ(operate_on("rebuild", R"({"projection":"notes","cancel":true})").status, 409);

  EXPECT_EQ(operate_on("rebuild", R"({"projection":"notes"})").status, 200);

  EXPECT_THAT(notes(), ElementsAre("a: one bad three"));
  EXPECT_EQ(shown().at("projection").at("generation").as_integer(), 2);
  note("a", "four");
  EXPECT_THAT(notes(), ElementsAre("a: one bad three four"));
}

TEST_F(ProjectionOperations, NamesARebuildThatIsPausedAndGivesItUp) {
  notebook->view.refused.clear();
  note("a", "one");
  note("a", "bad");
  notebook->view.refused = "bad";
  EXPECT_EQ(operate_on("rebuild", R"({"projection":"notes"})").status, 200);
  EXPECT_EQ(operate_on("rebuild", R"({"projection":"notes"})").status, 409);

  const Json rebuild = shown().at("projection").at("rebuild");
  EXPECT_EQ(rebuild.at("state").as_string(), "paused");
  EXPECT_EQ(rebuild.at("left").as_integer(), 1);
  EXPECT_THAT(system.context("notebook").health().problems,
              ElementsAre(HasSubstr("projection notes: rebuild paused: event ")));
  EXPECT_THAT(metrics(), HasSubstr(R"(projection="notes",state="rebuild_left"} 1)"));

  EXPECT_EQ(operate_on("rebuild", R"({"projection":"notes","cancel":true})").status, 200);
  EXPECT_TRUE(shown().at("projection").at("rebuild").is_null());
  EXPECT_THAT(system.context("notebook").health().problems, IsEmpty());
  EXPECT_THAT(notes(), ElementsAre("a: one bad"));
}

// As `sinew` asks a stopped folder: by the rows alone.
TEST_F(ProjectionOperations, AnswersWithoutARunner) {
  note("a", "bad");
  auto& database = system.context("notebook").database();
  const auto answer = [&](const std::string& operation, Json arguments) {
    return system.node->run(
        operate(*system.node, database, operation, "ann", std::move(arguments)));
  };

  const Json list = answer("projection.list", Json(JsonObject()));
  const Json& notes = list.at("projections").as_array().at(0);
  EXPECT_EQ(notes.at("state").as_string(), "stopped");
  EXPECT_EQ(notes.at("held_events").as_integer(), 1);
  const Json asked = answer("projection.rebuild", Json(JsonObject{{"projection", "notes"}}));
  EXPECT_TRUE(asked.at("projection").at("rebuild_asked").as_bool());
}

TEST(Projections, AreRefusedTogetherAtTheStart) {
  class Wrong final : public store::Projection {
   public:
    std::string_view name() const noexcept override { return ""; }
    std::int64_t version() const noexcept override { return 0; }
    std::span<const store::ViewTable> tables() const noexcept override {
      static const store::ViewTable tables[] = {
          {.name = "Orders", .columns = "id TEXT NOT NULL", .key = "id"},
          {.name = "lines", .columns = "lines TEXT NOT NULL", .key = ""}};
      return tables;
    }
    Task<void> apply(store::Transaction&, const store::RecordedEvent&) override { co_return; }
  };
  Wrong wrong;
  store::Projection* const both[] = {&wrong, &wrong};
  try {
    store::validate(both);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::invalid_input);
    for (const char* problem :
         {"its name has 1 to 200 bytes", "its version is from 1", "\"Orders\" cannot name a table",
          "lines names a table and a column", "no columns or no key", "another one has this name",
          "the table lines is declared twice"}) {
      EXPECT_THAT(error.detail(), HasSubstr(problem));
    }
  }
}

}  // namespace
}  // namespace sinew::context
