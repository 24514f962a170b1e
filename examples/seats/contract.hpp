#pragma once

#include <boost/describe.hpp>
#include <string>

#include "sinew/base/described.hpp"
#include "sinew/event/typed.hpp"

// What the contexts of the example say to each other.
namespace seats {

struct Seat {
  static constexpr sinew::event::EventType type{"hall.seat", 1};
  std::string seat;
};
BOOST_DESCRIBE_STRUCT(Seat, (), (seat))

// Keeps a seat for a buyer who has yet to pay. Rejection: sold.
struct Hold {
  static constexpr sinew::event::EventType type{"hall.hold", 1};
  using Reply = Seat;
  std::string seat;
  std::string buyer;
};
BOOST_DESCRIBE_STRUCT(Hold, (), (seat, buyer))

// Gives it back, or sells it.
struct Free : Hold {
  static constexpr sinew::event::EventType type{"hall.free", 1};
};
BOOST_DESCRIBE_STRUCT(Free, (Hold), ())
struct Sell : Hold {
  static constexpr sinew::event::EventType type{"hall.sell", 1};
};
BOOST_DESCRIBE_STRUCT(Sell, (Hold), ())

struct Paid {
  static constexpr sinew::event::EventType type{"bank.paid", 1};
  std::string buyer;
};
BOOST_DESCRIBE_STRUCT(Paid, (), (buyer))

// Rejection: card_declined.
struct Pay {
  static constexpr sinew::event::EventType type{"bank.pay", 1};
  using Reply = Paid;
  std::string buyer;
  std::string card;
};
BOOST_DESCRIBE_STRUCT(Pay, (), (buyer, card))

}  // namespace seats
