#include "sinew/tls/ticket_keys.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <bit>

#include "sinew/base/error.hpp"

namespace sinew::tls {
namespace {

// Wiped when it goes.
template <class T>
struct Wiped {
  T value{};
  ~Wiped() { OPENSSL_cleanse(&value, sizeof value); }
};

TicketKey random_key() {
  TicketKey key;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&key), sizeof key) != 1) {
    throw Error(Condition::exhausted, "OpenSSL has no randomness for a ticket key");
  }
  return key;
}

}  // namespace

TicketKeys::TicketKeys() {
  Wiped<Set> keys;
  for (TicketKey& key : keys.value)
    key = random_key();
  store(keys.value);
}

TicketKeys::~TicketKeys() {
  for (auto& word : words_)
    word.store(0, std::memory_order_relaxed);
}

void TicketKeys::rotate() {
  const Wiped<TicketKey> key{random_key()};
  add(key.value);
}

void TicketKeys::add(const TicketKey& key) noexcept {
  Wiped<Set> keys{load()};
  std::shift_right(keys.value.begin(), keys.value.end(), 1);
  keys.value.front() = key;
  store(keys.value);
}

TicketKey TicketKeys::newest() const noexcept {
  const Wiped<Set> keys{load()};
  return keys.value.front();
}

std::optional<TicketKey> TicketKeys::find(std::span<const std::byte, 16> name,
                                          bool& is_newest) const noexcept {
  const Wiped<Set> keys{load()};
  const auto found = std::ranges::find_if(
      keys.value, [&](const TicketKey& key) { return std::ranges::equal(key.name, name); });
  if (found == keys.value.end()) return std::nullopt;
  is_newest = found == keys.value.begin();
  return *found;
}

TicketKeys::Set TicketKeys::load() const noexcept {
  std::array<std::uint64_t, words> copy;
  std::uint32_t before = 0;
  std::uint32_t after = 0;
  do {
    before = sequence_.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < words; ++i)
      copy[i] = words_[i].load(std::memory_order_acquire);
    after = sequence_.load(std::memory_order_relaxed);
  } while (before != after || before % 2 != 0);
  return std::bit_cast<Set>(copy);
}

void TicketKeys::store(const Set& keys) noexcept {
  const auto copy = std::bit_cast<std::array<std::uint64_t, words>>(keys);
  sequence_.fetch_add(1, std::memory_order_relaxed);
  for (std::size_t i = 0; i < words; ++i)
    words_[i].store(copy[i], std::memory_order_release);
  sequence_.fetch_add(1, std::memory_order_release);
}

}  // namespace sinew::tls
