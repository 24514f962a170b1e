#include "cli/system.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <fstream>
#include <map>
#include <sstream>

#include "adapters/sqlite/backend.hpp"
#include "adapters/sqlite/database.hpp"
#include "adapters/sqlite/embedded_broker.hpp"
#include "adapters/sqlite/migrations.hpp"
#include "adapters/sqlite/read_only.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/suggest.hpp"
#include "sinew/context/host_file.hpp"
#include "sinew/context/operations.hpp"
#include "sinew/context/queue_operations.hpp"
#include "sinew/context/topic_operations.hpp"
#include "sinew/http/client.hpp"
#include "sinew/net/resolver.hpp"
#include "sinew/saga/instances.hpp"

namespace sinew::cli {
namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw Error(Condition::unauthorized, path.string() + " cannot be read");
  return std::move(text).str();
}

// What every context has and no other database.
Task<bool> is_context(store::Transaction& tx) {
  return sqlite::has_component(tx, std::string(saga::saga_migrations().component));
}

// For the audit record: who asks, and on which machine.
std::string actor() {
  const passwd* user = ::getpwuid(::geteuid());
  std::array<char, HOST_NAME_MAX + 1> machine{};
  ::gethostname(machine.data(), machine.size() - 1);
  return fmt::format("{}@{}", user != nullptr ? user->pw_name : "operator", machine.data());
}

class FolderSystem final : public System {
 public:
  FolderSystem(async::Reactor& reactor, std::filesystem::path folder)
      : reactor_(reactor), folder_(std::move(folder)), client_(reactor, resolver_) {}

  // Those that a host serves, and those whose databases lie in the folder.
  Task<void> find_contexts() {
    for (const auto& host : context::running_hosts(folder_)) {
      for (const auto& context : host.contexts)
        contexts_[context.name] = host.operator_url;
    }
    for (const std::string& name : subfolders()) {
      if (contexts_.contains(name) || !co_await holds_context(name)) continue;
      contexts_[name] = "";
    }
    if (!contexts_.empty()) co_return;
    throw Error(Condition::not_found,
                fmt::format("{} is not the folder of a system: it holds no context's database; "
                            "name the one given to `commerce run --folder`",
                            folder_.string()));
  }

  std::vector<std::string> contexts() const override {
    std::vector<std::string> names;
    for (const auto& [name, url] : contexts_)
      names.push_back(name);
    return names;
  }

  bool running(const std::string& context) const override {
    const auto found = contexts_.find(context);
    return found != contexts_.end() && !found->second.empty();
  }

  Task<Json> operate(std::string context, std::string operation, Json arguments) override {
    const auto found = contexts_.find(context);
    if (found == contexts_.end()) {
      throw Error(Condition::not_found,
                  fmt::format("{} has no context {}{}; it has {}", folder_.string(), context,
                              did_you_mean(context, contexts()), fmt::join(contexts(), ", ")));
    }
    if (found->second.empty()) return on_folder(context, operation, std::move(arguments));
    return on_host(found->second, context, operation, std::move(arguments));
  }

  Task<Json> operate_topics(std::string operation, Json arguments) override {
    const auto hosts = context::running_hosts(folder_);
    if (hosts.empty()) return topics_of_folder(std::move(operation), std::move(arguments));
    return ask_host(
        fmt::format("{}/v1/topics/operations/{}", hosts.front().operator_url, operation),
        std::move(arguments));
  }

  Task<Json> operate_queues(std::string operation, Json arguments) override {
    const auto hosts = context::running_hosts(folder_);
    if (hosts.empty()) return queues_of_folder(std::move(operation), std::move(arguments));
    return ask_host(
        fmt::format("{}/v1/queues/operations/{}", hosts.front().operator_url, operation),
        std::move(arguments));
  }

 private:
  std::vector<std::string> subfolders() const {
    std::vector<std::string> names;
    std::error_code error;
    std::filesystem::directory_iterator entry(folder_, error);
    for (const std::filesystem::directory_iterator end; !error && entry != end;
         entry.increment(error))
      names.push_back(entry->path().filename().string());
    return names;
  }

  // One that is damaged is kept: whoever asks it for something is told what is wrong with it.
  Task<bool> holds_context(const std::string& name) {
    std::error_code error;
    if (!std::filesystem::exists(database_of(name), error)) co_return false;
    sqlite::Settings settings;
    settings.path = database_of(name).string();
    try {
      const auto database = co_await sqlite::open_read_only(reactor_, std::move(settings));
      co_return co_await database->read(is_context);
    } catch (const Error& failure) {
      switch (failure.condition()) {
        case Condition::conflict: co_return false;  // another program's
        case Condition::corrupt:
        case Condition::unsupported: co_return true;
        default: throw;
      }
    }
  }

  std::filesystem::path database_of(const std::string& context) const {
    return folder_ / context / (context + ".db");
  }

  Task<Json> on_host(std::string url, std::string context, std::string operation, Json arguments) {
    return ask_host(fmt::format("{}/v1/contexts/{}/operations/{}", url, context, operation),
                    std::move(arguments));
  }

  Task<Json> ask_host(std::string url, Json arguments) {
    std::string token = read_file(folder_ / "operator.token");
    token.erase(token.find_last_not_of('\n') + 1);
    http::ClientRequest request;
    request.method = http::Method::post;
    request.url = std::move(url);
    request.headers.set("Authorization", "Bearer " + token);
    request.headers.set("Sinew-Actor", actor());
    request.headers.set("Content-Type", "application/json");
    request.body = to_text(arguments);
    const http::Response response = co_await client_.send(std::move(request));
    if (!response.success()) throw http::to_error(response);
    co_return response.json();
  }

  Task<Json> topics_of_folder(std::string operation, Json arguments) {
    co_return co_await on_broker([&](sqlite::EmbeddedBroker& broker) -> Task<Json> {
      const auto port = broker.connect(reactor_);
      co_return co_await context::operate_topics(*port, operation, actor(), std::move(arguments));
    });
  }

  Task<Json> queues_of_folder(std::string operation, Json arguments) {
    co_return co_await on_broker([&](sqlite::EmbeddedBroker& broker) {
      return context::operate_queues(broker, operation, actor(), std::move(arguments));
    });
  }

  template <class Ask>
  Task<Json> on_broker(Ask ask) {
    sqlite::BrokerSettings settings;
    settings.database.path = sqlite::Backend::broker_path(folder_);
    settings.database.create = false;
    auto broker = co_await sqlite::EmbeddedBroker::open(reactor_, std::move(settings));
    Json answer;
    std::exception_ptr failure;
    try {
      answer = co_await ask(*broker);
    } catch (...) {
      failure = std::current_exception();
    }
    co_await broker->close();
    if (failure) std::rethrow_exception(failure);
    co_return answer;
  }

  Task<Json> on_folder(std::string context, std::string operation, Json arguments) {
    sqlite::Settings settings;
    settings.path = database_of(context).string();
    settings.create = false;
    auto database = co_await sqlite::Database::open(reactor_, settings);
    Json answer;
    std::exception_ptr failure;
    try {
      answer =
          co_await context::operate(reactor_, *database, operation, actor(), std::move(arguments));
    } catch (...) {
      failure = std::current_exception();
    }
    co_await database->close();
    if (failure) std::rethrow_exception(failure);
    co_return answer;
  }

  async::Reactor& reactor_;
  std::filesystem::path folder_;
  net::FixedResolver resolver_;
  http::Client client_;
  std::map<std::string, std::string> contexts_;  // name to the operator URL of its host, or empty
};

}  // namespace

Task<std::unique_ptr<System>> System::open(async::Reactor& reactor, std::filesystem::path folder) {
  auto system = std::make_unique<FolderSystem>(reactor, std::move(folder));
  co_await system->find_contexts();
  co_return system;
}

}  // namespace sinew::cli
