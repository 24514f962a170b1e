#include "sinew/store/personal_keys.hpp"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <utility>

#include "sinew/base/base64.hpp"
#include "sinew/base/cipher.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/hash.hpp"

namespace sinew::store {
namespace {

constexpr std::array migrations = {Migration{1, "keys of persons", R"(
CREATE TABLE personal_keys (
  id BYTES NOT NULL PRIMARY KEY,
  subject TEXT NOT NULL UNIQUE,
  master TEXT NOT NULL,
  wrapped BYTES NOT NULL,
  made_at BIGINT NOT NULL
);
CREATE INDEX personal_keys_by_master ON personal_keys (master);

CREATE TABLE personal_erasures (
  position IDENTITY,
  subject TEXT NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  erased_at BIGINT NOT NULL,
  purged_at BIGINT
);
)"}};

constexpr std::size_t longest_reason = 500;

// Which master key it is, without giving it away.
std::string fingerprint(const Secret& master) {
  return hmac_sha256_hex(master.reveal(), "sinew master key").substr(0, 16);
}

Secret parse_key(const Secret& text, std::string_view name) {
  auto bytes = from_base64(text.reveal());
  if (!bytes || bytes->size() != cipher_key_bytes) {
    throw Error(Condition::invalid_input,
                fmt::format("the {} is to be 32 bytes in Base64: openssl rand -base64 32", name));
  }
  return Secret(std::move(*bytes));
}

void check_text(std::string_view name, std::string_view text, std::size_t from, std::size_t to) {
  if (text.size() >= from && text.size() <= to) return;
  throw Error(
      Condition::invalid_input,
      fmt::format("the {} of an erasure has {} to {} bytes, not {}", name, from, to, text.size()));
}

std::string_view bytes_of(const Uuid& id) {
  return {reinterpret_cast<const char*>(id.bytes().data()), id.bytes().size()};
}

template <std::size_t N>
void fill(std::array<std::uint8_t, N>& bytes, async::Runtime& runtime) {
  for (std::size_t i = 0; i < N; i += sizeof(std::uint64_t)) {
    const std::uint64_t random = runtime.random();
    std::memcpy(bytes.data() + i, &random, std::min(N - i, sizeof random));
  }
}

}  // namespace

MasterKeys MasterKeys::parse(const Secret& current, const std::optional<Secret>& previous) {
  MasterKeys keys{parse_key(current, "master key of personal data"), std::nullopt};
  if (previous) keys.previous = parse_key(*previous, "previous master key of personal data");
  return keys;
}

MigrationSet personal_migrations() { return {"sinew.personal", migrations}; }

Secret PersonalKeys::random_key() {
  std::array<std::uint8_t, cipher_key_bytes> bytes{};
  fill(bytes, runtime_);
  return Secret(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

std::string PersonalKeys::seal(const Key& key, std::string_view context, std::string_view text) {
  Nonce nonce{};
  fill(nonce, runtime_);
  return encrypt(key.secret, nonce, context, text);
}

std::string PersonalKeys::wrap(const Uuid& id, const Secret& secret) {
  return seal({id, masters_.current}, bytes_of(id), secret.reveal());
}

Secret PersonalKeys::unwrap(const Uuid& id, std::string_view wrapped,
                            std::string_view master) const {
  const bool is_current = fingerprint(masters_.current) == master;
  if (!is_current && (!masters_.previous || fingerprint(*masters_.previous) != master)) {
    throw Error(Condition::unauthorized,
                fmt::format("the key {} of a person is wrapped by the master key {}, which is not "
                            "given: name it as the previous one",
                            to_string(id), master));
  }
  auto key = decrypt(is_current ? masters_.current : *masters_.previous, bytes_of(id), wrapped);
  if (!key) {
    throw Error(
        Condition::corrupt,
        fmt::format("the key {} of a person was changed: restore it from a backup", to_string(id)));
  }
  return Secret(std::move(*key));
}

Task<PersonalKeys::Key> PersonalKeys::of(Transaction& transaction, std::string subject) {
  const Rows rows = co_await transaction.execute(
      "SELECT id, wrapped, master FROM personal_keys WHERE subject = ?", {subject});
  if (!rows.empty()) {
    const Row row = rows[0];
    co_return Key{row.uuid(0), unwrap(row.uuid(0), row.blob(1), row.text(2))};
  }
  Key key{runtime_.new_id(), random_key()};
  const std::string wrapped = wrap(key.id, key.secret);
  co_await transaction.execute(
      "INSERT INTO personal_keys (id, subject, master, wrapped, made_at) VALUES (?, ?, ?, ?, ?)",
      {key.id, subject, fingerprint(masters_.current), Parameter::bytes(wrapped),
       runtime_.wall_now()});
  co_return key;
}

Task<std::optional<Secret>> PersonalKeys::find(Transaction& transaction, Uuid id) {
  const Rows rows =
      co_await transaction.execute("SELECT wrapped, master FROM personal_keys WHERE id = ?", {id});
  if (rows.empty()) co_return std::nullopt;
  co_return unwrap(id, rows[0].blob(0), rows[0].text(1));
}

Task<std::int64_t> PersonalKeys::rewrap(Transaction& transaction, std::int64_t limit) {
  const std::string current = fingerprint(masters_.current);
  const Rows rows = co_await transaction.execute(
      "SELECT id, wrapped, master FROM personal_keys WHERE master <> ? ORDER BY id LIMIT ?",
      {current, limit});
  for (const Row row : rows) {
    const Uuid id = row.uuid(0);
    const std::string wrapped = wrap(id, unwrap(id, row.blob(1), row.text(2)));
    co_await transaction.execute("UPDATE personal_keys SET wrapped = ?, master = ? WHERE id = ?",
                                 {Parameter::bytes(wrapped), current, id});
  }
  co_return static_cast<std::int64_t>(rows.size());
}

Task<bool> erase_key(Transaction& transaction, std::string subject, Erasure by) {
  check_text("subject", subject, 1, max_id_length);
  check_text("actor", by.actor, 1, max_id_length);
  check_text("reason", by.reason, 0, longest_reason);
  const Rows deleted =
      co_await transaction.execute("DELETE FROM personal_keys WHERE subject = ?", {subject});
  co_await transaction.execute(
      "INSERT INTO personal_erasures (subject, actor, reason, erased_at) VALUES (?, ?, ?, ?)",
      {subject, by.actor, by.reason, by.at});
  co_return deleted.changed() > 0;
}

Task<std::int64_t> last_unpurged(Transaction& transaction) {
  const Rows rows = co_await transaction.execute(
      "SELECT COALESCE(MAX(position), 0) FROM personal_erasures WHERE purged_at IS NULL");
  co_return rows[0].integer(0);
}

Task<void> mark_purged(Transaction& transaction, std::int64_t through, Timestamp now) {
  co_await transaction.execute(
      "UPDATE personal_erasures SET purged_at = ? WHERE purged_at IS NULL AND position <= ?",
      {now, through});
}

}  // namespace sinew::store
