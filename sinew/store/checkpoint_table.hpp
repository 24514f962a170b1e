#pragma once

#include <cstdint>
#include <string>

#include "sinew/async/task.hpp"
#include "sinew/store/checkpoint.hpp"
#include "sinew/store/transaction.hpp"

namespace sinew::store {

// What became of an attempt to move a checkpoint.
enum class Advance : std::uint8_t {
  stored,    // it stood at `from` and stands at `to` now
  repeated,  // it stands at `to` already: this very step was taken before
  ahead,     // it stands beyond `to`: another runner is at work
  mismatch,  // it stands elsewhere: another runner, or someone reset it
};

// How far each reader of a log has come. A checkpoint moves by compare-and-set in the transaction
// that writes what was read for, so the two cannot disagree and two runners of one name find out.
class CheckpointTable {
 public:
  // The default checkpoint when the name is unknown. A name has 1 to 200 bytes.
  static Task<Checkpoint> load(Transaction& transaction, std::string name);
  static Task<Advance> advance(Transaction& transaction, std::string name, Checkpoint from,
                               Checkpoint to);
};

}  // namespace sinew::store
