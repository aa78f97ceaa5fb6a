#include "layers/lane_layer.hpp"

#include "activations/relu.hpp"
#include "layers/lane_products.hpp"
#include "precisions.hpp"

namespace creche::CRECHE_LEVEL {

template <class V>
void lane_layer_forward(const LaneLayer<V>& layer, const V* weights, const V* left, std::int64_t left_stride,
                        std::int64_t rows, V* out, std::int64_t out_stride, V* derivatives) {
  const auto begin = [&](std::int64_t, std::int64_t j) __attribute__((always_inline)) { return weights[j]; };
  const LaneStrides at{left_stride, 1, layer.outputs, 1};
  const auto product = [&](const auto& finish) {
    lane_product<V>(left, weights + layer.outputs, at, rows, layer.outputs, layer.inputs, begin, finish);
  };
  if (layer.kind == ActivationKind::relu && derivatives == nullptr) {
    product([&](std::int64_t r, std::int64_t j, V sum) __attribute__((always_inline)) {
      V unused;
      out[r * out_stride + j] = Relu::apply(sum, sum, unused);
    });
    return;
  }
  product([&](std::int64_t r, std::int64_t j, V sum) __attribute__((always_inline)) { out[r * out_stride + j] = sum; });
  if (layer.kind == ActivationKind::identity && derivatives == nullptr) return;
  for (std::int64_t r = 0; r < rows; ++r)
    layer.activate(out + r * out_stride, derivatives == nullptr ? nullptr : derivatives + r * layer.outputs,
                   layer.outputs, layer.parameter);
}

#define INSTANTIATE(T)                                                                                           \
  template void lane_layer_forward<NativeVec<T>>(const LaneLayer<NativeVec<T>>&, const NativeVec<T>*,            \
                                                 const NativeVec<T>*, std::int64_t, std::int64_t, NativeVec<T>*, \
                                                 std::int64_t, NativeVec<T>*);
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
