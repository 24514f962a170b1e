#include "sinew/gateway/sinew_settings.hpp"

#include "sinew/base/config.hpp"
#include "sinew/gateway/document_rules.hpp"

namespace sinew::gateway {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr Duration kShortest = milliseconds(1);
constexpr Duration kLongest = hours(24);
constexpr std::uint64_t kGibibyte = 1ULL << 30U;

template <class T>
void describe_exchange(config::Section<T>& section) {
  const auto option = [&section]<class M>(std::string name, M ExchangeSettings::* member,
                                          std::string text) {
    return section.option(std::move(name), static_cast<M T::*>(member), std::move(text));
  };
  using S = ExchangeSettings;
  option("request_timeout", &S::request_timeout,
         "all attempts together, until the head of the answer; none: only Kong's timeouts")
      .range(kShortest, kLongest);
  option("try_timeout", &S::try_timeout, "one attempt, until the head of the answer")
      .range(kShortest, kLongest);
  option("stream_timeout", &S::stream_timeout,
         "an upgraded connection (WebSocket) without a byte either way; none: read_timeout")
      .range(kShortest, kLongest);
  option("max_body", &S::max_body,
         "of a request; more is answered 413; 0B: no bound; none: as the listener says")
      .range(config::ByteSize{0}, config::ByteSize{1024 * kGibibyte});
  option("retry_idempotent", &S::retry_idempotent,
         "requests of an idempotent method may be sent again when their fate is unknown; "
         "none, false: only those that were provably not processed");
  option("replay_body", &S::replay_body,
         "of a request's body kept to send it again; larger ones are sent once; none: 64KiB")
      .range(config::ByteSize{0}, config::ByteSize{16U << 20U});
}

}  // namespace

void ExchangeSettings::describe(config::Section<ExchangeSettings>& section) {
  describe_exchange(section);
}

void ServiceSettings::describe(config::Section<ServiceSettings>& section) {
  describe_exchange(section);
  section.option("cluster", &ServiceSettings::cluster,
                 "where the host is no upstream (there it stands on the upstream)");
}

void EjectionSettings::describe(config::Section<EjectionSettings>& section) {
  using S = EjectionSettings;
  section
      .option("consecutive_failures", &S::consecutive_failures,
              "answers 5xx, resets and timeouts in a row that eject an endpoint")
      .range(1, 1'000);
  section
      .option("base_time", &S::base_time,
              "of the first ejection; the n-th lasts n times as long, up to max_time")
      .range(milliseconds(100), kLongest);
  section.option("max_time", &S::max_time, "of one ejection").range(milliseconds(100), kLongest);
  section
      .option("max_percent", &S::max_percent,
              "of the endpoints ejected at a time; one may be, when there are two or more")
      .range(1, 100);
}

std::vector<std::string> EjectionSettings::violations() const {
  if (max_time >= base_time) return {};
  return {"max_time " + config::format_duration(max_time) + " is shorter than base_time " +
          config::format_duration(base_time)};
}

void LimitSettings::describe(config::Section<LimitSettings>& section) {
  constexpr int kMost = 1'000'000;
  using S = LimitSettings;
  section.option("connections", &S::connections, "open to the endpoints, over all workers")
      .range(1, kMost);
  section.option("pending", &S::pending, "requests that wait for a connection").range(0, kMost);
  section.option("requests", &S::requests, "under way").range(1, kMost);
  section.option("retries", &S::retries, "under way").range(0, kMost);
}

void ClusterSettings::describe(config::Section<ClusterSettings>& section) {
  using S = ClusterSettings;
  section.option("ejection", &S::ejection, "leaves endpoints alone that fail; none: never");
  section.option("limits", &S::limits, "what exceeds them is answered 503 at once");
  section.option("retry_budget", &S::retry_budget, "bounds all retries, whatever asks for them");
}

void ProxyProtocolSettings::describe(config::Section<ProxyProtocolSettings>& section) {
  using S = ProxyProtocolSettings;
  section.option("from", &S::from, "who must send the header; others are closed")
      .required()
      .items(1, 1'000);
  section.option("timeout", &S::timeout, "from accepting to the header's last byte")
      .range(kShortest, milliseconds(60'000));
}

void ClientCertificateSettings::describe(config::Section<ClientCertificateSettings>& section) {
  using S = ClientCertificateSettings;
  section.option("mode", &S::mode, "optional: who shows none is served, who shows a wrong one not");
  section
      .option("ca_certificates", &S::ca_certificates,
              "who issues clients' certificates: ids of ca_certificates")
      .required()
      .items(1, 100);
}

void ListenerSettings::describe(config::Section<ListenerSettings>& section) {
  using S = ListenerSettings;
  section.option("address", &S::address, "of proxy_listen, which these settings are for")
      .required();
  section.option("proxy_protocol", &S::proxy_protocol,
                 "PROXY protocol v1 and v2: then it is mandatory; none: never read");
  section.option("client_certificates", &S::client_certificates,
                 "of a listener with TLS: what clients must show; none: nothing");
  section.option("trusted_addresses", &S::trusted_addresses,
                 "whose Forwarded and X-Forwarded-* are believed, beside trusted_ips");
  section.option("header_timeout", &S::header_timeout, "until a request's head is complete")
      .range(kShortest, kLongest);
  section.option("body_timeout", &S::body_timeout, "between two reads of a request's body")
      .range(kShortest, kLongest);
  section.option("idle_timeout", &S::idle_timeout, "a connection between two requests")
      .range(kShortest, kLongest);
  section
      .option("max_body", &S::max_body,
              "of a request; 0B: no bound; none: client_max_body_size of the process")
      .range(config::ByteSize{0}, config::ByteSize{1024 * kGibibyte});
}

}  // namespace sinew::gateway
