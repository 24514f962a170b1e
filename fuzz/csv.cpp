#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sinew/base/error.hpp"
#include "sinew/exchange/csv.hpp"

// Every record has as many fields as the header, or a reason; what was read can be written and read
// again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    sinew::exchange::CsvReader reader(text, "input");
    while (const auto record = reader.next()) {
      if (!record->error.empty()) continue;
      if (record->fields.size() != reader.header().size()) std::abort();
      const std::string again =
          sinew::exchange::csv_line(reader.header()) + sinew::exchange::csv_line(record->fields);
      sinew::exchange::CsvReader second(again, "again");
      const auto same = second.next();
      const bool blank = record->fields.size() == 1 && record->fields[0].empty();
      if (!blank && (!same || same->fields != record->fields)) std::abort();
    }
  } catch (const sinew::Error&) {
  }
  return 0;
}
