#include "examples/commerce/payment/payment.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "examples/commerce/payment/answers.hpp"
#include "examples/commerce/payment/schema.hpp"
#include "sinew/base/error.hpp"
#include "sinew/saga/tombstone.hpp"

namespace commerce::payment {

using sinew::Condition;
using sinew::Error;
using sinew::Money;
using sinew::Task;
using sinew::event::caused_by;
using sinew::event::Envelope;
using sinew::http::Method;
using sinew::http::Request;
using sinew::http::Response;
using sinew::messaging::Answer;
using sinew::messaging::Handling;
using sinew::messaging::Rejection;
using sinew::saga::Tombstones;
using sinew::store::Transaction;

namespace {

// A provider that is away is asked for about a quarter of an hour; then an operator looks at it.
constexpr sinew::messaging::RetrySettings patience{.max_attempts = 120,
                                                   .first_delay = std::chrono::milliseconds(200),
                                                   .max_delay = std::chrono::seconds(15)};

// The tombstones of refunds that came before their charge.
constexpr auto charge_action = "payment.charge";

// The same for every attempt of a saga's step until it got a definite no.
std::string request_key_of(const Envelope& message) {
  const auto found = message.extensions.find("idempotencykey");
  return found == message.extensions.end() ? std::string() : found->second;
}

std::string provider_key(std::string_view what, const std::string& order,
                         const std::string& request_key) {
  if (request_key.empty()) return fmt::format("{}/{}", what, order);
  return fmt::format("{}/{}/{}", what, order, request_key);
}

// The payment of an outcome that is none other than what was asked for.
const StripeGateway::Payment& moved(const StripeGateway::Outcome& outcome, const Money& asked) {
  const auto& payment = std::get<StripeGateway::Payment>(outcome);
  if (payment.amount == asked.amount()) return payment;
  throw Error(Condition::corrupt,
              fmt::format("the provider moved {} in {}, asked was {}; see its dashboard",
                          to_string(payment.amount, 2), payment.reference, to_string(asked)),
              sinew::Applied::unknown);
}

Answer<Charged> answer_of(const ChargeRow& row) {
  if (row.status == ChargeStatus::declined) return Rejection{row.code, row.detail};
  return Charged{row.order_id, row.amount, row.provider_reference};
}

}  // namespace

// Only sales takes orders, so nobody else has their money moved.
Payment::Payment(PaymentSettings settings)
    : settings_(std::move(settings)),
      senders_({{std::string(Charge::type.name), {"/sales"}},
                {std::string(Refund::type.name), {"/sales"}}}) {}

void Payment::describe(sinew::context::ContextSpec& spec) {
  spec.migrations(schema())
      .middleware(senders_)
      .middleware(request_log_)
      .retry(patience)
      .answers(&Payment::charge)
      .answers(&Payment::refund)
      .handles(&Payment::give_back)
      .route(Method::get, "/payments/{order}", &Payment::show_payment)
      .route(Method::get, "/payments/{order}/requests", &Payment::show_requests);
}

Task<void> Payment::start() {
  provider_ = std::make_unique<StripeGateway>(
      pipelines(), http(),
      StripeGateway::Settings{settings_.provider_url, settings_.api_key, settings_.policy});
  co_return;
}

Task<Account> Payment::account_of(std::string order_id) {
  co_return co_await database().read([&](Transaction& tx) -> Task<Account> {
    Account account;
    account.charge = co_await find_charge(tx, order_id);
    account.refund = co_await find_refund(tx, order_id);
    account.refunded_before_charge = co_await Tombstones::exists(tx, charge_action, order_id);
    co_return account;
  });
}

// Messages of one order come one after the other, so what is read here still holds at the commit.
Task<void> Payment::charge(Handling& handling, Charge command) {
  const Envelope& message = handling.message();
  const std::string key = request_key_of(message);
  const Account account = co_await account_of(command.order_id);
  if (const auto answer = settled_answer(account, command, key)) {
    co_await handling.commit(
        [&](Transaction& tx) -> Task<void> { co_await reply<Charged>(tx, message, *answer); });
    co_return;
  }
  const auto outcome =
      co_await provider_->charge(command.order_id, command.amount, command.payment_method,
                                 provider_key("charge", command.order_id, key));
  ChargeRow row{command.order_id,
                ChargeStatus::charged,
                key,
                command.amount,
                command.payment_method,
                "",
                "",
                "",
                runtime().wall_now()};
  if (const auto* no = std::get_if<Rejection>(&outcome)) {
    row.status = ChargeStatus::declined;
    row.code = no->code;
    row.detail = no->detail;
  } else {
    row.provider_reference = moved(outcome, command.amount).reference;
  }
  co_await handling.commit(
      [&](Transaction& tx) -> Task<void> { co_await keep_charge(tx, message, row); });
}

Task<void> Payment::keep_charge(Transaction& tx, const Envelope& message, ChargeRow row) {
  const Answer<Charged> answer = answer_of(row);
  co_await save_charge(tx, row);
  co_await reply<Charged>(tx, message, answer);
  if (const auto* charged = std::get_if<Charged>(&answer)) {
    co_await publish(tx, *charged, row.order_id, caused_by(message));
  }
}

Task<void> Payment::refund(Handling& handling, Refund command) {
  const Envelope& message = handling.message();
  const Account account = co_await account_of(command.order_id);
  if (account.refund) {
    const Refunded refunded{command.order_id, account.refund->amount,
                            account.refund->provider_reference};
    co_await handling.commit(
        [&](Transaction& tx) -> Task<void> { co_await reply<Refunded>(tx, message, refunded); });
    co_return;
  }
  if (!account.charge || account.charge->status == ChargeStatus::declined) {
    co_await refuse_later_charge(handling, command.order_id);
    co_return;
  }
  const auto outcome = co_await refund_of(account, command.order_id, request_key_of(message));
  co_await handling.commit([&](Transaction& tx) -> Task<void> {
    if (const auto* no = std::get_if<Rejection>(&outcome)) {
      co_await reply<Refunded>(tx, message, *no);
    } else {
      co_await keep_refund(tx, message, std::get<RefundRow>(outcome));
    }
  });
}

Task<void> Payment::keep_refund(Transaction& tx, const Envelope& message, RefundRow row) {
  const Refunded refunded{row.order_id, row.amount, row.provider_reference};
  co_await save_refund(tx, row);
  co_await reply<Refunded>(tx, message, refunded);
  co_await publish(tx, refunded, row.order_id, caused_by(message));
}

// The key is the process's: asked again it is the same request, and another cancellation is
// another.
Task<void> Payment::give_back(Handling& handling, fulfillment::ShipmentCancelled event) {
  const Envelope& message = handling.message();
  const Account account = co_await account_of(event.order_id);
  const auto outcome =
      co_await refund_of(account, event.order_id, to_string(message.lineage.correlation_id));
  co_await handling.commit([&](Transaction& tx) -> Task<void> {
    if (const auto* no = std::get_if<Rejection>(&outcome)) {
      co_await react(tx, message, RefundRefused{event.order_id, no->code, no->detail});
      co_return;
    }
    const RefundRow& row = std::get<RefundRow>(outcome);
    if (!account.refund) co_await save_refund(tx, row);
    co_await react(tx, message, Refunded{row.order_id, row.amount, row.provider_reference});
  });
}

// The refund that there is, or that the provider gives now. Messages of one order come one after
// the other, so what is read before still holds at the commit.
Task<std::variant<RefundRow, Rejection>> Payment::refund_of(Account account, std::string order_id,
                                                            std::string request_key) {
  if (account.refund) co_return *account.refund;
  if (!account.charge || account.charge->status == ChargeStatus::declined) {
    co_return Rejection{"not_charged", fmt::format("order {} was not charged", order_id)};
  }
  const ChargeRow& charge = *account.charge;
  const auto outcome = co_await provider_->refund(order_id, charge.provider_reference,
                                                  provider_key("refund", order_id, request_key));
  if (const auto* no = std::get_if<Rejection>(&outcome)) co_return *no;
  co_return RefundRow{order_id, charge.amount, charge.provider_reference,
                      moved(outcome, charge.amount).reference, runtime().wall_now()};
}

// Nothing was charged; should the charge still come, it must not happen.
Task<void> Payment::refuse_later_charge(Handling& handling, std::string order_id) {
  const Refunded nothing{order_id, Money(sinew::Decimal(), sinew::Currency::parse("USD")), ""};
  co_await handling.commit([&](Transaction& tx) -> Task<void> {
    co_await Tombstones::leave(tx, charge_action, order_id, runtime().wall_now());
    co_await reply<Refunded>(tx, handling.message(), nothing);
  });
}

Task<Response> Payment::show_payment(const Request& request) {
  const auto order = request.path_parameter<std::string>("order");
  const Account account = co_await account_of(order);
  if (!account.charge) {
    throw Error(Condition::not_found, fmt::format("there is no payment of order {}", order));
  }
  co_return sinew::http::ok(sinew::to_json(payment_answer(account)));
}

Task<Response> Payment::show_requests(const Request& request) {
  const auto order = request.path_parameter<std::string>("order");
  const auto requests =
      co_await database().read([&](Transaction& tx) { return requests_of(tx, order); });
  co_return sinew::http::ok(
      sinew::Json(sinew::JsonObject{{"order_id", order}, {"requests", sinew::to_json(requests)}}));
}

}  // namespace commerce::payment
