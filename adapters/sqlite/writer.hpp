#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>

#include "adapters/sqlite/database.hpp"
#include "adapters/sqlite/opening.hpp"
#include "adapters/sqlite/request.hpp"
#include "sinew/async/runtime.hpp"

namespace sinew::sqlite {

// The group commit. Requests queue; at the end of a turn a batch of them runs on the worker, then
// the write connection goes to a committer thread, which commits; then the batch is answered and
// the next one may run. Checkpoints and recovery go the same way, between batches, so exactly one
// thread owns the connection at any time. All members are called on the worker.
//
//   idle ──turn ends──► batch runs ──► committing ──► answered ──► idle
//     ▲                    │ locked by another program               │
//     └──── timer ◄─── waiting                checkpointing ◄── due ─┤
//                                             recovering ◄── failed ─┘──► down
class Writer final : private async::TurnEnd, private async::Timer {
 public:
  Writer(async::Runtime& runtime, const Settings& settings, Files& files, Connections connections);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer();

  void submit(Request& request) noexcept;
  void withdraw(Request& request) noexcept;

  // The connection for reads; null while recovering and when down or closed.
  Connection* reader() const noexcept;
  // Why nothing can be done now, as an Error unavailable.
  Error refusal() const;

  // Checkpoints everything that is committed now and cuts the log to nothing. Errors: unavailable
  // (a reader holds the log, or the database does not work), timeout, cancelled.
  Task<void> purge();

  Task<void> close();

  Health health() const { return {health_, reason_}; }
  // Why the last transaction found no room: on the disk, or in the log. Empty after one that did.
  const std::string& refuses_writes() const noexcept { return refuses_writes_; }
  Statistics statistics() const noexcept;

 private:
  using List = async::IntrusiveList<Request, RequestTag>;

  enum class State : std::uint8_t { idle, waiting, working };
  enum class Work : std::uint8_t { commit, checkpoint, purge, recover };

  // Carries the connection to the committer and back.
  class Errand final : public async::Job {
   public:
    explicit Errand(Writer& writer) noexcept : writer_(writer) {}
    Work work = Work::commit;

   private:
    void execute() noexcept override { writer_.execute(work); }
    void run() noexcept override { writer_.returned(work); }
    Writer& writer_;
  };
  class Closed;

  void turn_ended() noexcept override;
  void fire() noexcept override;
  void wake() noexcept;

  bool begin();
  void wait_for_lock();
  void run_batch();
  void run_one(Request& request, bool single);
  void finish_batch();
  void break_batch(int code);
  void settle_batch() noexcept;
  void requeue_batch() noexcept;
  void fail_batch() noexcept;
  void fail_queue(const Error& error) noexcept;
  void note_refusal(const Error& error);

  int broken() const noexcept;

  bool commits_here() const noexcept;
  void commit_here() noexcept;
  void start(Work work) noexcept;
  void start_recovery(std::string reason) noexcept;
  void execute(Work work) noexcept;
  void returned(Work work) noexcept;
  void commit() noexcept;
  void recover() noexcept;
  void committed() noexcept;
  void checkpointed() noexcept;
  void purged() noexcept;
  void refuse_purges() noexcept;
  void recovered() noexcept;
  void proceed() noexcept;
  void finish_close() noexcept;

  std::uint64_t wal_bytes() const noexcept;
  bool checkpoint_due() const noexcept;

  async::Runtime& runtime_;
  const Settings& settings_;
  Files& files_;
  Connections connections_;

  List queue_;
  List batch_;
  std::size_t queued_ = 0;
  std::size_t ran_ = 0;        // bodies in the batch
  std::size_t succeeded_ = 0;  // of them
  bool single_ = false;        // the batch is one request and needs no savepoint
  CommitListeners listeners_;

  State state_ = State::idle;
  Health::State health_ = Health::State::up;
  std::string reason_;
  std::string refuses_writes_;
  Statistics statistics_;

  Errand errand_{*this};
  int outcome_ = 0;                  // SQLite's code for the errand
  std::uint32_t quick_commits_ = 0;  // in a row, up to the last one
  std::string outcome_text_;
  Connection::Checkpoint checkpoint_kind_ = Connection::Checkpoint::passive;
  std::uint64_t next_checkpoint_bytes_;

  std::uint64_t purges_asked_ = 0;
  std::uint64_t purges_begun_ = 0;
  std::uint64_t purges_done_ = 0;
  std::optional<Error> purge_failure_;  // of the last one done
  async::WaitQueue purged_;

  Instant locked_since_ = Instant::max();
  int lock_tries_ = 0;

  bool closing_ = false;
  bool closed_ = false;
  async::IntrusiveList<async::Wait, async::WaitQueueTag> closers_;
};

}  // namespace sinew::sqlite
