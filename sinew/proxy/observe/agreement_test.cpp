// What the access log, the metrics and the clients say of the same exchanges.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sinew/base/json.hpp"
#include "sinew/http/client.hpp"
#include "sinew/net/resolver.hpp"
#include "sinew/proxy/admin/admin.hpp"
#include "sinew/proxy/exchange/test_proxy.hpp"
#include "sinew/proxy/observe/observers.hpp"
#include "tests/support/draw.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::proxy::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kAdminPort = 8'901;

// Counts by what stands in a label, of the samples of `family` that have it.
std::map<std::string, double> by_label(const std::string& text, const std::string& family,
                                       const std::string& label) {
  std::map<std::string, double> counts;
  const std::string name = label + "=\"";
  for (std::size_t at = 0; (at = text.find("\n" + family + "{", at)) != std::string::npos; ++at) {
    const std::string line = text.substr(at + 1, text.find('\n', at + 1) - at - 1);
    const auto value = line.find(name) + name.size();
    counts[line.substr(value, line.find('"', value) - value)] +=
        std::stod(line.substr(line.rfind(' ')));
  }
  return counts;
}

double total(const std::map<std::string, double>& counts) {
  double sum = 0;
  for (const auto& [label, count] : counts)
    sum += count;
  return sum;
}

// A proxy with everything that observes it, before back ends that fail now and then.
class ObservedWorld {
 public:
  explicit ObservedWorld(std::uint64_t seed) : draw_(seed), world_(seed) {
    world_.route.service = "shop";
    world_.rules = {RouteRule{.paths = {"/orders"}}};
    // Answers as the last digits of the path say; some it breaks off.
    world_.serve([](async::Stream& stream, int) -> Task<void> {
      for (;;) {
        const std::string request = co_await read_until(stream, "\r\n\r\n");
        const auto at = request.find("/as-");
        if (at == std::string::npos) co_return;
        const std::string status = request.substr(at + 4, 3);
        if (status == "000") co_return;
        co_await write(stream, "HTTP/1.1 " + status + " Said\r\nContent-Length: 2\r\n\r\nok");
      }
    });
    EndpointRegistry registry;
    world_.cluster =
        std::make_shared<Cluster>(world_.settings, registry.configure(world_.settings.targets).set);
    world_.engine = std::make_unique<Engine>(
        EngineOptions{}, world_.snapshot(1),
        [this](std::size_t worker) -> ExchangeObserver& { return observers_.of(worker); });
    world_.scope.emplace(world_.node, "proxy");
    world_.scope->spawn(world_.engine->work(world_.node, 0));
    admin_.start();
  }
  ~ObservedWorld() {
    world_.node.run(admin_.drain(1s));
    world_.scope.reset();
    std::filesystem::remove(file_);
  }

  // Clients at the same time, and whoever scrapes between them.
  void load() {
    world_.run([](ObservedWorld& in) -> Task<void> {
      async::Scope clients(in.world_.client, "clients");
      for (int i = 0; i < 6; ++i)
        clients.spawn(in.ask_often());
      for (int i = 0; i < 10; ++i) {
        const std::string text = co_await in.scrape();
        const double now = total(by_label(text, "sinew_proxy_requests_total", "status"));
        EXPECT_GE(now, in.last_scraped_) << "counters only grow";
        in.last_scraped_ = now;
      }
      co_await clients.join();
    }(*this));
  }

  std::string scraped() { return world_.run(scrape()); }

  std::vector<Json> lines() {
    EXPECT_TRUE(log_.flush(20s));
    std::vector<Json> lines;
    std::ifstream file(file_);
    for (std::string line; std::getline(file, line);)
      lines.push_back(parse_json(line));
    return lines;
  }

  const std::map<std::string, double>& answered() const { return answered_; }
  const std::set<std::string>& ids() const { return ids_; }
  std::uint64_t received() const { return received_; }

 private:
  Task<std::string> scrape() {
    const http::Response response = co_await client_.send(
        {.method = http::Method::get,
         .url = "http://127.0.0.1:" + std::to_string(kAdminPort) + "/metrics"});
    EXPECT_EQ(response.status, 200);
    co_return response.body;
  }

  Task<void> ask_often() {
    for (int i = 0; i < 25; ++i) {
      static constexpr std::array<const char*, 6> kWays = {
          "GET /orders/as-200",  "GET /orders/as-404", "POST /orders/as-503",
          "POST /orders/as-000", "GET /nowhere",       "get it"};
      const std::string way = kWays[draw_.below(kWays.size())];
      auto stream = co_await world_.connect();
      co_await write(*stream, way + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      const std::string answer = co_await read_to_end(*stream);
      answered_[answer.substr(9, 3)] += 1;
      ids_.insert(field_of(answer, "X-Request-Id"));
      received_ += answer.size();
    }
  }

  ProxyState state() const {
    return {.now = world_.node.now(),
            .snapshot = world_.engine->snapshot(),
            .workers = world_.engine->counts(),
            .log = log_.counts()};
  }

  std::string file_ =
      std::filesystem::temp_directory_path() / ("sinew-agreement-" + std::to_string(::getpid()));
  tests::Draw draw_;
  ProxyWorld world_;
  AccessLog log_{{.target = file_}, 1};
  ProxyMetrics metrics_{1};
  Observers observers_{log_, metrics_, 1};
  Admin admin_{world_.node,
               {.addresses = {{.address = "127.0.0.1", .port = kAdminPort}}},
               {.state = [this]() -> Task<ProxyState> { co_return state(); },
                .readiness = [] { return Readiness{}; },
                .metrics = &metrics_}};
  net::FixedResolver resolver_;
  http::Client client_{world_.client, resolver_};

  std::map<std::string, double> answered_;  // by status
  std::set<std::string> ids_;
  std::uint64_t received_ = 0;
  double last_scraped_ = 0;
};

std::map<std::string, double> by_class(const std::map<std::string, double>& statuses) {
  std::map<std::string, double> classes;
  for (const auto& [status, count] : statuses)
    classes[status.substr(0, 1) + "xx"] += count;
  return classes;
}

TEST(AgreementTest, LogMetricsAndClientsCountTheSame) {
  tests::for_seeds(10, [](std::uint64_t seed) {
    ObservedWorld world(seed);

    world.load();

    const std::string text = world.scraped();
    EXPECT_EQ(by_label(text, "sinew_proxy_requests_total", "status"), by_class(world.answered()));
    std::map<std::string, double> logged;
    std::map<std::string, double> flags;
    std::set<std::string> ids;
    std::int64_t sent = 0;
    for (const Json& line : world.lines()) {
      logged[std::to_string(line.at("status").as_integer())] += 1;
      ids.insert(line.at("request_id").as_string());
      sent += line.at("bytes_sent").as_integer();
      if (const Json* flag = line.find("flags")) flags[flag->as_string()] += 1;
    }
    EXPECT_EQ(logged, world.answered());
    EXPECT_EQ(ids, world.ids()) << "the id in the log is the one that the client was told";
    EXPECT_EQ(static_cast<std::uint64_t>(sent), world.received());
    EXPECT_EQ(total(by_label(text, "sinew_proxy_sent_bytes_total", "route")),
              static_cast<double>(sent));
    EXPECT_EQ(by_label(text, "sinew_proxy_response_flags_total", "flag"), flags);
    EXPECT_EQ(flags.size(), 3U) << "no route, not understood, broken off";
  });
}

// The service graph: which route sent how much to which cluster and endpoint.
TEST(AgreementTest, RequestsByRouteAndByEndpointMakeTheServiceGraph) {
  ObservedWorld world(1);

  world.load();

  const std::string text = world.scraped();
  auto by_cluster = by_label(text, "sinew_proxy_requests_total", "cluster");
  const double of_nobody = by_cluster[""];
  EXPECT_GT(of_nobody, 0) << "no route was found";
  EXPECT_EQ(by_label(text, "sinew_proxy_endpoint_requests_total", "cluster"),
            (std::map<std::string, double>{{"orders", by_cluster["orders"]}}));
  EXPECT_EQ(by_label(text, "sinew_proxy_endpoint_requests_total", "endpoint"),
            (std::map<std::string, double>{{"127.0.0.1:9000", by_cluster["orders"]}}));
}

}  // namespace
}  // namespace sinew::proxy::test
