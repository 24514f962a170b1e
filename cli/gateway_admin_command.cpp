#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>
#include <string>
#include <utility>

#include "cli/command.hpp"
#include "sinew/base/error.hpp"
#include "sinew/http/client.hpp"
#include "sinew/net/resolver.hpp"
#include "sinew/wire/uri.hpp"

namespace sinew::cli {
namespace {

using http::Method;

constexpr int kRefusedFile = 422;
constexpr Duration kPatience = std::chrono::seconds(130);  // a reload resolves names

struct AdminOptions {
  std::string address = "127.0.0.1:8001";
  std::string level;
  std::string cluster;
  std::string endpoint;
  std::string health;
};

// A running gateway's admin interface.
class GatewayAdmin {
 public:
  GatewayAdmin(async::Reactor& reactor, const AdminOptions& options)
      : url_("http://" + options.address), client_(reactor, resolver_, client_options()) {}

  // Whatever it answers. Throws Error unavailable, which says where it was asked.
  Task<http::Response> send(Method method, std::string path, Json body) {
    http::ClientRequest request{.method = method, .url = url_ + path};
    if (!body.is_null()) {
      request.headers.set("Content-Type", "application/json");
      request.body = to_text(body);
    }
    try {
      co_return co_await client_.send(std::move(request));
    } catch (const Error& error) {
      throw Error(error.condition(),
                  fmt::format("no gateway answers at {}: {} (--admin names another address)", url_,
                              error.detail()),
                  error.applied());
    }
  }

  Task<Json> ask(Method method, std::string path, Json body = {}) {
    const http::Response response = co_await send(method, std::move(path), std::move(body));
    if (!response.success()) throw http::to_error(response);
    co_return response.json();
  }

 private:
  static http::ClientOptions client_options() {
    return {.request_timeout = kPatience, .max_body_bytes = std::uint64_t{256} << 20U};
  }

  std::string url_;
  net::FixedResolver resolver_;
  http::Client client_;
};

void print_object(const Options& options, const Json& document) {
  print(options.format == Format::json ? to_pretty_text(document) : sheet(document));
}

std::int64_t sum(const JsonArray& rows, std::string_view member) {
  std::int64_t total = 0;
  for (const Json& row : rows)
    total += row.at(member).as_integer();
  return total;
}

Task<int> status(GatewayAdmin& admin, const Options& options) {
  const http::Response ready = co_await admin.send(Method::get, "/ready", {});
  const Json snapshot = co_await admin.ask(Method::get, "/snapshot");
  const Json workers = co_await admin.ask(Method::get, "/workers");
  const JsonArray& counts = workers.at("workers").as_array();
  JsonArray listeners;
  for (const Json& listener : snapshot.at("listeners").as_array())
    listeners.push_back(listener.at("address"));
  JsonObject document{{"ready", ready.success()}};
  if (!ready.success()) document.set("reasons", ready.json().at("reasons"));
  document.set("snapshot", snapshot.at("version"))
      .set("source", snapshot.at("source"))
      .set("loaded_at", snapshot.at("loaded_at"))
      .set("listeners", std::move(listeners))
      .set("routes", snapshot.at("routes").as_array().size())
      .set("clusters", snapshot.at("clusters"))
      .set("workers", counts.size())
      .set("connections", sum(counts, "connections"))
      .set("active_requests", sum(counts, "active_requests"))
      .set("shed_requests", sum(counts, "shed_requests"));
  print_object(options, Json(std::move(document)));
  co_return ready.success() ? exit_done : exit_failed;
}

// A row an endpoint.
JsonArray rows_of(const JsonArray& clusters) {
  JsonArray rows;
  for (const Json& cluster : clusters) {
    for (const Json& endpoint : cluster.at("endpoints").as_array()) {
      Json row = endpoint;
      row.as_object().set("cluster", cluster.at("name"));
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

Task<int> clusters(GatewayAdmin& admin, const Options& options, const AdminOptions& wanted) {
  Json document = co_await admin.ask(Method::get, "/clusters");
  JsonArray& found = document.as_object().find("clusters")->as_array();
  if (!wanted.cluster.empty()) {
    std::erase_if(found,
                  [&](const Json& one) { return one.at("name").as_string() != wanted.cluster; });
  }
  if (options.format == Format::json) {
    print(to_pretty_text(document));
  } else {
    print(table(rows_of(found),
                {{"cluster", "CLUSTER"},
                 {"address", "ENDPOINT"},
                 {"host", "HOST"},
                 {"weight", "WEIGHT"},
                 {"available", "AVAILABLE"},
                 {"health", "HEALTH"},
                 {"ejected", "EJECTED"},
                 {"active_requests", "REQUESTS"},
                 {"active_connections", "CONNECTIONS"}},
                false));
  }
  co_return found.empty() ? exit_nothing : exit_done;
}

Task<int> drain(GatewayAdmin& admin, const Options& options) {
  print_object(options, co_await admin.ask(Method::post, "/drain"));
  co_return exit_done;
}

Task<int> reload(GatewayAdmin& admin, const Options& options) {
  const http::Response response = co_await admin.send(Method::post, "/reload", {});
  if (response.status != kRefusedFile && !response.success()) throw http::to_error(response);
  const Json document = response.json();
  if (options.format == Format::json || response.success()) {
    print_object(options, document);
  } else {
    for (const Json& error : document.at("errors").as_array())
      print(error.as_string() + "\n");
    complain(fmt::format("sinew: {}\n", document.at("detail").as_string()));
  }
  co_return response.success() ? exit_done : exit_failed;
}

Task<int> log_level(GatewayAdmin& admin, const Options& options, const AdminOptions& wanted) {
  if (wanted.level.empty()) {
    print_object(options, co_await admin.ask(Method::get, "/log-level"));
  } else {
    print_object(options, co_await admin.ask(Method::put, "/log-level",
                                             JsonObject{{"level", wanted.level}}));
  }
  co_return exit_done;
}

Task<int> endpoint(GatewayAdmin& admin, const Options& options, const AdminOptions& wanted) {
  const std::string path =
      fmt::format("/clusters/{}/endpoints/{}/{}", wire::percent_encode(wanted.cluster),
                  wire::percent_encode(wanted.endpoint), wanted.health);
  const Json document = co_await admin.ask(Method::post, path);
  if (options.format == Format::json) {
    print(to_pretty_text(document));
  } else {
    for (const Json& one : document.at("endpoints").as_array())
      print(sheet(one));
  }
  co_return exit_done;
}

class Commands {
 public:
  Commands(CLI::App& group, const Options& options, Errand& errand)
      : group_(group), options_(options), errand_(errand) {}

  // `run(admin, options)` with the subcommand's own options.
  template <typename Run>
  CLI::App* add(const std::string& name, const std::string& what,
                const std::shared_ptr<AdminOptions>& wanted, Run run) {
    auto* command = group_.add_subcommand(name, what);
    command->add_option("--admin", wanted->address, "Where the gateway's admin interface listens")
        ->capture_default_str()
        ->envname("SINEW_GATEWAY_ADMIN");
    command->callback([&errand = errand_, &options = options_, wanted, run] {
      errand = [&options, wanted, run](async::Reactor& reactor) -> Task<int> {
        GatewayAdmin admin(reactor, *wanted);
        co_return co_await run(admin, options, *wanted);
      };
    });
    return command;
  }

 private:
  CLI::App& group_;
  const Options& options_;
  Errand& errand_;
};

}  // namespace

void add_gateway_admin_commands(CLI::App& program, const Options& options, Errand& errand) {
  Commands commands(*program.get_subcommand("gateway"), options, errand);
  const auto wanted = std::make_shared<AdminOptions>();
  const auto plain = [](auto function) {
    return [function](GatewayAdmin& admin, const Options& given, const AdminOptions&) {
      return function(admin, given);
    };
  };
  commands.add("status", "Whether a running gateway is ready, and what it runs on", wanted,
               plain(status));
  commands.add("drain", "Has a running gateway refuse what is new, end what it has, and stop",
               wanted, plain(drain));
  commands.add("reload", "Has a running gateway read its files again", wanted, plain(reload));
  auto* list =
      commands.add("clusters", "The endpoints of a running gateway's clusters", wanted, clusters);
  list->add_option("cluster", wanted->cluster, "Only this cluster");
  auto* level = commands.add("log-level", "What a running gateway logs, or shall from now on",
                             wanted, log_level);
  level->add_option("level", wanted->level, "debug, info, warn, error or off");
  auto* turn = commands.add("endpoint", "Turns an endpoint of a running gateway", wanted, endpoint);
  turn->add_option("cluster", wanted->cluster, "Its cluster")->required();
  turn->add_option("endpoint", wanted->endpoint, "Its address and port")->required();
  turn->add_option("health", wanted->health, "healthy or unhealthy")
      ->required()
      ->check(CLI::IsMember({"healthy", "unhealthy"}));
}

}  // namespace sinew::cli
