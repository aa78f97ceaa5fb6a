// A training run as the contract defines it: one number at a time, one thread, no blocks, no vectors, no padding.
//
// It shares with the engine only the functions of a single number (activation, loss of a row, optimizer rule) and the
// random numbers, which have independent tests. It checks everything else: that the engine's panels, tiles, lanes,
// threads and passes give exactly these bits.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "activations/all.hpp"
#include "initializers.hpp"
#include "losses/all.hpp"
#include "losses/loss_pass.hpp"
#include "optimizers/all.hpp"
#include "plan.hpp"
#include "random/random.hpp"
#include "schedules.hpp"

namespace nb = nanobind;

namespace creche::CRECHE_LEVEL {

namespace {

template <class T>
using In = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T>
using Out = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Classes = nb::ndarray<const std::int32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

template <class T>
struct Layer {
  std::size_t inputs, outputs;
  std::vector<T> w, b;  // w[i * outputs + j]
  std::vector<T> dw, db;
  std::vector<std::vector<T>> state_w, state_b;  // by plane
};

template <class T>
class Reference {
 public:
  using N = Vec<T, 1>;

  explicit Reference(const Plan& plan) : plan_(plan) {
    auto inputs = static_cast<std::size_t>(plan.inputs);
    const auto planes = static_cast<std::size_t>(optimizer_planes(plan.optimizer));
    for (std::size_t l = 0; l < plan.layers.size(); ++l) {
      const auto outputs = static_cast<std::size_t>(plan.layers[l].width);
      Layer<T> layer{inputs, outputs, std::vector<T>(inputs * outputs), std::vector<T>(outputs), {}, {}, {}, {}};
      initial_weights(plan.layers[l], plan.seed, static_cast<std::uint32_t>(l), static_cast<std::int64_t>(inputs),
                      std::span<T>(layer.w));
      for (std::size_t p = 0; p < planes; ++p) {
        const T initial = static_cast<T>(optimizer_initial_plane(plan.optimizer, static_cast<int>(p)));
        layer.state_w.emplace_back(inputs * outputs, initial);
        layer.state_b.emplace_back(outputs, initial);
      }
      layers_.push_back(std::move(layer));
      inputs = outputs;
    }
    scalars_ = initial_scalars(plan.optimizer);
  }

  void train(const T* x, const std::int32_t* classes, const T* targets, const T* weights, std::int64_t rows) {
    std::vector<std::int32_t> order(static_cast<std::size_t>(rows));
    std::int64_t step = 0;
    for (std::int64_t epoch = 0; epoch < plan_.epochs; ++epoch) {
      for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int32_t>(i);
      if (plan_.shuffle) permutation(plan_.seed, static_cast<std::uint32_t>(epoch), order);
      for (std::int64_t begin = 0; begin < rows; begin += plan_.batch_size) {
        const std::int64_t end = std::min(begin + plan_.batch_size, rows);
        if (plan_.drop_last && begin > 0 && end - begin < plan_.batch_size) break;
        const auto factor = [&](const SchedulePlan& schedule) {
          return schedule_factor(schedule, static_cast<double>(schedule.per_step ? step : epoch), PlateauState{});
        };
        dropout_ = factor(plan_.dropout_schedule);
        label_smoothing_ = factor(plan_.label_smoothing_schedule);
        double weight = 0;
        for (std::int64_t p = begin; p < end; ++p) weight += weights ? double(weights[order[p]]) : 1.0;
        for (Layer<T>& layer : layers_) {
          layer.dw.assign(layer.w.size(), T(0));
          layer.db.assign(layer.b.size(), T(0));
        }
        const double per_weight = weight > 0 ? 1 / weight : 0;
        for (std::int64_t p = begin; p < end; ++p) {
          const std::int64_t row = order[p];
          const T scale = static_cast<T>((weights ? double(weights[row]) : 1.0) * per_weight);
          add_row(x + row * plan_.inputs, classes ? classes + row : nullptr,
                  targets ? targets + row * plan_.layers.back().width : nullptr, scale,
                  static_cast<std::uint32_t>(epoch), static_cast<std::uint32_t>(p));
        }
        const double decay = factor(plan_.weight_decay_schedule);
        const double rate = plan_.optimizer.learning_rate * factor(plan_.schedule);
        update(rate, decay, ++step);
      }
    }
  }

  std::vector<T> numbers() const {
    std::vector<T> out;
    for (const Layer<T>& layer : layers_) {
      out.insert(out.end(), layer.w.begin(), layer.w.end());
      out.insert(out.end(), layer.b.begin(), layer.b.end());
    }
    return out;
  }

 private:
  void add_row(const T* x, const std::int32_t* label, const T* target, T scale, std::uint32_t epoch,
               std::uint32_t position) {
    std::vector<std::vector<T>> values = {std::vector<T>(x, x + plan_.inputs)};
    std::vector<std::vector<T>> derivatives = {{}};
    for (std::size_t l = 0; l < layers_.size(); ++l) forward(l, epoch, position, values, derivatives);

    std::vector<N> z(values.back().begin(), values.back().end()), gradient(z.size()), targets(z.size());
    for (std::size_t c = 0; c < z.size() && target; ++c) targets[c] = N(target[c]);
    std::vector<N> quantiles;
    for (std::size_t c = 0; c < z.size() && plan_.loss.kind == LossKind::quantile; ++c)
      quantiles.emplace_back(T(plan_.loss.quantile_of(static_cast<std::int64_t>(c))));
    const LossNumbers<N> numbers{N(T(plan_.loss.label_smoothing * label_smoothing_)), N(T(plan_.loss.delta)),
                                 quantiles.data()};
    with_loss(plan_.loss.kind, [&](auto loss) {
      decltype(loss)::apply(z.data(), targets.data(), N(label ? T(*label) : T(0)), gradient.data(),
                            static_cast<int>(z.size()), numbers);
    });
    std::vector<T> dz(z.size());
    for (std::size_t c = 0; c < z.size(); ++c) dz[c] = flush_gradient(gradient[c] * N(scale)).raw;
    if (plan_.layers.back().activation != ActivationKind::identity)
      for (std::size_t c = 0; c < z.size(); ++c) dz[c] *= derivatives.back()[c];

    for (std::size_t l = layers_.size(); l-- > 0;) {
      Layer<T>& layer = layers_[l];
      for (std::size_t j = 0; j < layer.outputs; ++j) layer.db[j] += dz[j];
      for (std::size_t i = 0; i < layer.inputs; ++i)
        for (std::size_t j = 0; j < layer.outputs; ++j)
          layer.dw[i * layer.outputs + j] = std::fma(values[l][i], dz[j], layer.dw[i * layer.outputs + j]);
      if (l == 0) break;
      std::vector<T> below(layer.inputs);
      for (std::size_t i = 0; i < layer.inputs; ++i) {
        T sum = 0;
        for (std::size_t j = 0; j < layer.outputs; ++j) sum = std::fma(dz[j], layer.w[i * layer.outputs + j], sum);
        below[i] = sum * derivatives[l][i];
      }
      dz = below;
    }
  }

  void forward(std::size_t l, std::uint32_t epoch, std::uint32_t position, std::vector<std::vector<T>>& values,
               std::vector<std::vector<T>>& derivatives) {
    const Layer<T>& layer = layers_[l];
    const LayerPlan& plan = plan_.layers[l];
    std::vector<T> value(layer.outputs), derivative(layer.outputs);
    for (std::size_t j = 0; j < layer.outputs; ++j) {
      T sum = layer.b[j];
      for (std::size_t i = 0; i < layer.inputs; ++i) sum = std::fma(values[l][i], layer.w[i * layer.outputs + j], sum);
      N d;
      value[j] = with_activation(plan.activation, [&](auto activation) {
        return decltype(activation)::apply(N(sum), N(T(plan.activation_parameter)), d).raw;
      });
      derivative[j] = d.raw;
    }
    const double dropout = plan.dropout * dropout_;
    if (dropout > 0) {
      for (std::size_t j = 0; j < layer.outputs; ++j) {
        const auto words = philox(plan_.seed, {static_cast<std::uint32_t>(j / 4), position, epoch,
                                               kStreamDropout + static_cast<std::uint32_t>(l)});
        const bool kept = words[j % 4] >= static_cast<std::uint32_t>(dropout * 4294967296.0);
        const T factor = kept ? static_cast<T>(1 / (1 - dropout)) : T(0);
        value[j] *= factor;
        derivative[j] *= factor;
      }
    }
    values.push_back(std::move(value));
    derivatives.push_back(std::move(derivative));
  }

  void update(double learning_rate, double decay, std::int64_t step) {
    const OptimizerPlan& plan = plan_.optimizer;
    if (plan.clip_norm > 0) clip_norm();
    const Scalars before = scalars_;
    const auto update = [&](const GroupPlan& factors, bool is_bias, std::vector<T>& w, const std::vector<T>& g,
                            std::vector<std::vector<T>>& state) {
      OptimizerPlan group = plan;
      group.epsilon *= factors.epsilon;
      group.weight_decay *= factors.weight_decay;
      group.l1 *= factors.l1;
      group.clip_value *= factors.clip_value;
      const double rate = learning_rate * factors.learning_rate;
      scalars_ = before;
      const Coefficients<N> c(prepare_coefficients<T>(group, rate, step, scalars_));
      update_numbers(w, g, state, c,
                     Regularization<N>(Regularization<T>::prepare({group, GroupPlan{}, is_bias}, rate, decay)));
    };
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      Layer<T>& layer = layers_[l];
      update(plan_.layers[l].weights, false, layer.w, layer.dw, layer.state_w);
      update(plan_.layers[l].biases, true, layer.b, layer.db, layer.state_b);
    }
  }

  void update_numbers(std::vector<T>& w, const std::vector<T>& g, std::vector<std::vector<T>>& state,
                      const Coefficients<N>& c, const Regularization<N>& r) {
    for (std::size_t i = 0; i < w.size(); ++i) {
      N weight(w[i]), gradient(g[i]), planes[kMaxPlanes];
      for (std::size_t p = 0; p < state.size(); ++p) planes[p] = N(state[p][i]);
      if (is_regularized(plan_.optimizer)) regularize(weight, gradient, r);
      with_optimizer(plan_.optimizer, [&](auto rule) { decltype(rule)::update(weight, gradient, planes, c); });
      w[i] = weight.raw;
      for (std::size_t p = 0; p < state.size(); ++p) state[p][i] = planes[p].raw;
    }
  }

  // Sixteen sums per 16 outputs of a layer, the bias's gradient first; then all of them one after the other.
  void clip_norm() {
    T total = 0;
    for (const Layer<T>& layer : layers_) {
      for (std::size_t j = 0; j < layer.outputs; ++j) {
        T sum = std::fma(layer.db[j], layer.db[j], T(0));
        for (std::size_t i = 0; i < layer.inputs; ++i) {
          const T g = layer.dw[i * layer.outputs + j];
          sum = std::fma(g, g, sum);
        }
        total += sum;
      }
    }
    const T scale = std::min(T(1), static_cast<T>(plan_.optimizer.clip_norm) / (std::sqrt(total) + T(1e-6)));
    for (Layer<T>& layer : layers_) {
      for (T& g : layer.dw) g *= scale;
      for (T& g : layer.db) g *= scale;
    }
  }

  Plan plan_;
  std::vector<Layer<T>> layers_;
  Scalars scalars_;
  double dropout_ = 1, label_smoothing_ = 1;  // factors of the step
};

// The weights after training, layer by layer: W row by row, then b.
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
