#include "engines/evaluator.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "precisions.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

// to: (rows, columns) row by row, without padding.
template <class T>
void copy_rows(const PanelMatrix<T>& from, std::int64_t rows, T* to) {
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < from.columns; ++c) *to++ = from.element(r, c);
}

}  // namespace

template <class T>
Evaluator<T>::Evaluator(const Plan& plan, const NetworkShape& shape, int threads, const CustomLoss<T>* custom_loss)
    : plan_(plan), head_(head_pass_function<T>(plan.loss.kind)), mean_(mean_pass_function<T>(plan.loss.kind)) {
  const std::int64_t rows = staggered_rows(kBlock);
  const bool scales_inputs =
      std::any_of(plan.layers.begin(), plan.layers.end(), [](const LayerPlan& layer) { return layer.scales_inputs; });
  for (int thread = 0; thread < threads; ++thread) {
    Scratch scratch;
    for (AlignedArray<T>& buffer : scratch.buffers) buffer = AlignedArray<T>(shape.widest_panels * kPanel * rows);
    lay_out_columns(plan, shape, rows, scratch);
    if (scales_inputs) scratch.scaled = AlignedArray<T>(shape.widest_panels * kPanel * rows);
    scratch.lanes = AlignedArray<T>(lane_scratch_size<T>(shape.outputs()));
    if (plan.submodels > 1) {
      scratch.inputs = AlignedArray<T>(panel_count(shape.inputs()) * kPanel * rows);
      scratch.submodels =
          AlignedArray<T>(panel_count(shape.outputs()) * kPanel * staggered_rows(plan.submodels * kBlock));
      scratch.lanes =
          AlignedArray<T>(std::max(scratch.lanes.size(), mean_scratch_size<T>(shape.outputs(), plan.submodels)));
    }
    scratch.labels = AlignedArray<T>(3 * kBlock);
    scratch.targets = AlignedArray<T>(panel_count(shape.outputs()) * kPanel * rows);
    scratch.rows = rows;
    scratch.custom_loss = CustomLossPass<T>(custom_loss, plan.loss.kind, kBlock, shape.outputs());
    scratch_.push_back(std::move(scratch));
  }
  for (std::size_t l = 0; l < plan.layers.size(); ++l) functions_.emplace_back(plan.layers[l], shape.layers[l]);
  loss_pass_ = loss_pass_function<T>(plan.loss.kind);
}

template <class T>
void Evaluator<T>::lay_out_columns(const Plan& plan, const NetworkShape& shape, std::int64_t rows, Scratch& scratch) {
  if (shape.embeddings.empty()) return;
  for (int pass = 0; pass < 2; ++pass) {  // the first computes sizes, the second assigns places
    std::int64_t used = 0;
    const auto matrix = [&](std::int64_t columns) {
      T* const at = pass == 0 ? nullptr : scratch.table.data() + used;
      used += panel_count(columns) * kPanel * rows;
      return PanelMatrix<T>{at, rows, columns};
    };
    scratch.columns = matrix(plan.inputs);
    scratch.embeddings = lay_out_embeddings<T>(shape, matrix, false);
    if (pass == 0) scratch.table = AlignedArray<T>(used);
  }
}

template <class T>
void Evaluator<T>::predict(int thread, const Network<T>& network, const Rows<T>& table, std::int64_t block, bool head,
                           T* out) const {
  const Scratch& scratch = scratch_[static_cast<std::size_t>(thread)];
  const std::int64_t begin = block * kBlock;
  const std::int64_t count = std::min(kBlock, table.count - begin);
  auto [z, spare] = outputs(scratch, network, table, begin, count);
  if (head) {
    spare.columns = z.columns;
    head_(z, 0, count, spare, scratch.lanes.data());
    std::swap(z, spare);
  }
  copy_rows(z, count, out + begin * z.columns);
}

template <class T>
void Evaluator<T>::layer_outputs(int thread, const Network<T>& network, const Rows<T>& table, std::int64_t block,
                                 std::int64_t layer, std::int64_t submodel, T* out) const {
  const Scratch& scratch = scratch_[static_cast<std::size_t>(thread)];
  const std::int64_t begin = block * kBlock;
  const std::int64_t count = std::min(kBlock, table.count - begin);
  take_inputs(scratch, network, table, begin, count);
  const PanelMatrix<T> values = forward(scratch, network, count, static_cast<std::size_t>(layer + 1), submodel).first;
  copy_rows(values, count, out + begin * values.columns);
}

template <class T>
bool Evaluator<T>::losses(int thread, const Network<T>& network, const Rows<T>& table, std::int64_t block, T* loss,
                          T* metric) const {
  const Scratch& scratch = scratch_[static_cast<std::size_t>(thread)];
  const std::int64_t begin = block * kBlock;
  const std::int64_t count = std::min(kBlock, table.count - begin);
  const PanelMatrix<T> z = outputs(scratch, network, table, begin, count).first;
  T* const classes = scratch.labels.data();
  const LossResults<T> results{classes + kBlock, classes + 2 * kBlock};
  Labels<T> labels{classes, {scratch.targets.data(), scratch.rows, z.columns}, nullptr};
  for (std::int64_t r = 0; r < count; ++r) {
    if (table.classes != nullptr) {
      classes[r] = static_cast<T>(table.classes[begin + r]);
    } else {
      copy_row(table.targets + (begin + r) * table.targets_stride, z.columns, labels.targets.at(0, r),
               labels.targets.panel_stride());
    }
  }
  loss_pass_(plan_.loss, plan_.loss.label_smoothing, z, labels, 0, count, PanelMatrix<T>{}, results,
             scratch.lanes.data());
  if (scratch.custom_loss.is_set() && !scratch.custom_loss(z, labels, count, PanelMatrix<T>{}, results.loss))
    return false;
  std::copy(results.loss, results.loss + count, loss + begin);
  std::copy(results.metric, results.metric + count, metric + begin);
  return true;
}

template <class T>
Evaluation Evaluator<T>::summarize(LossKind kind, const Rows<T>& table, const T* loss, const T* metric) {
  EvaluationSums sums;
  sums.add(table, loss, metric);
  return sums.means(kind);
}

// The inputs of the first layer, which submodels share: they stay while layers take turns with the other matrices.
template <class T>
PanelMatrix<T> Evaluator<T>::first_inputs(const Scratch& scratch, const Network<T>& network) const {
  T* const at = plan_.submodels > 1 ? scratch.inputs.data() : scratch.buffers[0].data();
  return {at, scratch.rows, network.shape.inputs()};
}

template <class T>
void Evaluator<T>::take_inputs(const Scratch& scratch, const Network<T>& network, const Rows<T>& table,
                               std::int64_t begin, std::int64_t count) const {
  const PanelMatrix<T> inputs = first_inputs(scratch, network);
  const bool embeds = !scratch.embeddings.empty();
  const PanelMatrix<T>& columns = embeds ? scratch.columns : inputs;
  for (std::int64_t r = 0; r < count; ++r)
    copy_row(table.x + (begin + r) * table.x_stride, plan_.inputs, columns.at(0, r), columns.panel_stride());
  if (embeds) embed(network.shape, network.weights.data(), columns, scratch.embeddings, 0, count, inputs);
}

template <class T>
typename Evaluator<T>::TwoMatrices Evaluator<T>::outputs(const Scratch& scratch, const Network<T>& network,
                                                         const Rows<T>& table, std::int64_t begin,
                                                         std::int64_t count) const {
  const std::size_t layers = plan_.layers.size();
  take_inputs(scratch, network, table, begin, count);
  if (plan_.submodels == 1) return forward(scratch, network, count, layers, 0);
  const PanelMatrix<T> all{scratch.submodels.data(), staggered_rows(plan_.submodels * kBlock), network.shape.outputs()};
  PanelMatrix<T> mean, spare;
  for (std::int64_t m = 0; m < plan_.submodels; ++m) {
    std::tie(mean, spare) = forward(scratch, network, count, layers, m);
    for (std::int64_t panel = 0; panel < all.panels(); ++panel)
      std::copy_n(mean.at(panel, 0), count * kPanel, all.at(panel, m * kBlock));
  }
  mean_(all, plan_.submodels, kBlock, 0, count, mean, scratch.lanes.data());
  return {mean, spare};
}

template <class T>
typename Evaluator<T>::TwoMatrices Evaluator<T>::forward(const Scratch& scratch, const Network<T>& network,
                                                         std::int64_t count, std::size_t layers,
                                                         std::int64_t submodel) const {
  LayerRows<T> rows;
  rows.inputs = first_inputs(scratch, network);
  rows.outputs = {scratch.buffers[1].data(), scratch.rows, 0};
  for (std::size_t l = 0; l < layers; ++l) {
    rows.outputs.columns = plan_.layers[l].width;
    rows.scaled = {functions_[l].shape.scale ? scratch.scaled.data() : nullptr, scratch.rows, rows.inputs.columns};
    layer_forward(functions_[l], network, rows, 0, count, submodel);
    if (plan_.layers[l].residual) add_residual(rows, 0, count);
    std::swap(rows.inputs, rows.outputs);
    if (l == 0) rows.outputs = {scratch.buffers[0].data(), scratch.rows, 0};
  }
  return {rows.inputs, rows.outputs};
}

#define INSTANTIATE(T) template class Evaluator<T>;
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
