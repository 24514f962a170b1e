#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "sinew/event/payload_codec.hpp"
#include "sinew/event/schema_catalog.hpp"

namespace sinew::event {

// One thing wrong with recorded events, however many have it.
struct HistoryFinding {
  std::string type;
  std::int32_t written = 1;
  std::string reader;  // the context that cannot read them; empty: they break their own schema
  std::string path;    // list positions left out: `lines[].quantity`
  std::string text;
  std::string first;  // where the first of them stands
  std::int64_t events = 0;
};

// Recorded events that could not be looked at, of one type, version and encoding.
struct UnreadEvents {
  std::string type;
  std::int32_t version = 1;
  std::string content_type;
  std::string why;
  std::int64_t events = 0;
};

// Recorded events against the committed schemas: each must follow that of its version, and, lifted,
// that of every reader. Data that `codecs` lacks the encoding or the message for is counted only.
// The catalog, the upcasters and the codecs outlive it.
class HistoryCheck {
 public:
  static constexpr std::size_t max_findings = 1000;  // further kinds of either are not kept

  HistoryCheck(const SchemaCatalog& catalog, const Lifts& lifts, const Codecs& codecs = json_only())
      : catalog_(catalog), lifts_(lifts), codecs_(codecs) {}

  // `place` is for people: `sales, position 12`.
  void add(std::string_view place, std::string_view type, std::int32_t version,
           std::string_view content_type, const SharedBytes& data);

  std::int64_t events() const noexcept { return events_; }
  // Of them, those that are not known how to read here.
  std::int64_t unread() const noexcept { return unread_; }
  // The same by type, version and encoding, with the reason.
  std::vector<UnreadEvents> unread_kinds() const;
  std::vector<HistoryFinding> findings() const;

 private:
  using Key = std::tuple<std::string, std::int32_t, std::string, std::string, std::string>;
  struct Event;

  void check_reader(const Event& event, const CommittedSchema& reader);
  void check(const Event& event, std::string_view reader, const Schema& schema, const Json& data);
  void leave_unread(const Event& event, std::string_view content_type, std::string_view why);
  void report(const Event& event, std::string_view reader, std::string_view path,
              std::string_view text);

  const SchemaCatalog& catalog_;
  const Lifts& lifts_;
  const Codecs& codecs_;
  std::int64_t events_ = 0;
  std::int64_t unread_ = 0;
  std::map<std::tuple<std::string, std::int32_t, std::string>, UnreadEvents> unread_kinds_;
  std::map<Key, HistoryFinding> findings_;
};

}  // namespace sinew::event
