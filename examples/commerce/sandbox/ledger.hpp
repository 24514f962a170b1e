#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "examples/commerce/sandbox/stripe_answers.hpp"
#include "sinew/async/task.hpp"
#include "sinew/base/json.hpp"
#include "sinew/base/time.hpp"
#include "sinew/store/migration.hpp"
#include "sinew/store/transaction.hpp"

// The provider's own tables: payment intents, refunds, and the answers given under each
// idempotency key. Every function is part of a transaction.
namespace commerce::sandbox {

sinew::store::MigrationSet ledger_migrations();

struct Intent {
  std::string id;            // pi_...
  std::int64_t created = 0;  // seconds since 1970
  std::int64_t amount = 0;   // in the currency's smallest unit
  std::string currency;      // lower case
  std::string payment_method;
  std::string decline_code;  // empty: it succeeded
  std::string error_code;    // the same
  std::string description;
  std::int64_t refunded = 0;
  sinew::JsonObject metadata;

  bool succeeded() const noexcept { return decline_code.empty(); }
};
sinew::Json to_json(const Intent& intent);

struct Refund {
  std::string id;  // re_...
  std::string intent;
  std::int64_t created = 0;
  std::int64_t amount = 0;
  std::string currency;
  std::string reason;
  sinew::JsonObject metadata;
};
sinew::Json to_json(const Refund& refund);

sinew::Task<void> insert(sinew::store::Transaction& tx, const Intent& intent);
sinew::Task<std::optional<Intent>> find_intent(sinew::store::Transaction& tx, std::string id);
// Writes the refund and adds it to its intent.
sinew::Task<void> insert(sinew::store::Transaction& tx, const Refund& refund);
sinew::Task<std::optional<Refund>> find_refund(sinew::store::Transaction& tx, std::string id);

// Newest first, those older than `after` (an id; empty: from the newest). Nothing when there is no
// such id.
sinew::Task<std::optional<std::vector<Intent>>> list_intents(sinew::store::Transaction& tx,
                                                             std::string after, std::size_t limit);
sinew::Task<std::optional<std::vector<Refund>>> list_refunds(sinew::store::Transaction& tx,
                                                             std::string after, std::size_t limit);

// What was answered under an idempotency key, and to which request.
struct Remembered {
  std::string request;  // its digest
  Answer answer;
};
sinew::Task<std::optional<Remembered>> recall(sinew::store::Transaction& tx, std::string key);
sinew::Task<void> remember(sinew::store::Transaction& tx, std::string key,
                           const Remembered& remembered);

}  // namespace commerce::sandbox
