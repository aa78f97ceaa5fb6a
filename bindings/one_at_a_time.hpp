// One Python thread at a time uses an object of the engine; the others wait.
//
// They wait without the GIL, which whoever is at work may need: for a loss written in Python, or to look for Ctrl-C. A
// thread that has its turn and comes back, out of such a function, has it still.
#pragma once

#include <nanobind/nanobind.h>

#include <mutex>

namespace rookery::ROOKERY_LEVEL {

class Turn {
 public:
  // The GIL is held, before and after.
  explicit Turn(std::recursive_mutex& mutex) : mutex_(mutex) {
    if (mutex_.try_lock()) return;
    nanobind::gil_scoped_release release;
    mutex_.lock();
  }
  ~Turn() { mutex_.unlock(); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  std::recursive_mutex& mutex_;
};

}  // namespace rookery::ROOKERY_LEVEL
