#include "layers/embedding.hpp"

#include <algorithm>
#include <type_traits>

#include "aligned.hpp"
#include "parameters.hpp"
#include "precisions.hpp"
#include "simd/lanes.hpp"
#include "simd/math.hpp"
#include "simd/unroll.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

template <class T>
using Native = Vec<T, kNativeLanes<T>>;

template <class T>
PanelMatrix<T> weights_of(const NetworkShape& shape, const EmbeddingShape& embedding, const T* weights) {
  // Read only.
  return block_view(const_cast<T*>(weights), shape.blocks[embedding.block]);
}

// Calls f(i, column) for the features of one panel of a periodic embedding.
template <class F>
CRECHE_INLINE void each_feature(const EmbeddingShape& embedding, std::int64_t panel, F&& f) {
  const auto end = std::min<std::int64_t>((panel + 1) * kPanel, static_cast<std::int64_t>(embedding.columns.size()));
  for (std::int64_t i = panel * kPanel; i < end; ++i) f(i - panel * kPanel, embedding.columns[i]);
}

// Of a periodic embedding, in one panel.
std::int64_t features_in(const EmbeddingShape& embedding, std::int64_t panel) {
  return std::min<std::int64_t>(kPanel, static_cast<std::int64_t>(embedding.columns.size()) - panel * kPanel);
}

std::int64_t feature_panels(const EmbeddingShape& embedding) {
  return panel_count(static_cast<std::int64_t>(embedding.columns.size()));
}

// Copies columns of some rows, in runs that lie in one panel of either matrix.
template <class T>
void copy_columns(const PanelMatrix<T>& from, std::int64_t from_column, const PanelMatrix<T>& to,
                  std::int64_t to_column, std::int64_t count, std::int64_t row_begin, std::int64_t row_end) {
  for (std::int64_t done = 0, run; done < count; done += run) {
    const std::int64_t a = from_column + done, b = to_column + done;
    run = std::min({count - done, kPanel - a % kPanel, kPanel - b % kPanel});
    const T* const source = from.at(a / kPanel, 0) + a % kPanel;
    T* const target = to.at(b / kPanel, 0) + b % kPanel;
    const auto copy = [&](auto length) {
      for (std::int64_t r = row_begin; r < row_end; ++r)
        for (std::int64_t i = 0; i < length; ++i) target[r * kPanel + i] = source[r * kPanel + i];
    };
    if (run == kPanel) {
      copy(std::integral_constant<std::int64_t, kPanel>{});
    } else if (run == kPanel / 2) {
      copy(std::integral_constant<std::int64_t, kPanel / 2>{});
    } else {
      copy(run);
    }
  }
}

// Sums that do not wait for each other: enough to hide the latency of a multiply-add.
constexpr int kSums = 4;

// Calls f(count, i) for i = begin, begin + kSums, ..., where count is kSums, and then for each that is left, where it
// is 1.
template <class F>
CRECHE_INLINE void in_groups(std::int64_t begin, std::int64_t end, F&& f) {
  for (; begin + kSums <= end; begin += kSums) f(std::integral_constant<int, kSums>{}, begin);
  for (; begin < end; ++begin) f(std::integral_constant<int, 1>{}, begin);
}

template <class T>
void embed_linear(const EmbeddingShape& embedding, const PanelMatrix<T>& block, const PanelMatrix<T>& inputs,
                  const EmbeddingRows<T>& rows, std::int64_t row_begin, std::int64_t row_end) {
  using V = Native<T>;
  for (std::int64_t panel = 0; panel < block.panels(); ++panel) {
    for (int lane = 0; lane < kPanel; lane += V::kLanes) {
      in_groups(row_begin, row_end, [&](auto count, std::int64_t r) {
        V sums[count];
        for (V& sum : sums) sum = V::load(block.at(panel, 0) + lane);
        std::int64_t row = 0;
        for (const std::int64_t column : embedding.columns) {
          const V weight = V::load(block.at(panel, ++row) + lane);
          unroll<count>([&](auto k) { sums[k] = fma(V(inputs.element(r + k, column)), weight, sums[k]); });
        }
        unroll<count>([&](auto k) { sums[k].store(rows.outputs.at(panel, r + k) + lane); });
      });
    }
  }
}

template <class T>
void embed_category(const EmbeddingShape& embedding, const PanelMatrix<T>& block, const PanelMatrix<T>& inputs,
                    const EmbeddingRows<T>& rows, std::int64_t row_begin, std::int64_t row_end) {
  for (std::int64_t r = row_begin; r < row_end; ++r) {
    const std::int64_t code = code_of(inputs.element(r, embedding.columns[0]), embedding.codes);
    for (std::int64_t panel = 0; panel < block.panels(); ++panel)
      std::copy_n(block.at(panel, code), kPanel, rows.outputs.at(panel, r));
  }
}

// Of one panel: its waves for a row, then the learned inputs, each a sum over the waves. In a pass that does not train,
// the waves of all rows take the place of the first.
template <class T>
void embed_periodic(const EmbeddingShape& embedding, const PanelMatrix<T>& block, const PanelMatrix<T>& inputs,
                    const EmbeddingRows<T>& rows, std::int64_t row_begin, std::int64_t row_end,
                    const PanelMatrix<T>& out) {
  using V = Native<T>;
  const std::int64_t panels = feature_panels(embedding), learned = embedding.learned();
  const bool trains = rows.sines.data != nullptr;
  const V two_pi(detail::TwoPi<T>::kHigh), per_turn(T(1) / detail::TwoPi<T>::kHigh);
  for (std::int64_t panel = 0; panel < panels; ++panel) {
    const auto count = static_cast<int>(features_in(embedding, panel));
    const auto wave = [&](const PanelMatrix<T>& of, std::int64_t f, std::int64_t r) {
      return of.at(f * panels + panel, trains ? r : 0);
    };
    for (std::int64_t r = row_begin; r < row_end; ++r) {
      alignas(kAlignment) T x[kPanel] = {};
      each_feature(embedding, panel, [&](std::int64_t i, std::int64_t column) { x[i] = inputs.element(r, column); });
      for (int lane = 0; lane < count; lane += V::kLanes) {
        const V value = V::load(x + lane);
        if (trains) (two_pi * value).store(rows.features.at(panel, r) + lane);
        for (std::int64_t f = 0; f < embedding.frequencies; ++f) {
          const V phase = V::load(block.at(panel, embedding.phase_row() + f) + lane) * per_turn;
          const V turns = fma(V::load(block.at(panel, f) + lane), value, phase);
          cos2pi(turns).store(wave(rows.cosines, f, r) + lane);
          if (trains) (-sin2pi(turns)).store(wave(rows.sines, f, r) + lane);
        }
        with_learned(learned, [&](auto known) {
          constexpr int kLearned = decltype(known)::value, kTogether = kLearned > 0 ? kLearned : 1;
          for (std::int64_t j = 0; j < learned; j += kTogether) {
            V sums[kTogether];
            unroll<kTogether>([&](auto k) { sums[k] = V::load(block.at(panel, embedding.bias_row() + j + k) + lane); });
            for (std::int64_t f = 0; f < embedding.frequencies; ++f) {
              const V cosine = V::load(wave(rows.cosines, f, r) + lane);
              const T* const weights = block.at(panel, embedding.weight_row(f) + j) + lane;
              unroll<kTogether>([&](auto k) { sums[k] = fma(cosine, V::load(weights + k * kPanel), sums[k]); });
            }
            unroll<kTogether>([&](auto k) { sums[k].store(rows.outputs.at((j + k) * panels + panel, r) + lane); });
          }
        });
      }
      each_feature(embedding, panel, [&](std::int64_t i, std::int64_t) {
        const std::int64_t first = embedding.at + (panel * kPanel + i) * embedding.width;
        for (std::int64_t j = 0; j < learned; ++j)
          out.element(r, first + j) = rows.outputs.at(j * panels + panel, r)[i];
        out.element(r, first + learned) = x[i];
      });
    }
  }
}

template <class T>
void periodic_backward(const EmbeddingShape& embedding, const PanelMatrix<T>& block,
                       const PanelMatrix<T>& dloss_dinputs, const EmbeddingRows<T>& rows, std::int64_t row_begin,
                       std::int64_t row_end) {
  using V = Native<T>;
  const std::int64_t panels = feature_panels(embedding), learned = embedding.learned();
  for (std::int64_t panel = 0; panel < panels; ++panel) {
    const auto count = static_cast<int>(features_in(embedding, panel));
    for (std::int64_t r = row_begin; r < row_end; ++r) {
      each_feature(embedding, panel, [&](std::int64_t i, std::int64_t) {
        const std::int64_t first = embedding.at + (panel * kPanel + i) * embedding.width;
        for (std::int64_t j = 0; j < learned; ++j)
          rows.outputs.at(j * panels + panel, r)[i] = dloss_dinputs.element(r, first + j);
      });
      for (int lane = 0; lane < count; lane += V::kLanes) {
        const auto gradient = [&](std::int64_t j) { return V::load(rows.outputs.at(j * panels + panel, r) + lane); };
        const auto finish = [&](std::int64_t f, V sum) {
          T* const sine = rows.sines.at(f * panels + panel, r) + lane;
          (V::load(sine) * sum).store(sine);
        };
        with_learned(learned, [&](auto known) {
          constexpr int kLearned = decltype(known)::value;
          V gradients[kLearned > 0 ? kLearned : 1];
          unroll<kLearned>([&](auto j) { gradients[j] = gradient(j); });
          for (std::int64_t f = 0; f < embedding.frequencies; ++f) {
            const T* const weights = block.at(panel, embedding.weight_row(f)) + lane;
            V sum(T(0));
            unroll<kLearned>([&](auto j) { sum = fma(gradients[j], V::load(weights + j * kPanel), sum); });
            for (std::int64_t j = 0; kLearned == 0 && j < learned; ++j)
              sum = fma(gradient(j), V::load(weights + j * kPanel), sum);
            finish(f, sum);
          }
        });
      }
    }
  }
}

// Where a sum begins, which goes on after other rows or does not.
template <class T>
Native<T> begin_of_sum(bool continues, const T* sum) {
  return continues ? Native<T>::load(sum) : Native<T>(T(0));
}

// out[i] = the sum over rows of left[r][i] right[r][i], or of right[r][i] alone, for one panel of each.
template <class T>
void sum_over_rows(const T* left, const T* right, std::int64_t rows, bool continues, T* out) {
  using V = Native<T>;
  for (int lane = 0; lane < kPanel; lane += V::kLanes) {
    V sum = begin_of_sum(continues, out + lane);
    if (left == nullptr) {
      for (std::int64_t r = 0; r < rows; ++r) sum += V::load(right + r * kPanel + lane);
    } else {
      for (std::int64_t r = 0; r < rows; ++r)
        sum = fma(V::load(left + r * kPanel + lane), V::load(right + r * kPanel + lane), sum);
    }
    sum.store(out + lane);
  }
}

template <class T>
void periodic_gradient(const EmbeddingShape& embedding, const EmbeddingRows<T>& of, std::int64_t panel,
                       std::int64_t row, std::int64_t rows, bool continues, T* out) {
  const std::int64_t panels = feature_panels(embedding), learned = embedding.learned(), f = embedding.frequencies;
  const auto outputs = [&](std::int64_t j) { return of.outputs.at(j * panels + panel, 0); };
  if (row < f)
    return sum_over_rows<T>(of.features.at(panel, 0), of.sines.at(row * panels + panel, 0), rows, continues, out);
  if (row < 2 * f) return sum_over_rows<T>(nullptr, of.sines.at((row - f) * panels + panel, 0), rows, continues, out);
  if (row >= embedding.bias_row())
    return sum_over_rows<T>(nullptr, outputs(row - embedding.bias_row()), rows, continues, out);
  const std::int64_t weight = row - embedding.weight_row(0);
  sum_over_rows<T>(of.cosines.at(weight / learned * panels + panel, 0), outputs(weight % learned), rows, continues,
                   out);
}

template <class T>
void linear_gradient(const EmbeddingShape& embedding, const PanelMatrix<T>& inputs, const T* gradient,
                     std::int64_t first_row, std::int64_t block_rows, std::int64_t rows, bool continues, T* out) {
  using V = Native<T>;
  const std::int64_t begin = first_row == 0 ? 1 : 0;
  if (begin == 1) sum_over_rows<T>(nullptr, gradient, rows, continues, out);
  for (int lane = 0; lane < kPanel; lane += V::kLanes) {
    in_groups(begin, block_rows, [&](auto count, std::int64_t row) {
      V sums[count];
      const T* values[count];
      unroll<count>([&](auto k) {
        const std::int64_t column = embedding.columns[first_row + row + k - 1];
        values[k] = inputs.at(column / kPanel, 0) + column % kPanel;
        sums[k] = begin_of_sum(continues, out + (row + k) * kPanel + lane);
      });
      for (std::int64_t r = 0; r < rows; ++r) {
        const V slope = V::load(gradient + r * kPanel + lane);
        unroll<count>([&](auto k) { sums[k] = fma(V(values[k][r * kPanel]), slope, sums[k]); });
      }
      unroll<count>([&](auto k) { sums[k].store(out + (row + k) * kPanel + lane); });
    });
  }
}

template <class T>
void category_gradient(const EmbeddingShape& embedding, const PanelMatrix<T>& inputs, const T* gradient,
                       std::int64_t first_row, std::int64_t block_rows, std::int64_t rows, bool continues, T* out) {
  if (!continues) std::fill_n(out, block_rows * kPanel, T(0));
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t row = code_of(inputs.element(r, embedding.columns[0]), embedding.codes) - first_row;
    if (row < 0 || row >= block_rows) continue;
    for (int i = 0; i < kPanel; ++i) out[row * kPanel + i] += gradient[r * kPanel + i];
  }
}

}  // namespace

template <class T>
void embed(const NetworkShape& shape, const T* weights, const PanelMatrix<T>& inputs,
           const std::vector<EmbeddingRows<T>>& rows, std::int64_t row_begin, std::int64_t row_end,
           const PanelMatrix<T>& out) {
  for (std::size_t e = 0; e < rows.size(); ++e) {
    const EmbeddingShape& embedding = shape.embeddings[e];
    const PanelMatrix<T> block = weights_of(shape, embedding, weights);
    if (embedding.kind == EmbeddingKind::periodic) {
      embed_periodic(embedding, block, inputs, rows[e], row_begin, row_end, out);
      continue;
    }
    embedding.kind == EmbeddingKind::linear ? embed_linear(embedding, block, inputs, rows[e], row_begin, row_end)
                                            : embed_category(embedding, block, inputs, rows[e], row_begin, row_end);
    copy_columns(rows[e].outputs, 0, out, embedding.at, embedding.width, row_begin, row_end);
  }
  for (const PlainColumns& columns : shape.plain_columns)
    copy_columns(inputs, columns.from, out, columns.to, columns.count, row_begin, row_end);
}

template <class T>
void embed_backward(const NetworkShape& shape, const T* weights, const PanelMatrix<T>& dloss_dinputs,
                    const std::vector<EmbeddingRows<T>>& rows, std::int64_t row_begin, std::int64_t row_end) {
  for (std::size_t e = 0; e < rows.size(); ++e) {
    const EmbeddingShape& embedding = shape.embeddings[e];
    if (embedding.kind == EmbeddingKind::periodic) {
      periodic_backward(embedding, weights_of(shape, embedding, weights), dloss_dinputs, rows[e], row_begin, row_end);
      continue;
    }
    copy_columns(dloss_dinputs, embedding.at, rows[e].outputs, 0, embedding.width, row_begin, row_end);
  }
}

template <class T>
void embed_inputs_backward(const NetworkShape& shape, const T* weights, const PanelMatrix<T>& dloss_dinputs,
                           const std::vector<EmbeddingRows<T>>& rows, std::int64_t row_begin, std::int64_t row_end,
                           const PanelMatrix<T>& out) {
  using N = Vec<T, 1>;
  for (std::size_t e = 0; e < rows.size(); ++e) {
    const EmbeddingShape& embedding = shape.embeddings[e];
    const PanelMatrix<T> block = weights_of(shape, embedding, weights);
    const std::int64_t panels = feature_panels(embedding);
    for (std::int64_t r = row_begin; r < row_end; ++r) {
      for (std::size_t i = 0; i < embedding.columns.size(); ++i) {
        const auto k = static_cast<std::int64_t>(i);
        N sum(T(0));
        if (embedding.kind == EmbeddingKind::periodic) {
          sum = N(dloss_dinputs.element(r, embedding.at + (k + 1) * embedding.width - 1));
          for (std::int64_t f = 0; f < embedding.frequencies; ++f)
            sum = fma(N(rows[e].sines.at(f * panels + k / kPanel, r)[k % kPanel]),
                      N(detail::TwoPi<T>::kHigh) * N(block.element(f, k)), sum);
        } else if (embedding.kind == EmbeddingKind::linear) {
          for (std::int64_t j = 0; j < embedding.width; ++j)
            sum = fma(N(rows[e].outputs.element(r, j)), N(block.element(1 + k, j)), sum);
        }
        out.element(r, embedding.columns[i]) = sum.raw;
      }
    }
  }
  for (const PlainColumns& columns : shape.plain_columns)
    copy_columns(dloss_dinputs, columns.to, out, columns.from, columns.count, row_begin, row_end);
}

template <class T>
void embedding_gradient(const EmbeddingShape& embedding, const PanelMatrix<T>& inputs, const EmbeddingRows<T>& of,
                        std::int64_t panel, std::int64_t first_row, std::int64_t block_rows, std::int64_t row_begin,
                        std::int64_t row_end, bool continues, T* out) {
  const std::int64_t rows = row_end - row_begin;
  const PanelMatrix<T> columns = inputs.from_row(row_begin), outputs = of.outputs.from_row(row_begin);
  switch (embedding.kind) {
    case EmbeddingKind::linear:
      return linear_gradient(embedding, columns, outputs.at(panel, 0), first_row, block_rows, rows, continues, out);
    case EmbeddingKind::category:
      return category_gradient(embedding, columns, outputs.at(panel, 0), first_row, block_rows, rows, continues, out);
    case EmbeddingKind::periodic: {
      const EmbeddingRows<T> from{outputs, of.features.from_row(row_begin), of.cosines.from_row(row_begin),
                                  of.sines.from_row(row_begin)};
      for (std::int64_t row = 0; row < block_rows; ++row)
        periodic_gradient(embedding, from, panel, first_row + row, rows, continues, out + row * kPanel);
      return;
    }
  }
}

#define INSTANTIATE(T)                                                                                               \
  template void embed<T>(const NetworkShape&, const T*, const PanelMatrix<T>&, const std::vector<EmbeddingRows<T>>&, \
                         std::int64_t, std::int64_t, const PanelMatrix<T>&);                                         \
  template void embed_backward<T>(const NetworkShape&, const T*, const PanelMatrix<T>&,                              \
                                  const std::vector<EmbeddingRows<T>>&, std::int64_t, std::int64_t);                 \
  template void embed_inputs_backward<T>(const NetworkShape&, const T*, const PanelMatrix<T>&,                       \
                                         const std::vector<EmbeddingRows<T>>&, std::int64_t, std::int64_t,           \
                                         const PanelMatrix<T>&);                                                     \
  template void embedding_gradient<T>(const EmbeddingShape&, const PanelMatrix<T>&, const EmbeddingRows<T>&,         \
                                      std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t, bool, T*);
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
