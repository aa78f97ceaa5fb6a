// A small pool of threads that work through one job together.
//
// run(job) calls job(thread) once for thread = 0 (the caller) ... count - 1 and returns when all are done; inside a job,
// barrier() waits until every thread has come to it. A pool belongs to one object and is used by one caller at a time;
// several objects may train side by side, each with its pool. After fork() the child finds no worker alive and starts
// its own. Signals go to the threads that Python knows, never to workers.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include <unistd.h>

#include "level.hpp"

namespace rookery::ROOKERY_LEVEL {

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

// Hands out 0, 1, 2, ... to whoever asks next.
class Counter {
 public:
  std::int64_t next() { return value_.fetch_add(1, std::memory_order_relaxed); }
  void reset() { value_.store(0, std::memory_order_relaxed); }

 private:
  alignas(64) std::atomic<std::int64_t> value_{0};
};

}  // namespace rookery::ROOKERY_LEVEL
