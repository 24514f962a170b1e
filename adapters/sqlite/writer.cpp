#include "adapters/sqlite/writer.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "adapters/sqlite/failure.hpp"
#include "sinew/base/crash_point.hpp"
#include "sinew/base/log.hpp"
#include "sinew/base/metrics.hpp"

namespace sinew::sqlite {
namespace {

constexpr std::uint64_t page_bytes = 4096;
constexpr int checkpoint_patience_ms = 250;
constexpr Duration shortest_lock_pause = std::chrono::milliseconds(1);
constexpr int most_lock_doublings = 6;
// So many commits in a row are quick before the worker does one itself: a disk that is slow now and
// then holds it up once in a while only.
constexpr std::uint32_t commits_to_trust = 32;

std::exception_ptr pack(const Error& error) noexcept { return std::make_exception_ptr(error); }

// Real time: how long bodies have run, in a turn that has one instant for everything else.
class Stopwatch {
 public:
  Duration elapsed() const { return std::chrono::steady_clock::now() - started_; }
  double seconds() const { return std::chrono::duration<double>(elapsed()).count(); }

 private:
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

}  // namespace

Writer::Writer(async::Runtime& runtime, const Settings& settings, Files& files,
               Connections connections)
    : runtime_(runtime),
      settings_(settings),
      files_(files),
      connections_(std::move(connections)),
      next_checkpoint_bytes_(settings.wal_passive_bytes) {}

// After a crash in simulation the frames of those who wait may outlive it.
Writer::~Writer() {
  while (!queue_.empty())
    withdraw(queue_.front());
}

void Writer::submit(Request& request) noexcept {
  if (closing_ || health_ == Health::State::down) {
    request.fail(pack(refusal()));
    return request.settle();
  }
  if (queued_ >= settings_.queue_limit) {
    request.fail(pack(Error(Condition::exhausted,
                            fmt::format("{} transactions wait for {} already; try again later",
                                        queued_, settings_.path))));
    return request.settle();
  }
  queue_.push_back(request);
  request.queued = this;
  ++queued_;
  wake();
}

void Writer::withdraw(Request& request) noexcept {
  request.unlink();
  request.queued = nullptr;
  --queued_;
}

void Writer::wake() noexcept {
  if (state_ == State::idle && !queue_.empty() && !async::TurnEnd::linked()) {
    runtime_.at_turn_end(*this);
  }
}

void Writer::turn_ended() noexcept {
  // A batch that breaks is run again at once, its bodies one by one; so this ends.
  while (state_ == State::idle && !queue_.empty()) {
    if (wal_bytes() >= settings_.wal_hard_bytes) return start(Work::checkpoint);
    if (!begin()) break;
    run_batch();
    finish_batch();
  }
  proceed();
}

bool Writer::begin() {
  connections_.writer->clear_broken();
  const int code = connections_.writer->perform(Verb::begin_write);
  if (code == 0) {
    locked_since_ = Instant::max();
    lock_tries_ = 0;
    return true;
  }
  if (is_busy(code)) {
    wait_for_lock();
  } else {
    const Error error = connections_.writer->failure(code);
    fail_queue(error);
    if (breaks_batch(code) && !commit_refused(code)) start_recovery(error.detail());
  }
  return false;
}

void Writer::wait_for_lock() {
  if (locked_since_ == Instant::max()) locked_since_ = runtime_.now();
  if (runtime_.now() - locked_since_ >= settings_.busy_limit) {
    locked_since_ = Instant::max();
    lock_tries_ = 0;
    return fail_queue(Error(Condition::unavailable,
                            fmt::format("another program holds the write lock of {}: close it "
                                        "(a shell with an open transaction?), then try again",
                                        settings_.path)));
  }
  state_ = State::waiting;
  const int doublings = std::min(lock_tries_++, most_lock_doublings);
  runtime_.arm(*this, runtime_.now() + shortest_lock_pause * (1 << doublings));
}

void Writer::fire() noexcept {
  state_ = State::idle;
  proceed();
}

void Writer::run_batch() {
  ran_ = succeeded_ = 0;
  single_ = queued_ == 1 || queue_.front().alone;
  const Stopwatch watch;
  while (!queue_.empty() && ran_ < settings_.batch_limit) {
    Request& request = queue_.front();
    if (request.alone && ran_ > 0) return;
    withdraw(request);
    batch_.push_back(request);
    ++ran_;
    run_one(request, single_);
    if (single_ || broken() != 0) return;
    if (settings_.batch_time > Duration::zero() && watch.elapsed() >= settings_.batch_time) return;
  }
}

void Writer::run_one(Request& request, bool single) {
  Connection& writer = *connections_.writer;
  if (!single) writer.perform(Verb::savepoint);
  BodyTransaction transaction(writer);
  request.run(transaction);
  if (broken() != 0) return;
  if (request.failed()) {
    if (!single) writer.perform(Verb::rollback_to);
  } else {
    ++succeeded_;
    listeners_.add_all(transaction.listeners());
  }
  if (!single) writer.perform(Verb::release);
}

// 0 unless the batch's transaction is lost: by what befell the connection, or because a statement
// of a body ended it (INSERT OR ROLLBACK).
int Writer::broken() const noexcept {
  const Connection& writer = *connections_.writer;
  if (writer.broken() != 0) return writer.broken();
  return writer.in_transaction() ? 0 : SQLITE_ABORT_ROLLBACK;
}

void Writer::finish_batch() {
  if (const int code = broken(); code != 0) return break_batch(code);
  if (succeeded_ > 0) return commits_here() ? commit_here() : start(Work::commit);
  connections_.writer->perform(Verb::rollback);
  settle_batch();
}

// SQLite rolled back the batch, or must: who stood in it runs again, alone, once.
void Writer::break_batch(int code) {
  Connection& writer = *connections_.writer;
  const Error error = writer.failure(code);
  if (writer.in_transaction()) writer.perform(Verb::rollback);
  if (single_) {
    note_refusal(error);
    batch_.front().fail(pack(error));
    settle_batch();
  } else {
    requeue_batch();
  }
  if (loses_trust(code)) start_recovery(error.detail());
}

void Writer::settle_batch() noexcept {
  listeners_.clear();
  while (!batch_.empty())
    batch_.pop_front().settle();
}

void Writer::requeue_batch() noexcept {
  listeners_.clear();
  List waiting;
  waiting.splice_back(queue_);
  while (!batch_.empty()) {
    Request& request = batch_.pop_front();
    request.alone = true;
    request.queued = this;
    queue_.push_back(request);
    ++queued_;
    ++statistics_.reruns;
  }
  queue_.splice_back(waiting);
}

void Writer::note_refusal(const Error& error) {
  if (error.condition() == Condition::exhausted) refuses_writes_ = error.detail();
}

void Writer::fail_queue(const Error& error) noexcept {
  note_refusal(error);
  while (!queue_.empty()) {
    Request& request = queue_.front();
    withdraw(request);
    request.fail(pack(error));
    request.settle();
  }
}

// A worker that has nothing else to do is sooner done than a thread that must be woken, and that
// wakes it in turn: on an idle machine these two take as long as the sync.
bool Writer::commits_here() const noexcept {
  const bool quick =
      settings_.quick_commit == Duration::max() || quick_commits_ >= commits_to_trust;
  return quick && ran_ == 1 && queue_.empty() && runtime_.quiet();
}

void Writer::commit_here() noexcept {
  runtime_.working_on("commit");
  state_ = State::working;
  commit();
  returned(Work::commit);
}

void Writer::start(Work work) noexcept {
  state_ = State::working;
  errand_.work = work;
  if (work == Work::purge) {
    checkpoint_kind_ = Connection::Checkpoint::truncate;
    purges_begun_ = purges_asked_;
  }
  if (work == Work::checkpoint) {
    checkpoint_kind_ = wal_bytes() >= settings_.wal_soft_bytes ? Connection::Checkpoint::restart
                                                               : Connection::Checkpoint::passive;
  }
  runtime_.offload(errand_, async::Lane::commit);
}

void Writer::start_recovery(std::string reason) noexcept {
  health_ = Health::State::recovering;
  reason_ = std::move(reason);
  log::error("the disk failed; the log is written anew and the database opened again",
             {{"database", settings_.path}, {"reason", reason_}});
  start(Work::recover);
}

// On the committer, which owns the connections until returned() runs.
void Writer::execute(Work work) noexcept {
  switch (work) {
    case Work::commit: return commit();
    case Work::recover: return recover();
    case Work::purge:
    case Work::checkpoint:
      SINEW_CRASH_POINT("sqlite.before_checkpoint");
      outcome_ = connections_.writer->checkpoint(checkpoint_kind_, checkpoint_patience_ms);
      outcome_text_ = connections_.writer->failure(outcome_).detail();
      SINEW_CRASH_POINT("sqlite.after_checkpoint");
      return;
  }
}

void Writer::commit() noexcept {
  Connection& writer = *connections_.writer;
  SINEW_CRASH_POINT("sqlite.before_commit");
  const Stopwatch watch;
  outcome_ = writer.perform(Verb::commit);
  if (settings_.commit_seconds != nullptr) settings_.commit_seconds->observe(watch.seconds());
  const bool quick = outcome_ == 0 && settings_.quick_commit > Duration::zero() &&
                     watch.elapsed() <= settings_.quick_commit;
  quick_commits_ = quick ? quick_commits_ + 1 : 0;
  SINEW_CRASH_POINT("sqlite.after_commit");
  if (outcome_ == 0) return;
  outcome_text_ = writer.failure(outcome_).detail();
  if (commit_refused(outcome_) && writer.in_transaction()) writer.perform(Verb::rollback);
}

void Writer::recover() noexcept {
  outcome_text_.clear();
  try {
    connections_ = Connections();
    rewrite_wal(settings_.path, files_);
    connections_ = open_connections(settings_, files_);
  } catch (const std::exception& error) {
    connections_ = Connections();
    outcome_text_ = error.what();
  }
}

void Writer::returned(Work work) noexcept {
  state_ = State::idle;
  statistics_.wal_pages = connections_.writer ? connections_.writer->wal_pages() : 0;
  switch (work) {
    case Work::commit: committed(); break;
    case Work::checkpoint: checkpointed(); break;
    case Work::purge: purged(); break;
    case Work::recover: recovered(); break;
  }
  proceed();
}

void Writer::committed() noexcept {
  if (outcome_ == 0) {
    ++statistics_.commits;
    statistics_.transactions += succeeded_;
    refuses_writes_.clear();
    listeners_.tell();
    return settle_batch();
  }
  if (commit_refused(outcome_) && !single_) return requeue_batch();
  fail_batch();
  if (!commit_refused(outcome_)) start_recovery(outcome_text_);
}

// The commit failed. Who threw before it saw what may never have been: it is told to try again.
void Writer::fail_batch() noexcept {
  const bool refused = commit_refused(outcome_);
  const Condition condition = translate(outcome_, "", settings_.path).condition();
  if (refused) note_refusal({condition, outcome_text_});
  while (!batch_.empty()) {
    Request& request = batch_.pop_front();
    const Applied applied = refused || request.failed() ? Applied::no : Applied::unknown;
    request.fail(pack(Error(refused ? condition : Condition::unavailable,
                            "the commit failed: " + outcome_text_, applied)));
    request.settle();
  }
  listeners_.clear();
}

void Writer::checkpointed() noexcept {
  ++statistics_.checkpoints;
  const bool trouble = outcome_ != 0 && !is_busy(outcome_);
  next_checkpoint_bytes_ = wal_bytes() == 0 ? settings_.wal_passive_bytes
                                            : wal_bytes() + settings_.wal_passive_bytes / 4;
  if (trouble && !commit_refused(outcome_)) return start_recovery(outcome_text_);
  if (wal_bytes() >= settings_.wal_hard_bytes) {
    fail_queue(Error(Condition::exhausted,
                     fmt::format("the write-ahead log of {} has reached {} MB and cannot be copied "
                                 "into the database ({}): make room on the disk, or close the "
                                 "program that reads it for so long",
                                 settings_.path, wal_bytes() / (1024 * 1024), outcome_text_)));
  }
}

void Writer::purged() noexcept {
  purge_failure_.reset();
  if (outcome_ != 0) {
    purge_failure_.emplace(
        Condition::unavailable,
        fmt::format(
            "the write-ahead log of {} cannot be emptied ({}): close the program that reads "
            "it, then try again",
            settings_.path, outcome_text_));
  }
  purges_done_ = purges_begun_;
  purged_.notify_all();
  checkpointed();
}

void Writer::refuse_purges() noexcept {
  if (purges_done_ == purges_asked_) return;
  purge_failure_ = refusal();
  purges_done_ = purges_asked_;
  purged_.notify_all();
}

Task<void> Writer::purge() {
  if (closing_ || health_ == Health::State::down) throw refusal();
  const std::uint64_t mine = ++purges_asked_;
  proceed();
  while (purges_done_ < mine) {
    switch (co_await purged_.wait()) {
      case async::WaitOutcome::timed_out:
        throw Error(Condition::timeout, "the deadline passed before the log was emptied");
      case async::WaitOutcome::cancelled:
        throw Error(Condition::cancelled, "cancelled before the log was emptied");
      default: break;
    }
  }
  if (purge_failure_) throw *purge_failure_;
}

void Writer::recovered() noexcept {
  ++statistics_.recoveries;
  if (outcome_text_.empty()) {
    health_ = Health::State::up;
    log::warn("the database is open again", {{"database", settings_.path}});
    return;
  }
  health_ = Health::State::down;
  reason_ += fmt::format("; opening it again failed: {}; repair the disk, then start again",
                         outcome_text_);
  log::error("the database stays down", {{"database", settings_.path}, {"reason", reason_}});
  fail_queue(refusal());
}

void Writer::proceed() noexcept {
  if (state_ != State::idle) return;
  if (health_ == Health::State::down || (closing_ && queue_.empty())) refuse_purges();
  if (closing_ && queue_.empty()) return finish_close();
  if (purges_done_ < purges_asked_ && health_ == Health::State::up) return start(Work::purge);
  if (checkpoint_due()) return start(Work::checkpoint);
  wake();
}

std::uint64_t Writer::wal_bytes() const noexcept {
  return connections_.writer ? connections_.writer->wal_pages() * page_bytes : 0;
}

bool Writer::checkpoint_due() const noexcept {
  return health_ == Health::State::up && wal_bytes() >= next_checkpoint_bytes_;
}

Connection* Writer::reader() const noexcept {
  return health_ == Health::State::up && !closing_ ? connections_.reader.get() : nullptr;
}

Error Writer::refusal() const {
  switch (health_) {
    case Health::State::recovering:
    case Health::State::down:
      return {Condition::unavailable, settings_.path + " is not available: " + reason_};
    default: return {Condition::unavailable, settings_.path + " is closed"};
  }
}

Statistics Writer::statistics() const noexcept {
  Statistics now = statistics_;
  now.queued = queued_;
  return now;
}

class Writer::Closed final : public async::Wait {
 public:
  explicit Closed(Writer& writer) noexcept : Wait(Shield::yes), writer_(writer) {}
  Closed(const Closed&) = delete;
  Closed& operator=(const Closed&) = delete;
  bool await_ready() const noexcept { return writer_.closed_; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> handle) noexcept {
    suspend(handle);
    writer_.closers_.push_back(*this);
  }
  void await_resume() const noexcept {}

 private:
  Writer& writer_;
};

Task<void> Writer::close() {
  if (!std::exchange(closing_, true)) proceed();
  co_await Closed(*this);
}

void Writer::finish_close() noexcept {
  connections_ = Connections();
  if (health_ != Health::State::down) health_ = Health::State::closed;
  closed_ = true;
  while (!closers_.empty())
    closers_.front().complete();
}

}  // namespace sinew::sqlite
