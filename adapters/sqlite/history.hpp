#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "sinew/async/runtime.hpp"
#include "sinew/base/bytes.hpp"

namespace sinew::sqlite {

// An event of a context's log, or a record of a topic.
struct RecordedMessage {
  std::string place;  // for people: `sales, position 12`
  std::string type;
  std::int32_t version = 1;
  std::string content_type;
  SharedBytes data;
};

// Shows `visit` everything that a system's folder has recorded: the event log of every context,
// and the records that its broker's topics still have. Reads beside a running host, writes nothing.
// Errors: not_found (no database of a context in the folder), corrupt, unauthorized, unsupported;
// what `visit` throws.
Task<void> read_history(async::Runtime& runtime, std::filesystem::path folder,
                        std::function<void(const RecordedMessage&)> visit);

}  // namespace sinew::sqlite
