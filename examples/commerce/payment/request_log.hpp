#pragma once

#include <boost/describe.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "sinew/base/described.hpp"
#include "sinew/base/time.hpp"
#include "sinew/messaging/middleware.hpp"
#include "sinew/store/transaction.hpp"

namespace commerce::payment {

// Who asked for an order's money to move, and when that was answered.
struct RequestRow {
  std::string message_id;
  std::string order_id;
  std::string type;  // of the message
  std::string source;
  std::string correlation_id;  // the process that it belongs to
  std::int64_t attempt = 0;
  sinew::Timestamp handled_at{};
};
BOOST_DESCRIBE_STRUCT(RequestRow, (),
                      (message_id, order_id, type, source, correlation_id, attempt, handled_at))

// Keeps a row for each message that moves money, in the transaction that answers it: whatever
// stands in the books of payment, somebody asked for it.
class RequestLog final : public sinew::messaging::TransactionMiddleware {
 public:
  sinew::Task<Passed> around(sinew::messaging::Incoming incoming, sinew::store::Transaction& tx,
                             Next next) override;
};

// A row of: message_id, order_id, type, source, correlation_id, attempt, handled_at, seal.
RequestRow read_request(const sinew::store::Row& row);
// Its seal is right, or it stands for what was done before requests were kept.
bool is_trusted(const RequestRow& request, const sinew::store::Row& row);

// Of an order, in the order of their handling.
sinew::Task<std::vector<RequestRow>> requests_of(sinew::store::Transaction& tx,
                                                 std::string order_id);

}  // namespace commerce::payment
