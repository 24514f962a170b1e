#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sinew/event/schema.hpp"
#include "sinew/event/upcasters.hpp"

namespace sinew::event {

// A committed schema: of what a context writes, or of the struct with which one reads.
struct CommittedSchema {
  std::string type;
  std::int32_t version = 1;
  std::string context;  // who writes, or reads
  Schema schema;
};

// How data of older versions comes to a reader. Upcasters are code: a program that has them has
// their work checked; one that does not is told which there are.
struct Lifts {
  const Upcasters* upcasters = nullptr;                       // null: not known to this program
  std::set<std::pair<std::string, std::int32_t>> declared{};  // a type, and the version lifted from

  // Whether every step between the versions is declared.
  bool declare(std::string_view type, std::int32_t from, std::int32_t to) const;
};

// One change that breaks one reader.
struct Incompatibility {
  std::string type;
  std::int32_t written = 1;  // the version of the data
  std::string reader;        // the context
  std::int32_t version = 1;  // that it reads
  std::string path;          // of the member; empty: the document
  std::string change;  // to_string(Change), or upcaster_missing, upcaster_fails, reader_behind
  std::string text;

  friend bool operator==(const Incompatibility&, const Incompatibility&) = default;
};

// All versions of everything that is written, and who reads what: BACKWARD_TRANSITIVE, since a
// reader of an event log reads its whole past.
class SchemaCatalog {
 public:
  // Throws Error conflict when the version of the type is there already (for a reader: of the same
  // context); invalid_input for a version below 1.
  void add_written(CommittedSchema schema);
  void add_reader(CommittedSchema schema);

  // Throws DocumentError with every version that is missing below a newer one, and every reader of
  // what nobody writes.
  void check_complete() const;

  // What breaks: every version against the newest of its type, for the context that writes it, and
  // against each reader. Where upcasters lift, made-up data of the old version goes through them
  // and must follow the reader's schema. Empty when all is compatible.
  std::vector<Incompatibility> check(const Lifts& lifts = {}) const;

  // Null when there is none.
  const CommittedSchema* written(std::string_view type, std::int32_t version) const;
  // Who reads the type: its own context with the newest version, and the declared readers.
  std::vector<const CommittedSchema*> readers(std::string_view type) const;

  std::size_t size() const noexcept;

 private:
  using Versions = std::map<std::int32_t, CommittedSchema>;

  std::map<std::string, Versions, std::less<>> written_;
  std::map<std::string, std::vector<CommittedSchema>, std::less<>> readers_;
};

// The files `<type>.v<version>.schema.json` below `folder`. A file in a folder `reads` is a
// reader's, any other is written; the context is the folder above, as in sales/contract and
// inventory/reads. Throws DocumentError with all that is wrong, each file by its path: its name,
// its
// `$id` (urn:sinew:<type>:<version>), its text; not_found without a file.
void add_schema_folder(SchemaCatalog& catalog, const std::filesystem::path& folder);

}  // namespace sinew::event
