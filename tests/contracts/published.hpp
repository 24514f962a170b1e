#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sinew/event/upcasters.hpp"

// What commerce's contexts publish, read and record, as JSON Schemas.
namespace commerce::contracts {

struct PublishedSchema {
  std::string folder;  // under examples/commerce, such as sales/contract
  std::string file;    // <type>.v<version>.schema.json
  std::string text;    // as the structs are declared now
};

// Every event, command, request and answer of every contract (contract/), the structs with which
// contexts read each other's events (reads/), and the facts of event logs (recorded/).
std::vector<PublishedSchema> published_schemas();

// The upcasters of every type that has older versions.
sinew::event::Upcasters all_upcasters();

// Writes those of `schemas` that have no file below `root` (examples/commerce); returns how many. A
// file that is there is never changed: what was published in a version stays as it is, and a new
// shape takes a new version.
std::size_t write_missing(const std::filesystem::path& root,
                          const std::vector<PublishedSchema>& schemas);

}  // namespace commerce::contracts
