#pragma once

#include <boost/describe.hpp>
#include <filesystem>
#include <string>

#include "sinew/base/described.hpp"

namespace commerce::replay {

// All that the replay knows of the system: where it takes orders, files and carriers' reports.
struct Target {
  std::string sales_url;
  std::string fulfillment_url;
  std::string reporting_url;
  std::string customers_drop;  // folders
  std::string receipts_drop;
  std::string carriers_drop;
  std::string carrier_secret;  // where the shared secret is: file:/path or env:NAME
};
BOOST_DESCRIBE_STRUCT(Target, (),
                      (sales_url, fulfillment_url, reporting_url, customers_drop, receipts_drop,
                       carriers_drop, carrier_secret))

// From a JSON file with the members above. Errors: not_found, unauthorized, invalid_input.
Target read_target(const std::filesystem::path& file);

}  // namespace commerce::replay
