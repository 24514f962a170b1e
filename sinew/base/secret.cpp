#include "sinew/base/secret.hpp"

#include <fmt/format.h>
#include <string.h>

#include <fstream>

namespace sinew {
namespace {

constexpr std::size_t kMaxSecretBytes = 64U << 10U;

std::expected<Secret, std::string> from_file(const std::string& path) {
  if (!path.starts_with('/')) {
    return std::unexpected("a secret's file is named by an absolute path, file:/path");
  }
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxSecretBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || !file.eof()) {
    if (file.gcount() == static_cast<std::streamsize>(text.size())) {
      return std::unexpected(fmt::format("the secret's file {} is larger than 64 KiB", path));
    }
    return std::unexpected(fmt::format("the secret's file {} cannot be read", path));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (text.empty()) return std::unexpected(fmt::format("the secret's file {} is empty", path));
  return Secret(std::move(text));
}

std::expected<Secret, std::string> from_environment(const std::string& name,
                                                    const Environment& environment) {
  auto value = environment(name);
  if (!value || value->empty()) {
    return std::unexpected(fmt::format("the environment variable {} is not set", name));
  }
  return Secret(std::move(*value));
}

}  // namespace

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) {
    wipe();
    text_ = other.text_;
  }
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    text_ = std::move(other.text_);
    other.wipe();
  }
  return *this;
}

void Secret::wipe() noexcept {
  text_.resize(text_.capacity());  // a moved-from short string still holds its bytes
  ::explicit_bzero(text_.data(), text_.size());
  text_.clear();
}

std::expected<Secret, std::string> resolve_secret(std::string_view reference,
                                                  const Environment& environment) {
  constexpr std::string_view kEnvironment = "env:";
  constexpr std::string_view kFile = "file:";
  if (reference.starts_with(kEnvironment)) {
    return from_environment(std::string(reference.substr(kEnvironment.size())), environment);
  }
  if (reference.starts_with(kFile)) return from_file(std::string(reference.substr(kFile.size())));
  return std::unexpected("a secret is given by reference, env:NAME or file:/path, never itself");
}

}  // namespace sinew
