#include "layers/layer.hpp"

#include "activations/all.hpp"
#include "gemm/product.hpp"
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

}  // namespace

template <class T>
void layer_forward(const LayerPlan& plan, Activate<T> activate, Operand<T> left, std::int64_t row_begin,
                   std::int64_t row_end, const PanelMatrix<T>& weights, const PanelMatrix<T>& out,
                   const PanelMatrix<T>& derivative) {
  const auto product = [&](const auto& finish) {
    const Operand<T> right{weights.at(0, 1), weights.panel_stride()};
    product_by_rows(left, row_begin, row_end, weights.data, right, weights.rows - 1, out, finish);
  };
  if (plan.activation == ActivationKind::identity && derivative.data == nullptr) {
    product(StoreSums<T>{out});
  } else if (plan.activation == ActivationKind::relu && derivative.data == nullptr) {
    product(StoreRelu<T>{out});
  } else {
    product(StoreActivated<T>{out, derivative, activate, static_cast<T>(plan.activation_parameter)});
  }
}

template <class T>
void layer_backward(const LayerPlan& below, const PanelMatrix<T>& dloss_dz, std::int64_t row_begin,
                    std::int64_t row_end, const PanelMatrix<T>& transposed, const PanelMatrix<T>& values,
                    const PanelMatrix<T>& derivative, const PanelMatrix<T>& out) {
  const auto product = [&](const auto& finish) {
    const T* const zeros = nullptr;
    product_by_rows(Operand<T>{dloss_dz.data, dloss_dz.panel_stride()}, row_begin, row_end, zeros,
                    Operand<T>{transposed.data, transposed.panel_stride()}, dloss_dz.columns, out, finish);
  };
  if (keeps_derivative(below)) {
    product(StoreTimesDerivative<T>{out, derivative});
  } else if (below.activation == ActivationKind::relu) {
    product(StoreWhereActive<T>{out, values});
  } else {
    product(StoreSums<T>{out});
  }
}

#define INSTANTIATE(T)                                                                                  \
  template Activate<T> activate_function<T>(ActivationKind);                                            \
  template void layer_forward<T>(const LayerPlan&, Activate<T>, Operand<T>, std::int64_t, std::int64_t, \
                                 const PanelMatrix<T>&, const PanelMatrix<T>&, const PanelMatrix<T>&);  \
  template void layer_backward<T>(const LayerPlan&, const PanelMatrix<T>&, std::int64_t, std::int64_t,  \
                                  const PanelMatrix<T>&, const PanelMatrix<T>&, const PanelMatrix<T>&,  \
                                  const PanelMatrix<T>&);
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
