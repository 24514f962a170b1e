#include "sinew/sim/world.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <set>

#include "adapters/sqlite/sim/vfs.hpp"
#include "sinew/base/error.hpp"
#include "sinew/net/resolver.hpp"
#include "sinew/sim/failure.hpp"
#include "sinew/sim/interleaving_backend.hpp"
#include "sinew/sim/recording_backend.hpp"
#include "sinew/sim/rows.hpp"
#include "sinew/sim/temporary_folder.hpp"

namespace sinew::sim {

using async::sim::Stuck;

namespace {

constexpr int most_starts = 100;
// Operations of the disk within which endure() lets the power go, and the time it waits for that.
constexpr std::uint64_t operations_of_a_life = 1500;
constexpr auto longest_life = std::chrono::seconds(3);

// A disk that can lose its power, and SQLite's way to it.
struct Storage {
  Storage(async::sim::World& world, const async::sim::DiskOptions& faults)
      : disk(world, faults), vfs(world, disk) {}
  async::sim::Disk disk;
  sqlite::sim::Vfs vfs;
};

Error no_context(std::string_view name) {
  return {Condition::not_found, fmt::format("there is no context {} in this world", name)};
}

struct Invariant {
  std::string name;
  std::function<bool(World&)> holds;
};

}  // namespace

struct World::State {
  explicit State(const WorldOptions& given)
      : options(given),
        simulation(given.seed, given.simulation),
        outside(simulation.add_node("outside")),
        client(outside, resolver) {
    if (options.disk) storage.emplace(simulation, *options.disk);
  }

  sqlite::Settings database_settings() {
    sqlite::Settings settings;
    settings.simulate(simulation.seed());
    if (!storage) return settings;
    settings.vfs = storage->vfs.name();
    settings.files = sqlite::sim::files_on(storage->disk);
    settings.wal_passive_bytes = 32 * 1024;  // so small that there are checkpoints
    settings.wal_soft_bytes = 64 * 1024;
    return settings;
  }
  void drop_process() {
    port.reset();
    host.reset();
    backend.reset();
    engine.reset();
  }
  async::sim::Disk& disk() {
    if (storage) return storage->disk;
    throw Error(Condition::invalid_input,
                "only a simulated disk fills up or loses its power: set WorldOptions::disk");
  }

  WorldOptions options;
  async::sim::World simulation;
  async::sim::Node& outside;
  async::sim::Node* node = nullptr;
  net::FixedResolver resolver;
  http::Client client;
  TemporaryFolder folder;
  std::optional<Storage> storage;
  std::vector<Factory> factories;
  std::vector<std::string> names;
  std::vector<Invariant> invariants;
  Recording recording;
  std::unique_ptr<context::Backend> engine;
  std::unique_ptr<context::Backend> backend;
  std::unique_ptr<context::Host> host;
  std::unique_ptr<messaging::Broker> port;  // of those who are not in the world
};

World::World(const WorldOptions& options) : state_(std::make_unique<State>(options)) {
  log::root().set_level(options.log);
}

World::~World() { end(); }

World& World::add(Factory make) {
  state_->names.emplace_back(make()->name());
  state_->factories.push_back(std::move(make));
  return *this;
}

World& World::invariant(std::string name, std::function<bool(World&)> holds) {
  state_->invariants.push_back({std::move(name), std::move(holds)});
  return *this;
}

void World::start() {
  State& state = *state_;
  state.node = &state.simulation.add_node("host");
  state.engine = make_backend(state.simulation, state.options.databases, state.database_settings());
  state.backend = std::make_unique<RecordingBackend>(*state.engine, state.recording,
                                                     state.simulation, state.options.duplicates);
  context::HostSettings settings;
  settings.folder = folder();
  settings.first_port = state.options.first_port;
  settings.contexts = state.options.contexts;
  settings.contexts.dns.reset();
  state.host = std::make_unique<context::Host>(std::move(settings), *state.backend,
                                               std::vector<async::Runtime*>{state.node});
  for (const Factory& make : state.factories)
    state.host->add(make());
  state.recording.contexts({state.names.begin(), state.names.end()});
  state.node->run(state.host->start());
  state.port = state.node->run(state.engine->connect_broker(*state.node, "test"));
}

void World::restart() {
  for (int attempt = 1; attempt <= most_starts; ++attempt) {
    try {
      start();
      return;
    } catch (const Stuck&) {
      if (!down()) throw;
    } catch (const Error& error) {
      if (!error.transient()) throw;
    }
    if (state_->storage) {
      cut_power();
    } else {
      crash();
    }
  }
  throw Failure(fmt::format("the host does not start, tried {} times", most_starts));
}

void World::stop() {
  state_->port.reset();
  state_->node->run(state_->host->drain());
  state_->drop_process();
}

void World::end() {
  if (state_->host && !state_->storage && !down()) {
    try {
      stop();
    } catch (const std::exception& error) {
      log::warn("the world ended out of order", {{"error", error.what()}});
    }
  }
  crash();
}

void World::crash() {
  if (state_->node != nullptr) state_->node->crash();
  if (state_->storage) state_->storage->disk.end_process();
  state_->drop_process();
}

void World::cut_power() {
  auto& disk = state_->disk();
  if (!down()) disk.cut_power();
  disk.forget_cut();
  crash();
  forget_some_moves();
}

void World::cut_power_after(std::uint64_t count) {
  state_->disk().cut_power_after(count, [this] { state_->node->crash(); });
}

void World::forget_cut() { state_->disk().forget_cut(); }

void World::fill_disk(const std::string& below) {
  state_->disk().fill((below.empty() ? folder() : folder() / below).string());
}

void World::make_room() { state_->disk().make_room(); }

std::uint64_t World::disk_operations() const { return state_->disk().operations(); }

bool World::down() const { return state_->node == nullptr || !state_->node->alive(); }

void World::endure(int power_cuts) {
  for (int cut = 0; cut < power_cuts; ++cut) {
    cut_power_after(1 + random().below(operations_of_a_life));
    const Instant end = simulation().now() + longest_life;
    simulation().run_until([&] { return down() || simulation().now() > end; });
    cut_power();
    restart();
  }
  simulation().heal();
  cut_power();  // a database that gave up on its disk waits for this
  restart();
}

// Drop folders are the machine's own, whatever the disk: what moved a file that was taken may not
// have reached it.
void World::forget_some_moves() {
  if (!std::filesystem::exists(folder())) return;
  std::set<std::filesystem::path> done;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder())) {
    if (entry.path().parent_path().filename() == "done") done.insert(entry.path());
  }
  for (const auto& path : done) {
    if (!random().chance(0.5)) continue;
    std::filesystem::rename(path, path.parent_path().parent_path() / path.filename());
  }
}

void World::run_for(Duration duration) { simulation().run_for(duration); }

bool World::settle(Duration patience, Rest rest) {
  const Instant end = simulation().now() + patience;
  bool resting = false;
  while (!resting && simulation().now() < end)
    resting = rests(rest);
  check_invariants();
  return resting;
}

// Whether nothing moved for a second, and nothing is left to move.
bool World::rests(Rest rest) {
  const auto before = activity();
  run_for(std::chrono::seconds(1));
  const auto now = activity();
  return before == now && now.outbox == 0 && now.in_work == 0 && now.waiting == 0 &&
         now.behind == 0 && (now.running_sagas == 0 || rest == Rest::but_sagas);
}

void World::check_invariants() {
  std::vector<std::string> broken;
  for (const Invariant& invariant : state_->invariants) {
    try {
      if (!invariant.holds(*this)) broken.push_back(invariant.name);
    } catch (const std::exception& error) {
      broken.push_back(fmt::format("{} ({})", invariant.name, error.what()));
    }
  }
  if (!broken.empty())
    throw Failure(fmt::format("it does not hold any more:\n  {}", fmt::join(broken, "\n  ")));
}

http::Response World::send(std::string_view name, http::ClientRequest request) {
  request.url = url_of(name) + request.url;
  return outside().run(client().send(std::move(request)));
}

http::Response World::get(std::string_view name, const std::string& path) {
  return send(name, {.url = path});
}

http::Response World::post(std::string_view name, const std::string& path, const Json& body) {
  return send(name, {.method = http::Method::post,
                     .url = path,
                     .headers = {{"Content-Type", "application/json"}},
                     .body = to_text(body)});
}

void World::drop(const std::string& name, const std::string& kind, const std::string& file,
                 const std::string& content) {
  const std::filesystem::path path = folder() / name / "drop" / kind;
  std::ofstream(path / (file + ".part")) << content;
  std::filesystem::rename(path / (file + ".part"), path / file);
  simulation().run_until([&] { return !std::filesystem::exists(path / file); });
}

const event::Codecs& World::codecs() const { return state_->options.contexts.codecs; }

event::Envelope World::header(std::string_view type, std::string key) {
  event::Envelope envelope;
  envelope.id = outside().new_id();
  envelope.source = context::source_of(context::owner_of(type));
  envelope.subject = key;
  envelope.ordering_key = std::move(key);
  envelope.time = simulation().wall_now();
  envelope.lineage.correlation_id = envelope.id;
  return envelope;
}

void World::deliver(const messaging::Message& message, const Where& where) {
  const auto confirms = node().run(state_->port->publish({message}));
  if (confirms.front() == messaging::Confirm::accepted) return;
  fail(fmt::format("nobody hears {}: no context of this world handles or answers it",
                   message.envelope.type),
       where);
}

const std::vector<messaging::Message>& World::published() const {
  return state_->recording.messages();
}

JsonArray World::rows(std::string_view name, std::string_view sql) {
  return node().run(read_rows(context(name).database(), sql));
}

std::int64_t World::number(std::string_view name, std::string_view sql) {
  const JsonArray found = rows(name, sql);
  if (found.size() == 1) return found.front().as_array().front().as_integer();
  throw Failure(fmt::format("expected one row, found {}: {}", found.size(), sql));
}

context::Activity World::activity() {
  context::Activity sum;
  for (auto* runner : host().contexts()) {
    const auto one = node().run(runner->activity());
    sum.outbox += one.outbox;
    sum.in_work += one.in_work;
    sum.waiting += one.waiting;
    sum.blocked += one.blocked;
    sum.parked += one.parked;
    sum.running_sagas += one.running_sagas;
    sum.stuck_sagas += one.stuck_sagas;
    sum.behind += one.behind;
    sum.stalled_views += one.stalled_views;
    sum.moved += one.moved;
  }
  return sum;
}

context::ContextRunner& World::context(std::string_view name) {
  for (auto* runner : host().contexts()) {
    if (runner->name() == name) return *runner;
  }
  throw no_context(name);
}

std::vector<std::string> World::contexts() const { return state_->names; }

std::filesystem::path World::folder() const { return state_->folder.file("system"); }
std::string World::url_of(std::string_view name) const {
  const auto& names = state_->names;
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) throw no_context(name);
  return fmt::format("http://{}:{}", context::HostSettings().address,
                     state_->options.first_port + (found - names.begin()));
}
context::Host& World::host() {
  if (state_->host) return *state_->host;
  throw Error(Condition::conflict, "the world has not been started");
}
async::sim::Node& World::node() {
  if (state_->node != nullptr) return *state_->node;
  throw Error(Condition::conflict, "the world has not been started");
}
async::sim::Node& World::outside() { return state_->outside; }
http::Client& World::client() { return state_->client; }
async::sim::World& World::simulation() { return state_->simulation; }

}  // namespace sinew::sim
