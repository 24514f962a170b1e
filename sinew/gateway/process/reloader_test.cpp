#include "sinew/gateway/process/reloader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "sinew/async/scope.hpp"
#include "sinew/async/test_runtime.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/log_sink.hpp"
#include "sinew/sim/temporary_folder.hpp"

namespace sinew::gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Notes what is done to it, and refuses the step that a test names.
class NotedDeployment final : public Deployment {
 public:
  std::vector<std::string> claim(std::span<const proxy::ListenerSettings> listeners) override {
    steps.push_back("claim " + std::to_string(listeners.size()));
    if (failing == "claim") return {"127.0.0.1:1 is taken", "127.0.0.1:2 is taken"};
    return {};
  }
  Task<std::vector<proxy::ClusterPtr>> prepare(
      std::vector<proxy::ClusterSettings> clusters) override {
    steps.push_back("prepare " + std::to_string(clusters.size()));
    fail_if("prepare");
    if (held) co_await held->wait();
    co_return std::vector<proxy::ClusterPtr>(clusters.size());
  }
  Task<void> replace(proxy::SnapshotPtr next) override {
    steps.push_back("replace " + std::to_string(next->version));
    fail_if("replace");
    in_use = std::move(next);
    co_return;
  }
  void commit() override { steps.emplace_back("commit"); }
  void abandon() noexcept override { steps.emplace_back("abandon"); }

  std::vector<std::string> take() { return std::exchange(steps, {}); }

  std::vector<std::string> steps;
  std::string failing;
  std::unique_ptr<async::Event> held;
  proxy::SnapshotPtr in_use;

 private:
  void fail_if(std::string_view step) const {
    if (failing == step) throw Error(Condition::conflict, "the step " + failing + " failed");
  }
};

class Reloading : public testing::Test {
 protected:
  Reloading() {
    write(one_route("/a"));
    sources_.configuration = file_;
    sources_.proxy_listen = Listens{{{{"127.0.0.1:1"}, false, false, false, 0}}};
    sources_.environment = [](const std::string&) { return std::optional<std::string>(); };
    reloader_.emplace(runtime_, sources_, compiler_, deployment_);
    scope_.emplace(runtime_);
  }
  ~Reloading() override {
    scope_->cancel();
    runtime_.settle();
  }

  static std::string one_route(const std::string& path) {
    return "_format_version: \"3.0\"\nservices: [{name: s, host: h, routes: [{paths: [" + path +
           "]}]}]\n";
  }
  void write(const std::string& text) { std::ofstream(file_) << text; }

  void start() {
    auto first = read_candidate(sources_, compiler_, Timestamp());
    ASSERT_EQ(first.error_count, 0U);
    scope_->spawn(reloader_->start(std::move(first)));
    runtime_.settle();
    scope_->spawn(reloader_->run());
    runtime_.settle();
    deployment_.take();
  }

  Task<void> ask(std::optional<ReloadReport>& report) {
    report = co_await reloader_->reload("call");
  }
  ReloadReport reload() {
    std::optional<ReloadReport> report;
    scope_->spawn(ask(report));
    runtime_.settle();
    EXPECT_TRUE(report);
    return report.value_or(ReloadReport());
  }

  bool routes(const std::string& path) const {
    return deployment_.in_use->table.match({.method = "GET", .host = "x", .path = path})
        .has_value();
  }

  sim::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.file("kong.yaml");
  async::TestRuntime runtime_;
  log::Capture log_;
  Sources sources_;
  SnapshotCompiler compiler_;
  NotedDeployment deployment_;
  std::optional<Reloader> reloader_;
  std::optional<async::Scope> scope_;
};

TEST_F(Reloading, BringsWhatHasChangedIntoUse) {
  start();
  write(one_route("/b"));

  const auto report = reload();

  EXPECT_EQ(report.outcome, ReloadOutcome::replaced);
  EXPECT_EQ(report.version, 2U);
  EXPECT_THAT(deployment_.take(), ElementsAre("claim 1", "prepare 1", "replace 2", "commit"));
  EXPECT_TRUE(routes("/b"));
  EXPECT_FALSE(routes("/a"));
}

TEST_F(Reloading, DoesNothingWhereNothingHasChanged) {
  start();

  const auto report = reload();

  EXPECT_EQ(report.outcome, ReloadOutcome::unchanged);
  EXPECT_EQ(report.version, 1U);
  EXPECT_THAT(deployment_.take(), IsEmpty());
  EXPECT_TRUE(log_.contains("nothing has changed"));
}

TEST_F(Reloading, ChangesNothingForAFileWithErrors) {
  start();
  write("_format_version: \"3.0\"\nservices: [{nme: s}]\nplugins: []\n");

  const auto report = reload();

  EXPECT_EQ(report.outcome, ReloadOutcome::refused);
  EXPECT_EQ(report.version, 1U);
  EXPECT_THAT(report.errors, SizeIs(3));
  EXPECT_THAT(report.errors[0], HasSubstr("kong.yaml:2: "));
  EXPECT_THAT(deployment_.take(), IsEmpty());
  EXPECT_TRUE(routes("/a"));
  EXPECT_TRUE(log_.contains("kong.yaml:3: plugins"));
}

TEST_F(Reloading, ChangesNothingForAFileThatIsGone) {
  start();
  std::filesystem::remove(file_);

  const auto report = reload();

  EXPECT_EQ(report.outcome, ReloadOutcome::refused);
  EXPECT_THAT(report.errors, ElementsAre(HasSubstr("kong.yaml")));
  EXPECT_TRUE(routes("/a"));
}

TEST_F(Reloading, ChangesNothingWhenAStepFails) {
  start();
  for (const std::string step : {"claim", "prepare", "replace"}) {
    write(one_route("/" + step));
    deployment_.failing = step;

    const auto report = reload();

    EXPECT_EQ(report.outcome, ReloadOutcome::refused) << step;
    EXPECT_EQ(report.version, 1U) << step;
    EXPECT_EQ(deployment_.take().back(), "abandon") << step;
    EXPECT_TRUE(routes("/a")) << step;
  }
  deployment_.failing.clear();

  EXPECT_EQ(reload().outcome, ReloadOutcome::replaced);
  EXPECT_EQ(deployment_.in_use->version, 2U);
}

TEST_F(Reloading, SaysEveryAddressThatCannotBeHad) {
  start();
  write(one_route("/b"));
  deployment_.failing = "claim";

  EXPECT_THAT(reload().errors, ElementsAre("127.0.0.1:1 is taken", "127.0.0.1:2 is taken"));
}

TEST_F(Reloading, MakesOneOfThoseThatAreAskedForMeanwhile) {
  start();
  write(one_route("/b"));
  deployment_.held = std::make_unique<async::Event>();
  std::optional<ReloadReport> first;
  scope_->spawn(ask(first));
  runtime_.settle();

  write(one_route("/c"));
  std::vector<std::optional<ReloadReport>> others(50);
  for (auto& other : others)
    scope_->spawn(ask(other));
  for (int i = 0; i < 50; ++i)
    reloader_->request("signal");
  runtime_.settle();
  EXPECT_FALSE(first);
  deployment_.held->set();
  runtime_.settle();

  EXPECT_EQ(first->version, 2U);
  for (const auto& other : others)
    EXPECT_EQ(other->version, 3U);
  EXPECT_TRUE(routes("/c"));
  EXPECT_THAT(deployment_.take(), ElementsAre("claim 1", "prepare 1", "replace 2", "commit",
                                              "claim 1", "prepare 1", "replace 3", "commit"));
}

TEST_F(Reloading, TakesNoticeOfCertificatesThatAreExchanged) {
  const auto certificate = std::filesystem::path(folder_.file("ca.pem"));
  sources_.environment = {};
  write(one_route("/a"));
  std::ofstream(certificate) << "first";

  auto files = FilesRead::of({file_.string(), certificate.string()});
  EXPECT_FALSE(files.changed());
  std::ofstream(certificate) << "second";

  EXPECT_TRUE(files.changed());
}

TEST_F(Reloading, SaysWhatHoldsFromTheNextStartOn) {
  const auto conf = std::filesystem::path(folder_.file("kong.conf"));
  std::ofstream(conf) << "nginx_worker_processes = 1\n";
  sources_.conf = conf;
  reloader_.emplace(runtime_, sources_, compiler_, deployment_);
  start();
  std::ofstream(conf) << "nginx_worker_processes = 2\nclient_max_body_size = 1m\n";

  const auto report = reload();

  EXPECT_EQ(report.outcome, ReloadOutcome::replaced);
  EXPECT_THAT(report.warnings, ElementsAre(HasSubstr("nginx_worker_processes: holds from")));
  EXPECT_EQ(deployment_.in_use->listeners.at(0).max_body, 1U << 20U);
}

TEST_F(Reloading, AStartThatIsRefusedSaysWhy) {
  deployment_.failing = "claim";
  scope_->spawn(reloader_->start(read_candidate(sources_, compiler_, Timestamp())));
  std::string said;
  async::Scope joining(runtime_);
  const auto join = [](async::Scope& scope, std::string& detail) -> Task<void> {
    try {
      co_await scope.join();
    } catch (const Error& error) {
      detail = error.detail();
    }
  };
  joining.spawn(join(*scope_, said));
  runtime_.settle();

  EXPECT_EQ(said, "127.0.0.1:1 is taken\n127.0.0.1:2 is taken");
}

}  // namespace
}  // namespace sinew::gateway
