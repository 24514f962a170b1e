#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sinew/proxy/cluster/cluster.hpp"
#include "sinew/proxy/observe/exchange_record.hpp"
#include "sinew/proxy/snapshot.hpp"
#include "sinew/wire/request_parser.hpp"

// For tests of what observes exchanges: one that went well, with everything that its record views.
namespace sinew::proxy::test {

struct Exchange {
  explicit Exchange(std::string_view lines = "User-Agent: curl/8.5\r\n",
                    std::string_view start = "GET /shop/items?token=secret HTTP/1.1")
      : text(std::string(start) + "\r\nHost: shop.example\r\n" + std::string(lines) + "\r\n") {
    parser.parse(wire::as_bytes(text));
    using std::chrono::microseconds;
    route.name = "items";
    route.service = "catalog";
    record.wall_began = parse_rfc3339("2026-05-04T10:30:00.123456Z");
    record.began = Instant(std::chrono::seconds(1));
    record.request_head = record.began + microseconds(100);
    record.upstream = record.began + microseconds(300);
    record.answer_head = record.began + microseconds(1'534);
    record.ended = record.began + microseconds(2'001'002);
    record.request = &parser.head();
    record.received = wire::as_bytes(text);
    record.path = "/shop/items";
    record.peer = "10.0.0.9:40000";
    record.client = "192.0.2.7";
    record.request_id = "0123456789abcdeffedcba9876543210";
    record.listener = "0.0.0.0:8000";
    record.status = 200;
    record.received_bytes = 90;
    record.sent_bytes = 1'200;
    record.answer_body_bytes = 1'000;
    record.route = &route;
    record.cluster = &cluster;
    record.endpoint = &endpoint();
    record.upstream_status = 200;
    record.attempts = 1;
  }

  Endpoint& endpoint() const { return *cluster.endpoints()->members().front().endpoint; }

  static EndpointSetPtr one_endpoint() {
    EndpointRegistry registry;
    return registry.configure({{.host = "10.1.2.3", .port = 8'080}}).set;
  }

  std::string text;
  wire::RequestParser parser;
  Route route;
  Cluster cluster{ClusterSettings{.name = "catalog.upstream"}, one_endpoint()};
  ExchangeRecord record;
};

}  // namespace sinew::proxy::test
