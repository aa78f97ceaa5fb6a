// The steps of L-BFGS: whether the point that was tried is accepted, and which one is tried next.
//
// A step evaluates one point w = x + t d, on the full batch. With f the loss there, including the penalty of weight
// decay, and g its gradient:
//
//   f <= f(x) + 1e-4 t g(x).d      accepted: x <- w, with a new direction d and its first t (Armijo 1966)
//   otherwise                      t <- the minimum of the parabola through f(x), g(x).d and f, within [t/10, t/2];
//                                  after 20 of these the history is forgotten, and x is evaluated anew
//   first t                        eta, or eta min(1, 1 / |g|_1) in a direction without history; divided by 10 until
//                                  all weights at x + t d are finite
//
// Where f or a number of g is not finite, t <- t/10, however often. If it is f, or the loss of validation, the step is
// repeated with this t: no epoch has such a loss. A first point that is not finite has no shorter step.
//
// The pair s = w - x, y = g - g(x) of an accepted step joins the history if s.y > 1e-9 |s| |y|, so that the direction
// descends. A direction that does not becomes -g, without history. Weights that are not x + t d, because someone has
// set them, are where the search begins anew.
//
// Sums over weights are in double, in the order of the contract: of each column of each block row by row, then one
// column after the other. Each thread has its own columns, and all take the same decisions.
//
// line_search_rules.hpp has the decisions, lane_line_search.hpp the same for the lanes of a pack.
//
// Tests: tests/engine/test_lbfgs.py
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "aligned.hpp"
#include "optimizers/groups.hpp"
#include "optimizers/lbfgs.hpp"
#include "plan.hpp"
#include "shape.hpp"
#include "threads.hpp"

namespace creche::CRECHE_LEVEL {

template <class T>
class LineSearch {
 public:
  // What has been evaluated. The gradients become those with weight decay, the weights the next point.
  struct Evaluated {
    T* weights;
    T* gradients;
    std::vector<AlignedArray<T>>& planes;
    double loss;
    double learning_rate;
    const std::vector<Regularization<T>>& regularization;  // of each group of parameters
    bool is_last;                                          // the weights become those of the accepted point
  };

  LineSearch(const Plan& plan, const NetworkShape& shape, const ParameterGroups& groups, Threads& threads);

  // Called by every thread, with the same arguments; each returns the same scalars. The weights are complete after the
  // next barrier.
  Scalars step(int thread, const Evaluated& at, const Scalars& scalars);

  // The same where the loss is not finite: the weights become a point nearer to the accepted one, which has to be
  // evaluated instead. Returns nothing, and changes nothing, if there is none.
  std::optional<Scalars> shorten(int thread, T* weights, std::vector<AlignedArray<T>>& planes, const Scalars& scalars);

 private:
  // Some rows of one panel of a block, of one group.
  struct Range {
    std::int64_t begin, end;  // in an arena
    std::size_t group;
    std::int64_t panel;  // over all blocks
  };

  // What a thread works with.
  struct Worker {
    int thread;
    T* weights;
    std::vector<AlignedArray<T>>& planes;
    int turn = 0;  // of the two arrays of sums, one is read while the next is written

    T* plane(int number) const { return planes[static_cast<std::size_t>(number)].data(); }
  };

  template <class F>
  double sum(Worker& worker, F&& term);
  template <class F>
  void each_weight(const Worker& worker, F&& f);

  bool is_at_trial(Worker& worker, double length);
  double add_weight_decay(Worker& worker, const Evaluated& at);
  void keep_pair(Worker& worker, const T* gradients, Lbfgs::Search& search);
  bool find_direction(Worker& worker, const T* gradients, Lbfgs::Search& search);
  double finite_length(Worker& worker, double length);
  void go_to_trial(const Worker& worker, double length);
  int slot(double pair) const {
    return Lbfgs::kPairs + 2 * static_cast<int>(static_cast<std::int64_t>(pair) % history_);
  }

  const OptimizerPlan optimizer_;
  const std::int64_t history_;
  Threads& threads_;
  std::vector<std::vector<Range>> ranges_;  // of each thread
  AlignedArray<double> sums_[2];            // of each column of each panel
};

}  // namespace creche::CRECHE_LEVEL
