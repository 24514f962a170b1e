#pragma once

#include <filesystem>
#include <string>
#include <vector>

// What commerce's contexts publish to each other and to their callers, as JSON Schemas.
namespace commerce::contracts {

struct PublishedSchema {
  std::string context;  // the folder under examples/commerce
  std::string file;     // <type>.v<version>.schema.json
  std::string text;     // as the structs are declared now
};

// Every event, command, request and answer of every contract.
std::vector<PublishedSchema> published_schemas();

// Writes those of `schemas` that have no file below `root` (examples/commerce); returns how many. A
// file that is there is never changed: what was published in a version stays as it is, and a new
// shape takes a new version.
std::size_t write_missing(const std::filesystem::path& root,
                          const std::vector<PublishedSchema>& schemas);

}  // namespace commerce::contracts
