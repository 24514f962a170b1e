#include "examples/commerce/program/provider_process.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "examples/commerce/program/layout.hpp"
#include "examples/commerce/replay/table.hpp"
#include "sinew/async/wait.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/log.hpp"
#include "sinew/wire/uri.hpp"

namespace commerce::program {
namespace {

using sinew::Condition;
using sinew::Error;
using sinew::Task;

constexpr auto start_patience = std::chrono::seconds(20);
constexpr auto stop_patience = std::chrono::seconds(5);
constexpr auto restart_pause = std::chrono::milliseconds(200);

std::string last_line(const std::filesystem::path& log) {
  std::string text = replay::read_file(log);
  while (text.ends_with('\n'))
    text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

}  // namespace

ProviderProcess::ProviderProcess(sinew::async::Runtime& runtime, std::filesystem::path folder)
    : runtime_(runtime), folder_(std::move(folder)) {}

Task<void> ProviderProcess::start() {
  api_key_ = secret_in(provider_key_file(folder_), runtime_);
  co_await launch();
  watching_.emplace(runtime_, "provider");
  watching_->spawn(keep_alive());
}

Task<void> ProviderProcess::launch() {
  const auto log = log_file(folder_, "provider");
  ChildProcess::Options options;
  options.arguments = {"provider", "--folder", folder_.string(), "--port", std::to_string(port_)};
  options.output = ChildProcess::Output::lines;
  options.error_log = log;
  child_ = std::make_unique<ChildProcess>(runtime_, std::move(options));
  const auto line =
      co_await sinew::async::with_deadline(runtime_.now() + start_patience, child_->read_line());
  if (!line) {
    throw Error(Condition::unavailable, fmt::format("the payment provider does not start: {} ({})",
                                                    last_line(log), log.string()));
  }
  url_ = *line;
  if (const auto url = sinew::wire::parse_url(url_)) port_ = url->port;
}

Task<void> ProviderProcess::keep_alive() {
  for (;;) {
    const int code = co_await child_->wait();
    sinew::log::warn("the payment provider ended and is started again", {{"code", code}});
    co_await sinew::async::sleep_for(restart_pause);
    try {
      co_await launch();
    } catch (const Error& error) {
      if (error.condition() == Condition::cancelled) throw;
      sinew::log::error("the payment provider does not start", {{"error", error.detail()}});
    }
  }
}

Task<void> ProviderProcess::stop() {
  if (watching_) {
    watching_->cancel();
    co_await watching_->join();
    watching_.reset();
  }
  if (!child_) co_return;
  child_->terminate();
  try {
    co_await sinew::async::with_deadline(runtime_.now() + stop_patience, child_->wait());
  } catch (const Error&) {
    sinew::log::warn("the payment provider did not end by itself and is killed");
  }
  child_.reset();
}

}  // namespace commerce::program
