#include "cli/system.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <map>
#include <sstream>

#include "adapters/sqlite/database.hpp"
#include "sinew/base/described.hpp"
#include "sinew/base/error.hpp"
#include "sinew/context/operations.hpp"
#include "sinew/http/client.hpp"
#include "sinew/net/resolver.hpp"

namespace sinew::cli {
namespace {

// What a host says of itself in hosts/<name>.json.
struct HostedContext {
  std::string name;
  std::string url;
};
BOOST_DESCRIBE_STRUCT(HostedContext, (), (name, url))
struct HostFile {
  std::string name;
  std::int64_t pid = 0;
  std::string operator_url;
  std::vector<HostedContext> contexts;
};
BOOST_DESCRIBE_STRUCT(HostFile, (), (name, pid, operator_url, contexts))

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw Error(Condition::unauthorized, path.string() + " cannot be read");
  return std::move(text).str();
}

bool alive(std::int64_t pid) {
  return pid > 0 && (::kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM);
}

std::string actor() {
  const char* name = ::getlogin();
  return fmt::format("{}@{}", name != nullptr ? name : "operator", ::getpid());
}

class FolderSystem final : public System {
 public:
  FolderSystem(async::Reactor& reactor, std::filesystem::path folder)
      : reactor_(reactor), folder_(std::move(folder)), client_(reactor, resolver_) {
    find_contexts();
    find_hosts();
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
                  fmt::format("{} has no context {}; it has {}", folder_.string(), context,
                              fmt::join(contexts(), ", ")));
    }
    if (found->second.empty()) return on_folder(context, operation, std::move(arguments));
    return on_host(found->second, context, operation, std::move(arguments));
  }

 private:
  void find_contexts() {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
      const std::string name = entry.path().filename().string();
      if (std::filesystem::exists(database_of(name))) contexts_[name] = "";
    }
    contexts_.erase("broker");
    if (error || contexts_.empty()) {
      throw Error(Condition::not_found,
                  fmt::format("{} is not the folder of a system: it holds no context's database; "
                              "name the one given to `commerce run --folder`",
                              folder_.string()));
    }
  }

  void find_hosts() {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "hosts", error)) {
      if (entry.path().extension() != ".json") continue;
      const auto host = from_json<HostFile>(parse_json(read_file(entry.path())));
      if (!alive(host.pid)) continue;
      for (const auto& context : host.contexts)
        contexts_[context.name] = host.operator_url;
    }
  }

  std::filesystem::path database_of(const std::string& context) const {
    return folder_ / context / (context + ".db");
  }

  Task<Json> on_host(std::string url, std::string context, std::string operation, Json arguments) {
    std::string token = read_file(folder_ / "operator.token");
    token.erase(token.find_last_not_of('\n') + 1);
    http::ClientRequest request;
    request.method = http::Method::post;
    request.url = fmt::format("{}/v1/contexts/{}/operations/{}", url, context, operation);
    request.headers.set("Authorization", "Bearer " + token);
    request.headers.set("Sinew-Actor", actor());
    request.headers.set("Content-Type", "application/json");
    request.body = to_text(arguments);
    const http::Response response = co_await client_.send(std::move(request));
    if (!response.success()) throw http::to_error(response);
    co_return response.json();
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
  co_return std::make_unique<FolderSystem>(reactor, std::move(folder));
}

}  // namespace sinew::cli
