#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "sinew/async/task.hpp"
#include "sinew/proxy/exchange/filter.hpp"

namespace sinew::proxy {

// A route's filters at work on one exchange: their states, and the order in which they are called.
// What a filter throws comes out, for the exchange to answer 500.
class FilterRun {
 public:
  FilterRun(const FilterChain& chain, FilterContext& context);

  // In the route's order, up to the first that answers.
  Task<Filter::Verdict> request_head();
  Task<Filter::Verdict> request_body(std::string& body, bool last);
  // In reverse order. After an early answer only those before the filter that gave it.
  Task<Filter::Verdict> answer_head();
  Task<Filter::Verdict> answer_body(std::string& body, bool last);

 private:
  const FilterChain& chain_;
  FilterContext& context_;
  std::vector<std::unique_ptr<Filter::State>> states_;
  std::size_t reached_;  // filters before this one see the answer
};

}  // namespace sinew::proxy
