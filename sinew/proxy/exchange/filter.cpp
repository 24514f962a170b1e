#include "sinew/proxy/exchange/filter.hpp"

#include <algorithm>

namespace sinew::proxy {
namespace {

// Fields that say how a message is framed, where it goes and whence it came: the engine's own.
bool is_engines(std::string_view name) noexcept {
  switch (wire::identify_field(name)) {
    case wire::FieldId::connection:
    case wire::FieldId::content_length:
    case wire::FieldId::expect:
    case wire::FieldId::forwarded:
    case wire::FieldId::host:
    case wire::FieldId::keep_alive:
    case wire::FieldId::te:
    case wire::FieldId::trailer:
    case wire::FieldId::transfer_encoding:
    case wire::FieldId::upgrade:
    case wire::FieldId::via:
    case wire::FieldId::x_forwarded_for:
    case wire::FieldId::x_forwarded_host:
    case wire::FieldId::x_forwarded_proto:
    case wire::FieldId::x_request_id: return true;
    default: return false;
  }
}

}  // namespace

void HeadEdits::apply(wire::OutgoingHead& head) const noexcept {
  for (const std::string& name : removed) {
    if (!is_engines(name)) head.remove(name);
  }
  for (const auto& [name, value] : set) {
    if (!is_engines(name)) head.set(name, value);
  }
}

FilterChain::FilterChain(std::vector<FilterPtr> filters) : filters_(std::move(filters)) {
  for (const FilterPtr& filter : filters_) {
    const Filter::LooksAt one = filter->looks_at();
    looks_at_.request_head |= one.request_head;
    looks_at_.answer_head |= one.answer_head;
    looks_at_.request_body = std::max(looks_at_.request_body, one.request_body);
    looks_at_.answer_body = std::max(looks_at_.answer_body, one.answer_body);
    looks_at_.whole_bytes = std::min(looks_at_.whole_bytes, one.whole_bytes);
  }
}

Task<Filter::Verdict> Filter::request_head(FilterContext&, State*) const { co_return nullptr; }

Task<Filter::Verdict> Filter::request_body(FilterContext&, State*, std::string&, bool) const {
  co_return nullptr;
}

Task<Filter::Verdict> Filter::answer_head(FilterContext&, State*) const { co_return nullptr; }

Task<Filter::Verdict> Filter::answer_body(FilterContext&, State*, std::string&, bool) const {
  co_return nullptr;
}

}  // namespace sinew::proxy
