// A training run as the contract defines it: one number at a time, one thread, no blocks, no vectors, no padding.
//
// It shares with the engine only the functions of a single number (activation, loss of a row, optimizer rule) and the
// random numbers, which have independent tests. It checks everything else: that the engine's panels, tiles, lanes,
// threads and passes give exactly these bits.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "activations/all.hpp"
#include "engines/row_order.hpp"
#include "gemm/bfloat16.hpp"
#include "initializers.hpp"
#include "losses/all.hpp"
#include "losses/loss_pass.hpp"
#include "optimizers/all.hpp"
#include "plan.hpp"
#include "progress.hpp"
#include "random/random.hpp"
#include "schedules.hpp"
#include "shape.hpp"
#include "simd/math.hpp"

namespace nb = nanobind;

namespace creche::CRECHE_LEVEL {

namespace {

template <class T>
using In = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T>
using Out = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Classes = nb::ndarray<const std::int32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// Some parameters of a layer or an embedding: one of its vectors, or a matrix such as its weights, w[i * columns + j];
// those that each submodel has for itself one submodel after the other.
template <class T>
struct Part {
  std::vector<T> w, gradient;
  std::vector<std::vector<T>> state;  // by plane
  const GroupPlan* factors = nullptr;
  bool is_bias = false;
  std::size_t columns = 0;
  std::size_t size = 0;  // of one submodel's
  bool is_own = false;

  // Where those of a submodel begin.
  std::size_t first(std::size_t submodel) const { return is_own ? submodel * size : 0; }
};

// Parts that a layer lacks are empty.
template <class T>
struct Layer {
  std::size_t inputs = 0, outputs = 0;
  Part<T> weights, bias, scale, output_scale, shift, gain, slopes;
  Part<T> running_mean, running_variance;  // of batch normalization
  std::vector<T> mean, variance;           // those of the step: of the batch, or the running ones

  auto all() {
    return std::array{&weights, &bias, &scale, &output_scale, &running_variance, &running_mean, &gain, &shift, &slopes};
  }
};

// What an embedding needs of a row: the columns that it reads, and for each frequency f and feature i, at [f][i], the
// cosine and minus the sine of the angle.
template <class T>
struct RowOfEmbedding {
  std::vector<T> x;
  std::vector<std::vector<T>> cosine, sine;
};

// Of features alike (periodic), or of one feature.
template <class T>
struct Embedding {
  EmbeddingShape shape;  // its columns, widths and numbers; block and place are not read
  Part<T> frequencies, phases, weights, bias, vectors;

  // Its parts, row by row of the engine's block.
  auto drawn() {
    if (shape.kind == EmbeddingKind::linear) return std::vector{&bias, &weights};
    if (shape.kind == EmbeddingKind::category) return std::vector{&vectors};
    return std::vector{&frequencies, &phases, &weights, &bias};
  }

  // Appends the inputs that the columns become.
  RowOfEmbedding<T> forward(const std::vector<T>& row, std::vector<T>& out) const {
    RowOfEmbedding<T> kept;
    for (const std::int64_t column : shape.columns) kept.x.push_back(row[static_cast<std::size_t>(column)]);
    const auto width = static_cast<std::size_t>(shape.width);
    const std::size_t learned = width - 1, features = kept.x.size();
    if (shape.kind == EmbeddingKind::category) {
      const std::size_t code = code_of_number(kept.x[0]);
      for (std::size_t j = 0; j < width; ++j) out.push_back(vectors.w[code * width + j]);
      return kept;
    }
    if (shape.kind == EmbeddingKind::linear) {
      for (std::size_t j = 0; j < width; ++j) {
        T sum = bias.w[j];
        for (std::size_t k = 0; k < features; ++k) sum = std::fma(kept.x[k], weights.w[k * width + j], sum);
        out.push_back(sum);
      }
      return kept;
    }
    const auto count = static_cast<std::size_t>(shape.frequencies);
    kept.cosine.assign(count, std::vector<T>(features));
    kept.sine = kept.cosine;
    for (std::size_t i = 0; i < features; ++i) {
      for (std::size_t f = 0; f < count; ++f) {
        const Vec<T, 1> turns(
            std::fma(frequencies.w[f * features + i], kept.x[i], phases.w[f * features + i] * (T(1) / T(kTwoPi))));
        kept.cosine[f][i] = cos2pi(turns).raw;
        kept.sine[f][i] = -sin2pi(turns).raw;
      }
      for (std::size_t j = 0; j < learned; ++j) {
        T sum = bias.w[j * features + i];
        for (std::size_t f = 0; f < count; ++f)
          sum = std::fma(kept.cosine[f][i], weights.w[(f * learned + j) * features + i], sum);
        out.push_back(sum);
      }
      out.push_back(kept.x[i]);
    }
    return kept;
  }

  // Adds the gradients of a row. `outer` is the gradient of all inputs of the first layer; those of this embedding
  // begin at `at`.
  void backward(const RowOfEmbedding<T>& row, const std::vector<T>& outer, std::size_t at) {
    const auto width = static_cast<std::size_t>(shape.width);
    const std::size_t learned = width - 1, features = row.x.size();
    if (shape.kind == EmbeddingKind::category) {
      for (std::size_t j = 0; j < width; ++j) vectors.gradient[code_of_number(row.x[0]) * width + j] += outer[at + j];
    } else if (shape.kind == EmbeddingKind::linear) {
      for (std::size_t j = 0; j < width; ++j) {
        bias.gradient[j] += outer[at + j];
        for (std::size_t k = 0; k < features; ++k) {
          T& gradient = weights.gradient[k * width + j];
          gradient = std::fma(row.x[k], outer[at + j], gradient);
        }
      }
    } else {
      for (std::size_t i = 0; i < features; ++i) {
        const T* const g = outer.data() + at + i * width;
        for (std::size_t j = 0; j < learned; ++j) bias.gradient[j * features + i] += g[j];
        for (std::size_t f = 0; f < row.cosine.size(); ++f) {
          T sum = 0;
          for (std::size_t j = 0; j < learned; ++j) {
            const std::size_t weight = (f * learned + j) * features + i;
            sum = std::fma(g[j], weights.w[weight], sum);
            weights.gradient[weight] = std::fma(row.cosine[f][i], g[j], weights.gradient[weight]);
          }
          const T angle = row.sine[f][i] * sum;  // the gradient of 2 pi t
          phases.gradient[f * features + i] += angle;
          T& gradient = frequencies.gradient[f * features + i];
          gradient = std::fma(T(kTwoPi) * row.x[i], angle, gradient);
        }
      }
    }
  }

 private:
  static constexpr double kTwoPi = 6.283185307179586;

  std::size_t code_of_number(T x) const { return x >= 0 && x < T(shape.codes) ? static_cast<std::size_t>(x) : 0; }
};

// What the backward pass of a layer needs of the forward pass of a row.
template <class T>
struct RowOfLayer {
  std::vector<T> inputs, scaled, sums, normalized, derivative, slope_term, outputs;
  T inverse = 0;
};

template <class T>
class Reference {
 public:
  using N = Vec<T, 1>;

  explicit Reference(const Plan& plan) : plan_(plan) {
    auto inputs = add_embeddings();
    for (const LayerPlan& layer_plan : plan_.layers) {
      const auto outputs = static_cast<std::size_t>(layer_plan.width);
      Layer<T> layer;
      layer.inputs = inputs;
      layer.outputs = outputs;
      const auto add = [&](Part<T>& part, std::size_t rows, std::size_t columns, T value, GroupPlan LayerPlan::* group,
                           bool is_bias, bool is_own = false) {
        add_part(part, rows, columns, value, layer_plan.*group, is_bias, is_own);
      };
      const WeightSharing sharing = layer_plan.sharing;
      const bool own_bias = sharing == WeightSharing::matrix || sharing == WeightSharing::none;
      add(layer.weights, inputs, outputs, T(0), &LayerPlan::weights, false, sharing == WeightSharing::none);
      add(layer.bias, 1, outputs, T(0), &LayerPlan::biases, true, own_bias);
      if (layer_plan.scales_inputs)
        add(layer.scale, 1, inputs, T(1), &LayerPlan::scale, false, sharing != WeightSharing::all);
      if (sharing == WeightSharing::matrix && plan.submodels > 1)
        add(layer.output_scale, 1, outputs, T(1), &LayerPlan::scale, false, true);
      if (layer_plan.normalization != NormalizationKind::none) {
        add(layer.shift, 1, outputs, T(0), &LayerPlan::biases, true);
        add(layer.gain, 1, outputs, T(1), &LayerPlan::gains, false);
      }
      if (layer_plan.normalization == NormalizationKind::batch) {
        layer.running_mean.w.assign(outputs, T(0));
        layer.running_variance.w.assign(outputs, T(1));
      }
      if (layer_plan.parametric) add(layer.slopes, 1, outputs, T(1), &LayerPlan::slopes, false);
      layers_.push_back(std::move(layer));
      inputs = outputs;
    }
    scalars_ = initial_scalars(plan.optimizer);
  }

  void train(const T* x, const std::int32_t* classes, const T* targets, const T* weights, std::int64_t rows) {
    std::vector<std::int32_t> order(static_cast<std::size_t>(rows));
    initialize(x, rows);
    std::int64_t step = 0;
    const std::int64_t batches = batches_per_epoch(plan_, rows);
    for (std::int64_t epoch = 0; epoch < plan_.epochs; ++epoch) {
      order_rows(plan_, static_cast<std::uint32_t>(epoch), order);
      for (std::int64_t begin = 0; begin < rows; begin += plan_.batch_size) {
        const std::int64_t end = std::min(begin + plan_.batch_size, rows);
        if (plan_.drop_last && begin > 0 && end - begin < plan_.batch_size) break;
        const auto factor = [&](const SchedulePlan& schedule) {
          return schedule_factor(schedule, static_cast<double>(schedule.per_step ? step : epoch), PlateauState{});
        };
        dropout_ = factor(plan_.dropout_schedule);
        label_smoothing_ = factor(plan_.label_smoothing_schedule);
        double weight = 0;  // of the rows of all submodels
        loss_sum_ = 0;
        const std::size_t orders = plan_.own_batches ? submodels() : 1;
        for (std::size_t m = 0; m < orders; ++m)
          for (std::int64_t p = begin; p < end; ++p) weight += weights ? double(weights[row_at(order, p, m)]) : 1.0;
        if (orders == 1) weight *= double(plan_.submodels);
        const double per_weight = weight > 0 ? 1 / weight : 0;
        const std::int64_t shard_rows = (end - begin + plan_.shards - 1) / plan_.shards;
        std::vector<std::vector<T>> sums;  // of the shards so far, part by part
        for (std::int64_t shard = begin; shard < end; shard += shard_rows) {
          for (Part<T>* part : parts()) part->gradient.assign(part->w.size(), T(0));
          loss_sum_ += pass_shard(x, classes, targets, weights, order, epoch, shard, std::min(shard + shard_rows, end),
                                  per_weight);
          for (std::size_t p = 0; p < parts().size(); ++p) {
            std::vector<T>& gradient = parts()[p]->gradient;
            if (shard == begin) {
              sums.push_back(gradient);
              continue;
            }
            for (std::size_t i = 0; i < gradient.size(); ++i) sums[p][i] += gradient[i];
          }
        }
        for (std::size_t p = 0; p < sums.size(); ++p) parts()[p]->gradient = sums[p];
        const double decay = factor(plan_.weight_decay_schedule);
        const double rate = plan_.optimizer.learning_rate * factor(plan_.schedule);
        ++step;
        if (searches_line(plan_.optimizer)) {
          if (!std::isfinite(loss_sum_) && goes_nearer()) {  // the same step again
            begin -= plan_.batch_size;
            --step;
            continue;
          }
          is_last_ = epoch + 1 >= plan_.epochs && begin / plan_.batch_size + 1 == batches;
          search_line(loss_sum_ / weight, rate, decay);
          continue;
        }
        update(rate, decay, step);
        if (end - begin > 1) move_running_statistics(end - begin);
      }
    }
  }

  std::vector<T> numbers() {
    std::vector<T> out;
    for (const Part<T>* part : parts()) out.insert(out.end(), part->w.begin(), part->w.end());
    return out;
  }

 private:
  // The row at a position of an epoch. Each submodel may begin it at another one.
  std::int32_t row_at(const std::vector<std::int32_t>& order, std::int64_t position, std::size_t m) const {
    if (plan_.own_batches) position += static_cast<std::int64_t>(m * order.size() / submodels());
    return order[static_cast<std::size_t>(position) % order.size()];
  }

  // Some rows of a batch forward and back: adds their gradients. Returns the sum of their losses.
  double pass_shard(const T* x, const std::int32_t* classes, const T* targets, const T* weights,
                    const std::vector<std::int32_t>& order, std::int64_t epoch, std::int64_t begin, std::int64_t end,
                    double per_weight) {
    double loss_sum = 0;
    std::vector<std::vector<T>> below(static_cast<std::size_t>(end - begin));  // of each row, over all submodels
    for (std::size_t m = 0; m < submodels(); ++m) {
      std::vector<std::vector<T>> rows_of_batch;
      for (std::int64_t p = begin; p < end; ++p) {
        std::vector<RowOfEmbedding<T>> unused;
        const T* const row = x + row_at(order, p, m) * plan_.inputs;
        rows_of_batch.push_back(embed({row, row + plan_.inputs}, unused));
      }
      const auto passed =
          forward(m, rows_of_batch, static_cast<std::uint32_t>(epoch), static_cast<std::uint32_t>(begin), true);
      std::vector<std::vector<T>> outer;
      for (std::int64_t p = begin; p < end; ++p) {
        const std::int64_t row = row_at(order, p, m);
        const T scale = static_cast<T>((weights ? double(weights[row]) : 1.0) * per_weight);
        outer.push_back(gradient_of_loss(passed.back()[static_cast<std::size_t>(p - begin)].outputs,
                                         classes ? classes + row : nullptr,
                                         targets ? targets + row * plan_.layers.back().width : nullptr, scale));
        loss_sum += (weights ? double(weights[row]) : 1.0) * double(row_loss_);
      }
      for (std::size_t l = layers_.size(); l-- > 0;) outer = backward(l, m, passed[l], outer);
      for (std::size_t r = 0; r < outer.size() && plan_.own_batches && !embeddings_.empty(); ++r)
        add_embedded_row(x + row_at(order, begin + static_cast<std::int64_t>(r), m) * plan_.inputs, outer[r]);
      for (std::size_t r = 0; r < outer.size(); ++r) {
        if (m == 0) below[r] = outer[r];
        for (std::size_t i = 0; m > 0 && i < outer[r].size(); ++i) below[r][i] += outer[r][i];
      }
    }
    for (std::int64_t p = begin; p < end && !plan_.own_batches && !embeddings_.empty(); ++p)
      add_embedded_row(x + order[p] * plan_.inputs, below[static_cast<std::size_t>(p - begin)]);
    return loss_sum;
  }

  void add_part(Part<T>& part, std::size_t rows, std::size_t columns, T value, const GroupPlan& factors, bool is_bias,
                bool is_own = false) {
    part.is_own = is_own && plan_.submodels > 1;
    part.size = rows * columns;
    part.w.assign(part.is_own ? submodels() * part.size : part.size, value);
    part.factors = &factors;
    part.is_bias = is_bias;
    part.columns = columns;
    for (int p = 0; p < optimizer_planes(plan_.optimizer); ++p)
      part.state.emplace_back(part.w.size(), static_cast<T>(optimizer_initial_plane(plan_.optimizer, p)));
  }

  // Returns the number of inputs of the first layer.
  std::size_t add_embeddings() {
    std::size_t inputs = 0;
    std::vector<bool> is_plain(static_cast<std::size_t>(plan_.inputs), true);
    for (const EmbeddingPlan& plan : plan_.embeddings) {
      const bool is_periodic = plan.kind == EmbeddingKind::periodic, is_linear = plan.kind == EmbeddingKind::linear;
      for (std::size_t f = 0; f < (is_periodic ? 1 : plan.columns.size()); ++f) {
        Embedding<T> embedding;
        EmbeddingShape& shape = embedding.shape;
        shape.kind = plan.kind;
        shape.width = plan.width;
        shape.frequencies = plan.frequencies;
        shape.deviation = plan.deviation;
        shape.columns = is_periodic ? plan.columns : std::vector{plan.columns[f]};
        for (std::int64_t c = 1; is_linear && c < plan.sizes[f]; ++c) shape.columns.push_back(plan.columns[f] + c);
        if (plan.kind == EmbeddingKind::category) shape.codes = plan.sizes[f];
        for (const std::int64_t column : shape.columns) is_plain[static_cast<std::size_t>(column)] = false;
        const auto width = static_cast<std::size_t>(plan.width), columns = shape.columns.size();
        const auto frequencies = static_cast<std::size_t>(plan.frequencies);
        const auto add = [&](Part<T>& part, std::size_t rows, std::size_t of, bool is_bias) {
          add_part(part, rows, of, T(0), plan.parameters, is_bias);
        };
        if (is_linear) add(embedding.weights, columns, width, false), add(embedding.bias, 1, width, true);
        if (plan.kind == EmbeddingKind::category)
          add(embedding.vectors, static_cast<std::size_t>(shape.codes), width, false);
        if (is_periodic) {
          add(embedding.frequencies, frequencies, columns, false);
          add(embedding.phases, frequencies, columns, false);
          add(embedding.weights, frequencies * (width - 1), columns, false);
          add(embedding.bias, width - 1, columns, false);
        }
        inputs += is_periodic ? width * columns : width;
        for (std::size_t k = 0; k < (is_periodic ? columns : 1); ++k)
          features_.insert(features_.end(), width, feature_of(static_cast<std::size_t>(shape.columns[k])));
        embeddings_.push_back(std::move(embedding));
      }
    }
    for (std::size_t column = 0; column < is_plain.size(); ++column)
      if (is_plain[column]) plain_columns_.push_back(column), features_.push_back(feature_of(column));
    return inputs + plain_columns_.size();
  }

  std::int64_t feature_of(std::size_t column) const {
    return plan_.input_features.empty() ? static_cast<std::int64_t>(column) : plan_.input_features[column];
  }

  // All parts, in the order of the engine's arrays.
  std::vector<Part<T>*> parts() {
    std::vector<Part<T>*> all;
    for (Embedding<T>& embedding : embeddings_)
      for (Part<T>* part : of_embedding(embedding)) all.push_back(part);
    for (Layer<T>& layer : layers_)
      for (Part<T>* part : layer.all()) all.push_back(part);
    return all;
  }

  static std::vector<Part<T>*> of_embedding(Embedding<T>& embedding) {
    if (embedding.shape.kind == EmbeddingKind::linear) return {&embedding.weights, &embedding.bias};
    if (embedding.shape.kind == EmbeddingKind::category) return {&embedding.vectors};
    return {&embedding.bias, &embedding.weights, &embedding.phases, &embedding.frequencies};
  }

  // From the columns of the table to the inputs of the first layer.
  std::vector<T> embed(const std::vector<T>& row, std::vector<RowOfEmbedding<T>>& kept) const {
    std::vector<T> out;
    for (const Embedding<T>& embedding : embeddings_) kept.push_back(embedding.forward(row, out));
    for (const std::size_t column : plain_columns_) out.push_back(row[column]);
    return out;
  }

  // Layer by layer, since some begin with what depends on the outputs of those below.
  void initialize(const T* x, std::int64_t count) {
    std::vector<std::int32_t> order(static_cast<std::size_t>(count));
    order_rows(plan_, 0, order);
    order.resize(std::min<std::size_t>(order.size(), 1024));
    for (std::size_t e = 0; e < embeddings_.size(); ++e) {
      const std::vector<Part<T>*> drawn = embeddings_[e].drawn();
      for (std::size_t p = 0; p < drawn.size(); ++p)
        initial_embedding(embeddings_[e].shape, p, plan_.seed, static_cast<std::uint32_t>(e),
                          static_cast<std::int64_t>(drawn[p]->columns), std::span<T>(drawn[p]->w));
    }
    std::vector<std::vector<std::vector<T>>> inputs(submodels());  // of each submodel, row by row
    for (auto& rows : inputs) {
      for (const std::int32_t row : order) {
        std::vector<RowOfEmbedding<T>> unused;
        rows.push_back(embed({x + row * plan_.inputs, x + (row + 1) * plan_.inputs}, unused));
      }
    }
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      draw(l);
      const std::size_t matrices = layers_[l].weights.is_own ? submodels() : 1;
      for (std::size_t m = 0; m < matrices; ++m) {
        std::vector<std::vector<T>> sums;  // of the rows of all submodels that share the weights
        for (std::size_t n = 0; n < submodels(); ++n)
          for (const std::vector<T>& row : inputs[n])
            if (matrices == 1 || n == m) sums.push_back(weighted_sums(layers_[l], n, row, nullptr));
        fit_to_rows(l, m, sums);
      }
      for (std::size_t m = 0; m < submodels(); ++m) {
        const std::vector<RowOfLayer<T>> rows = forward(l, m, inputs[m], 0, 0, false);
        for (std::size_t r = 0; r < rows.size(); ++r) inputs[m][r] = rows[r].outputs;
      }
    }
  }

  void draw(std::size_t l) {
    Layer<T>& layer = layers_[l];
    const LayerPlan& plan = plan_.layers[l];
    const auto inputs = static_cast<std::int64_t>(layer.inputs);
    for (std::size_t m = 0; m < submodels(); ++m) {
      InitialStream stream{plan_.seed, static_cast<std::uint32_t>(l), static_cast<std::uint32_t>(m)};
      const auto of = [&](Part<T>& part) { return std::span<T>(part.w).subspan(part.first(m), part.size); };
      if (l == 0 && layer.scale.is_own)
        initial_factors(plan_.submodel_start, stream, std::span<const std::int64_t>(features_), of(layer.scale));
      if (!layer.weights.is_own) stream.submodel = 0;
      initial_weights(plan, stream, inputs, of(layer.weights));
      initial_biases(plan, stream, inputs, of(layer.bias));
    }
  }

  void fit_to_rows(std::size_t l, std::size_t m, const std::vector<std::vector<T>>& sums) {
    Layer<T>& layer = layers_[l];
    const LayerPlan& plan = plan_.layers[l];
    const auto rows = static_cast<double>(sums.size());
    for (std::size_t j = 0; j < layer.outputs; ++j) {
      double divisor = 1;
      if (plan.initializer == InitializerKind::unit_variance) {
        double mean = 0, variance = 0;
        for (const std::vector<T>& row : sums) mean += double(row[j]);
        mean /= rows;
        for (const std::vector<T>& row : sums) variance += (double(row[j]) - mean) * (double(row[j]) - mean);
        divisor = std::sqrt(variance / rows);
        if (divisor <= 1e-30) divisor = 1;
        for (std::size_t i = 0; i < layer.inputs; ++i) {
          T& w = layer.weights.w[layer.weights.first(m) + i * layer.outputs + j];
          w = T(double(w) / divisor);
        }
      }
      if (plan.bias_initializer == BiasInitializerKind::sampled) {
        double uniform[16], sum = 0, total = 0;
        initial_uniforms(plan_.seed, kBiasDraws + static_cast<std::uint32_t>(l), 16 * j, uniform,
                         static_cast<std::uint32_t>(m));
        for (std::size_t k = 0; k < 5; ++k) {
          const double weight = -log(Vec<double, 1>(1 - uniform[5 + k])).raw;
          sum += weight * double(sums[static_cast<std::size_t>(uniform[k] * rows)][j]);
          total += weight;
        }
        for (std::size_t n = 0; n < submodels(); ++n)
          if (n == m || !layer.weights.is_own) layer.bias.w[layer.bias.first(n) + j] = T(-(sum / total) / divisor);
      }
    }
  }

  // All rows of a batch through all layers: [layer][row].
  std::vector<std::vector<RowOfLayer<T>>> forward(std::size_t m, std::vector<std::vector<T>> inputs,
                                                  std::uint32_t epoch, std::uint32_t begin, bool training) {
    std::vector<std::vector<RowOfLayer<T>>> passed;
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      passed.push_back(forward(l, m, inputs, epoch, begin, training));
      for (std::size_t r = 0; r < inputs.size(); ++r) inputs[r] = passed.back()[r].outputs;
    }
    return passed;
  }

  // From the outputs of a row; sets row_loss_.
  std::vector<T> gradient_of_loss(const std::vector<T>& outputs, const std::int32_t* label, const T* target, T scale) {
    std::vector<N> z(outputs.begin(), outputs.end()), gradient(z.size()), targets(z.size());
    for (std::size_t c = 0; c < z.size() && target; ++c) targets[c] = N(target[c]);
    std::vector<N> quantiles;
    for (std::size_t c = 0; c < z.size() && plan_.loss.kind == LossKind::quantile; ++c)
      quantiles.emplace_back(T(plan_.loss.quantile_of(static_cast<std::int64_t>(c))));
    const LossNumbers<N> numbers{N(T(plan_.loss.label_smoothing * label_smoothing_)), N(T(plan_.loss.delta)),
                                 quantiles.data()};
    with_loss(plan_.loss.kind, [&](auto loss) {
      row_loss_ = decltype(loss)::apply(z.data(), targets.data(), N(label ? T(*label) : T(0)), gradient.data(),
                                        static_cast<int>(z.size()), numbers)
                      .raw;
    });
    std::vector<T> outer(z.size());
    for (std::size_t c = 0; c < z.size(); ++c) outer[c] = flush_gradient(gradient[c] * N(scale)).raw;
    return outer;
  }

  // Adds the gradients of the embeddings for a row; outer is the gradient of the first layer's inputs.
  void add_embedded_row(const T* x, const std::vector<T>& outer) {
    std::vector<RowOfEmbedding<T>> embedded;
    embed({x, x + plan_.inputs}, embedded);
    std::size_t at = 0;
    for (std::size_t e = 0; e < embeddings_.size(); ++e) {
      embeddings_[e].backward(embedded[e], outer, at);
      const EmbeddingShape& shape = embeddings_[e].shape;
      const std::size_t features = shape.kind == EmbeddingKind::periodic ? shape.columns.size() : 1;
      at += features * static_cast<std::size_t>(shape.width);
    }
  }

  // Adds left(k) right(k), k = 0 ... terms - 1, to a sum.
  template <class Left, class Right>
  void add_products(std::size_t terms, T& sum, const Left& left, const Right& right) const {
    if constexpr (sizeof(T) == 4) {
      if (plan_.rounds_products) {
        for (std::size_t k = 0; k < terms; k += 2) {
          const bool has_second = k + 1 < terms;
          sum = add_rounded_product(has_second ? round_to_bfloat16(left(k + 1)) : 0,
                                    has_second ? round_to_bfloat16(right(k + 1)) : 0, sum);
          sum = add_rounded_product(round_to_bfloat16(left(k)), round_to_bfloat16(right(k)), sum);
        }
        return;
      }
    }
    for (std::size_t k = 0; k < terms; ++k) sum = std::fma(left(k), right(k), sum);
  }

  // If there are factors of the outputs, kept, unless null, receives the sums before them.
  std::vector<T> weighted_sums(const Layer<T>& layer, std::size_t m, const std::vector<T>& inputs,
                               std::vector<T>* kept) const {
    const T* const bias = layer.bias.w.data() + layer.bias.first(m);
    const bool scales_outputs = !layer.output_scale.w.empty();
    std::vector<T> sums(layer.outputs, T(0));
    for (std::size_t j = 0; j < layer.outputs; ++j) {
      if (!scales_outputs) sums[j] = bias[j];
      const auto input = [&](std::size_t i) {
        return layer.scale.w.empty() ? inputs[i] : inputs[i] * layer.scale.w[layer.scale.first(m) + i];
      };
      add_products(layer.inputs, sums[j], input,
                   [&](std::size_t i) { return layer.weights.w[layer.weights.first(m) + i * layer.outputs + j]; });
    }
    if (!scales_outputs) return sums;
    if (kept != nullptr) *kept = sums;
    for (std::size_t j = 0; j < layer.outputs; ++j)
      sums[j] = std::fma(sums[j], layer.output_scale.w[layer.output_scale.first(m) + j], bias[j]);
    return sums;
  }

  // All rows of a batch through a layer.
  std::vector<RowOfLayer<T>> forward(std::size_t l, std::size_t m, const std::vector<std::vector<T>>& inputs,
                                     std::uint32_t epoch, std::uint32_t begin, bool training) {
    Layer<T>& layer = layers_[l];
    std::vector<RowOfLayer<T>> rows;
    for (const std::vector<T>& of_row : inputs) {
      RowOfLayer<T>& row = rows.emplace_back();
      row.inputs = row.scaled = of_row;
      for (std::size_t i = 0; i < layer.inputs && !layer.scale.w.empty(); ++i)
        row.scaled[i] *= layer.scale.w[layer.scale.first(m) + i];
      row.outputs = weighted_sums(layer, m, of_row, &row.sums);
    }
    if (!layer.running_mean.w.empty()) take_statistics(layer, rows);
    for (std::size_t r = 0; r < rows.size(); ++r)
      finish(l, m, rows[r], epoch, begin + static_cast<std::uint32_t>(r), training);
    return rows;
  }

  // Those by which the rows of a batch are normalized.
  static void take_statistics(Layer<T>& layer, const std::vector<RowOfLayer<T>>& rows) {
    layer.mean = layer.running_mean.w;
    layer.variance = layer.running_variance.w;
    const T per_row = T(1) / T(rows.size());
    for (std::size_t j = 0; j < layer.outputs && rows.size() > 1; ++j) {
      T sum = 0, squares = 0;
      for (const RowOfLayer<T>& row : rows) sum += row.outputs[j];
      layer.mean[j] = sum * per_row;
      for (const RowOfLayer<T>& row : rows) {
        const T centered = row.outputs[j] - layer.mean[j];
        squares = std::fma(centered, centered, squares);
      }
      layer.variance[j] = squares * per_row;
    }
  }

  // After a step of several rows.
  void move_running_statistics(std::int64_t rows) {
    for (Layer<T>& layer : layers_) {
      for (std::size_t j = 0; j < layer.running_mean.w.size(); ++j) {
        T& mean = layer.running_mean.w[j];
        T& variance = layer.running_variance.w[j];
        mean = std::fma(T(0.1), layer.mean[j] - mean, mean);
        variance = std::fma(T(0.1), layer.variance[j] * (T(rows) / T(rows - 1)) - variance, variance);
      }
    }
  }

  // From z to the outputs of a row.
  void finish(std::size_t l, std::size_t m, RowOfLayer<T>& row, std::uint32_t epoch, std::uint32_t position,
              bool training) {
    const Layer<T>& layer = layers_[l];
    const LayerPlan& plan = plan_.layers[l];
    if (!layer.running_mean.w.empty()) {
      normalize_by_batch(layer, row);
    } else if (!layer.gain.w.empty()) {
      normalize(layer, row);
    }
    row.derivative.resize(layer.outputs);
    row.slope_term.resize(layer.outputs);
    for (std::size_t j = 0; j < layer.outputs; ++j) {
      const T z = row.outputs[j];
      N d;
      T value = with_activation(plan.activation, [&](auto activation) {
        return decltype(activation)::apply(N(z), N(T(plan.activation_parameter)), d).raw;
      });
      T derivative = d.raw;
      if (plan.parametric) {
        const T slope = layer.slopes.w[j];
        row.slope_term[j] = value - z;
        value = std::fma(slope, value - z, z);
        derivative = std::fma(slope, derivative - T(1), T(1));
      }
      row.outputs[j] = value;
      row.derivative[j] = derivative;
    }
    const double dropout = plan.dropout * dropout_;
    for (std::size_t j = 0; j < layer.outputs && dropout > 0 && training; ++j) {
      const auto words = philox(plan_.seed, {static_cast<std::uint32_t>(j / 4), position, epoch,
                                             kStreamDropout + static_cast<std::uint32_t>(l + 4096 * m)});
      const bool kept = words[j % 4] >= static_cast<std::uint32_t>(dropout * 4294967296.0);
      const T factor = kept ? static_cast<T>(1 / (1 - dropout)) : T(0);
      row.outputs[j] *= factor;
      row.derivative[j] *= factor;
      row.slope_term[j] *= factor;
    }
    for (std::size_t j = 0; j < layer.outputs && plan.residual; ++j) row.outputs[j] += row.inputs[j];
  }

  // A sum over columns: sixteen parts, which are then added one after the other.
  template <class Term>
  static T mean_of_columns(std::size_t columns, const Term& term) {
    T parts[16] = {};
    for (std::size_t j = 0; j < columns; ++j) parts[j % 16] += term(j);
    T sum = parts[0];
    for (std::size_t k = 1; k < 16; ++k) sum += parts[k];
    return sum * (T(1) / T(columns));
  }

  static void normalize(const Layer<T>& layer, RowOfLayer<T>& row) {
    std::vector<T>& z = row.outputs;
    const T mean = mean_of_columns(z.size(), [&](std::size_t j) { return z[j]; });
    const T variance = mean_of_columns(z.size(), [&](std::size_t j) { return (z[j] - mean) * (z[j] - mean); });
    row.inverse = T(1) / std::sqrt(variance + T(1e-5));
    for (std::size_t j = 0; j < z.size(); ++j) {
      row.normalized.push_back((z[j] - mean) * row.inverse);
      z[j] = std::fma(layer.gain.w[j], row.normalized[j], layer.shift.w[j]);
    }
  }

  static void normalize_by_batch(const Layer<T>& layer, RowOfLayer<T>& row) {
    for (std::size_t j = 0; j < layer.outputs; ++j) {
      row.normalized.push_back((row.outputs[j] - layer.mean[j]) * inverse_deviation(layer, j));
      row.outputs[j] = std::fma(layer.gain.w[j], row.normalized[j], layer.shift.w[j]);
    }
  }

  static T inverse_deviation(const Layer<T>& layer, std::size_t j) {
    return T(1) / std::sqrt(layer.variance[j] + T(1e-5));
  }

  // Adds the gradients of all rows of a batch; from dL/doutputs to dL/dinputs.
  std::vector<std::vector<T>> backward(std::size_t l, std::size_t m, const std::vector<RowOfLayer<T>>& rows,
                                       const std::vector<std::vector<T>>& outer) {
    Layer<T>& layer = layers_[l];
    std::vector<std::vector<T>> dp(outer);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      for (std::size_t j = 0; j < layer.outputs; ++j) {
        if (!layer.slopes.w.empty()) layer.slopes.gradient[j] += outer[r][j] * rows[r].slope_term[j];
        if (plan_.layers[l].activation != ActivationKind::identity || plan_.layers[l].dropout > 0 ||
            plan_.layers[l].parametric)
          dp[r][j] *= rows[r].derivative[j];
      }
    }
    // Of each neuron, over the rows: constant statistics, the running ones, leave these means out.
    std::vector<T> mean(layer.outputs), along(layer.outputs);
    for (std::size_t j = 0; j < layer.outputs && !layer.running_mean.w.empty() && rows.size() > 1; ++j) {
      for (std::size_t r = 0; r < rows.size(); ++r) {
        mean[j] += dp[r][j];
        along[j] += dp[r][j] * rows[r].normalized[j];
      }
      mean[j] *= T(1) / T(rows.size());
      along[j] *= T(1) / T(rows.size());
    }
    std::vector<std::vector<T>> below, dz;
    for (std::size_t r = 0; r < rows.size(); ++r)
      below.push_back(backward(l, m, rows[r], outer[r], dp[r], mean, along, dz));
    for (std::size_t i = 0; i < layer.inputs; ++i)
      for (std::size_t j = 0; j < layer.outputs; ++j)
        add_products(
            rows.size(), layer.weights.gradient[layer.weights.first(m) + i * layer.outputs + j],
            [&](std::size_t r) { return rows[r].scaled[i]; }, [&](std::size_t r) { return dz[r][j]; });
    return below;
  }

  // Adds the gradients of a row, but for those of the weights, which need its dL/dz; from dL/dp to dL/dinputs.
  std::vector<T> backward(std::size_t l, std::size_t m, const RowOfLayer<T>& row, const std::vector<T>& outer,
                          std::vector<T> dz, const std::vector<T>& mean_of_batch, const std::vector<T>& along_of_batch,
                          std::vector<std::vector<T>>& dz_of_rows) {
    Layer<T>& layer = layers_[l];
    if (!layer.running_mean.w.empty()) {
      for (std::size_t j = 0; j < dz.size(); ++j) {
        const T from = dz[j], h = row.normalized[j];
        layer.shift.gradient[j] += from;
        layer.gain.gradient[j] += from * h;
        dz[j] =
            layer.gain.w[j] * inverse_deviation(layer, j) * std::fma(-h, along_of_batch[j], from - mean_of_batch[j]);
      }
    } else if (!layer.gain.w.empty()) {
      const std::vector<T>& g = layer.gain.w;
      const T mean = mean_of_columns(dz.size(), [&](std::size_t j) { return g[j] * dz[j]; });
      const T along = mean_of_columns(dz.size(), [&](std::size_t j) { return g[j] * dz[j] * row.normalized[j]; });
      for (std::size_t j = 0; j < dz.size(); ++j) {
        layer.shift.gradient[j] += dz[j];
        layer.gain.gradient[j] += dz[j] * row.normalized[j];
        dz[j] = std::fma(-row.normalized[j], along, g[j] * dz[j] - mean) * row.inverse;
      }
    }
    for (std::size_t j = 0; j < layer.outputs; ++j) {
      layer.bias.gradient[layer.bias.first(m) + j] += dz[j];
      if (layer.output_scale.w.empty()) continue;
      const std::size_t at = layer.output_scale.first(m) + j;
      layer.output_scale.gradient[at] += dz[j] * row.sums[j];
      dz[j] *= layer.output_scale.w[at];
    }
    dz_of_rows.push_back(dz);
    std::vector<T> below(layer.inputs);
    for (std::size_t i = 0; i < layer.inputs; ++i) {
      T sum = 0;
      add_products(
          layer.outputs, sum, [&](std::size_t j) { return dz[j]; },
          [&](std::size_t j) { return layer.weights.w[layer.weights.first(m) + i * layer.outputs + j]; });
      if (!layer.scale.w.empty()) {
        layer.scale.gradient[layer.scale.first(m) + i] += sum * row.inputs[i];
        sum *= layer.scale.w[layer.scale.first(m) + i];
      }
      below[i] = plan_.layers[l].residual ? sum + outer[i] : sum;
    }
    return below;
  }

  void update(double learning_rate, double decay, std::int64_t step) {
    const OptimizerPlan& plan = plan_.optimizer;
    if (plan.clip_norm > 0) clip_norm();
    const Scalars before = scalars_;
    for (Part<T>* part : parts()) {
      if (part->w.empty() || part->factors == nullptr) continue;
      const GroupPlan& factors = *part->factors;
      OptimizerPlan group = plan;
      group.epsilon *= factors.epsilon;
      group.weight_decay *= factors.weight_decay;
      group.l1 *= factors.l1;
      group.clip_value *= factors.clip_value;
      const double rate = learning_rate * factors.learning_rate;
      scalars_ = before;
      const Coefficients<N> c(prepare_coefficients<T>(group, rate, step, scalars_));
      update_numbers(*part, c,
                     Regularization<N>(Regularization<T>::prepare({group, GroupPlan{}, part->is_bias}, rate, decay)));
    }
  }

  void update_numbers(Part<T>& part, const Coefficients<N>& c, const Regularization<N>& r) {
    for (std::size_t i = 0; i < part.w.size(); ++i) {
      N weight(part.w[i]), gradient(part.gradient[i]), planes[kMaxPlanes];
      for (std::size_t p = 0; p < part.state.size(); ++p) planes[p] = N(part.state[p][i]);
      if (is_regularized(plan_.optimizer)) regularize(weight, gradient, r);
      with_optimizer(plan_.optimizer, [&](auto rule) { decltype(rule)::update(weight, gradient, planes, c); });
      part.w[i] = weight.raw;
      for (std::size_t p = 0; p < part.state.size(); ++p) part.state[p][i] = planes[p].raw;
    }
  }

  // The parts of each block, row by row.
  std::vector<std::vector<Part<T>*>> blocks() {
    std::vector<std::vector<Part<T>*>> all;
    for (Embedding<T>& embedding : embeddings_) all.push_back(embedding.drawn());
    for (Layer<T>& layer : layers_) {
      all.push_back({&layer.bias, &layer.weights});
      all.push_back({&layer.scale});
      all.push_back({&layer.output_scale});
      all.push_back({&layer.shift, &layer.gain});
      all.push_back({&layer.slopes});
    }
    return all;
  }

  // The sum of a(part, i) b(part, i) over all numbers: of each block a sum for each column, row by row; then all of
  // them one after the other.
  template <class A, class B>
  double dot(const A& a, const B& b) {
    double total = 0;
    for (const std::vector<Part<T>*>& block : blocks()) {
      for (std::size_t j = 0; j < block.front()->columns; ++j) {
        double sum = 0;
        for (const Part<T>* part : block)
          for (std::size_t i = j; i < part->w.size(); i += part->columns)
            sum = std::fma(double(a(*part, i)), double(b(*part, i)), sum);
        total += sum;
      }
    }
    return total;
  }

  template <class F>
  void each_number(const F& f) {
    for (Part<T>* part : parts())
      for (std::size_t i = 0; i < part->w.size(); ++i) f(*part, i);
  }

  // Instead of a point of the line search whose loss is not finite, one at a tenth of the distance, if there is an
  // accepted point to go to.
  bool goes_nearer() {
    if (!std::isfinite(scalars_.value[0]) || scalars_.value[1] == 0) return false;
    scalars_.value[1] *= 0.1;
    go_to_trial();
    return true;
  }

  void try_length(double length) {
    double& retries = scalars_.value[3];
    if (++retries > 20) {
      scalars_ = initial_scalars(plan_.optimizer);
    } else {
      scalars_.value[1] = length;
    }
  }

  T trial(const Part<T>& part, std::size_t i) const {
    return std::fma(T(scalars_.value[1]), part.state[1][i], part.state[0][i]);
  }

  void go_to_trial() {
    each_number([&](Part<T>& part, std::size_t i) { part.w[i] = trial(part, i); });
  }

  bool trial_is_finite() {
    bool is_finite = true;
    each_number([&](const Part<T>& part, std::size_t i) { is_finite = is_finite && std::isfinite(trial(part, i)); });
    return is_finite;
  }

  // A step of L-BFGS: the loss and the gradients are those of the numbers as they are.
  void search_line(double loss, double rate, double decay) {
    const OptimizerPlan& plan = plan_.optimizer;
    const auto kept_plane = [](std::size_t p) {
      return [p](const Part<T>& part, std::size_t i) { return part.state[p][i]; };
    };
    const auto w = [](const Part<T>& part, std::size_t i) { return part.w[i]; };
    const auto g = [](const Part<T>& part, std::size_t i) { return part.gradient[i]; };
    const auto x = kept_plane(0), d = kept_plane(1), g_of_x = kept_plane(2);
    const auto lambda = [&](const Part<T>& part) {
      return T(plan.decoupled || (part.is_bias && !plan.regularize_bias)
                   ? 0
                   : plan.weight_decay * part.factors->weight_decay * decay);
    };
    if (plan.weight_decay != 0) {
      each_number([&](Part<T>& part, std::size_t i) {
        part.gradient[i] = std::fma(lambda(part), part.w[i], part.gradient[i]);
      });
      loss +=
          0.5 * dot([&](const Part<T>& part, std::size_t i) { return double(lambda(part)) * double(part.w[i]); }, w);
    }
    double& accepted = scalars_.value[0];
    double& length = scalars_.value[1];
    double& pairs = scalars_.value[2];
    double& retries = scalars_.value[3];
    const bool begins = !std::isfinite(accepted);
    const double slope = begins ? 0 : dot(g_of_x, d);
    const double size = dot([&](const Part<T>& part, std::size_t i) { return std::abs(part.gradient[i]); },
                            [](const Part<T>&, std::size_t) { return T(1); });
    if (!begins && length != 0 && !(std::isfinite(loss) && std::isfinite(size))) {
      length *= 0.1;
    } else if (begins || length == 0 || loss <= accepted + 1e-4 * length * slope) {
      if (begins) pairs = 0;
      const auto s = [&](const Part<T>& part, std::size_t i) { return part.w[i] - x(part, i); };
      const auto y = [&](const Part<T>& part, std::size_t i) { return part.gradient[i] - g_of_x(part, i); };
      if (!begins && length != 0 && dot(s, y) > 1e-9 * std::sqrt(dot(s, s)) * std::sqrt(dot(y, y))) {
        const std::size_t at = plane_of_pair(pairs++);
        each_number([&](Part<T>& part, std::size_t i) {
          part.state[at][i] = s(part, i);
          part.state[at + 1][i] = y(part, i);
        });
      }
      each_number([&](Part<T>& part, std::size_t i) {
        part.state[0][i] = part.w[i];
        part.state[1][i] = -part.gradient[i];
        part.state[2][i] = part.gradient[i];
      });
      accepted = loss;
      retries = 0;
      const double oldest = std::max(0.0, pairs - double(plan.history));
      std::vector<double> factors;
      const auto add = [&](double factor, std::size_t from) {
        each_number([&](Part<T>& part, std::size_t i) {
          part.state[1][i] = std::fma(T(factor), part.state[from][i], part.state[1][i]);
        });
      };
      const auto curvature = [&](std::size_t at) { return dot(kept_plane(at), kept_plane(at + 1)); };
      for (double pair = pairs - 1; pair >= oldest; --pair) {
        const std::size_t at = plane_of_pair(pair);
        factors.push_back(dot(kept_plane(at), d) / curvature(at));
        add(-factors.back(), at + 1);
      }
      if (pairs > 0) {
        const std::size_t at = plane_of_pair(pairs - 1);
        const T scale = T(curvature(at) / dot(kept_plane(at + 1), kept_plane(at + 1)));
        each_number([&](Part<T>& part, std::size_t i) { part.state[1][i] *= scale; });
      }
      for (double pair = oldest; pair < pairs; ++pair) {
        const std::size_t at = plane_of_pair(pair);
        add(factors.back() - dot(kept_plane(at + 1), d) / curvature(at), at);
        factors.pop_back();
      }
      length = rate;
      const double descent = dot(g, d);
      if (pairs == 0 || !std::isfinite(descent) || !(descent < 0)) {
        pairs = 0;
        each_number([&](Part<T>& part, std::size_t i) { part.state[1][i] = -part.gradient[i]; });
        length *= std::min(1.0, 1 / size);
      }
      while (length > 0 && !trial_is_finite()) length *= 0.1;
    } else {
      const double lowest = -slope * length * length / (2 * (loss - accepted - slope * length));
      try_length(std::max(0.1 * length, std::min(0.5 * length, lowest)));
    }
    if (is_last_) length = 0;
    go_to_trial();
  }

  std::size_t plane_of_pair(double pair) const {
    return 3 + 2 * static_cast<std::size_t>(std::fmod(pair, double(plan_.optimizer.history)));
  }

  // By the order of `dot`, in the precision of the numbers.
  void clip_norm() {
    T total = 0;
    for (const std::vector<Part<T>*>& block : blocks()) {
      for (std::size_t j = 0; j < block.front()->columns; ++j) {
        T sum = 0;
        for (const Part<T>* part : block)
          for (std::size_t i = j; i < part->gradient.size(); i += part->columns)
            sum = std::fma(part->gradient[i], part->gradient[i], sum);
        total += sum;
      }
    }
    const T scale = std::min(T(1), static_cast<T>(plan_.optimizer.clip_norm) / (std::sqrt(total) + T(1e-6)));
    for (Part<T>* part : parts())
      for (T& g : part->gradient) g *= scale;
  }

  std::size_t submodels() const { return static_cast<std::size_t>(plan_.submodels); }

  Plan plan_;
  std::vector<Embedding<T>> embeddings_;
  std::vector<std::size_t> plain_columns_;
  std::vector<std::int64_t> features_;  // of each input of the first layer
  std::vector<Layer<T>> layers_;
  Scalars scalars_;
  double dropout_ = 1, label_smoothing_ = 1;  // factors of the step
  double loss_sum_ = 0;                       // of its rows
  T row_loss_ = 0;
  bool is_last_ = false;
};

// The parameters after training: those of the embeddings, then layer by layer: W row by row, then b, scale, factors of
// the outputs, running variance and mean, gain, shift and slopes.
template <class T>
void train(const Plan& plan, In<T> x, std::optional<Classes> classes, std::optional<In<T>> targets,
           std::optional<nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>> weights, Out<T> out) {
  Reference<T> reference(plan);
  reference.train(x.data(), classes ? classes->data() : nullptr, targets ? targets->data() : nullptr,
                  weights ? weights->data() : nullptr, static_cast<std::int64_t>(x.shape(0)));
  const std::vector<T> numbers = reference.numbers();
  std::copy(numbers.begin(), numbers.end(), out.data());
}

template <class T>
void bind(nb::module_& m) {
  m.def("reference_train", &train<T>, nb::arg("plan"), nb::arg("x").noconvert(), nb::arg("classes").none(),
        nb::arg("targets").none(), nb::arg("weights").none(), nb::arg("out").noconvert());
}

}  // namespace

void bind_reference(nb::module_& m) {
  bind<float>(m);
  bind<double>(m);
}

}  // namespace creche::CRECHE_LEVEL
