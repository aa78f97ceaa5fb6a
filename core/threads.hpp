// A small pool of threads that share one job.
//
// run(job) calls job(thread) once for each thread = 0 (the caller) ... count - 1 and returns when all have finished.
// Within a job, barrier() waits until every thread has reached it. A pool belongs to one object and serves one caller
// at a time; several objects can train at the same time, each with its own pool. After fork() the child has no workers
// and starts new ones. Signals are delivered to Python's threads, never to workers.
#pragma once

#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "level.hpp"

namespace creche::CRECHE_LEVEL {

class Threads {
 public:
  explicit Threads(int count);
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  int count() const { return count_; }

  // job must not throw.
  void run(const std::function<void(int)>& job);

  void barrier() {
    if (count_ == 1) return;
    const std::uint32_t phase = phase_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) == count_ - 1) {
      arrived_.store(0, std::memory_order_relaxed);
      phase_.store(phase + 1, std::memory_order_release);
      phase_.notify_all();
    } else {
      wait_while(phase_, phase);
    }
  }

 private:
  void start();
  void stop();
  void work(int thread, std::uint32_t seen);
  void wait_while(const std::atomic<std::uint32_t>& word, std::uint32_t value) const;

  int count_;
  int spins_;
  pid_t owner_ = 0;
  bool stopping_ = false;
  const std::function<void(int)>* job_ = nullptr;
  std::vector<std::thread> workers_;
  alignas(64) std::atomic<std::uint32_t> jobs_{0};
  alignas(64) std::atomic<std::uint32_t> phase_{0};
  alignas(64) std::atomic<int> arrived_{0};
};

// Tasks 0 ... count - 1, shared among threads. Each thread has a fixed range of tasks, so that the data it wrote last
// time is still in its cache. A thread that has finished helps the others, so that no thread waits for one that the
// system has suspended.
class Tasks {
 public:
  // Thread t's own tasks are bounds[t] ... bounds[t + 1] - 1.
  void assign(std::vector<std::int64_t> bounds) {
    bounds_ = std::move(bounds);
    next_ = std::vector<Next>(bounds_.size() - 1);
    reset();
  }

  void assign_evenly(std::int64_t count, int threads) {
    std::vector<std::int64_t> bounds;
    for (int t = 0; t <= threads; ++t) bounds.push_back(count * t / threads);
    if (bounds != bounds_) assign(std::move(bounds));
  }

  // Marks all tasks as not done. Call only while no thread works.
  void reset() {
    for (std::size_t t = 0; t < next_.size(); ++t) next_[t].task.store(bounds_[t], std::memory_order_relaxed);
  }

  // Calls f(task) until no task is left.
  template <class F>
  void work(int thread, F&& f) {
    const std::size_t threads = next_.size();
    if (threads == 1) {
      for (std::int64_t task = bounds_[0]; task < bounds_[1]; ++task) f(task);
      return;
    }
    for (std::size_t turn = 0; turn < threads; ++turn) {
      const std::size_t whose = (static_cast<std::size_t>(thread) + turn) % threads;
      std::atomic<std::int64_t>& next = next_[whose].task;
      while (next.load(std::memory_order_relaxed) < bounds_[whose + 1]) {
        const std::int64_t task = next.fetch_add(1, std::memory_order_relaxed);
        if (task < bounds_[whose + 1]) f(task);
      }
    }
  }

 private:
  struct alignas(64) Next {
    std::atomic<std::int64_t> task{0};

    Next() = default;
    Next(const Next&) {}
  };

  std::vector<std::int64_t> bounds_;
  std::vector<Next> next_;
};

}  // namespace creche::CRECHE_LEVEL
