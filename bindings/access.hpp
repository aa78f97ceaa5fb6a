// One Python thread at a time uses an object of the engine; the others wait.
//
// They wait without the GIL, which the active thread may need: for a loss written in Python, or to check for Ctrl-C.
// From such a function the active thread may call the object again, but only to read, if it accepts the state in the
// middle of a step. In the child of a fork the active thread no longer exists, and its access ends.
//
// Tests: tests/engine/test_python_threads.py
#pragma once

#include "python_types.hpp"

#include <unistd.h>

#include <memory>
#include <mutex>
#include <stdexcept>

namespace creche::CRECHE_LEVEL {

class AccessLock {
 public:
  bool is_exclusive = false;

  // Call with the GIL.
  std::recursive_mutex& mutex() {
    if (owner_ != getpid()) {
      static_cast<void>(mutex_.release());  // its owner will never unlock it, so it cannot be destroyed
      mutex_ = std::make_unique<std::recursive_mutex>();
      owner_ = getpid();
      is_exclusive = false;
    }
    return *mutex_;
  }

 private:
  std::unique_ptr<std::recursive_mutex> mutex_ = std::make_unique<std::recursive_mutex>();
  pid_t owner_ = getpid();
};

// For functions that only read and accept the state in the middle of a step. The GIL is held before and after.
class SharedAccess {
 public:
  explicit SharedAccess(AccessLock& lock) : mutex_(lock.mutex()) {
    if (mutex_.try_lock()) return;
    nanobind::gil_scoped_release release;
    mutex_.lock();
  }
  ~SharedAccess() { mutex_.unlock(); }
  SharedAccess(const SharedAccess&) = delete;
  SharedAccess& operator=(const SharedAccess&) = delete;

 private:
  std::recursive_mutex& mutex_;
};

// For all other functions.
class ExclusiveAccess {
 public:
  explicit ExclusiveAccess(AccessLock& lock) : access_(lock), lock_(lock) {
    if (lock_.is_exclusive) throw std::runtime_error("training is in the middle of a step; wait until it has returned");
    lock_.is_exclusive = true;
  }
  ~ExclusiveAccess() { lock_.is_exclusive = false; }
  ExclusiveAccess(const ExclusiveAccess&) = delete;
  ExclusiveAccess& operator=(const ExclusiveAccess&) = delete;

 private:
  SharedAccess access_;
  AccessLock& lock_;
};

}  // namespace creche::CRECHE_LEVEL
