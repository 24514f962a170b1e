#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "examples/commerce/replay/input.hpp"
#include "examples/commerce/replay/patient_client.hpp"
#include "sinew/async/task.hpp"
#include "sinew/base/secret.hpp"
#include "sinew/base/time.hpp"

namespace commerce::replay {

// Plays the carriers: looks which shipments are booked and reports those that, by the input, have
// left: each as a CloudEvent to fulfillment's signed webhook, one of them in binary mode.
class Carrier {
 public:
  static constexpr std::size_t in_flight = 16;

  Carrier(sinew::async::Runtime& runtime, PatientClient& client, std::string fulfillment_url,
          sinew::Secret secret, const std::vector<Order>& orders);

  // Looks again and again, until its scope is cancelled. Errors: those of PatientClient::send.
  sinew::Task<void> run();

  // Shipments that were booked and not to be reported at the last look.
  std::size_t staying() const noexcept { return staying_; }

 private:
  sinew::Task<void> look();
  sinew::Task<void> report_in_turn();
  sinew::Task<void> report(std::string order_id);

  sinew::async::Runtime& runtime_;
  PatientClient& client_;
  std::string url_;
  sinew::Secret secret_;
  struct Departure {
    std::int64_t carrier_id = 0;
    sinew::Date shipped_date{};
  };
  std::map<std::string, Departure> leaving_;  // by order
  std::set<std::string> reported_;
  std::vector<std::string> to_report_;
  std::size_t staying_ = 0;
};

}  // namespace commerce::replay
