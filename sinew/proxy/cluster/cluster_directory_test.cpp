#include "sinew/proxy/cluster/cluster_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>

#include "sinew/async/patience.hpp"
#include "sinew/async/sim/node.hpp"
#include "sinew/base/error.hpp"
#include "sinew/proxy/cluster/test_upstreams.hpp"
#include "sinew/tls/test_certificates.hpp"
#include "sinew/tls/tls_stream.hpp"

namespace sinew::proxy {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Names as a test sets them, with a time to live of a second.
class TestResolver final : public net::Resolver {
 public:
  Task<net::Answer> look_up(std::string host) override {
    const auto found = table.find(host);
    if (found == table.end()) throw Error(Condition::not_found, "no such name");
    co_return net::Answer{found->second, 1s};
  }

  std::map<std::string, std::vector<std::string>> table;
};

// Answers each connection's request by `answer`, or not at all while that is empty; in TLS with a
// `context`.
class HealthService {
 public:
  explicit HealthService(async::sim::Node& node)
      : scope_(node, "service"), listener_(node.listen({"127.0.0.1", 0})) {
    scope_.spawn(accept());
  }
  ~HealthService() {
    scope_.cancel();
    listener_->close();
  }
  Target target() const { return {"127.0.0.1", listener_->local().port, 100}; }

  std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  std::shared_ptr<const tls::ServerContext> context;
  std::string asked;  // the last request
  int checks = 0;

 private:
  Task<void> accept() {
    while (true)
      scope_.spawn(serve(co_await listener_->accept()));
  }
  Task<void> serve(std::unique_ptr<async::Stream> stream) {
    ++checks;
    if (context) {
      auto secured = tls::TlsStream::server(std::move(stream), context);
      if (co_await secured->handshake()) co_return;
      stream = std::move(secured);
    }
    std::string request;
    std::array<char, 100> buffer;
    while (!request.ends_with("\r\n\r\n")) {
      const auto read = stream->try_read(std::as_writable_bytes(std::span(buffer)));
      request.append(buffer.data(), read.bytes);
      if (read.end_of_stream || (read.error && read.error != std::errc::operation_would_block)) {
        co_return;
      }
      if (read.error && co_await stream->readable()) co_return;
    }
    asked = request;
    if (answer.empty()) co_await async::sleep_for(1h);
    const std::string text = answer;
    co_await write_all(*stream, std::as_bytes(std::span(text)));
    stream->shutdown_write();
    co_await async::sleep_for(1s);  // what it does not read may come yet
  }

  async::Scope scope_;
  std::unique_ptr<async::Listener> listener_;
};

ActiveCheckSettings every_second() {
  return {.healthy_interval = 1s,
          .unhealthy_interval = 1s,
          .timeout = 500ms,
          .thresholds = {.successes = 2, .http_failures = 2, .tcp_failures = 2, .timeouts = 2}};
}

class ClusterDirectoryTest : public testing::Test {
 protected:
  ClusterSettings settings(std::vector<Target> targets, const std::string& name = "orders") const {
    return {.name = name, .targets = std::move(targets)};
  }
  std::vector<ClusterPtr> prepare(std::vector<ClusterSettings> settings) {
    return controller.run(directory.prepare(std::move(settings), 1s));
  }
  ClusterPtr use(ClusterSettings settings) {
    auto clusters = prepare({std::move(settings)});
    directory.commit();
    return clusters[0];
  }
  void run() { scope.spawn(directory.run()); }
  void end() {
    scope.cancel();
    controller.run(scope.join());
  }

  static std::vector<std::string> addresses(const Cluster& cluster) {
    std::vector<std::string> texts;
    for (const auto& member : cluster.endpoints()->members()) {
      texts.push_back(member.endpoint->address().address + ":" +
                      std::to_string(member.endpoint->address().port));
    }
    return texts;
  }
  static EndpointPtr first(const Cluster& cluster) {
    return cluster.endpoints()->members()[0].endpoint;
  }
  static HealthState state(const Cluster& cluster) { return first(cluster)->health().state(); }

  async::sim::World world{1};
  async::sim::Node& controller = world.add_node("controller");
  async::sim::Node& backend = world.add_node("backend");
  TestResolver resolver;
  ClusterDirectory directory{controller, resolver};
  async::Scope scope{controller};
};

TEST_F(ClusterDirectoryTest, KeepsAClusterWhoseTargetsAloneChange) {
  const auto before = use(settings({{"10.0.0.1", 80}}));
  const auto endpoint = first(*before);
  endpoint->health().set(HealthState::unhealthy);

  const auto prepared = prepare({settings({{"10.0.0.1", 80, 7}, {"10.0.0.2", 80}})});
  EXPECT_EQ(prepared[0], before);
  EXPECT_THAT(addresses(*before), ElementsAre("10.0.0.1:80")) << "nothing changes until commit()";
  directory.commit();

  EXPECT_THAT(addresses(*before), ElementsAre("10.0.0.1:80", "10.0.0.2:80"));
  EXPECT_EQ(first(*before), endpoint);
  EXPECT_EQ(before->endpoints()->members()[0].weight, 7);
  EXPECT_EQ(endpoint->health().state(), HealthState::unhealthy);
  EXPECT_THAT(directory.clusters(), ElementsAre(before));
}

TEST_F(ClusterDirectoryTest, HandsEndpointsOnToAClusterWithOtherSettings) {
  const auto before = use(settings({{"10.0.0.1", 80}, {"10.0.0.2", 80}}));
  const auto endpoint = first(*before);
  endpoint->health().set(HealthState::unhealthy);
  const ActiveRequest request(endpoint);
  auto changed = settings({{"10.0.0.1", 80}, {"10.0.0.3", 80}});
  changed.balancer.algorithm = Balancing::consistent_hash;
  changed.hash_slots = 100;

  const auto after = prepare({changed})[0];
  EXPECT_NE(after, before);
  EXPECT_THAT(addresses(*before), ElementsAre("10.0.0.1:80", "10.0.0.2:80"));
  WorkerCluster worker(controller, after, 1);  // as one that is quick with the new snapshot
  directory.commit();

  EXPECT_EQ(first(*after), endpoint);
  EXPECT_EQ(endpoint->active_requests(), 1U);
  EXPECT_EQ(endpoint->health().state(), HealthState::unhealthy);
  EXPECT_THAT(addresses(*after), ElementsAre("10.0.0.1:80", "10.0.0.3:80"));
  EXPECT_EQ(after->endpoints()->hash_table().empty(), false);
  for (std::uint64_t i = 0; i < 8; ++i) {
    EXPECT_EQ((*worker.choose({.random = i, .hash = i * 7919}))->address().address, "10.0.0.3");
  }
}

TEST_F(ClusterDirectoryTest, ForgetsWhatWasAbandoned) {
  const auto before = use(settings({{"10.0.0.1", 80}}));
  auto changed = settings({{"10.0.0.2", 80}});
  changed.pool.max_idle = 1;
  prepare({changed, settings({{"10.0.0.9", 80}}, "other")});

  directory.abandon();

  EXPECT_THAT(directory.clusters(), ElementsAre(before));
  EXPECT_THAT(addresses(*before), ElementsAre("10.0.0.1:80"));
  EXPECT_EQ(prepare({settings({{"10.0.0.1", 80}})})[0], before);
}

TEST_F(ClusterDirectoryTest, NamesEveryViolationOfEveryCluster) {
  auto one = settings({{"", 80}}, "one");
  one.pool.max_requests = 0;
  one.balancer.algorithm = Balancing::consistent_hash;
  auto two = settings({}, "two");
  two.limits.max_retries = -1;
  two.active = every_second();
  two.probe = {.kind = Probe::Kind::https, .headers = {{"a", "b\r\nc: d"}}};
  try {
    prepare({one, two, settings({}, "two")});
    FAIL() << "it is not usable";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::invalid_input);
    EXPECT_THAT(error.detail(),
                AllOf(HasSubstr("host is missing"), HasSubstr("max_requests"),
                      HasSubstr("hash_slots"), HasSubstr("max_retries"), HasSubstr("no TLS"),
                      HasSubstr("header"), HasSubstr("cluster two is there twice")));
  }
  EXPECT_THAT(directory.clusters(), IsEmpty());
}

TEST_F(ClusterDirectoryTest, ResolvesNamesBeforeItReturnsAndFollowsThem) {
  resolver.table["orders.test"] = {"10.0.0.1", "10.0.0.2"};
  const auto cluster = use(settings({{"orders.test", 80}, {"later.test", 81}}));
  EXPECT_THAT(addresses(*cluster), ElementsAre("10.0.0.1:80", "10.0.0.2:80"));
  run();

  resolver.table["orders.test"] = {"10.0.0.3"};
  resolver.table["later.test"] = {"10.0.0.4"};
  world.run_for(10s);
  EXPECT_THAT(addresses(*cluster), ElementsAre("10.0.0.4:81", "10.0.0.3:80"));

  resolver.table.clear();  // the last answer stays
  world.run_for(10min);
  EXPECT_THAT(addresses(*cluster), ElementsAre("10.0.0.4:81", "10.0.0.3:80"));
  EXPECT_GT(directory.names().at("orders.test").failures, 0);
  end();
}

TEST_F(ClusterDirectoryTest, HasTheAddressesOfNewNamesWhenTheyComeIntoUse) {
  resolver.table["old.test"] = {"10.0.0.1"};
  resolver.table["new.test"] = {"10.0.0.2"};
  const auto cluster = use(settings({{"old.test", 80}}));

  prepare({settings({{"new.test", 80}})});
  const auto version = cluster->version();
  directory.commit();

  EXPECT_THAT(addresses(*cluster), ElementsAre("10.0.0.2:80"));
  EXPECT_GT(cluster->version(), version);
  EXPECT_EQ(directory.names().size(), 1U);
}

TEST_F(ClusterDirectoryTest, ChecksEndpointsAsTheProbeSays) {
  HealthService service(backend);
  auto checked = settings({service.target()});
  checked.active = every_second();
  checked.probe = {.path = "/up?full", .headers = {{"X-Check", "1"}}};
  const auto cluster = use(checked);
  run();
  world.run_for(3s);
  EXPECT_EQ(state(*cluster), HealthState::healthy);
  EXPECT_EQ(service.asked,
            "GET /up?full HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(service.target().port) +
                "\r\nConnection: close\r\nUser-Agent: sinew-probe\r\nX-Check: "
                "1\r\n\r\n");

  struct Answer {
    std::string text;
    HealthState state;
  };
  const std::string ok = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
  for (const auto& [text, expected] : std::vector<Answer>{
           {"HTTP/1.1 503 Service Unavailable\r\n\r\n", HealthState::unhealthy},
           {"HTTP/1.1 204 No Content\r\n\r\n", HealthState::unhealthy},  // on neither list
           {ok, HealthState::healthy},
           {"220 mail.test ESMTP\r\n", HealthState::unhealthy},
           {ok, HealthState::healthy},
           {"HTTP/1.1 200 OK\r\n", HealthState::unhealthy},  // and then it ends
           {ok, HealthState::healthy},
           {"", HealthState::unhealthy},  // no answer
           {ok, HealthState::healthy},
       }) {
    service.answer = text;
    world.run_for(8s);
    EXPECT_EQ(state(*cluster), expected) << text;
  }
  EXPECT_EQ(cluster->counters().became_unhealthy, 4U);
  EXPECT_EQ(cluster->counters().became_healthy, 4U);
  end();
}

TEST_F(ClusterDirectoryTest, ChecksByTlsAndByTcpAlone) {
  const tls::test::Authority authority;
  HealthService service(backend);
  tls::ServerOptions options;
  options.identities.push_back({authority.certificate({.names = "DNS:up.test"})});
  service.context = *tls::ServerContext::make(std::move(options));
  auto checked = settings({service.target()});
  checked.active = every_second();
  checked.active->trust_new_endpoints = false;
  checked.active->thresholds.successes = 1;
  checked.probe.kind = Probe::Kind::https;
  checked.probe.tls = *tls::ClientContext::make({.authorities = authority.pem()});
  checked.probe.server_name = "up.test";
  const auto cluster = use(checked);
  EXPECT_EQ(state(*cluster), HealthState::unchecked);
  run();
  world.run_for(3s);
  EXPECT_EQ(state(*cluster), HealthState::healthy);

  checked.probe.server_name = "other.test";
  EXPECT_EQ(use(checked), cluster) << "a probe alone is exchanged";
  world.run_for(5s);
  EXPECT_EQ(state(*cluster), HealthState::unhealthy);

  checked.probe = {.kind = Probe::Kind::tcp};
  use(checked);
  world.run_for(5s);
  EXPECT_EQ(state(*cluster), HealthState::healthy);
  end();
}

TEST_F(ClusterDirectoryTest, ChecksGoOnWithNewSettingsAndEndWithTheCluster) {
  HealthService service(backend);
  auto checked = settings({service.target()});
  checked.active = every_second();
  checked.active->trust_new_endpoints = false;
  const auto cluster = use(checked);
  run();
  world.run_for(3s);
  ASSERT_EQ(state(*cluster), HealthState::healthy);

  checked.active->thresholds.successes = 1;
  const auto after = use(checked);
  EXPECT_NE(after, cluster);
  EXPECT_EQ(state(*after), HealthState::healthy) << "it is not new";
  const int before = service.checks;
  world.run_for(5s);
  EXPECT_GT(service.checks, before + 2);
  EXPECT_LT(service.checks, before + 8) << "the checks of the other settings ended";

  prepare({});
  directory.commit();
  world.run_for(1s);
  const int last = service.checks;
  world.run_for(10s);
  EXPECT_EQ(service.checks, last);
  end();
}

TEST_F(ClusterDirectoryTest, EndsEjectionsInTimeOrByACheckThatSucceeds) {
  HealthService service(backend);
  auto ejecting = settings({service.target()});
  ejecting.ejection = OutlierSettings{
      .consecutive_server_errors = 1, .base_ejection = 30s, .max_ejected_percent = 100};
  auto cluster = use(ejecting);
  run();
  const auto eject = [&] {
    WorkerCluster(controller, cluster, 1).answered(*first(*cluster), 500);
    ASSERT_TRUE(first(*cluster)->ejection().ejected());
  };

  eject();
  world.run_for(29s);
  EXPECT_TRUE(first(*cluster)->ejection().ejected());
  world.run_for(12s);
  EXPECT_FALSE(first(*cluster)->ejection().ejected());
  EXPECT_EQ(cluster->counters().readmitted, 1U);

  ejecting.active = every_second();
  cluster = use(ejecting);
  eject();
  world.run_for(2s);
  EXPECT_FALSE(first(*cluster)->ejection().ejected());
  end();
}

TEST_F(ClusterDirectoryTest, LeavesNoEndpointOutThatNothingWouldBringBack) {
  auto checked = settings({{"127.0.0.1", 1}});
  checked.active = every_second();
  checked.ejection = OutlierSettings{.consecutive_server_errors = 1, .max_ejected_percent = 100};
  const auto cluster = use(checked);
  run();
  WorkerCluster(controller, cluster, 1).answered(*first(*cluster), 500);
  world.run_for(5s);
  ASSERT_EQ(state(*cluster), HealthState::unhealthy) << "nobody listens";

  const auto after = use(settings({{"127.0.0.1", 1}}));

  EXPECT_TRUE(first(*after)->available());
  EXPECT_EQ(first(*after)->signals().ejected(), 0U);
  end();
}

}  // namespace
}  // namespace sinew::proxy
