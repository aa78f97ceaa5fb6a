// When a run returns before its plan ends: at its limits, or because the caller asks for it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

namespace creche::CRECHE_LEVEL {

struct Limits {
  std::int64_t steps = -1;
  std::int64_t epochs = -1;
  double seconds = -1;
};

// Reading the clock takes as long as the arithmetic of a small network, so it is read once per fixed number of
// operations, about every 10 microseconds.
class RunWatch {
 public:
  using Clock = std::chrono::steady_clock;

  static double seconds_since(Clock::time_point from) {
    return std::chrono::duration<double>(Clock::now() - from).count();
  }

  // Limits of steps and epochs count from here. poll may be empty; otherwise it must last until `end`.
  void begin(const Limits& limits, std::int64_t step, std::int64_t epoch, const std::function<bool()>& poll) {
    limits_ = {limits.steps < 0 ? -1 : step + limits.steps, limits.epochs < 0 ? -1 : epoch + limits.epochs,
               limits.seconds};
    poll_ = poll ? &poll : nullptr;
    begin_ = last_poll_ = Clock::now();
    flops_since_clock_ = flops_since_poll_ = 0;
  }
  void end() { poll_ = nullptr; }

  bool is_at_limit(std::int64_t step, std::int64_t epoch) const {
    return step == limits_.steps || epoch == limits_.epochs;
  }

  // Operations since the last look at the clock for the limit of seconds, and since the last poll.
  void count_step(double flops) { flops_since_clock_ += flops; }
  void count_for_poll(double flops) { flops_since_poll_ += flops; }

  // Only between two steps: a step that takes longer than the limit must still be possible.
  bool time_is_up() {
    if (flops_since_clock_ < kFlopsPerLook) return false;
    flops_since_clock_ = 0;
    return limits_.seconds >= 0 && seconds_since(begin_) >= limits_.seconds;
  }

  // Whether poll asks to stop.
  bool is_interrupted() {
    if (poll_ == nullptr || flops_since_poll_ < kFlopsPerLook) return false;
    flops_since_poll_ = 0;
    if (seconds_since(last_poll_) < kSecondsPerPoll) return false;
    last_poll_ = Clock::now();
    return (*poll_)();
  }

  // The same at once, while the run waits rather than computes.
  bool is_interrupted_while_waiting() {
    if (poll_ == nullptr) return false;
    last_poll_ = Clock::now();
    return (*poll_)();
  }

 private:
  static constexpr double kFlopsPerLook = 1e6;
  static constexpr double kSecondsPerPoll = 0.05;

  Limits limits_;
  const std::function<bool()>* poll_ = nullptr;
  Clock::time_point begin_, last_poll_;
  double flops_since_clock_ = 0;
  double flops_since_poll_ = 0;
};

}  // namespace creche::CRECHE_LEVEL
