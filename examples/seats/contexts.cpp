#include "examples/seats/contexts.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/saga/instances.hpp"
#include "sinew/saga/locks.hpp"

namespace seats {

using namespace std::chrono_literals;
using sinew::messaging::Handling;
using sinew::messaging::Rejection;
using sinew::saga::ask;
using sinew::saga::Version;

namespace {

constexpr sinew::store::Migration hall_tables[] = {
    {1, "seats sold", "CREATE TABLE sold (seat TEXT NOT NULL PRIMARY KEY, buyer TEXT NOT NULL);"}};

constexpr auto seat_of = [](const Hold& command) { return command.seat; };

// What the saga knows, in version 1 and in version 2.
struct Purchase {
  std::string seat;
  std::string buyer;
  std::string card;
};
BOOST_DESCRIBE_STRUCT(Purchase, (), (seat, buyer, card))
struct TicketedPurchase : Purchase {
  std::string ticket;
};
BOOST_DESCRIBE_STRUCT(TicketedPurchase, (Purchase), (ticket))

template <class Data>
sinew::saga::Builder<Data> buy_seat(Version version) {
  return sinew::saga::define<Data>("buy-seat", version)
      .step("hold", ask<Hold>([](const Data& data) { return Hold{data.seat, data.buyer}; }))
      .compensate(ask<Free>([](const Data& data) { return Free{{data.seat, data.buyer}}; }))
      .pivot("pay", ask<Pay>([](const Data& data) { return Pay{data.buyer, data.card}; }))
      .timeout(500ms)
      .retry({.max_attempts = 2})
      .step("sell", ask<Sell>([](const Data& data) { return Sell{{data.seat, data.buyer}}; }));
}

// Version 2 writes a ticket in the end, and takes purchases of version 1 over.
sinew::saga::Definition second_version() {
  return buy_seat<TicketedPurchase>(Version{2})
      .step("write-ticket",
            sinew::saga::local([](Transaction&, TicketedPurchase& data) -> Task<void> {
              data.ticket = fmt::format("{} for {}", data.seat, data.buyer);
              co_return;
            }))
      .takes_over(Version{1}, {{"hold", "hold"}, {"pay", "pay"}, {"sell", "sell"}},
                  [](sinew::JsonObject data) {
                    data.set("ticket", "");
                    return data;
                  });
}

}  // namespace

void Hall::describe(sinew::context::ContextSpec& spec) {
  spec.migrations(hall_tables)
      .answers(&Hall::hold, sinew::saga::locks(seat_of))
      .answers(&Hall::free, sinew::saga::unlocks(seat_of))
      .answers(&Hall::sell, sinew::saga::unlocks(seat_of));
}

Task<Answer<Seat>> Hall::hold(Transaction& tx, Hold command, const Envelope&) {
  const auto sold = co_await tx.execute("SELECT buyer FROM sold WHERE seat = ?", {command.seat});
  if (!sold.empty()) co_return Rejection{"sold", command.seat + " is sold"};
  co_return Seat{command.seat};
}

Task<Answer<Seat>> Hall::free(Transaction&, Free command, const Envelope&) {
  co_return Seat{command.seat};
}

Task<Answer<Seat>> Hall::sell(Transaction& tx, Sell command, const Envelope&) {
  co_await tx.execute("INSERT INTO sold (seat, buyer) VALUES (?, ?)",
                      {command.seat, command.buyer});
  co_return Seat{command.seat};
}

Task<std::string> Hall::buyer_of(std::string seat) {
  co_return co_await database().read([&](Transaction& tx) -> Task<std::string> {
    const auto rows = co_await tx.execute("SELECT buyer FROM sold WHERE seat = ?", {seat});
    co_return rows.empty() ? "" : rows[0].text(0);
  });
}

Task<std::string> Hall::holder_of(std::string seat) {
  const auto locks =
      co_await database().read([](Transaction& tx) -> Task<std::vector<sinew::saga::Lock>> {
        co_return co_await sinew::saga::list_locks(tx, 100);
      });
  for (const auto& lock : locks) {
    if (lock.resource == seat) co_return fmt::format("{}, {} waiting", lock.owner.id, lock.waiting);
  }
  co_return "";
}

void Bank::describe(sinew::context::ContextSpec& spec) { spec.answers(&Bank::pay); }

Task<void> Bank::pay(Handling& handling, Pay command) {
  if (command.card == "declined") co_await sinew::async::sleep_for(300ms);
  co_await handling.commit([&](Transaction& tx) -> Task<void> {
    if (command.card == "silent" && !answers_all_) co_return;
    Answer<Paid> answer = Paid{command.buyer};
    if (command.card == "declined") answer = Rejection{"card_declined", "the card is declined"};
    co_await reply<Paid>(tx, handling.message(), answer);
  });
}

void Office::describe(sinew::context::ContextSpec& spec) {
  if (version_ == 1) {
    spec.saga(buy_seat<Purchase>(Version{1}));
  } else {
    spec.saga(second_version());
  }
}

Task<void> Office::buy(std::string seat, std::string buyer, std::string card) {
  const auto lineage = co_await new_lineage();
  const sinew::Json data = sinew::to_json(Purchase{seat, buyer, card});
  co_await database().transaction([&](Transaction& tx) -> Task<void> {
    co_await sagas().start(tx, "buy-seat", buyer, data, lineage);
  });
}

Task<std::string> Office::status_of(std::string buyer) {
  co_return co_await database().read([&](Transaction& tx) -> Task<std::string> {
    const auto saga = co_await sinew::saga::find_instance(tx, "buy-seat", buyer);
    co_return saga ? std::string(to_string(saga->status)) : "";
  });
}

}  // namespace seats
