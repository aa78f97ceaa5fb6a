#include "initializers.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "orthogonal.hpp"
#include "precisions.hpp"
#include "random/random.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

// Calls put(e, number) for draws e = 0 ... count - 1; draw(first, out) makes 16 of them.
template <class Draw, class Put>
void each_draw(std::int64_t count, Draw&& draw, Put&& put) {
  double numbers[16];
  for (std::int64_t e = 0; e < count; e += 16) {
    draw(static_cast<std::uint64_t>(e), std::span<double, 16>(numbers));
    const std::int64_t n = std::min<std::int64_t>(16, count - e);
    for (std::int64_t i = 0; i < n; ++i) put(e + i, numbers[i]);
  }
}

template <class T>
void uniform_weights(InitialStream stream, double bound, std::span<T> w) {
  each_draw(
      std::ssize(w),
      [&](std::uint64_t first, auto out) { initial_uniforms(stream.seed, stream.layer, first, out, stream.submodel); },
      [&](std::int64_t e, double u) { w[e] = static_cast<T>((2 * u - 1) * bound); });
}

template <class T>
void normal_weights(InitialStream stream, double deviation, std::span<T> w) {
  each_draw(
      std::ssize(w),
      [&](std::uint64_t first, auto out) { initial_normals(stream.seed, stream.layer, first, out, stream.submodel); },
      [&](std::int64_t e, double z) { w[e] = static_cast<T>(z * deviation); });
}

// The draws fill W, or its transpose if that has more rows, row by row.
template <class T>
void orthogonal_weights(InitialStream stream, double gain, std::int64_t inputs, std::int64_t outputs, std::span<T> w) {
  const std::int64_t rows = std::max(inputs, outputs);
  const std::int64_t columns = std::min(inputs, outputs);
  const std::int64_t panels = (columns + detail::kQrColumns - 1) / detail::kQrColumns;
  std::vector<double> q(static_cast<std::size_t>(panels * rows * detail::kQrColumns));
  const auto at = [&](std::int64_t i, std::int64_t j) -> double& {
    return q[static_cast<std::size_t>((j / detail::kQrColumns * rows + i) * detail::kQrColumns +
                                      j % detail::kQrColumns)];
  };
  each_draw(
      rows * columns,
      [&](std::uint64_t first, auto out) { initial_normals(stream.seed, stream.layer, first, out, stream.submodel); },
      [&](std::int64_t e, double z) { at(e / columns, e % columns) = z; });
  orthonormalize(q.data(), rows, columns);
  for (std::int64_t i = 0; i < inputs; ++i)
    for (std::int64_t j = 0; j < outputs; ++j)
      w[i * outputs + j] = static_cast<T>(gain * (inputs >= outputs ? at(i, j) : at(j, i)));
}

}  // namespace

template <class T>
void initial_weights(const LayerPlan& plan, InitialStream stream, std::int64_t inputs, std::span<T> w) {
  const double n_in = static_cast<double>(inputs);
  const double n_out = static_cast<double>(plan.width);
  const double gain = plan.initializer_parameter;
  const auto uniform = [&](double squared) { uniform_weights(stream, gain * std::sqrt(squared), w); };
  const auto normal = [&](double squared) { normal_weights(stream, gain * std::sqrt(squared), w); };
  switch (plan.initializer) {
    case InitializerKind::glorot_uniform:
      return uniform(6 / (n_in + n_out));
    case InitializerKind::glorot_normal:
      return normal(2 / (n_in + n_out));
    case InitializerKind::he_uniform:
      return uniform(6 / n_in);
    case InitializerKind::he_normal:
      return normal(2 / n_in);
    case InitializerKind::lecun_uniform:
      return uniform(3 / n_in);
    case InitializerKind::lecun_normal:
      return normal(1 / n_in);
    case InitializerKind::orthogonal:
      return orthogonal_weights(stream, gain, inputs, plan.width, w);
    case InitializerKind::zeros:
      std::fill(w.begin(), w.end(), T(0));
      return;
    case InitializerKind::constant:
      std::fill(w.begin(), w.end(), static_cast<T>(gain));
      return;
    case InitializerKind::unit_variance:
      return normal(1);
  }
}

template <class T>
void initial_embedding(const EmbeddingShape& shape, std::size_t part, std::uint64_t seed, std::uint32_t embedding,
                       std::int64_t columns, std::span<T> numbers) {
  constexpr std::size_t kFrequencies = 0, kPhases = 1, kLinearWeights = 1;
  constexpr double kPi = 3.14159265358979311600;
  const InitialStream stream{seed, kEmbeddingDraws + 4 * embedding + static_cast<std::uint32_t>(part)};
  const auto uniform = [&](double bound, std::span<T> to) { uniform_weights(stream, bound, to); };
  const auto fan = [](std::int64_t n) { return 1 / std::sqrt(static_cast<double>(n)); };
  switch (shape.kind) {
    case EmbeddingKind::linear: {
      std::fill(numbers.begin(), numbers.end(), T(0));
      const auto drawn = part == kLinearWeights ? static_cast<std::size_t>(columns) : numbers.size();
      return uniform(fan(shape.width), numbers.first(drawn));
    }
    case EmbeddingKind::periodic:
      if (part == kFrequencies) return normal_weights(stream, shape.deviation, numbers);
      return uniform(part == kPhases ? kPi : fan(shape.frequencies), numbers);
    case EmbeddingKind::category:
      return normal_weights(stream, 1, numbers);
  }
}

template <class T>
void initial_biases(const LayerPlan& plan, InitialStream stream, std::int64_t inputs, std::span<T> b) {
  stream.layer += kBiasDraws;
  switch (plan.bias_initializer) {
    case BiasInitializerKind::normal:
      return normal_weights(stream, 1, b);
    case BiasInitializerKind::uniform:
      return uniform_weights(stream, std::sqrt(1 / static_cast<double>(inputs)), b);
    case BiasInitializerKind::zeros:
    case BiasInitializerKind::sampled:
      std::fill(b.begin(), b.end(), T(0));
  }
}

template <class T>
void initial_factors(SubmodelStart start, InitialStream stream, std::span<const std::int64_t> features,
                     std::span<T> r) {
  stream.layer += kScaleDraws;
  const bool are_signs = start == SubmodelStart::signs;
  for (std::size_t i = 0; i < r.size(); ++i) {
    const auto feature = static_cast<std::uint64_t>(features[i]);
    double drawn[16];
    const std::uint64_t first = feature / 16 * 16;
    if (are_signs) {
      initial_uniforms(stream.seed, stream.layer, first, drawn, stream.submodel);
      r[i] = drawn[feature % 16] < 0.5 ? T(-1) : T(1);
    } else {
      initial_normals(stream.seed, stream.layer, first, drawn, stream.submodel);
      r[i] = static_cast<T>(drawn[feature % 16]);
    }
  }
}

#define INSTANTIATE(T)                                                                                               \
  template void initial_weights<T>(const LayerPlan&, InitialStream, std::int64_t, std::span<T>);                     \
  template void initial_biases<T>(const LayerPlan&, InitialStream, std::int64_t, std::span<T>);                      \
  template void initial_embedding<T>(const EmbeddingShape&, std::size_t, std::uint64_t, std::uint32_t, std::int64_t, \
                                     std::span<T>);                                                                  \
  template void initial_factors<T>(SubmodelStart, InitialStream, std::span<const std::int64_t>, std::span<T>);
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
