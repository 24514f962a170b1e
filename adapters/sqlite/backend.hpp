#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "adapters/sqlite/database.hpp"
#include "adapters/sqlite/embedded_broker.hpp"
#include "sinew/context/backend.hpp"

namespace sinew::sqlite {

// The embedded default under a host: a SQLite file a context, <folder>/<context>/<context>.db, and
// the embedded broker in <folder>/broker/broker.db on the host's own worker.
class Backend final : public context::Backend {
 public:
  // `database`: for every database opened, the broker's included; its path is not used. A simulated
  // disk comes in here.
  explicit Backend(Settings database = {});

  // Errors: those of Database::open, and unauthorized when the broker's folder cannot be made.
  Task<void> start(async::Runtime& runtime, std::filesystem::path folder) override;
  // After the contexts have given their ports back.
  Task<void> stop() override;

  bool databases_are_exclusive() const noexcept override { return true; }
  Task<std::unique_ptr<store::Database>> open_database(async::Runtime& runtime,
                                                       std::filesystem::path folder) override;
  Task<std::unique_ptr<messaging::Broker>> connect_broker(async::Runtime& runtime,
                                                          std::string context) override;

  messaging::QueueOperator* queues() noexcept override { return broker_.get(); }

  // Only between start() and stop(), on the host's own worker.
  EmbeddedBroker& broker() const { return *broker_; }

  // Where the database of a context's folder, and the broker's of a system's folder, is.
  static std::string database_path(const std::filesystem::path& context_folder);
  static std::string broker_path(const std::filesystem::path& folder);

 private:
  Settings settings_;
  std::unique_ptr<EmbeddedBroker> broker_;
};

}  // namespace sinew::sqlite
