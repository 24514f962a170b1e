#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "sinew/base/config_fwd.hpp"
#include "sinew/base/config_scalar.hpp"
#include "sinew/base/secret.hpp"
#include "sinew/event/envelope.hpp"
#include "sinew/event/payload_codec.hpp"
#include "sinew/messaging/failure.hpp"
#include "sinew/net/dns_resolver.hpp"
#include "sinew/store/outbox.hpp"

namespace sinew::context {

// The keys by which contexts can forget a person; see store::MasterKeys.
struct PersonalDataSettings {
  // 32 bytes in Base64, kept away from the folder and its backups. Required by a context whose
  // events have personal members.
  std::optional<Secret> master_key = {};
  std::optional<Secret> previous_master_key = {};  // until keys are wrapped by the new one

  static void describe(config::Section<PersonalDataSettings>& section);
};

// What a host gives each of its contexts: their limits, and how they reach others.
struct ContextSettings {
  // Several publish at the same time, each its share of the keys: worth it when the broker is slow
  // to confirm.
  std::int32_t relays = 1;
  std::int64_t outbox_capacity = store::Outbox::default_capacity;  // messages, then it pushes back
  std::int64_t entrance_capacity = 1024;  // calls of other threads under way; see Entrance
  config::ByteSize max_body{1U << 20U};   // of a request; 413 above
  // Of a message that a consumer takes, below event::Lineage::max_hops; parked as hop_limit beyond.
  std::int32_t max_hops = event::Lineage::max_hops - 1;
  messaging::RetrySettings retry;  // of consumers, unless the context says its own

  // Encodings of events beside JSON: main names the adapters. Not in configuration files.
  event::Codecs codecs{};

  // How long a message that was handled is known again, and an entry of the journal is kept; see
  // Forgetting. A copy of a message can come as long after it as leases last (30 s) and as whoever
  // sent it was down between its publication and the note of it: never less than an hour. What
  // waits for a retry or an operator is known however long it takes.
  Duration inbox_retention = std::chrono::days(30);
  Duration journal_retention = std::chrono::days(30);

  PersonalDataSettings personal_data;

  // How the context's HTTP client finds a host by its name. Nothing: it knows addresses and
  // localhost only, as it must in a simulated world.
  std::optional<net::DnsOptions> dns = net::DnsOptions{};

  static void describe(config::Section<ContextSettings>& section);
};

}  // namespace sinew::context
