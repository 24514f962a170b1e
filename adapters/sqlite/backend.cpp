#include "adapters/sqlite/backend.hpp"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "sinew/base/error.hpp"

namespace sinew::sqlite {

Backend::Backend(Settings database) : settings_(std::move(database)) {}

std::string Backend::database_path(const std::filesystem::path& context_folder) {
  return (context_folder / (context_folder.filename().string() + ".db")).string();
}

std::string Backend::broker_path(const std::filesystem::path& folder) {
  return (folder / "broker" / "broker.db").string();
}

Task<void> Backend::start(async::Runtime& runtime, std::filesystem::path folder) {
  std::error_code error;
  std::filesystem::create_directories(folder / "broker", error);
  if (error) {
    throw Error(Condition::unauthorized,
                fmt::format("the folder {} cannot be made: {}; choose another or change its rights",
                            (folder / "broker").string(), error.message()));
  }
  BrokerSettings settings;
  settings.database = settings_;
  settings.database.path = broker_path(folder);
  broker_ = co_await EmbeddedBroker::open(runtime, std::move(settings));
}

Task<void> Backend::stop() {
  if (broker_) co_await broker_->close();
  broker_.reset();
}

Task<std::unique_ptr<store::Database>> Backend::open_database(async::Runtime& runtime,
                                                              std::filesystem::path folder) {
  Settings settings = settings_;
  settings.path = database_path(folder);
  co_return co_await Database::open(runtime, std::move(settings));
}

Task<std::unique_ptr<messaging::Broker>> Backend::connect_broker(async::Runtime& runtime,
                                                                 std::string) {
  co_return broker_->connect(runtime);
}

}  // namespace sinew::sqlite
