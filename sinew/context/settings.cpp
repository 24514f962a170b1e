#include "sinew/context/settings.hpp"

#include "sinew/base/config.hpp"

namespace sinew::context {

using config::ByteSize;

namespace {
constexpr Duration longest_retention = std::chrono::days(3650);
}  // namespace

void PersonalDataSettings::describe(config::Section<PersonalDataSettings>& section) {
  section.option("master_key", &PersonalDataSettings::master_key,
                 "wraps the keys of persons whom events can forget: 32 bytes in Base64");
  section.option("previous_master_key", &PersonalDataSettings::previous_master_key,
                 "what wrapped them before; not needed after the next start");
}

void ContextSettings::describe(config::Section<ContextSettings>& section) {
  section
      .option("relays", &ContextSettings::relays,
              "from the outbox to the broker; they share its keys")
      .range(1, store::Outbox::partitions);
  section
      .option("outbox_capacity", &ContextSettings::outbox_capacity,
              "messages that may wait for the broker, then writers are refused; more than one "
              "transaction "
              "writes")
      .range(1, 100'000'000);
  section
      .option("entrance_capacity", &ContextSettings::entrance_capacity,
              "calls of other threads that may be under way, then they are refused")
      .range(1, 1'000'000);
  section.option("max_body", &ContextSettings::max_body, "of an HTTP request; 413 above")
      .range(ByteSize{1024}, ByteSize{64U << 20U});
  section
      .option("max_hops", &ContextSettings::max_hops,
              "messages between a first cause and the last that follows; parked beyond")
      .range(1, event::Lineage::max_hops - 1);
  section.option("retry", &ContextSettings::retry,
                 "of messages that a context cannot handle yet, unless it says its own");
  section
      .option("inbox_retention", &ContextSettings::inbox_retention,
              "how long a message that was handled is known again, counted while the context runs; "
              "longer than any other context is down between publishing and noting it")
      .range(std::chrono::hours(1), longest_retention);
  section
      .option("journal_retention", &ContextSettings::journal_retention,
              "how long `sinew trace` tells of choreographed processes")
      .range(std::chrono::hours(1), longest_retention);
  section.option("personal_data", &ContextSettings::personal_data,
                 "of contexts whose events can forget a person");
  section.option("dns", &ContextSettings::dns, "how hosts are found by name; null: not at all");
}

}  // namespace sinew::context
