#include "layers/lane_embedding.hpp"

#include <algorithm>

#include "layers/embedding.hpp"
#include "precisions.hpp"
#include "simd/lanes.hpp"
#include "simd/math.hpp"
#include "simd/unroll.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

template <class V>
using Scalar = typename V::Scalar;

// What an embedding's passes read.
template <class V>
struct Place {
  const EmbeddingShape& shape;
  std::int64_t features, learned, inputs;  // inputs: of the first layer
  const V* block;

  Place(const NetworkShape& network, const EmbeddingShape& embedding, const V* weights)
      : shape(embedding),
        features(static_cast<std::int64_t>(embedding.columns.size())),
        learned(embedding.learned()),
        inputs(network.inputs()),
        block(weights + network.blocks[embedding.block].lanes_at) {}

  const V& at(std::int64_t row, std::int64_t feature) const { return block[row * features + feature]; }
  std::int64_t first_input(std::int64_t feature) const { return shape.at + feature * shape.width; }
};

template <class V>
void embed_linear(const Place<V>& of, const V* x, V* out) {
  const std::int64_t width = of.shape.width;
  for (std::int64_t j = 0; j < width; ++j) {
    V sum = of.block[j];
    std::int64_t row = 0;
    for (const std::int64_t column : of.shape.columns) sum = fma(x[column], of.block[++row * width + j], sum);
    out[of.shape.at + j] = sum;
  }
}

// Where the vector of a category begins in an arena, for each lane.
template <class V>
CRECHE_INLINE void find_codes(const Place<V>& of, const V* x, std::int64_t* at) {
  const V code = x[of.shape.columns[0]];
  const V known =
      select((code >= V(Scalar<V>(0))) & (code < V(static_cast<Scalar<V>>(of.shape.codes))), code, V(Scalar<V>(0)));
  alignas(V) Scalar<V> codes[V::kLanes];
  known.store(codes);
  for (int lane = 0; lane < V::kLanes; ++lane)
    at[lane] = static_cast<std::int64_t>(codes[lane]) * of.shape.width * V::kLanes + lane;
}

template <class V>
void embed_category(const Place<V>& of, const V* x, V* out) {
  std::int64_t at[V::kLanes];
  find_codes(of, x, at);
  const auto* const from = reinterpret_cast<const Scalar<V>*>(of.block);
  auto* const to = reinterpret_cast<Scalar<V>*>(out + of.shape.at);
  for (std::int64_t j = 0; j < of.shape.width * V::kLanes; j += V::kLanes)
    unroll<V::kLanes>([&](auto lane) { to[j + lane] = from[at[lane] + j]; });
}

// All rows, feature by feature.
template <class V>
void embed_periodic(const Place<V>& of, const V* inputs, std::int64_t input_stride, const LaneWaves<V>& waves,
                    std::int64_t rows, V* out, std::int64_t out_stride) {
  using T = Scalar<V>;
  const EmbeddingShape& shape = of.shape;
  const V per_turn(T(1) / detail::TwoPi<T>::kHigh);
  for (std::int64_t i = 0; i < of.features; ++i) {
    for (std::int64_t r = 0; r < rows; ++r) {
      const V value = inputs[r * input_stride + shape.columns[i]];
      V* const to = out + r * out_stride + of.first_input(i);
      const auto wave = [&](std::int64_t f) {
        const V turns = fma(of.at(f, i), value, of.at(shape.phase_row() + f, i) * per_turn);
        const V cosine = cos2pi(turns);
        if (waves.cosines != nullptr) {
          const std::int64_t at = (i * rows + r) * shape.frequencies + f;
          waves.cosines[at] = cosine;
          waves.sines[at] = -sin2pi(turns);
        }
        return cosine;
      };
      with_learned(of.learned, [&](auto known) {
        constexpr int kLearned = decltype(known)::value;
        V sums[kLearned > 0 ? kLearned : 1];
        unroll<kLearned>([&](auto j) { sums[j] = of.at(shape.bias_row() + j, i); });
        for (std::int64_t j = 0; kLearned == 0 && j < of.learned; ++j) to[j] = of.at(shape.bias_row() + j, i);
        for (std::int64_t f = 0; f < shape.frequencies; ++f) {
          const V cosine = wave(f);
          unroll<kLearned>([&](auto j) { sums[j] = fma(cosine, of.at(shape.weight_row(f) + j, i), sums[j]); });
          for (std::int64_t j = 0; kLearned == 0 && j < of.learned; ++j)
            to[j] = fma(cosine, of.at(shape.weight_row(f) + j, i), to[j]);
        }
        unroll<kLearned>([&](auto j) { to[j] = sums[j]; });
      });
      to[of.learned] = value;
    }
  }
}

// sum and the products of left and right of each row, or right alone if left is null.
template <class V>
V lane_sum(const V* left, std::int64_t left_stride, const V* right, std::int64_t right_stride, std::int64_t rows,
           V sum) {
  if (left == nullptr) {
    for (std::int64_t r = 0; r < rows; ++r) sum += right[r * right_stride];
  } else {
    for (std::int64_t r = 0; r < rows; ++r) sum = fma(left[r * left_stride], right[r * right_stride], sum);
  }
  return sum;
}

// The gradient of 2 pi t in row r: -sin(2 pi t) times the sum over the learned inputs of a frequency.
template <class V>
CRECHE_INLINE V gradient_of_wave(V sine, const V* outputs, const V* weights, std::int64_t weight_stride,
                                 std::int64_t learned) {
  V sum(Scalar<V>(0));
  for (std::int64_t j = 0; j < learned; ++j) sum = fma(outputs[j], weights[j * weight_stride], sum);
  return sine * sum;
}

// The sums of a frequency and a feature go over the rows side by side: one after the other, each would wait for itself.
template <class V>
void add_periodic(const Place<V>& of, const V* inputs, std::int64_t input_stride, const V* gradient,
                  const LaneWaves<V>& waves, std::int64_t rows, V* out) {
  const EmbeddingShape& shape = of.shape;
  const std::int64_t stride = shape.frequencies;
  const V two_pi(detail::TwoPi<Scalar<V>>::kHigh);
  for (std::int64_t i = 0; i < of.features; ++i) {
    const auto sum_at = [&](std::int64_t row) -> V& { return out[row * of.features + i]; };
    const V* const outputs = gradient + of.first_input(i);
    const V* const x = inputs + shape.columns[i];
    for (std::int64_t f = 0; f < shape.frequencies; ++f) {
      const V* const cosines = waves.cosines + i * rows * stride + f;
      const V* const sines = waves.sines + i * rows * stride + f;
      with_learned(of.learned, [&](auto known) {
        constexpr int kLearned = decltype(known)::value, kSums = kLearned > 0 ? kLearned : 1;
        V frequency = sum_at(f), phase = sum_at(shape.phase_row() + f), sums[kSums], weights[kSums];
        unroll<kLearned>([&](auto j) {
          sums[j] = sum_at(shape.weight_row(f) + j);
          weights[j] = of.at(shape.weight_row(f) + j, i);
        });
        for (std::int64_t r = 0; r < rows; ++r) {
          const V* const own = outputs + r * of.inputs;
          V sine;
          if constexpr (kLearned > 0) {
            sine = gradient_of_wave<V>(sines[r * stride], own, weights, 1, kLearned);
          } else {
            sine = gradient_of_wave<V>(sines[r * stride], own, &of.at(shape.weight_row(f), i), of.features, of.learned);
          }
          frequency = fma(two_pi * x[r * input_stride], sine, frequency);
          phase += sine;
          unroll<kLearned>([&](auto j) { sums[j] = fma(cosines[r * stride], own[j], sums[j]); });
        }
        sum_at(f) = frequency;
        sum_at(shape.phase_row() + f) = phase;
        unroll<kLearned>([&](auto j) { sum_at(shape.weight_row(f) + j) = sums[j]; });
        for (std::int64_t j = 0; kLearned == 0 && j < of.learned; ++j) {
          V& sum = sum_at(shape.weight_row(f) + j);
          sum = lane_sum<V>(cosines, stride, outputs + j, of.inputs, rows, sum);
        }
      });
    }
    for (std::int64_t j = 0; j < of.learned; ++j) {
      V& sum = sum_at(shape.bias_row() + j);
      sum = lane_sum<V>(nullptr, 0, outputs + j, of.inputs, rows, sum);
    }
  }
}

template <class V>
void add_linear(const Place<V>& of, const V* inputs, std::int64_t input_stride, const V* gradient, std::int64_t rows,
                V* out) {
  const std::int64_t width = of.shape.width;
  for (std::int64_t j = 0; j < width; ++j) {
    const V* const outputs = gradient + of.shape.at + j;
    out[j] = lane_sum<V>(nullptr, 0, outputs, of.inputs, rows, out[j]);
    for (std::int64_t k = 0; k < of.features; ++k) {
      V& sum = out[(1 + k) * width + j];
      sum = lane_sum<V>(inputs + of.shape.columns[k], input_stride, outputs, of.inputs, rows, sum);
    }
  }
}

template <class V>
void add_category(const Place<V>& of, const V* inputs, std::int64_t input_stride, const V* gradient, std::int64_t rows,
                  V* out) {
  auto* const to = reinterpret_cast<Scalar<V>*>(out);
  for (std::int64_t r = 0; r < rows; ++r) {
    std::int64_t at[V::kLanes];
    find_codes(of, inputs + r * input_stride, at);
    const auto* const from = reinterpret_cast<const Scalar<V>*>(gradient + r * of.inputs + of.shape.at);
    for (std::int64_t j = 0; j < of.shape.width * V::kLanes; j += V::kLanes)
      unroll<V::kLanes>([&](auto lane) { to[at[lane] + j] += from[j + lane]; });
  }
}

}  // namespace

template <class V>
void lane_embed(const NetworkShape& shape, const V* weights, const V* inputs, std::int64_t input_stride,
                const std::vector<LaneWaves<V>>& waves, std::int64_t rows, V* out, std::int64_t out_stride) {
  for (std::size_t e = 0; e < shape.embeddings.size(); ++e) {
    const Place<V> of(shape, shape.embeddings[e], weights);
    if (of.shape.kind == EmbeddingKind::periodic) {
      embed_periodic(of, inputs, input_stride, waves.empty() ? LaneWaves<V>{} : waves[e], rows, out, out_stride);
      continue;
    }
    for (std::int64_t r = 0; r < rows; ++r) {
      const V* const x = inputs + r * input_stride;
      V* const to = out + r * out_stride;
      of.shape.kind == EmbeddingKind::linear ? embed_linear(of, x, to) : embed_category(of, x, to);
    }
  }
  for (const PlainColumns& columns : shape.plain_columns)
    for (std::int64_t r = 0; r < rows; ++r)
      std::copy_n(inputs + r * input_stride + columns.from, columns.count, out + r * out_stride + columns.to);
}

template <class V>
void lane_add_embedding_gradients(const NetworkShape& shape, const V* weights, const V* inputs,
                                  std::int64_t input_stride, const V* dloss_dinputs,
                                  const std::vector<LaneWaves<V>>& waves, std::int64_t rows, bool begins,
                                  V* gradients) {
  for (std::size_t e = 0; e < shape.embeddings.size(); ++e) {
    const Place<V> of(shape, shape.embeddings[e], weights);
    const ParameterBlock& block = shape.blocks[of.shape.block];
    V* const out = gradients + block.lanes_at;
    if (begins) std::fill_n(out, block.size(), V(Scalar<V>(0)));
    switch (of.shape.kind) {
      case EmbeddingKind::linear:
        add_linear(of, inputs, input_stride, dloss_dinputs, rows, out);
        break;
      case EmbeddingKind::category:
        add_category(of, inputs, input_stride, dloss_dinputs, rows, out);
        break;
      case EmbeddingKind::periodic:
        add_periodic(of, inputs, input_stride, dloss_dinputs, waves[e], rows, out);
        break;
    }
  }
}

#define INSTANTIATE(T)                                                                                                \
  template void lane_embed<NativeVec<T>>(const NetworkShape&, const NativeVec<T>*, const NativeVec<T>*, std::int64_t, \
                                         const std::vector<LaneWaves<NativeVec<T>>>&, std::int64_t, NativeVec<T>*,    \
                                         std::int64_t);                                                               \
  template void lane_add_embedding_gradients<NativeVec<T>>(                                                           \
      const NetworkShape&, const NativeVec<T>*, const NativeVec<T>*, std::int64_t, const NativeVec<T>*,               \
      const std::vector<LaneWaves<NativeVec<T>>>&, std::int64_t, bool, NativeVec<T>*);
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
