#include "examples/commerce/payment/request_log.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "examples/commerce/books/row_seal.hpp"
#include "examples/commerce/fulfillment/contract/shipments.hpp"
#include "examples/commerce/payment/contract/payments.hpp"
#include "sinew/async/runtime.hpp"
#include "sinew/base/uuid.hpp"

namespace commerce::payment {

using sinew::Task;
using sinew::messaging::Incoming;
using sinew::store::Row;
using sinew::store::Transaction;

namespace {

constexpr std::array<std::string_view, 3> moving_money{Charge::type.name, Refund::type.name,
                                                       fulfillment::ShipmentCancelled::type.name};

}  // namespace

Task<RequestLog::Passed> RequestLog::around(Incoming incoming, Transaction& tx, Next next) {
  const sinew::event::Envelope& message = incoming.message;
  if (std::ranges::find(moving_money, message.type) != moving_money.end()) {
    const auto now = (co_await sinew::async::this_context()).runtime->wall_now();
    co_await tx.execute(
        "INSERT INTO requests (message_id, order_id, type, source, correlation_id, attempt, "
        "handled_at, seal) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        books::SealedRow{to_string(message.id), message.ordering_key, message.type, message.source,
                         to_string(message.lineage.correlation_id), incoming.attempt, now});
  }
  co_return co_await next();
}

RequestRow read_request(const Row& row) {
  return {row.text(0), row.text(1),    row.text(2),     row.text(3),
          row.text(4), row.integer(5), row.timestamp(6)};
}

bool is_trusted(const RequestRow& request, const Row& row) {
  return (request.attempt == 0 && row.text(7) == "none") || books::is_sealed(row);
}

Task<std::vector<RequestRow>> requests_of(Transaction& tx, std::string order_id) {
  const auto rows = co_await tx.execute(
      "SELECT message_id, order_id, type, source, correlation_id, attempt, handled_at "
      "FROM requests WHERE order_id = ? ORDER BY handled_at, message_id",
      {order_id});
  std::vector<RequestRow> requests;
  for (const auto row : rows)
    requests.push_back(read_request(row));
  co_return requests;
}

}  // namespace commerce::payment
