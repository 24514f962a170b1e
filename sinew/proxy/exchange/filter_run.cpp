#include "sinew/proxy/exchange/filter_run.hpp"

namespace sinew::proxy {

using Body = Filter::LooksAt::Body;

FilterRun::FilterRun(const FilterChain& chain, FilterContext& context)
    : chain_(chain), context_(context), reached_(chain.size()) {
  states_.reserve(chain.size());
  for (std::size_t index = 0; index < chain.size(); ++index)
    states_.push_back(chain[index].begin());
}

Task<Filter::Verdict> FilterRun::request_head() {
  for (std::size_t index = 0; index < chain_.size(); ++index) {
    if (!chain_[index].looks_at().request_head) continue;
    auto verdict = co_await chain_[index].request_head(context_, states_[index].get());
    if (!verdict) continue;
    reached_ = index;
    co_return verdict;
  }
  co_return nullptr;
}

Task<Filter::Verdict> FilterRun::request_body(std::string& body, bool last) {
  for (std::size_t index = 0; index < chain_.size(); ++index) {
    if (chain_[index].looks_at().request_body == Body::no) continue;
    auto verdict = co_await chain_[index].request_body(context_, states_[index].get(), body, last);
    if (!verdict) continue;
    reached_ = index;
    co_return verdict;
  }
  co_return nullptr;
}

Task<Filter::Verdict> FilterRun::answer_head() {
  for (std::size_t index = reached_; index-- > 0;) {
    if (!chain_[index].looks_at().answer_head) continue;
    auto verdict = co_await chain_[index].answer_head(context_, states_[index].get());
    if (verdict) co_return verdict;
  }
  co_return nullptr;
}

Task<Filter::Verdict> FilterRun::answer_body(std::string& body, bool last) {
  for (std::size_t index = reached_; index-- > 0;) {
    if (chain_[index].looks_at().answer_body == Body::no) continue;
    auto verdict = co_await chain_[index].answer_body(context_, states_[index].get(), body, last);
    if (verdict) co_return verdict;
  }
  co_return nullptr;
}

}  // namespace sinew::proxy
