#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/sqlite/sim/vfs.hpp"
#include "adapters/sqlite/test_folder.hpp"
#include "examples/commerce/books/audit.hpp"
#include "examples/commerce/fulfillment/audit.hpp"
#include "examples/commerce/fulfillment/carrier_signature.hpp"
#include "examples/commerce/fulfillment/fulfillment.hpp"
#include "examples/commerce/inventory/audit.hpp"
#include "examples/commerce/inventory/inventory.hpp"
#include "examples/commerce/payment/audit.hpp"
#include "examples/commerce/payment/payment.hpp"
#include "examples/commerce/reporting/audit.hpp"
#include "examples/commerce/reporting/reporting.hpp"
#include "examples/commerce/sales/audit.hpp"
#include "examples/commerce/sales/sales.hpp"
#include "examples/commerce/test_provider.hpp"
#include "sinew/async/sim/disk.hpp"
#include "sinew/async/sim/node.hpp"
#include "sinew/async/sim/world.hpp"
#include "sinew/context/host.hpp"
#include "sinew/http/client.hpp"
#include "sinew/net/resolver.hpp"
#include "tests/support/interleaving_backend.hpp"

// For tests: five contexts on SQLite in a simulated world, with a payment provider, spoken to over
// HTTP and through drop folders only.
namespace commerce::test {

using sinew::Json;
using sinew::JsonObject;
using sinew::Task;
using sinew::http::Response;

// How the system under test stands.
struct SystemOptions {
  sinew::async::sim::Options world = {};
  sinew::tests::Databases databases = sinew::tests::Databases::plain;
  // A simulated disk that fails so under every database; nothing: the machine's own.
  std::optional<sinew::async::sim::DiskOptions> disk = {};
  bool started = true;  // false: the test calls start()
};

// A disk that can lose its power, and SQLite's way to it.
struct SimulatedStorage {
  SimulatedStorage(sinew::async::sim::World& world, const sinew::async::sim::DiskOptions& faults)
      : disk(world, faults), vfs(world, disk) {}
  sinew::async::sim::Disk disk;
  sinew::sqlite::sim::Vfs vfs;
};

class TestSystem {
 public:
  static constexpr auto carrier_secret = "the carriers' secret";
  static constexpr std::uint16_t first_port = 8000;  // of the simulated network

  explicit TestSystem(std::uint64_t seed = 1, const SystemOptions& options = {})
      : world(seed, options.world),
        outside(world.add_node("outside")),
        provider(world.add_node("provider")),
        client(outside, resolver_),
        databases_(options.databases) {
    sinew::log::root().set_level(sinew::log::Level::warn);
    if (options.disk) storage_.emplace(world, *options.disk);
    if (options.started) start();
  }
  TestSystem(const TestSystem&) = delete;
  TestSystem& operator=(const TestSystem&) = delete;
  ~TestSystem() {
    if (host_ && !storage_ && node->alive()) stop();
    end();
  }

  // A process with the contexts, each at the address it had before. Throws what Host::start()
  // throws, and Stuck when the power went meanwhile; end() then.
  void start() {
    node = &world.add_node("host");
    backend_ = sinew::tests::make_backend(world, databases_, settings());
    sinew::context::HostSettings host;
    host.folder = folder();
    host.first_port = first_port;
    host_ = std::make_unique<sinew::context::Host>(std::move(host), *backend_,
                                                   std::vector<sinew::async::Runtime*>{node});
    host_->add(std::make_unique<sales::Sales>());
    host_->add(std::make_unique<inventory::Inventory>());
    host_->add(std::make_unique<payment::Payment>(
        payment::PaymentSettings{provider.url(), sinew::Secret("sk_test")}));
    host_->add(std::make_unique<fulfillment::Fulfillment>(
        fulfillment::FulfillmentSettings{sinew::Secret(carrier_secret)}));
    host_->add(std::make_unique<reporting::Reporting>());
    node->run(host_->start());
  }

  void stop() {
    node->run(host_->drain());
    host_.reset();
    backend_.reset();
  }

  // The process ends where it is.
  void end() {
    if (node != nullptr) node->crash();
    if (storage_) storage_->disk.end_process();
    host_.reset();
    backend_.reset();
  }
  // The machine does, and its disk keeps what was synced, and of the rest what it likes.
  void cut_power() {
    if (node->alive()) storage_->disk.cut_power();
    storage_->disk.forget_cut();
    end();
    forget_some_renames();
  }
  // The power goes during the disk's `count`-th operation from here: down() from then on.
  void cut_power_after(std::uint64_t count) {
    storage_->disk.cut_power_after(count, [this] { node->crash(); });
  }
  bool down() const { return !node->alive(); }
  std::uint64_t disk_operations() const { return storage_->disk.operations(); }

  sinew::context::ContextRunner& context(std::string_view name) {
    for (auto* runner : host_->contexts()) {
      if (runner->name() == name) return *runner;
    }
    throw std::logic_error("no such context");
  }

  std::filesystem::path folder() const { return folder_.file("system"); }
  std::filesystem::path drop_folder(const std::string& name, const std::string& kind) const {
    return folder() / name / "drop" / kind;
  }
  static std::string url_of(std::size_t context) {
    return "http://127.0.0.1:" + std::to_string(first_port + context);
  }

  // Puts a file into a drop folder and waits until it was taken or refused.
  void drop(const std::string& name, const std::string& kind, const std::string& file,
            const std::string& content) {
    const std::filesystem::path path = drop_folder(name, kind);
    std::ofstream(path / (file + ".part")) << content;
    std::filesystem::rename(path / (file + ".part"), path / file);
    world.run_until([&] { return !std::filesystem::exists(path / file); });
  }

  Response get(std::string_view name, const std::string& path) { return send(name, {.url = path}); }
  Response post(std::string_view name, const std::string& path, const Json& body) {
    return send(name, {.method = sinew::http::Method::post,
                       .url = path,
                       .headers = {{"Content-Type", "application/json"}},
                       .body = to_text(body)});
  }
  std::string origin(std::string_view name) {
    return "http://" + to_string(context(name).endpoint());
  }
  Response send(std::string_view name, sinew::http::ClientRequest request) {
    request.url = origin(name) + request.url;
    return outside.run(client.send(std::move(request)));
  }

  Response report(const std::string& id, const std::string& order, const std::string& date) {
    return report(Json(JsonObject{
        {"specversion", "1.0"},
        {"id", id},
        {"source", "/carriers/3"},
        {"type", "fulfillment.carrier_report"},
        {"data", JsonObject{{"report_id", id}, {"order_id", order}, {"shipped_date", date}}}}));
  }
  // A carrier's webhook, rightly signed.
  Response report(const Json& event, const std::string& type = "application/cloudevents+json") {
    const std::string body = to_text(event);
    const auto signature =
        fulfillment::sign_report(body, world.wall_now(), sinew::Secret(carrier_secret));
    return send("fulfillment",
                {.method = sinew::http::Method::post,
                 .url = "/carrier/reports",
                 .headers = {{"Content-Type", type}, {"Carrier-Signature", signature}},
                 .body = body});
  }

  // Lets time pass until nothing moves any more, for a minute at most.
  void settle() {
    for (int second = 0; second < 60; ++second) {
      const auto before = activity();
      world.run_for(std::chrono::seconds(1));
      const auto now = activity();
      if (before == now && now.outbox == 0 && now.in_work == 0 && now.waiting == 0 &&
          now.running_sagas == 0) {
        return;
      }
    }
  }

  sinew::context::Activity activity() {
    sinew::context::Activity sum;
    for (auto* runner : host_->contexts()) {
      const auto one = node->run(runner->activity());
      sum.outbox += one.outbox;
      sum.in_work += one.in_work;
      sum.waiting += one.waiting;
      sum.parked += one.parked;
      sum.running_sagas += one.running_sagas;
      sum.stuck_sagas += one.stuck_sagas;
      sum.moved += one.moved;
    }
    return sum;
  }

  using Audit = Task<books::ContextAudit> (*)(sinew::store::Database&);
  static std::map<std::string, Audit> audits() {
    return {{"sales", sales::audit},
            {"inventory", inventory::audit},
            {"payment", payment::audit},
            {"fulfillment", fulfillment::audit},
            {"reporting", reporting::audit}};
  }
  books::ContextAudit audit(const std::string& name) {
    return node->run(audits().at(name)(context(name).database()));
  }

  sinew::async::sim::World world;
  sinew::async::sim::Node& outside;
  sinew::async::sim::Node* node = nullptr;  // of the process now, or the last one
  TestProvider provider;

 private:
  sinew::net::FixedResolver resolver_;

 public:
  sinew::http::Client client;

 private:
  sinew::sqlite::Settings settings() {
    sinew::sqlite::Settings settings;
    settings.batch_time = sinew::Duration::zero();
    if (!storage_) return settings;
    settings.vfs = storage_->vfs.name();
    settings.files = sinew::sqlite::sim::files_on(storage_->disk);
    settings.wal_passive_bytes = 32 * 1024;  // so small that there are checkpoints
    settings.wal_soft_bytes = 64 * 1024;
    return settings;
  }

  // Drop folders are the machine's own, whatever the disk: what moved a file that was taken may
  // not have reached it.
  void forget_some_renames() {
    std::set<std::filesystem::path> done;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder())) {
      if (entry.path().parent_path().filename() == "done") done.insert(entry.path());
    }
    for (const auto& path : done) {
      if (!world.random().chance(0.5)) continue;
      std::filesystem::rename(path, path.parent_path().parent_path() / path.filename());
    }
  }

  sinew::sqlite::TestFolder folder_;
  sinew::tests::Databases databases_;
  std::optional<SimulatedStorage> storage_;
  std::unique_ptr<sinew::context::Backend> backend_;
  std::unique_ptr<sinew::context::Host> host_;
};

}  // namespace commerce::test
