#include "examples/commerce/replay/drop.hpp"

#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <system_error>

#include "examples/commerce/replay/table.hpp"
#include "sinew/async/runtime.hpp"
#include "sinew/async/wait.hpp"
#include "sinew/base/error.hpp"

namespace commerce::replay {
namespace {

using sinew::Condition;
using sinew::Error;

constexpr auto look_every = std::chrono::milliseconds(10);
constexpr auto patience = std::chrono::seconds(60);

// Under a name that is not looked at, then renamed: nobody sees half a file.
void write_whole(const std::filesystem::path& path, const std::string& content) {
  const std::filesystem::path part = path.string() + ".part";
  std::ofstream file(part, std::ios::binary | std::ios::trunc);
  file << content;
  file.close();
  std::error_code error;
  if (file) std::filesystem::rename(part, path, error);
  if (!file || error) {
    throw Error(Condition::unavailable,
                fmt::format("cannot write {}: is the system running on this machine, and may this "
                            "user write there?",
                            path.string()));
  }
}

}  // namespace

sinew::Task<void> drop_file(std::filesystem::path folder, std::string name, std::string content) {
  const auto waiting = folder / name;
  const auto done = folder / "done" / name;
  const auto refused = folder / "refused" / name;
  sinew::async::TaskContext& context = co_await sinew::async::this_context();
  const auto until = context.runtime->now() + patience;
  bool dropped = std::filesystem::exists(waiting);
  for (;;) {
    if (std::filesystem::exists(done)) co_return;
    if (std::filesystem::exists(refused)) {
      throw Error(Condition::invalid_input,
                  fmt::format("{} was refused: {}", name, read_file(refused.string() + ".reason")));
    }
    if (!dropped) write_whole(waiting, content);
    dropped = true;
    if (context.runtime->now() >= until) {
      throw Error(Condition::timeout,
                  fmt::format("nobody took {} within a minute: is the context that owns the folder "
                              "running? Its log says what it is waiting for",
                              waiting.string()));
    }
    co_await sinew::async::sleep_for(look_every);
  }
}

}  // namespace commerce::replay
