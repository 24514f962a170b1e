#pragma once

#include <boost/describe.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "sinew/base/described.hpp"
#include "sinew/base/json.hpp"

// The published language of reporting.
namespace commerce::reporting {

// A line or an order that was not sent, with the reason.
struct Refusal {
  std::string place;     // orders.csv:12
  std::string order_id;  // empty: a line of another file
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(Refusal, (), (place, order_id, reason))

// POST /batches: an input that is about to be replayed. Registering it again is the same batch.
struct RegisterBatch {
  std::string batch_id;  // SHA-256 of the input
  std::string name;
  sinew::Json totals;       // totals.json of the input, as published
  sinew::Json accepted;     // the same figures over what is sent: without the refused
  std::int64_t orders = 0;  // that are sent
  std::vector<std::string> order_ids;
  std::vector<std::string> customer_ids;
  std::vector<std::int64_t> carrier_ids;
  std::vector<std::int64_t> product_ids;
  std::vector<Refusal> refused;
};
BOOST_DESCRIBE_STRUCT(RegisterBatch, (),
                      (batch_id, name, totals, accepted, orders, order_ids, customer_ids,
                       carrier_ids, product_ids, refused))

// GET /progress: how far the orders that reporting knows of have come.
struct Progress {
  std::int64_t placed = 0;
  std::int64_t confirmed = 0;
  std::int64_t rejected = 0;
  std::int64_t shipped = 0;
};
BOOST_DESCRIBE_STRUCT(Progress, (), (placed, confirmed, rejected, shipped))

}  // namespace commerce::reporting
