#include "threads.hpp"

#include <pthread.h>
#include <sched.h>

#include <csignal>
#include <memory>
#include <utility>

namespace creche::CRECHE_LEVEL {

namespace {

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

int usable_cores() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return CPU_COUNT(&set);
#else
  return static_cast<int>(std::thread::hardware_concurrency());  // 0 if the system does not tell
#endif
}

}  // namespace

// Waits within a training step are short, so a thread spins for about 50 microseconds before it sleeps: waking up takes
// longer than most steps. If there are more threads than cores, a spinning thread would keep the thread it waits for
// from running.
Threads::Threads(int count) : count_(count), spins_(count <= usable_cores() ? 2000 : 0) { start(); }

Threads::~Threads() { stop(); }

void Threads::start() {
  owner_ = getpid();
  stopping_ = false;
  arrived_.store(0, std::memory_order_relaxed);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const std::uint32_t seen = jobs_.load(std::memory_order_relaxed);
  for (int thread = 1; thread < count_; ++thread) workers_.emplace_back([this, thread, seen] { work(thread, seen); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Threads::stop() {
  if (owner_ != getpid()) {
    // After fork() these handles refer to threads of the parent: they can be neither joined nor destroyed here.
    (void)std::make_unique<std::vector<std::thread>>(std::move(workers_)).release();
    workers_.clear();
    return;
  }
  stopping_ = true;
  jobs_.fetch_add(1, std::memory_order_release);
  jobs_.notify_all();
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
}

void Threads::run(const std::function<void(int)>& job) {
  if (count_ == 1) {
    job(0);
    return;
  }
  if (owner_ != getpid()) {
    stop();
    start();
  }
  job_ = &job;
  jobs_.fetch_add(1, std::memory_order_release);
  jobs_.notify_all();
  job(0);
  barrier();
}

// seen: the number of jobs before this worker was started.
void Threads::work(int thread, std::uint32_t seen) {
  while (true) {
    wait_while(jobs_, seen);
    seen = jobs_.load(std::memory_order_acquire);
    if (stopping_) return;
    (*job_)(thread);
    barrier();
  }
}

void Threads::wait_while(const std::atomic<std::uint32_t>& word, std::uint32_t value) const {
  for (int spin = 0; spin < spins_; ++spin) {
    if (word.load(std::memory_order_acquire) != value) return;
    pause();
  }
  while (word.load(std::memory_order_acquire) == value) word.wait(value, std::memory_order_acquire);
}

}  // namespace creche::CRECHE_LEVEL
