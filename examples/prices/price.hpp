#pragma once

#include <boost/describe.hpp>
#include <string>

#include "sinew/base/described.hpp"
#include "sinew/base/money.hpp"

// The published language of the price service: GET and PUT /prices/{product}.
namespace prices {

struct Price {
  sinew::Money price;
};
BOOST_DESCRIBE_STRUCT(Price, (), (price))

}  // namespace prices
