#include "cli/version.hpp"

namespace sinew::cli {

std::string version_text(Format format) {
  if (format == Format::table) return "sinew " SINEW_VERSION "\n";
  JsonObject document;
  document.set("version", SINEW_VERSION);
  return to_pretty_text(Json(std::move(document)));
}

}  // namespace sinew::cli
