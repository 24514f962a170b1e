#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "examples/commerce/replay/input.hpp"
#include "examples/commerce/replay/patient_client.hpp"
#include "examples/commerce/reporting/contract/books.hpp"
#include "sinew/async/task.hpp"

namespace commerce::replay {

// Posts the orders of an input to sales, in their order, many at a time. Sales answers 200 to an
// order that it has already.
class OrderFeed {
 public:
  static constexpr std::size_t in_flight = 32;

  OrderFeed(PatientClient& client, std::string sales_url, const std::vector<Order>& orders)
      : client_(client), url_(std::move(sales_url) + "/orders"), orders_(orders) {}

  // Until every order was taken or refused. Errors: those of PatientClient::send.
  sinew::Task<void> run();

  std::size_t answered() const noexcept { return answered_; }
  // Of these, what sales had before.
  std::size_t known() const noexcept { return known_; }
  bool finished() const noexcept { return answered_ == orders_.size(); }
  // What sales would not take, with its reason.
  const std::vector<reporting::Refusal>& refused() const noexcept { return refused_; }

 private:
  sinew::Task<void> post_in_turn();
  sinew::Task<void> post(const sales::PlaceOrder& order);

  PatientClient& client_;
  std::string url_;
  const std::vector<Order>& orders_;
  std::size_t next_ = 0;
  std::size_t answered_ = 0;
  std::size_t known_ = 0;
  std::vector<reporting::Refusal> refused_;
};

}  // namespace commerce::replay
