// Every activation by its kind.
//
// Each activation is a struct: apply(z, parameter, derivative) returns f(z), and f'(z) in derivative. If kFromValue is
// set, derivative_from_value(f(z), parameter) returns the same f'(z), bit for bit, without z.
#pragma once

#include "../unknown_kind.hpp"
#include "elu.hpp"
#include "gelu.hpp"
#include "gelu_tanh.hpp"
#include "identity.hpp"
#include "leaky_relu.hpp"
#include "mish.hpp"
#include "relu.hpp"
#include "selu.hpp"
#include "sigmoid.hpp"
#include "silu.hpp"
#include "softplus.hpp"
#include "tanh.hpp"

namespace creche::CRECHE_LEVEL {

// f(Relu{}) for ActivationKind::relu, and so on.
template <class F>
decltype(auto) with_activation(ActivationKind kind, F&& f) {
  switch (kind) {
    case ActivationKind::identity:
      return f(Identity{});
    case ActivationKind::relu:
      return f(Relu{});
    case ActivationKind::leaky_relu:
      return f(LeakyRelu{});
    case ActivationKind::elu:
      return f(Elu{});
    case ActivationKind::selu:
      return f(Selu{});
    case ActivationKind::gelu:
      return f(Gelu{});
    case ActivationKind::gelu_tanh:
      return f(GeluTanh{});
    case ActivationKind::silu:
      return f(Silu{});
    case ActivationKind::mish:
      return f(Mish{});
    case ActivationKind::tanh:
      return f(Tanh{});
    case ActivationKind::sigmoid:
      return f(Sigmoid{});
    case ActivationKind::softplus:
      return f(Softplus{});
  }
  throw_unknown_kind("with_activation: no such ActivationKind");
}

}  // namespace creche::CRECHE_LEVEL
