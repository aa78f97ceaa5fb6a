#include "feeding/read_ahead.hpp"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

namespace creche::CRECHE_LEVEL {

struct ReadAhead::Shared {
  struct Task {
    int slot;
    Piece piece;
  };

  Shared(FileReader& reader, int slots, AfterPiece after_piece)
      : reader(reader), after_piece(std::move(after_piece)), left(static_cast<std::size_t>(slots)) {}

  ~Shared() {
    {
      const std::lock_guard lock(mutex);
      is_stopping = true;
    }
    has_work.notify_all();
    for (std::thread& thread : threads) thread.join();
  }

  // Signals are delivered to Python's threads.
  void start(int count) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (int i = 0; i < count; ++i) threads.emplace_back([this] { work(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  void work() {
    std::unique_lock lock(mutex);
    while (true) {
      has_work.wait(lock, [this] { return is_stopping || !tasks.empty(); });
      if (is_stopping) return;
      const Task task = tasks.front();
      tasks.pop_front();
      lock.unlock();
      std::exception_ptr failure;
      try {
        reader.read(task.piece.offset, task.piece.size, task.piece.to);
        after_piece(task.piece);
      } catch (...) {
        failure = std::current_exception();
      }
      lock.lock();
      --left[static_cast<std::size_t>(task.slot)];
      if (failure) {
        if (!error) error = failure;
        drop([](const Task&) { return true; });
      }
      is_done.notify_all();
    }
  }

  // Forgets tasks that no thread has begun.
  template <class Which>
  void drop(Which&& which) {
    std::erase_if(tasks, [&](const Task& task) {
      if (!which(task)) return false;
      --left[static_cast<std::size_t>(task.slot)];
      return true;
    });
  }

  FileReader& reader;
  AfterPiece after_piece;
  std::mutex mutex;
  std::condition_variable has_work, is_done;
  std::deque<Task> tasks;
  std::vector<std::int64_t> left;  // pieces of each slot that are not read yet
  std::exception_ptr error;
  bool is_stopping = false;
  std::vector<std::thread> threads;
};

ReadAhead::ReadAhead(FileReader& reader, int slots, int threads, AfterPiece after_piece)
    : reader_(reader), slots_(slots), threads_(threads), after_piece_(std::move(after_piece)), owner_(getpid()) {
  shared_ = std::make_unique<Shared>(reader_, slots_, after_piece_);
}

ReadAhead::~ReadAhead() {
  // After fork() the threads are those of the parent: they can be neither joined nor destroyed here.
  if (owner_ != getpid()) (void)shared_.release();
}

bool ReadAhead::restart_after_fork() {
  if (owner_ == getpid()) return false;
  (void)shared_.release();
  shared_ = std::make_unique<Shared>(reader_, slots_, after_piece_);
  owner_ = getpid();
  return true;
}

void ReadAhead::request(int slot, const std::vector<Piece>& pieces) {
  Shared& shared = *shared_;
  std::unique_lock lock(shared.mutex);
  if (shared.threads.empty()) shared.start(threads_);
  shared.drop([slot](const Shared::Task& task) { return task.slot == slot; });
  std::int64_t& left = shared.left[static_cast<std::size_t>(slot)];
  shared.is_done.wait(lock, [&] { return left == 0; });
  for (const Piece& piece : pieces) shared.tasks.push_back({slot, piece});
  left += static_cast<std::int64_t>(pieces.size());
  lock.unlock();
  shared.has_work.notify_all();
}

bool ReadAhead::wait(int slot, const StopWaiting& stop) {
  using Clock = std::chrono::steady_clock;
  Shared& shared = *shared_;
  const Clock::time_point begin = Clock::now();
  const auto is_over = [&] { return shared.error || shared.left[static_cast<std::size_t>(slot)] == 0; };
  std::unique_lock lock(shared.mutex);
  bool stopped = false;
  while (!stopped && !shared.is_done.wait_for(lock, std::chrono::milliseconds(50), is_over)) {
    lock.unlock();
    stopped = stop && stop();
    lock.lock();
  }
  seconds_waited_ += std::chrono::duration<double>(Clock::now() - begin).count();
  if (shared.error) {
    // Others may be about to fail for the same reason, which would then be the failure of what is requested next.
    shared.is_done.wait(lock, [&] { return std::ranges::all_of(shared.left, [](std::int64_t n) { return n == 0; }); });
    std::rethrow_exception(std::exchange(shared.error, nullptr));
  }
  return !stopped;
}

}  // namespace creche::CRECHE_LEVEL
