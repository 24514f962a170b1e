#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "sinew/proxy/observe/access_log.hpp"
#include "sinew/proxy/observe/exchange_record.hpp"
#include "sinew/proxy/observe/proxy_metrics.hpp"

namespace sinew::proxy {

// The observers of an engine's workers: each counts an exchange and writes its line.
class Observers {
 public:
  // `log` and `metrics`, for as many workers, outlive it.
  Observers(AccessLog& log, ProxyMetrics& metrics, std::size_t workers) {
    for (std::size_t index = 0; index < workers; ++index)
      workers_.push_back(std::make_unique<Worker>(log.worker(index), metrics.worker(index)));
  }

  ExchangeObserver& of(std::size_t worker) noexcept { return *workers_[worker]; }

 private:
  class Worker final : public ExchangeObserver {
   public:
    Worker(AccessLog::Worker& log, ProxyMetrics::Worker& metrics) : log_(log), metrics_(metrics) {}

    void ended(const ExchangeRecord& record) noexcept override {
      metrics_.count(record);
      log_.write(record);
    }

   private:
    AccessLog::Worker& log_;
    ProxyMetrics::Worker& metrics_;
  };

  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace sinew::proxy
