// The plan's structs, with enumerators given by name.
#include "python_types.hpp"

#include <nanobind/stl/string_view.h>

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "plan.hpp"

namespace nb = nanobind;

namespace creche::CRECHE_LEVEL {

namespace {

template <class Enum>
using Names = std::span<const std::pair<std::string_view, Enum>>;

Names<ActivationKind> names(ActivationKind) {
  using enum ActivationKind;
  static constexpr std::pair<std::string_view, ActivationKind> kNames[] = {
      {"identity", identity}, {"relu", relu}, {"leaky_relu", leaky_relu}, {"elu", elu},
      {"selu", selu},         {"gelu", gelu}, {"gelu_tanh", gelu_tanh},   {"silu", silu},
      {"mish", mish},         {"tanh", tanh}, {"sigmoid", sigmoid},       {"softplus", softplus}};
  return kNames;
}

Names<LossKind> names(LossKind) {
  using enum LossKind;
  static constexpr std::pair<std::string_view, LossKind> kNames[] = {
      {"cross_entropy", cross_entropy},
      {"squared_error_of_classes", squared_error_of_classes},
      {"binary_cross_entropy", binary_cross_entropy},
      {"squared_error", squared_error},
      {"absolute_error", absolute_error},
      {"huber", huber},
      {"poisson", poisson},
      {"quantile", quantile}};
  return kNames;
}

Names<OptimizerKind> names(OptimizerKind) {
  using enum OptimizerKind;
  static constexpr std::pair<std::string_view, OptimizerKind> kNames[] = {
      {"sgd", sgd},     {"adagrad", adagrad}, {"adadelta", adadelta}, {"rmsprop", rmsprop}, {"adam", adam},
      {"adamw", adamw}, {"nadam", nadam},     {"radam", radam},       {"lion", lion},       {"lbfgs", lbfgs}};
  return kNames;
}

Names<InitializerKind> names(InitializerKind) {
  using enum InitializerKind;
  static constexpr std::pair<std::string_view, InitializerKind> kNames[] = {{"glorot_uniform", glorot_uniform},
                                                                            {"glorot_normal", glorot_normal},
                                                                            {"he_uniform", he_uniform},
                                                                            {"he_normal", he_normal},
                                                                            {"lecun_uniform", lecun_uniform},
                                                                            {"lecun_normal", lecun_normal},
                                                                            {"orthogonal", orthogonal},
                                                                            {"zeros", zeros},
                                                                            {"constant", constant},
                                                                            {"unit_variance", unit_variance}};
  return kNames;
}

Names<BiasInitializerKind> names(BiasInitializerKind) {
  using enum BiasInitializerKind;
  static constexpr std::pair<std::string_view, BiasInitializerKind> kNames[] = {
      {"zeros", zeros}, {"normal", normal}, {"uniform", uniform}, {"sampled", sampled}};
  return kNames;
}

Names<NormalizationKind> names(NormalizationKind) {
  using enum NormalizationKind;
  static constexpr std::pair<std::string_view, NormalizationKind> kNames[] = {
      {"none", none}, {"layer", layer}, {"batch", batch}};
  return kNames;
}

Names<WeightSharing> names(WeightSharing) {
  using enum WeightSharing;
  static constexpr std::pair<std::string_view, WeightSharing> kNames[] = {
      {"all", all}, {"all_but_scale", all_but_scale}, {"matrix", matrix}, {"none", none}};
  return kNames;
}

Names<SubmodelStart> names(SubmodelStart) {
  using enum SubmodelStart;
  static constexpr std::pair<std::string_view, SubmodelStart> kNames[] = {{"signs", signs}, {"normal", normal}};
  return kNames;
}

Names<EmbeddingKind> names(EmbeddingKind) {
  using enum EmbeddingKind;
  static constexpr std::pair<std::string_view, EmbeddingKind> kNames[] = {
      {"linear", linear}, {"periodic", periodic}, {"category", category}};
  return kNames;
}

Names<ScheduleKind> names(ScheduleKind) {
  using enum ScheduleKind;
  static constexpr std::pair<std::string_view, ScheduleKind> kNames[] = {
      {"constant", constant},       {"step", step},
      {"exponential", exponential}, {"cosine", cosine},
      {"cosine_log", cosine_log},   {"flat_cosine", flat_cosine},
      {"one_cycle", one_cycle},     {"reduce_on_plateau", reduce_on_plateau}};
  return kNames;
}

// A property that reads and writes an enumerator as its name.
template <class Struct, class Enum>
void def_choice(nb::class_<Struct>& c, const char* name, Enum Struct::* member) {
  c.def_prop_rw(
      name,
      [member](const Struct& s) {
        for (const auto& [word, value] : names(Enum{}))
          if (value == s.*member) return std::string(word);
        throw std::logic_error("an enumerator without a name");
      },
      [member, name](Struct& s, std::string_view word) {
        for (const auto& [known, value] : names(Enum{})) {
          if (known == word) {
            s.*member = value;
            return;
          }
        }
        throw std::invalid_argument(std::string(name) + ": unknown choice '" + std::string(word) + "'");
      });
}

}  // namespace

void bind_plan(nb::module_& m) {
  nb::class_<GroupPlan>(m, "GroupPlan")
      .def_rw("learning_rate", &GroupPlan::learning_rate)
      .def_rw("epsilon", &GroupPlan::epsilon)
      .def_rw("weight_decay", &GroupPlan::weight_decay)
      .def_rw("l1", &GroupPlan::l1)
      .def_rw("clip_value", &GroupPlan::clip_value);

  nb::class_<LayerPlan> layer(m, "LayerPlan");
  layer.def(nb::init<>()).def_rw("width", &LayerPlan::width);
  def_choice(layer, "activation", &LayerPlan::activation);
  def_choice(layer, "initializer", &LayerPlan::initializer);
  def_choice(layer, "bias_initializer", &LayerPlan::bias_initializer);
  def_choice(layer, "normalization", &LayerPlan::normalization);
  def_choice(layer, "sharing", &LayerPlan::sharing);
  layer.def_rw("activation_parameter", &LayerPlan::activation_parameter)
      .def_rw("dropout", &LayerPlan::dropout)
      .def_rw("initializer_parameter", &LayerPlan::initializer_parameter)
      .def_rw("scale_inputs", &LayerPlan::scales_inputs)
      .def_rw("parametric_activation", &LayerPlan::parametric)
      .def_rw("residual", &LayerPlan::residual)
      .def_rw("weights", &LayerPlan::weights)
      .def_rw("biases", &LayerPlan::biases)
      .def_rw("scale", &LayerPlan::scale)
      .def_rw("slopes", &LayerPlan::slopes)
      .def_rw("gains", &LayerPlan::gains);

  nb::class_<EmbeddingPlan> embedding(m, "EmbeddingPlan");
  embedding.def(nb::init<>());
  def_choice(embedding, "kind", &EmbeddingPlan::kind);
  embedding.def_rw("columns", &EmbeddingPlan::columns)
      .def_rw("sizes", &EmbeddingPlan::sizes)
      .def_rw("width", &EmbeddingPlan::width)
      .def_rw("frequencies", &EmbeddingPlan::frequencies)
      .def_rw("deviation", &EmbeddingPlan::deviation)
      .def_rw("parameters", &EmbeddingPlan::parameters);

  nb::class_<LossPlan> loss(m, "LossPlan");
  loss.def(nb::init<>());
  def_choice(loss, "kind", &LossPlan::kind);
  loss.def_rw("label_smoothing", &LossPlan::label_smoothing)
      .def_rw("delta", &LossPlan::delta)
      .def_rw("quantiles", &LossPlan::quantiles);

  nb::class_<OptimizerPlan> optimizer(m, "OptimizerPlan");
  optimizer.def(nb::init<>());
  def_choice(optimizer, "kind", &OptimizerPlan::kind);
  optimizer.def_rw("learning_rate", &OptimizerPlan::learning_rate)
      .def_rw("momentum", &OptimizerPlan::momentum)
      .def_rw("dampening", &OptimizerPlan::dampening)
      .def_rw("nesterov", &OptimizerPlan::nesterov)
      .def_rw("beta1", &OptimizerPlan::beta1)
      .def_rw("beta2", &OptimizerPlan::beta2)
      .def_rw("rho", &OptimizerPlan::rho)
      .def_rw("epsilon", &OptimizerPlan::epsilon)
      .def_rw("learning_rate_decay", &OptimizerPlan::learning_rate_decay)
      .def_rw("initial_accumulator", &OptimizerPlan::initial_accumulator)
      .def_rw("centered", &OptimizerPlan::centered)
      .def_rw("amsgrad", &OptimizerPlan::amsgrad)
      .def_rw("history", &OptimizerPlan::history)
      .def_rw("weight_decay", &OptimizerPlan::weight_decay)
      .def_rw("decoupled", &OptimizerPlan::decoupled)
      .def_rw("l1", &OptimizerPlan::l1)
      .def_rw("regularize_bias", &OptimizerPlan::regularize_bias)
      .def_rw("clip_norm", &OptimizerPlan::clip_norm)
      .def_rw("clip_value", &OptimizerPlan::clip_value);

  nb::class_<SchedulePlan> schedule(m, "SchedulePlan");
  schedule.def(nb::init<>());
  def_choice(schedule, "kind", &SchedulePlan::kind);
  schedule.def_rw("per_step", &SchedulePlan::per_step)
      .def_rw("length", &SchedulePlan::length)
      .def_rw("factor", &SchedulePlan::factor)
      .def_rw("minimum", &SchedulePlan::minimum)
      .def_rw("cycles", &SchedulePlan::cycles)
      .def_rw("peak_at", &SchedulePlan::peak_at)
      .def_rw("start", &SchedulePlan::start)
      .def_rw("finish", &SchedulePlan::finish)
      .def_rw("patience", &SchedulePlan::patience)
      .def_rw("threshold", &SchedulePlan::threshold)
      .def_rw("warmup", &SchedulePlan::warmup)
      .def_rw("warmup_start", &SchedulePlan::warmup_start);

  nb::class_<EarlyStoppingPlan>(m, "EarlyStoppingPlan")
      .def(nb::init<>())
      .def_rw("patience", &EarlyStoppingPlan::patience)
      .def_rw("min_delta", &EarlyStoppingPlan::min_delta)
      .def_rw("restore_best", &EarlyStoppingPlan::restore_best);

  nb::class_<WindowsPlan>(m, "WindowsPlan")
      .def(nb::init<>())
      .def_rw("block", &WindowsPlan::block)
      .def_rw("window", &WindowsPlan::window);

  nb::class_<Plan> plan(m, "Plan");
  def_choice(plan, "submodel_start", &Plan::submodel_start);
  plan.def(nb::init<>())
      .def_rw("inputs", &Plan::inputs)
      .def_rw("submodels", &Plan::submodels)
      .def_rw("input_features", &Plan::input_features)
      .def_rw("embeddings", &Plan::embeddings)
      .def_rw("layers", &Plan::layers)
      .def_rw("loss", &Plan::loss)
      .def_rw("optimizer", &Plan::optimizer)
      .def_rw("schedule", &Plan::schedule)
      .def_rw("weight_decay_schedule", &Plan::weight_decay_schedule)
      .def_rw("dropout_schedule", &Plan::dropout_schedule)
      .def_rw("label_smoothing_schedule", &Plan::label_smoothing_schedule)
      .def_rw("early_stopping", &Plan::early_stopping)
      .def_rw("batch_size", &Plan::batch_size)
      .def_rw("shards", &Plan::shards)
      .def_rw("drop_last", &Plan::drop_last)
      .def_rw("own_batches", &Plan::own_batches)
      .def_rw("rounds_products", &Plan::rounds_products)
      .def_rw("epochs", &Plan::epochs)
      .def_rw("seed", &Plan::seed)
      .def_rw("shuffle", &Plan::shuffle)
      .def_rw("windows", &Plan::windows)
      .def(
          "with_seed",
          [](Plan plan, std::uint64_t seed) {
            plan.seed = seed;
            return plan;
          },
          nb::arg("seed"));
}

}  // namespace creche::CRECHE_LEVEL
