#include "examples/commerce/program/layout.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <string>
#include <system_error>

#include "examples/commerce/replay/table.hpp"
#include "sinew/async/descriptor.hpp"
#include "sinew/base/base64.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/hash.hpp"
#include "sinew/context/host_file.hpp"

namespace commerce::program {

namespace fs = std::filesystem;
using sinew::Condition;
using sinew::Error;

namespace {

constexpr std::size_t secret_digits = 64;

std::string drop_folder(const fs::path& folder, std::string_view context, std::string_view name) {
  return (folder / context / "drop" / name).string();
}

void write_secret(const fs::path& file, const std::string& text) {
  const fs::path part = file.string() + ".part";
  const sinew::async::Descriptor descriptor(
      ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  const bool written = descriptor && ::write(descriptor.get(), text.data(), text.size()) ==
                                         static_cast<ssize_t>(text.size());
  std::error_code error(written ? 0 : errno, std::generic_category());
  if (!error) fs::rename(part, file, error);
  if (error) {
    throw Error(Condition::unauthorized,
                fmt::format("{} cannot be written: {}", file.string(), error.message()));
  }
}

}  // namespace

fs::path log_file(const fs::path& folder, std::string_view process) {
  return folder / "log" / fmt::format("{}.log", process);
}
fs::path provider_folder(const fs::path& folder) { return folder / "provider"; }
fs::path provider_database(const fs::path& folder) {
  return provider_folder(folder) / "payments.db";
}
fs::path provider_key_file(const fs::path& folder) { return folder / "provider.secret"; }
fs::path carrier_secret_file(const fs::path& folder) { return folder / "carrier.secret"; }

void create_layout(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder / "log", error);
  if (!error) fs::create_directories(provider_folder(folder), error);
  if (!error && ::access(folder.c_str(), W_OK) != 0) {
    error.assign(errno, std::generic_category());
  }
  if (!error) return;
  throw Error(
      error == std::errc::no_space_on_device ? Condition::exhausted : Condition::unauthorized,
      fmt::format("the folder {} cannot be written: {}; choose another with --folder or "
                  "change its rights",
                  folder.string(), error.message()));
}

sinew::Secret secret_in(const fs::path& file, sinew::async::Runtime& runtime) {
  if (!fs::exists(file)) {
    std::string text;
    while (text.size() < secret_digits)
      text += fmt::format("{:016x}", runtime.random());
    write_secret(file, text + "\n");
  }
  std::string text = replay::read_file(file);
  if (text.ends_with('\n')) text.pop_back();
  if (text.empty()) {
    throw Error(Condition::corrupt,
                fmt::format("{} is empty; remove it, and a new one is drawn", file.string()));
  }
  return sinew::Secret(std::move(text));
}

sinew::Secret own_master_key(const fs::path& folder, sinew::async::Runtime& runtime) {
  const auto digest = sinew::sha256(secret_in(folder / "personal.key", runtime).reveal());
  return sinew::Secret(
      sinew::to_base64({reinterpret_cast<const char*>(digest.data()), digest.size()}));
}

void require_system(const fs::path& folder) {
  if (fs::is_directory(folder / "hosts")) return;
  throw Error(Condition::not_found,
              fmt::format("{} holds no system: name its folder with --folder, or make one with "
                          "`commerce run`",
                          folder.string()));
}

replay::Target target_of(const fs::path& folder) {
  require_system(folder);
  const fs::path root = fs::absolute(folder);
  std::map<std::string, std::string> urls;
  for (const auto& host : sinew::context::running_hosts(root)) {
    for (const auto& context : host.contexts)
      urls.emplace(context.name, context.url);
  }
  for (const auto name : {"sales", "fulfillment", "reporting"}) {
    if (urls.contains(name)) continue;
    throw Error(Condition::not_found,
                fmt::format("nothing serves {} of {}: start it with `commerce serve --folder {}`",
                            name, folder.string(), folder.string()));
  }
  return {.sales_url = urls.at("sales"),
          .fulfillment_url = urls.at("fulfillment"),
          .reporting_url = urls.at("reporting"),
          .customers_drop = drop_folder(root, "sales", "customers"),
          .receipts_drop = drop_folder(root, "inventory", "receipts"),
          .carriers_drop = drop_folder(root, "fulfillment", "carriers"),
          .carrier_secret = "file:" + carrier_secret_file(root).string()};
}

}  // namespace commerce::program
