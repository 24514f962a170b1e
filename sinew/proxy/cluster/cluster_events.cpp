#include "sinew/proxy/cluster/cluster_events.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "sinew/base/log.hpp"

namespace sinew::proxy {
namespace {

// An endpoint's address in text, `10.0.0.1:80`, `[::1]:80`; cut where it is longer than any address
// is.
class AddressText {
 public:
  explicit AddressText(const Endpoint& endpoint) noexcept {
    const auto& [host, address, port] = endpoint.address();
    const bool brackets = address.find(':') != std::string::npos;
    const auto written = fmt::format_to_n(text_.data(), text_.size(), "{}{}{}:{}",
                                          brackets ? "[" : "", address, brackets ? "]" : "", port);
    size_ = std::min(written.size, text_.size());
  }
  std::string_view view() const noexcept { return {text_.data(), size_}; }

 private:
  std::array<char, 64> text_;
  std::size_t size_;
};

}  // namespace

void note_transition(Cluster& cluster, const Endpoint& endpoint, const HealthTransition& transition,
                     std::string_view source, std::string_view reason) noexcept {
  const bool healthy = transition.to == HealthState::healthy;
  auto& counters = cluster.counters();
  count(healthy ? counters.became_healthy : counters.became_unhealthy);
  log::root().write(healthy ? log::Level::info : log::Level::warn,
                    healthy ? "endpoint is healthy" : "endpoint is unhealthy",
                    {{"cluster", cluster.settings().name},
                     {"host", endpoint.address().host},
                     {"endpoint", AddressText(endpoint).view()},
                     {"before", to_string(transition.from)},
                     {"source", source},
                     {"cause", to_string(transition.signal)},
                     {"reason", reason}});
}

void note_ejection(Cluster& cluster, const Endpoint& endpoint,
                   const EjectionEvent& event) noexcept {
  auto& counters = cluster.counters();
  count(event.ejected ? counters.ejected : counters.not_ejected);
  log::warn(event.ejected ? "endpoint is ejected"
                          : "endpoint fails, but no more endpoints may be ejected",
            {{"cluster", cluster.settings().name},
             {"host", endpoint.address().host},
             {"endpoint", AddressText(endpoint).view()},
             {"cause", to_string(event.cause)},
             {"times", event.multiplier}});
}

void note_readmission(Cluster& cluster, const Endpoint& endpoint, std::string_view cause) noexcept {
  count(cluster.counters().readmitted);
  log::info("endpoint is no longer ejected", {{"cluster", cluster.settings().name},
                                              {"host", endpoint.address().host},
                                              {"endpoint", AddressText(endpoint).view()},
                                              {"cause", cause}});
}

}  // namespace sinew::proxy
