// The line searches of a pack: what line_search.hpp does for one network, for each lane by itself.
//
// Each lane has its own step, decisions and pairs. A pair goes to the slot of its number in that lane, so that the
// planes of a lane are those of a network alone; where the numbers of the lanes differ, one pair is read from several
// planes. Sums are in double, in the same order.
//
// Tests: tests/engine/test_lbfgs.py, tests/engine/test_colony.py
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "aligned.hpp"
#include "optimizers/lbfgs.hpp"
#include "plan.hpp"
#include "shape.hpp"
#include "simd/double_sums.hpp"
#include "simd/lanes.hpp"

namespace creche::CRECHE_LEVEL {

template <class T>
class LaneLineSearch {
 public:
  static constexpr int kLanes = kNativeLanes<T>;
  using V = Vec<T, kLanes>;
  using Lanes = std::array<bool, kLanes>;
  using Numbers = std::array<double, kLanes>;  // of each lane
  using Searches = std::vector<Lbfgs::Search>;
  using Planes = std::vector<AlignedArray<T>>;

  // What has been evaluated. In the lanes that take the step, the gradients become those with weight decay, the weights
  // the next point.
  struct Evaluated {
    T* weights;
    T* gradients;
    Planes& planes;
    Numbers loss;
    Numbers learning_rate;
    Lanes decays;    // lanes with weight decay
    const T* decay;  // [row of a block, counted over all blocks][lane]; not read if no lane has weight decay
    bool is_last;    // the weights become those of the accepted point
  };

  LaneLineSearch(const OptimizerPlan& plan, const NetworkShape& shape);

  // The step of these lanes, whose losses are finite.
  void step(const Lanes& lanes, const Evaluated& at, Searches& searches) const;

  // The same where the losses are not finite: the weights become points nearer to the accepted ones, which have to be
  // evaluated instead. Returns the lanes in which that is possible; nothing changes in the others.
  Lanes shorten(const Lanes& lanes, T* weights, Planes& planes, Searches& searches) const;

 private:
  using M = Mask<T, kLanes>;

  // A block in an arena of lanes.
  struct Block {
    std::int64_t at, rows, columns;
    std::int64_t first_row;  // counted over all blocks
  };

  // The first or second part of a pair, from the plane where each lane has it.
  struct Pair {
    std::vector<const V*> planes;
    std::vector<M> lanes;

    CRECHE_INLINE V operator[](std::int64_t k) const {
      V of = planes[0][k];
      for (std::size_t p = 1; p < planes.size(); ++p) of = select(lanes[p], planes[p][k], of);
      return of;
    }
  };

  static M mask(const Lanes& lanes);
  static V* vectors(T* numbers) { return reinterpret_cast<V*>(numbers); }
  static V* plane(Planes& planes, int number) { return vectors(planes[static_cast<std::size_t>(number)].data()); }

  template <int kSums, class F>
  std::array<Numbers, kSums> sums(F&& add) const;
  template <int kColumns, int kSums, class F>
  void sum_columns(const Block& block, std::int64_t column, F&& add, DoubleSums<V>* totals) const;
  template <class A, class B>
  Numbers dot(const A& a, const B& b) const;

  Lanes are_at_trial(const T* weights, Planes& planes, const Searches& searches) const;
  Numbers add_weight_decay(const Lanes& lanes, const Evaluated& at) const;
  void keep_pairs(Lanes lanes, const Evaluated& at, Searches& searches) const;
  Lanes find_directions(const Lanes& lanes, const Evaluated& at, Searches& searches) const;
  void make_finite(Lanes lanes, Planes& planes, Searches& searches) const;
  void go_to_trials(const Lanes& lanes, T* weights, Planes& planes, const Searches& searches) const;
  Pair pair(const Lanes& lanes, Planes& planes, const Searches& searches, std::size_t age, int part) const;
  int slot(double pair) const {
    return Lbfgs::kPairs + 2 * static_cast<int>(static_cast<std::int64_t>(pair) % history_);
  }

  const std::int64_t history_;
  const std::int64_t size_;  // of an arena, in vectors
  std::vector<Block> blocks_;
};

}  // namespace creche::CRECHE_LEVEL
