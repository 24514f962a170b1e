#pragma once

#include <map>
#include <string>
#include <vector>

#include "sinew/base/config_tree.hpp"
#include "sinew/gateway/entities.hpp"

namespace sinew::gateway {

// Finds routes that ask for the very same requests with the same precedence: the one that goes
// first gets them all, whatever the other says.
class RouteTwins {
 public:
  explicit RouteTwins(config::Problems& warnings) : warnings_(warnings) {}

  void add(const Route& route, const std::string& place);
  void report() const;

 private:
  struct Claim {
    std::int64_t created_at;
    config::Position position;
    std::string place;
    std::string what;  // example.com/a
  };

  config::Problems& warnings_;
  std::map<std::string, std::vector<Claim>> claims_;
};

}  // namespace sinew::gateway
