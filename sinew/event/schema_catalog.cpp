#include "sinew/event/schema_catalog.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sinew/base/error.hpp"
#include "sinew/base/json_reader.hpp"
#include "sinew/event/schema_difference.hpp"

namespace sinew::event {
namespace {

void check_version(const CommittedSchema& schema) {
  if (schema.version >= 1) return;
  throw Error(Condition::invalid_input,
              fmt::format("{} has version {}, the first is 1", schema.type, schema.version));
}

[[noreturn]] void refuse_second(const CommittedSchema& schema) {
  throw Error(Condition::conflict, fmt::format("{} version {} is there twice, once from {}",
                                               schema.type, schema.version, schema.context));
}

// Data of one version on its way to one reader.
class Passage {
 public:
  Passage(const CommittedSchema& written, const CommittedSchema& reader, const Lifts& lifts,
          std::vector<Incompatibility>& found)
      : written_(written), reader_(reader), lifts_(lifts), found_(found) {}

  void check() {
    if (written_.version > reader_.version) {
      report("", "reader_behind",
             fmt::format("is written since; a reader of version {} parks it until it is raised",
                         reader_.version));
    } else if (written_.version == reader_.version) {
      report_differences();
    } else if (lifts_.upcasters != nullptr) {
      check_lift();
    } else if (!lifts_.declare(written_.type, written_.version, reader_.version)) {
      report_differences();
    }
  }

 private:
  void report(std::string path, std::string_view change, std::string text) {
    found_.push_back({written_.type, written_.version, reader_.context, reader_.version,
                      std::move(path), std::string(change), std::move(text)});
  }

  void report_differences() {
    for (SchemaDifference& found : breaking(compare(written_.schema, reader_.schema))) {
      if (!found.keyword.empty()) found.text = fmt::format("{}: {}", found.keyword, found.text);
      report(std::move(found.path), to_string(found.change), std::move(found.text));
    }
  }

  void check_lift() {
    if (!lifts_.upcasters->reach(written_.type, written_.version, reader_.version)) {
      return report(
          "", "upcaster_missing",
          fmt::format("nothing lifts version {} to {}", written_.version, reader_.version));
    }
    const std::size_t before = found_.size();
    check_lifted(smallest_example(written_.schema));
    if (found_.size() == before) check_lifted(fullest_example(written_.schema));
  }

  // What is wrong with the made-up data itself is not the upcaster's.
  void check_lifted(const Json& example) {
    const std::vector<JsonError> known = errors_of(written_.schema, example);
    JsonObject lifted;
    try {
      lifted = lifts_.upcasters->lift(written_.type, written_.version, reader_.version,
                                      example.as_object());
    } catch (const std::exception& error) {
      return report("", "upcaster_fails", fmt::format("the upcaster fails: {}", error.what()));
    }
    for (JsonError& error : errors_of(reader_.schema, Json(std::move(lifted)))) {
      if (std::ranges::find(known, error) != known.end()) continue;
      report(std::move(error.path), "upcaster_fails",
             fmt::format("after lifting: {}", error.message));
    }
  }

  static std::vector<JsonError> errors_of(const Schema& schema, const Json& data) {
    try {
      schema.check(data);
    } catch (const DocumentError& error) {
      return error.errors();
    }
    return {};
  }

  const CommittedSchema& written_;
  const CommittedSchema& reader_;
  const Lifts& lifts_;
  std::vector<Incompatibility>& found_;
};

}  // namespace

bool Lifts::declare(std::string_view type, std::int32_t from, std::int32_t to) const {
  for (std::int32_t version = from; version < to; ++version) {
    if (!declared.contains({std::string(type), version})) return false;
  }
  return true;
}

void SchemaCatalog::add_written(CommittedSchema schema) {
  check_version(schema);
  Versions& versions = written_[schema.type];
  if (versions.contains(schema.version)) refuse_second(schema);
  versions.emplace(schema.version, std::move(schema));
}

void SchemaCatalog::add_reader(CommittedSchema schema) {
  check_version(schema);
  std::vector<CommittedSchema>& readers = readers_[schema.type];
  const auto same = [&](const CommittedSchema& other) {
    return other.context == schema.context && other.version == schema.version;
  };
  if (std::ranges::any_of(readers, same)) refuse_second(schema);
  readers.push_back(std::move(schema));
}

void SchemaCatalog::check_complete() const {
  std::vector<JsonError> errors;
  for (const auto& [type, versions] : written_) {
    std::int32_t expected = versions.begin()->first;
    for (const auto& [version, schema] : versions) {
      if (version != expected) {
        errors.push_back({type, fmt::format("version {} is missing below {}", expected, version)});
      }
      expected = version + 1;
    }
  }
  for (const auto& [type, readers] : readers_) {
    if (written_.contains(type)) continue;
    errors.push_back({type, fmt::format("is read by {}, and no schema says who writes it",
                                        readers.front().context)});
  }
  if (!errors.empty()) throw DocumentError(std::move(errors));
}

std::vector<Incompatibility> SchemaCatalog::check(const Lifts& lifts) const {
  std::vector<Incompatibility> found;
  for (const auto& [type, versions] : written_) {
    for (const CommittedSchema* reader : readers(type)) {
      for (const auto& [version, schema] : versions) {
        if (&schema != reader) Passage(schema, *reader, lifts, found).check();
      }
    }
  }
  return found;
}

const CommittedSchema* SchemaCatalog::written(std::string_view type, std::int32_t version) const {
  const auto versions = written_.find(type);
  if (versions == written_.end()) return nullptr;
  const auto schema = versions->second.find(version);
  return schema == versions->second.end() ? nullptr : &schema->second;
}

std::vector<const CommittedSchema*> SchemaCatalog::readers(std::string_view type) const {
  std::vector<const CommittedSchema*> all;
  if (const auto versions = written_.find(type); versions != written_.end()) {
    all.push_back(&versions->second.rbegin()->second);
  }
  if (const auto readers = readers_.find(type); readers != readers_.end()) {
    for (const CommittedSchema& reader : readers->second)
      all.push_back(&reader);
  }
  return all;
}

std::size_t SchemaCatalog::size() const noexcept {
  std::size_t count = 0;
  for (const auto& [type, versions] : written_)
    count += versions.size();
  for (const auto& [type, readers] : readers_)
    count += readers.size();
  return count;
}

}  // namespace sinew::event
