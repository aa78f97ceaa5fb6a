// The epochs of a network on a warp: the phases of warp.hpp in their order.
#pragma once

#include <cstdint>

#include "warp.hpp"

namespace creche::CRECHE_LEVEL::device {

// The lanes of a warp. each_lane(f) calls f(lane) for each, and returns when all have finished.
#ifdef __CUDACC__
struct Lanes {
  template <class F>
  CRECHE_INLINE void each_lane(F&& f) const {
    f(static_cast<int>(threadIdx.x) % kWarp);
    __syncwarp();
  }
};
#else
struct Lanes {
  template <class F>
  void each_lane(F&& f) const {
    for (int lane = 0; lane < kWarp; ++lane) f(lane);
  }
};
#endif

template <class Shape, class Loss>
CRECHE_INLINE void shuffle(const Lanes& lanes, const MemberPlan& plan, Warp<Shape, Loss>& warp) {
  lanes.each_lane([&](int lane) __attribute__((always_inline)) { warp.begin_order(lane); });
  for (std::int64_t done = 0; done + 1 < plan.train.count; done += warp.kShuffled) {
    lanes.each_lane([&](int lane) __attribute__((always_inline)) { warp.draw_words(lane, done); });
    lanes.each_lane([&](int lane) __attribute__((always_inline)) { warp.swap_rows(lane, done); });
  }
}

// Between two phases, what lanes read here must not be what the next phase writes: a lane may be ahead of another.
//
// Trains a network for at most `launch.epochs` epochs. One whose numbers are not finite stays as it was when its epoch
// began.
template <class Shape, class Loss>
CRECHE_INLINE void train_member(const Lanes& lanes, const Shape& shape, const Launch& launch, std::int64_t member,
                                char* memory) {
  const MemberPlan& plan = launch.members[member];
  if (launch.status[member] != Status::running) return;
  std::uint16_t* const order = launch.orders == nullptr ? nullptr : launch.orders + member * launch.order_rows;
  Warp<Shape, Loss> warp(shape, plan, memory, launch.planes_each, order);
  lanes.each_lane([&](int lane) __attribute__((always_inline)) { warp.load(lane, launch, member); });
  const std::int64_t batches = batches_per_epoch(plan, plan.train.count);
  const std::int64_t turns = batches + (plan.validation.count > 0 ? 1 : 0);
  const std::int64_t until = std::min(plan.epochs, launch.until_epoch);
  for (std::int64_t done = 0; done < launch.epochs; ++done) {
    if (warp.progress().epoch >= until || warp.progress().early_stopped) break;
    if (plan.shuffle) shuffle(lanes, plan, warp);
    // The validation rows are one more turn, which trains nothing.
    for (std::int64_t turn = warp.progress().batch; turn < turns && warp.is_finite(); ++turn) {
      const bool is_training = turn < batches;
      const std::int64_t begin = is_training ? turn * plan.batch_size : 0;
      const std::int64_t count =
          is_training ? std::min(plan.batch_size, plan.train.count - begin) : plan.validation.count;
      lanes.each_lane([&](int lane) __attribute__((always_inline)) { warp.find_factors(lane); });
      lanes.each_lane([&](int lane)
                          __attribute__((always_inline)) { warp.begin_turn(lane, is_training, begin, count); });
      for (std::int64_t first = begin; first < begin + count; first += kWarp) {
        const int rows = static_cast<int>(std::min<std::int64_t>(kWarp, begin + count - first));
        lanes.each_lane([&](int lane) __attribute__((always_inline)) {
          if (lane < rows) warp.pass_row(lane, is_training, first + lane);
        });
        lanes.each_lane([&](int lane) __attribute__((always_inline)) {
          warp.add_rows(lane, is_training, first, rows, first == begin);
        });
      }
      if (!is_training) continue;
      if (plan.optimizer.clip_norm > 0) {
        lanes.each_lane([&](int lane) __attribute__((always_inline)) { warp.add_squares(lane); });
        lanes.each_lane([&](int lane) __attribute__((always_inline)) { warp.find_clip(lane); });
      }
      lanes.each_lane([&](int lane) __attribute__((always_inline)) { warp.update(lane); });
    }
    lanes.each_lane([&](int lane) __attribute__((always_inline)) { warp.check_weights(lane); });
    lanes.each_lane([&](int lane) __attribute__((always_inline)) {
      warp.finish(lane, launch.records[member * launch.epochs + done]);
    });
    if (!warp.is_finite()) {
      lanes.each_lane([&](int lane) __attribute__((always_inline)) {
        if (lane == 0) launch.status[member] = Status::diverged;
      });
      break;
    }
    lanes.each_lane([&](int lane) __attribute__((always_inline)) { warp.store(lane, launch, member); });
  }
}

}  // namespace creche::CRECHE_LEVEL::device
