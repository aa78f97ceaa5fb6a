// Every loss by its kind.
//
// Each loss is a struct that works on one row per lane. z [outputs] are the weighted sums of the output layer, targets
// [outputs] their targets; for class losses (kClasses), label is the class as a number and targets may be null:
//   apply    writes the gradient of the row's loss, dloss_dz [outputs], and returns the loss
//   value    returns the same loss, bit for bit, and writes nothing but scratch [outputs]
//   predict  the head: the network's prediction for the row, out [outputs]
//   Mean     the mean of several predictions (mean_prediction.hpp)
// Sums run over the outputs from 0 upward. No array may overlap another.
#pragma once

#include "../unknown_kind.hpp"
#include "absolute_error.hpp"
#include "binary_cross_entropy.hpp"
#include "cross_entropy.hpp"
#include "huber.hpp"
#include "poisson.hpp"
#include "quantile.hpp"
#include "squared_error.hpp"
#include "squared_error_of_classes.hpp"

namespace creche::CRECHE_LEVEL {

// f(Huber{}) for LossKind::huber, and so on.
template <class F>
decltype(auto) with_loss(LossKind kind, F&& f) {
  switch (kind) {
    case LossKind::cross_entropy:
      return f(CrossEntropy{});
    case LossKind::squared_error_of_classes:
      return f(SquaredErrorOfClasses{});
    case LossKind::binary_cross_entropy:
      return f(BinaryCrossEntropy{});
    case LossKind::squared_error:
      return f(SquaredError{});
    case LossKind::absolute_error:
      return f(AbsoluteError{});
    case LossKind::huber:
      return f(Huber{});
    case LossKind::poisson:
      return f(Poisson{});
    case LossKind::quantile:
      return f(Quantile{});
  }
  throw_unknown_kind("with_loss: no such LossKind");
}

}  // namespace creche::CRECHE_LEVEL
