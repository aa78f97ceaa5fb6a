// AdamW: Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization", Algorithm 2.
//
//   w <- w - eta lambda w                          in regularize.hpp, before the rule
//   then as Adam, or AMSGrad
//
// Difference from the paper: its schedule multiplier is part of eta, as in PyTorch.
#pragma once

#include "adam.hpp"

namespace creche::CRECHE_LEVEL {

template <bool kAmsgrad>
struct Adamw : Adam<kAmsgrad> {
  static constexpr OptimizerKind kKind = OptimizerKind::adamw;
};

}  // namespace creche::CRECHE_LEVEL
