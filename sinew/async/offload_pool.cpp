#include "sinew/async/offload_pool.hpp"

#include <algorithm>
#include <utility>

#include "sinew/async/thread.hpp"

namespace sinew::async {

OffloadPool::OffloadPool(const std::string& name, std::size_t threads)
    : busy_for_(std::max<std::size_t>(threads, 1)) {
  try {
    for (const Runtime*& busy_for : busy_for_) {
      threads_.push_back(start_thread(name, [this, &busy_for] { work(busy_for); }));
    }
  } catch (...) {
    stop();
    throw;
  }
}

OffloadPool::~OffloadPool() { stop(); }

void OffloadPool::stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_or_stop_.notify_all();
  threads_.clear();
}

void OffloadPool::submit(Job& job, Runtime& home) noexcept {
  job.home_ = &home;
  job.next_job_ = nullptr;
  {
    const std::lock_guard lock(mutex_);
    (oldest_ == nullptr ? oldest_ : newest_->next_job_) = &job;
    newest_ = &job;
  }
  work_or_stop_.notify_one();
}

void OffloadPool::work(const Runtime*& busy_for) {
  std::unique_lock lock(mutex_);
  while (true) {
    work_or_stop_.wait(lock, [this] { return oldest_ != nullptr || stopping_; });
    if (oldest_ == nullptr) return;
    Job& job = *std::exchange(oldest_, oldest_->next_job_);
    Runtime& home = *job.home_;
    busy_for = &home;
    lock.unlock();
    job.execute();
    home.complete(job);
    lock.lock();
    busy_for = nullptr;
    job_over_.notify_all();
  }
}

void OffloadPool::drain(const Runtime& home) noexcept {
  std::unique_lock lock(mutex_);
  job_over_.wait(lock, [&] { return !works_for(home); });
}

bool OffloadPool::works_for(const Runtime& home) const noexcept {
  for (const Job* job = oldest_; job != nullptr; job = job->next_job_) {
    if (job->home_ == &home) return true;
  }
  return std::ranges::find(busy_for_, &home) != busy_for_.end();
}

}  // namespace sinew::async
