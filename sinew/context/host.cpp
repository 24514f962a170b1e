#include "sinew/context/host.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <system_error>

#include "sinew/async/offload.hpp"
#include "sinew/base/config.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/hex.hpp"
#include "sinew/base/log.hpp"
#include "sinew/context/operator_api.hpp"
#include "sinew/context/private_file.hpp"

namespace sinew::context {
namespace {

// Whoever holds the token can do anything: nobody gets that far from another machine.
constexpr auto operator_address = "127.0.0.1";

void create_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    throw Error(Condition::unauthorized,
                fmt::format("the folder {} cannot be made: {}; choose another or change its rights",
                            folder.string(), error.message()));
  }
}

}  // namespace

Host::Host(HostSettings settings, Backend& backend, std::vector<async::Runtime*> workers)
    : settings_(std::move(settings)), backend_(backend), workers_(std::move(workers)) {
  config::require_valid(settings_.contexts, "the settings of the contexts");
}

Host::~Host() = default;

void Host::add(std::unique_ptr<Context> context) {
  const std::size_t index = runners_.size();
  async::Endpoint endpoint{settings_.address, 0};
  if (settings_.first_port != 0) {
    endpoint.port = static_cast<std::uint16_t>(settings_.first_port + index);
  }
  ContextPlace place{settings_.folder / std::string(context->name()), endpoint, settings_.name};
  runners_.push_back(
      std::make_unique<ContextRunner>(std::move(context), *workers_[index % workers_.size()],
                                      std::move(place), settings_.contexts, metrics_));
}

Task<void> Host::start() {
  create_folder(settings_.folder / "hosts");
  load_token();
  std::exception_ptr failure;
  try {
    co_await backend_.start(*workers_.front(), settings_.folder);
    broker_ = co_await backend_.connect_broker(*workers_.front(), "operator");
    co_await start_contexts();
    start_operator_api();
    host_file_ = std::make_unique<HostFile>(settings_.folder, description());
  } catch (...) {
    failure = std::current_exception();
  }
  if (!failure) co_return;
  try {
    co_await drain();
  } catch (const Error& error) {
    log::warn("what had started could not be stopped in order", {{"error", error.detail()}});
  }
  std::rethrow_exception(failure);
}

Task<void> Host::start_contexts() {
  for (auto& runner : runners_) {
    ++started_;
    co_await async::call_on(runner->runtime(), [this, &runner] { return runner->start(backend_); });
  }
}

Task<void> Host::drain() {
  host_file_.reset();
  if (operator_api_) co_await operator_api_->drain(std::chrono::seconds(1));
  operator_api_.reset();
  co_await stop_contexts();
  broker_.reset();
  co_await backend_.stop();
}

Task<void> Host::stop_contexts() {
  while (started_ > 0) {
    ContextRunner& runner = *runners_[--started_];
    co_await async::call_on(runner.runtime(),
                            [this, &runner] { return runner.drain(settings_.drain); });
  }
}

std::vector<ContextRunner*> Host::contexts() const {
  std::vector<ContextRunner*> contexts;
  for (const auto& runner : runners_)
    contexts.push_back(runner.get());
  return contexts;
}

Entrance Host::entrance(std::string_view context) const {
  for (const auto& runner : runners_) {
    if (runner->name() == context) return runner->entrance();
  }
  throw Error(Condition::not_found,
              fmt::format("the host {} has no context {}", settings_.name, context));
}

async::Endpoint Host::operator_endpoint() const { return operator_api_->local(); }

void Host::start_operator_api() {
  operator_api_ = std::make_unique<http::Server>(*workers_.front(), operator_routes(*this));
  operator_api_->start({operator_address, settings_.operator_port});
}

void Host::load_token() {
  const auto path = settings_.folder / "operator.token";
  std::ifstream file(path);
  if (std::getline(file, token_) && token_.size() == 64) return;
  token_.clear();
  for (int part = 0; part < 4; ++part) {
    token_ += fmt::format("{:016x}", workers_.front()->random());
  }
  write_private_file(path, token_ + "\n");
}

RunningHost Host::description() const {
  RunningHost host{settings_.name, ::getpid(), "http://" + to_string(operator_endpoint()), {}};
  for (const auto& runner : runners_)
    host.contexts.push_back({runner->name(), "http://" + to_string(runner->endpoint())});
  return host;
}

}  // namespace sinew::context
