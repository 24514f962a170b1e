#include "sinew/store/checkpoint_table.hpp"

#include "sinew/base/error.hpp"
#include "sinew/base/id.hpp"

namespace sinew::store {
namespace {

void check_name(const std::string& name) {
  if (name.empty() || name.size() > max_id_length) {
    throw Error(Condition::invalid_input, "a checkpoint's name has 1 to 200 bytes");
  }
}

}  // namespace

Task<Checkpoint> CheckpointTable::load(Transaction& transaction, std::string name) {
  check_name(name);
  const Rows rows =
      co_await transaction.execute("SELECT position FROM checkpoints WHERE name = ?", {name});
  if (rows.empty()) co_return Checkpoint();
  co_return Checkpoint::from_bytes(rows[0].blob(0));
}

Task<Advance> CheckpointTable::advance(Transaction& transaction, std::string name, Checkpoint from,
                                       Checkpoint to) {
  check_name(name);
  const Parameter target = Parameter::bytes(to.bytes());
  if (from.at_start()) {
    const Rows inserted = co_await transaction.execute(
        "INSERT INTO checkpoints (name, position) VALUES (?, ?) ON CONFLICT DO NOTHING",
        {name, target});
    if (inserted.changed() == 1) co_return Advance::stored;
  }
  const Rows updated = co_await transaction.execute(
      "UPDATE checkpoints SET position = ? WHERE name = ? AND position = ?",
      {target, name, Parameter::bytes(from.bytes())});
  if (updated.changed() == 1) co_return Advance::stored;

  const Checkpoint current = co_await load(transaction, name);
  if (current == to) co_return Advance::repeated;
  co_return current > to ? Advance::ahead : Advance::mismatch;
}

}  // namespace sinew::store
