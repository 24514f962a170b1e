#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace sinew::tls {

// A key of session tickets (RFC 5077, section 4): its public name, and what encrypts and signs.
struct TicketKey {
  std::array<std::byte, 16> name;
  std::array<std::byte, 32> encryption;  // AES-256-CBC
  std::array<std::byte, 32> signature;   // HMAC-SHA-256
};

// The keys of session tickets: the newest seals, the older ones still open. Shared by the contexts
// of all workers, which read it without a lock; rotate() or add() from one thread at a time. A
// ticket opened by an older key is replaced by a fresh one. Keys live in memory only and are
// overwritten when they leave, so that what was sealed under them stays sealed.
class TicketKeys {
 public:
  // With a rotation an hour or more apart a ticket lives two at least.
  static constexpr std::size_t kept = 3;

  // One random key. Throws Error exhausted when OpenSSL has no randomness to give.
  TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;
  ~TicketKeys();

  // A new random key seals from here on, the oldest leaves. Throws as the constructor.
  void rotate();
  // As rotate(), with a key that several processes share.
  void add(const TicketKey& key) noexcept;

  TicketKey newest() const noexcept;
  // The key of that name; `is_newest` tells whether a ticket under it needs no replacement.
  std::optional<TicketKey> find(std::span<const std::byte, 16> name,
                                bool& is_newest) const noexcept;

 private:
  using Set = std::array<TicketKey, kept>;
  static constexpr std::size_t words = sizeof(Set) / sizeof(std::uint64_t);
  static_assert(sizeof(Set) % sizeof(std::uint64_t) == 0);

  Set load() const noexcept;
  void store(const Set& keys) noexcept;

  // A sequence lock: odd while the words are being written.
  std::atomic<std::uint32_t> sequence_ = 0;
  std::array<std::atomic<std::uint64_t>, words> words_{};
};

}  // namespace sinew::tls
