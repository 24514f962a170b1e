#include "sinew/proxy/exchange/filter.hpp"

namespace sinew::proxy {

Task<Filter::Verdict> Filter::request_head(FilterContext&, State*) const { co_return nullptr; }

Task<Filter::Verdict> Filter::request_body(FilterContext&, State*, std::string&, bool) const {
  co_return nullptr;
}

Task<Filter::Verdict> Filter::answer_head(FilterContext&, State*) const { co_return nullptr; }

Task<Filter::Verdict> Filter::answer_body(FilterContext&, State*, std::string&, bool) const {
  co_return nullptr;
}

}  // namespace sinew::proxy
