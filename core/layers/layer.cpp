#include "layers/layer.hpp"

#include "activations/all.hpp"
#include "layers/batch_statistics.hpp"
#include "layers/normalization.hpp"
#include "layers/parametric.hpp"
#include "precisions.hpp"

namespace creche::CRECHE_LEVEL {

namespace detail {

template <class T, class Activation>
void activate(T* values, T* derivatives, std::int64_t count, T parameter) {
  using V = Vec<T, kNativeLanes<T>>;
  for (std::int64_t i = 0; i < count; i += V::kLanes) {
    V derivative;
    Activation::apply(V::load(values + i), V(parameter), derivative).store(values + i);
    if (derivatives != nullptr) derivative.store(derivatives + i);
  }
}

template <class T, class Activation>
void activate_and_bend(T* values, T* derivatives, T* terms, std::int64_t rows, const T* slopes, T parameter) {
  using V = Vec<T, kNativeLanes<T>>;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (int i = 0; i < kPanel; i += V::kLanes) {
      const std::int64_t at = r * kPanel + i;
      const V z = V::load(values + at);
      V derivative;
      V value = Activation::apply(z, V(parameter), derivative);
      const V term = bend(z, V::load(slopes + i), value, derivative);
      value.store(values + at);
      if (derivatives != nullptr) derivative.store(derivatives + at);
      if (terms != nullptr) term.store(terms + at);
    }
  }
}

}  // namespace detail

template <class T>
Activate<T> activate_function(ActivationKind kind) {
  return with_activation(kind,
                         [](auto activation) -> Activate<T> { return detail::activate<T, decltype(activation)>; });
}

namespace {

// Each of these stores the finished sums of a forward product.
template <class T>
struct StoreSums {
  PanelMatrix<T> out;

  template <class TileT>
  CRECHE_INLINE void operator()(TileT& tile, std::int64_t row, std::int64_t panel) const {
    tile.store(out.at(panel, row), out.panel_stride());
  }
};

template <class T>
struct StoreRelu {
  PanelMatrix<T> out;

  template <class TileT>
  CRECHE_INLINE void operator()(TileT& tile, std::int64_t row, std::int64_t panel) const {
    using V = typename TileT::V;
    T* const to = out.at(panel, row);
    tile.each(out.panel_stride(), [&](V& sum, std::int64_t at) {
      V derivative;
      Relu::apply(sum, V(T(0)), derivative).store(to + at);
    });
  }
};

template <class T>
struct StoreActivated {
  PanelMatrix<T> out;
  PanelMatrix<T> derivative;  // data is null if it is not needed
  Activate<T> activate;
  T parameter;

  template <class TileT>
  CRECHE_INLINE void operator()(TileT& tile, std::int64_t row, std::int64_t panel) const {
    tile.store(out.at(panel, row), out.panel_stride());
    for (int p = 0; p < TileT::kTilePanels; ++p) {
      T* const kept = derivative.data == nullptr ? nullptr : derivative.at(panel + p, row);
      activate(out.at(panel + p, row), kept, TileT::kTileRows * kPanel, parameter);
    }
  }
};

// Each of these stores the finished sums of a backward product, times the derivative of the layer below. All matrices
// hold the rows of one batch, so that one position is valid for all of them.
template <class T>
struct StoreWhereActive {  // relu: the derivative is 1 where the value is positive, else 0
  PanelMatrix<T> out;
  PanelMatrix<T> values;

  template <class TileT>
  CRECHE_INLINE void operator()(TileT& tile, std::int64_t row, std::int64_t panel) const {
    using V = typename TileT::V;
    T* const to = out.at(panel, row);
    const T* const value = values.at(panel, row);
    tile.each(out.panel_stride(),
              [&](V& sum, std::int64_t at) { select(V::load(value + at) > V(T(0)), sum, V(T(0))).store(to + at); });
  }
};

template <class T>
struct StoreTimesDerivative {
  PanelMatrix<T> out;
  PanelMatrix<T> derivative;

  template <class TileT>
  CRECHE_INLINE void operator()(TileT& tile, std::int64_t row, std::int64_t panel) const {
    using V = typename TileT::V;
    T* const to = out.at(panel, row);
    const T* const factor = derivative.at(panel, row);
    tile.each(out.panel_stride(), [&](V& sum, std::int64_t at) { (sum * V::load(factor + at)).store(to + at); });
  }
};

// The weights of a layer, of one of its submodels. The sums begin with the bias, or with 0 where it is added after
// their factors.
template <class T>
struct DenseWeights {
  const T* bias;  // null: none
  Operand<T> weights;
  std::int64_t inputs;

  DenseWeights(const Network<T>& network, const LayerShape& layer, std::int64_t submodel) : inputs(layer.inputs) {
    const PanelMatrix<T> block = block_view(network.weights.data(), network.shape.block_of(layer));
    bias = layer.output_scale ? nullptr : block.at(0, layer.bias_row(submodel));
    weights = {block.at(0, layer.weights_row(submodel)), block.panel_stride()};
  }
};

// out(r, :) = f(b + left(r, :) W); f' goes to `derivative` unless its data is null.
template <class T>
void dense_forward(const LayerFunctions<T>& layer, ActivationKind activation, const PanelMatrix<T>& left,
                   std::int64_t row_begin, std::int64_t row_end, const DenseWeights<T>& of, const PanelMatrix<T>& out,
                   const PanelMatrix<T>& derivative) {
  const auto product = [&](const auto& finish) {
    product_by_rows(layer.rounds_products, Operand<T>{left.data, left.panel_stride()}, row_begin, row_end, of.bias,
                    of.weights, of.inputs, out, finish);
  };
  if (activation == ActivationKind::identity && derivative.data == nullptr) {
    product(StoreSums<T>{out});
  } else if (activation == ActivationKind::relu && derivative.data == nullptr) {
    product(StoreRelu<T>{out});
  } else {
    product(StoreActivated<T>{out, derivative, layer.activate, static_cast<T>(layer.plan.activation_parameter)});
  }
}

// dZ W^T: passes its tiles to finish.
template <class T, class Finish>
void transposed_product(const LayerFunctions<T>& layer, const Network<T>& network, const PanelMatrix<T>& dloss_dz,
                        std::int64_t row_begin, std::int64_t row_end, std::int64_t submodel, const PanelMatrix<T>& out,
                        const Finish& finish) {
  const PanelMatrix<T> transposed = transposed_view(network.transposed.data(), layer.shape, submodel);
  const T* const zeros = nullptr;
  product_by_rows(layer.rounds_products, Operand<T>{dloss_dz.data, dloss_dz.panel_stride()}, row_begin, row_end, zeros,
                  Operand<T>{transposed.data, transposed.panel_stride()}, dloss_dz.columns, out, finish);
}

// Calls f(at, column) for each vector of the rows: its offset, the same in all matrices of these columns, and its first
// column.
template <class T, class F>
CRECHE_INLINE void each_vector(const PanelMatrix<T>& matrix, std::int64_t row_begin, std::int64_t row_end, const F& f) {
  constexpr int kLanes = kNativeLanes<T>;
  for (std::int64_t panel = 0; panel < matrix.panels(); ++panel)
    for (std::int64_t r = row_begin; r < row_end; ++r)
      for (int i = 0; i < kPanel; i += kLanes) f(panel * matrix.panel_stride() + r * kPanel + i, panel * kPanel + i);
}

// A row of a block: a function of the first column of a vector.
template <class T>
auto row_of(const Network<T>& network, std::size_t block, std::int64_t row) {
  using V = Vec<T, kNativeLanes<T>>;
  const PanelMatrix<T> view = block_view(network.weights.data(), network.shape.blocks[block]);
  return [=](std::int64_t column) { return V::load(view.at(column / kPanel, row) + column % kPanel); };
}

// Those of a normalization: calls f(gain, shift), functions of the first column of a vector.
template <class T, class F>
CRECHE_INLINE void with_gain_and_shift(const Network<T>& network, const LayerShape& layer, const F& f) {
  f(row_of(network, *layer.normalization, kGainRow), row_of(network, *layer.normalization, kShiftRow));
}

template <class T>
void scale_inputs(const LayerFunctions<T>& layer, const Network<T>& network, const LayerRows<T>& rows,
                  std::int64_t row_begin, std::int64_t row_end, std::int64_t submodel) {
  using V = Vec<T, kNativeLanes<T>>;
  const auto scale = row_of(network, *layer.shape.scale, layer.shape.scale_row(submodel));
  each_vector(rows.inputs, row_begin, row_end, [&](std::int64_t at, std::int64_t column) {
    (V::load(rows.inputs.data + at) * scale(column)).store(rows.scaled.data + at);
  });
}

// sums holds u W and receives z.
template <class T>
void scale_sums(const LayerFunctions<T>& layer, const Network<T>& network, std::int64_t row_begin, std::int64_t row_end,
                std::int64_t submodel, const PanelMatrix<T>& sums, const PanelMatrix<T>& kept) {
  using V = Vec<T, kNativeLanes<T>>;
  const auto factor = row_of(network, *layer.shape.output_scale, submodel);
  const auto bias = row_of(network, layer.shape.block, layer.shape.bias_row(submodel));
  each_vector(sums, row_begin, row_end, [&](std::int64_t at, std::int64_t column) {
    const V sum = V::load(sums.data + at);
    if (kept.data != nullptr) sum.store(kept.data + at);
    fma(sum, factor(column), bias(column)).store(sums.data + at);
  });
}

template <class T>
void normalize(const LayerFunctions<T>& layer, const Network<T>& network, const LayerRows<T>& rows,
               std::int64_t row_begin, std::int64_t row_end) {
  using V = Vec<T, kNativeLanes<T>>;
  if (layer.shape.normalizes_by_batch) return normalize_by_batch(layer, network, rows, row_begin, row_end);
  const PanelColumns<T> columns{rows.outputs.columns, rows.outputs.panel_stride()};
  with_gain_and_shift(network, layer.shape, [&](const auto& gain, const auto& shift) {
    for (std::int64_t r = row_begin; r < row_end; ++r) {
      T* const z = rows.outputs.at(0, r);
      T* const h = rows.normalized.data == nullptr ? nullptr : rows.normalized.at(0, r);
      const V inverse = normalize_row<V>(columns, z, h, z, gain, shift);
      if (rows.inverse != nullptr) rows.inverse[r] = inverse.lane(0);
    }
  });
}

template <class T>
void activate_rows(const LayerFunctions<T>& layer, const Network<T>& network, const LayerRows<T>& rows,
                   std::int64_t row_begin, std::int64_t row_end) {
  const auto parameter = static_cast<T>(layer.plan.activation_parameter);
  const auto at = [&](const PanelMatrix<T>& matrix, std::int64_t panel) {
    return matrix.data == nullptr ? nullptr : matrix.at(panel, row_begin);
  };
  for (std::int64_t panel = 0; panel < rows.outputs.panels(); ++panel) {
    T* const values = at(rows.outputs, panel);
    T* const derivatives = at(rows.derivative, panel);
    if (layer.bend != nullptr) {
      layer.bend(values, derivatives, at(rows.slope_terms, panel), row_end - row_begin,
                 network.weights.data() + network.shape.blocks[*layer.shape.slopes].at + panel * kPanel, parameter);
    } else if (layer.plan.activation != ActivationKind::identity || derivatives != nullptr) {
      layer.activate(values, derivatives, (row_end - row_begin) * kPanel, parameter);
    }
  }
}

}  // namespace

template <class T>
LayerFunctions<T>::LayerFunctions(const LayerPlan& of, const LayerShape& with_shape, bool rounds)
    : plan(of),
      shape(with_shape),
      rounds_products(rounds),
      is_plain(!shape.scale && !shape.output_scale && !shape.normalization && !shape.slopes && !plan.residual),
      activate(activate_function<T>(plan.activation)) {
  if (plan.parametric) {
    bend = with_activation(
        plan.activation, [](auto activation) -> Bend<T> { return detail::activate_and_bend<T, decltype(activation)>; });
  }
}

template <class T>
void layer_forward(const LayerFunctions<T>& layer, const Network<T>& network, const LayerRows<T>& rows,
                   std::int64_t row_begin, std::int64_t row_end, std::int64_t submodel) {
  if (!layer.shape.output_scale && !layer.shape.normalization && !layer.shape.slopes) {
    if (layer.shape.scale) scale_inputs(layer, network, rows, row_begin, row_end, submodel);
    dense_forward(layer, layer.plan.activation, rows.left(), row_begin, row_end,
                  DenseWeights<T>(network, layer.shape, submodel), rows.outputs, rows.derivative);
    return;
  }
  layer_to_sums(layer, network, rows, row_begin, row_end, submodel);
  layer_from_sums(layer, network, rows, row_begin, row_end);
}

template <class T>
void layer_to_sums(const LayerFunctions<T>& layer, const Network<T>& network, const LayerRows<T>& rows,
                   std::int64_t row_begin, std::int64_t row_end, std::int64_t submodel) {
  if (layer.shape.scale) scale_inputs(layer, network, rows, row_begin, row_end, submodel);
  weighted_sums(layer, network, rows, row_begin, row_end, rows.outputs, submodel, rows.output_scale_terms);
}

template <class T>
void layer_from_sums(const LayerFunctions<T>& layer, const Network<T>& network, const LayerRows<T>& rows,
                     std::int64_t row_begin, std::int64_t row_end) {
  if (layer.shape.normalization) normalize(layer, network, rows, row_begin, row_end);
  activate_rows(layer, network, rows, row_begin, row_end);
}

template <class T>
void weighted_sums(const LayerFunctions<T>& layer, const Network<T>& network, const LayerRows<T>& rows,
                   std::int64_t row_begin, std::int64_t row_end, const PanelMatrix<T>& out, std::int64_t submodel,
                   const PanelMatrix<T>& kept) {
  dense_forward(layer, ActivationKind::identity, rows.left(), row_begin, row_end,
                DenseWeights<T>(network, layer.shape, submodel), out, PanelMatrix<T>{});
  if (layer.shape.output_scale) scale_sums(layer, network, row_begin, row_end, submodel, out, kept);
}

template <class T>
void add_residual(const LayerRows<T>& rows, std::int64_t row_begin, std::int64_t row_end) {
  using V = Vec<T, kNativeLanes<T>>;
  each_vector(rows.outputs, row_begin, row_end, [&](std::int64_t at, std::int64_t) {
    (V::load(rows.outputs.data + at) + V::load(rows.inputs.data + at)).store(rows.outputs.data + at);
  });
}

template <class T>
void outputs_backward(const LayerFunctions<T>& layer, const Network<T>& network, const LayerRows<T>& rows,
                      std::int64_t row_begin, std::int64_t row_end, std::int64_t submodel) {
  outputs_backward_to_normalized(layer, rows, row_begin, row_end);
  outputs_backward_from_normalized(layer, network, rows, row_begin, row_end, submodel);
}

template <class T>
void outputs_backward_to_normalized(const LayerFunctions<T>& layer, const LayerRows<T>& rows, std::int64_t row_begin,
                                    std::int64_t row_end) {
  using V = Vec<T, kNativeLanes<T>>;
  T* const gradient = rows.dloss_dz.data;
  const bool by_derivative = keeps_derivative(layer.plan), by_value = derivative_from_value(layer.plan);
  if (by_derivative || by_value || layer.plan.residual) {
    each_vector(rows.dloss_dz, row_begin, row_end, [&](std::int64_t at, std::int64_t) {
      V g = V::load(gradient + at);
      if (layer.plan.residual) g.store(rows.skipped.data + at);
      if (layer.shape.slopes) {
        T* const term = rows.slope_terms.data + at;
        (g * V::load(term)).store(term);
      }
      if (by_derivative) g = g * V::load(rows.derivative.data + at);
      if (by_value) g = select(V::load(rows.outputs.data + at) > V(T(0)), g, V(T(0)));
      g.store(gradient + at);
    });
  }
}

template <class T>
void outputs_backward_from_normalized(const LayerFunctions<T>& layer, const Network<T>& network,
                                      const LayerRows<T>& rows, std::int64_t row_begin, std::int64_t row_end,
                                      std::int64_t submodel) {
  using V = Vec<T, kNativeLanes<T>>;
  T* const gradient = rows.dloss_dz.data;
  if (layer.shape.normalizes_by_batch) {
    normalize_by_batch_backward(layer, network, rows, row_begin, row_end);
  } else if (layer.shape.normalization) {
    const PanelColumns<T> columns{rows.dloss_dz.columns, rows.dloss_dz.panel_stride()};
    with_gain_and_shift(network, layer.shape, [&](const auto& gain, const auto&) {
      for (std::int64_t r = row_begin; r < row_end; ++r)
        normalize_row_backward<V>(columns, rows.dloss_dz.at(0, r), rows.normalized.at(0, r), rows.shift_terms.at(0, r),
                                  gain, V(rows.inverse[r]));
    });
  }
  if (!layer.shape.output_scale) return;
  const auto factor = row_of(network, *layer.shape.output_scale, submodel);
  each_vector(rows.dloss_dz, row_begin, row_end, [&](std::int64_t at, std::int64_t column) {
    const V g = V::load(gradient + at);
    T* const term = rows.output_scale_terms.data + at;
    g.store(rows.bias_terms.data + at);
    (g * V::load(term)).store(term);
    (g * factor(column)).store(gradient + at);
  });
}

template <class T>
void inputs_backward(const LayerFunctions<T>& layer, const Network<T>& network, const LayerRows<T>& rows,
                     std::int64_t row_begin, std::int64_t row_end, const PanelMatrix<T>& out, std::int64_t submodel) {
  using V = Vec<T, kNativeLanes<T>>;
  transposed_product(layer, network, rows.dloss_dz, row_begin, row_end, submodel, out, StoreSums<T>{out});
  if (!layer.shape.scale && !layer.plan.residual) return;
  const auto scale = row_of(network, layer.shape.scale.value_or(0), layer.shape.scale_row(submodel));
  each_vector(out, row_begin, row_end, [&](std::int64_t at, std::int64_t column) {
    V g = V::load(out.data + at);
    if (layer.shape.scale) {
      (g * V::load(rows.inputs.data + at)).store(rows.scale_terms.data + at);
      g = g * scale(column);
    }
    if (layer.plan.residual) g += V::load(rows.skipped.data + at);
    g.store(out.data + at);
  });
}

template <class T>
void layer_backward(const LayerFunctions<T>& layer, const LayerFunctions<T>& below, const Network<T>& network,
                    const LayerRows<T>& rows, const LayerRows<T>& rows_below, std::int64_t row_begin,
                    std::int64_t row_end, std::int64_t submodel) {
  const PanelMatrix<T>& out = rows_below.dloss_dz;
  if (!layer.is_plain || !below.is_plain) {
    inputs_backward(layer, network, rows, row_begin, row_end, out, submodel);
    outputs_backward(below, network, rows_below, row_begin, row_end, submodel);
    return;
  }
  const auto product = [&](const auto& finish) {
    transposed_product(layer, network, rows.dloss_dz, row_begin, row_end, submodel, out, finish);
  };
  if (keeps_derivative(below.plan)) {
    product(StoreTimesDerivative<T>{out, rows_below.derivative});
  } else if (derivative_from_value(below.plan)) {
    product(StoreWhereActive<T>{out, rows_below.outputs});
  } else {
    product(StoreSums<T>{out});
  }
}

#define INSTANTIATE(T)                                                                                                \
  template Activate<T> activate_function<T>(ActivationKind);                                                          \
  template LayerFunctions<T>::LayerFunctions(const LayerPlan&, const LayerShape&, bool);                              \
  template void layer_forward<T>(const LayerFunctions<T>&, const Network<T>&, const LayerRows<T>&, std::int64_t,      \
                                 std::int64_t, std::int64_t);                                                         \
  template void layer_to_sums<T>(const LayerFunctions<T>&, const Network<T>&, const LayerRows<T>&, std::int64_t,      \
                                 std::int64_t, std::int64_t);                                                         \
  template void layer_from_sums<T>(const LayerFunctions<T>&, const Network<T>&, const LayerRows<T>&, std::int64_t,    \
                                   std::int64_t);                                                                     \
  template void outputs_backward_to_normalized<T>(const LayerFunctions<T>&, const LayerRows<T>&, std::int64_t,        \
                                                  std::int64_t);                                                      \
  template void outputs_backward_from_normalized<T>(const LayerFunctions<T>&, const Network<T>&, const LayerRows<T>&, \
                                                    std::int64_t, std::int64_t, std::int64_t);                        \
  template void weighted_sums<T>(const LayerFunctions<T>&, const Network<T>&, const LayerRows<T>&, std::int64_t,      \
                                 std::int64_t, const PanelMatrix<T>&, std::int64_t, const PanelMatrix<T>&);           \
  template void add_residual<T>(const LayerRows<T>&, std::int64_t, std::int64_t);                                     \
  template void outputs_backward<T>(const LayerFunctions<T>&, const Network<T>&, const LayerRows<T>&, std::int64_t,   \
                                    std::int64_t, std::int64_t);                                                      \
  template void inputs_backward<T>(const LayerFunctions<T>&, const Network<T>&, const LayerRows<T>&, std::int64_t,    \
                                   std::int64_t, const PanelMatrix<T>&, std::int64_t);                                \
  template void layer_backward<T>(const LayerFunctions<T>&, const LayerFunctions<T>&, const Network<T>&,              \
                                  const LayerRows<T>&, const LayerRows<T>&, std::int64_t, std::int64_t, std::int64_t);
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
