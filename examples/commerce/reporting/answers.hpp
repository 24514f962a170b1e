#pragma once

#include <boost/describe.hpp>
#include <cstdint>
#include <map>
#include <string>

#include "sinew/base/described.hpp"

// What reporting answers to questions over HTTP, beside its contract.
namespace commerce::reporting {

// GET /rejections: why orders were rejected, and how many for each reason.
struct Rejections {
  std::map<std::string, std::int64_t> orders_by_code;
};
BOOST_DESCRIBE_STRUCT(Rejections, (), (orders_by_code))

}  // namespace commerce::reporting
