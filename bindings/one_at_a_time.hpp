// One Python thread at a time uses an object of the engine; the others wait.
//
// They wait without the GIL, which whoever is at work may need: for a loss written in Python, or to look for Ctrl-C.
// Out of such a function the thread at work may come back: to look, if it does not mind a step half done, but to
// nothing else.
//
// Tests: tests/engine/test_python_threads.py
#pragma once

#include <nanobind/nanobind.h>

#include <mutex>
#include <stdexcept>

namespace rookery::ROOKERY_LEVEL {

struct InUse {
  std::recursive_mutex mutex;
  bool has_turn = false;
};

// For what only reads and can stand a step half done. The GIL is held, before and after.
class Look {
 public:
  explicit Look(InUse& in_use) : in_use_(in_use) {
    if (in_use_.mutex.try_lock()) return;
    nanobind::gil_scoped_release release;
    in_use_.mutex.lock();
  }
  ~Look() { in_use_.mutex.unlock(); }
  Look(const Look&) = delete;
  Look& operator=(const Look&) = delete;

 private:
  InUse& in_use_;
};

// For all else.
class Turn {
 public:
  explicit Turn(InUse& in_use) : look_(in_use), in_use_(in_use) {
    if (in_use_.has_turn) throw std::runtime_error("training is in the middle of a step; wait until it has returned");
    in_use_.has_turn = true;
  }
  ~Turn() { in_use_.has_turn = false; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  Look look_;
  InUse& in_use_;
};

}  // namespace rookery::ROOKERY_LEVEL
