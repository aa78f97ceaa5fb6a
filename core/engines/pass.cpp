#include "engines/pass.hpp"

#include "gemm/product.hpp"
#include "layers/batch_normalization.hpp"
#include "precisions.hpp"

namespace creche::CRECHE_LEVEL {

template <class T>
Pass<T>::Pass(const Plan& plan, const Network<T>& network, const Rows<T>& table, const CustomLoss<T>* custom_loss,
              bool is_normalized)
    : plan_(plan),
      network_(network),
      table_(table),
      has_custom_loss_(custom_loss != nullptr && *custom_loss),
      batch_(plan, network.shape, table.count, custom_loss) {
  rows_.count = table.count;
  if (plan.shards > 1) rows_.shard_rows = rows_per_shard(plan, table.count);
  rows_.is_normalized = is_normalized;
  for (std::int64_t r = 0; r < table.count; ++r) rows_.weight += table.weight(r);
  rows_.weight *= static_cast<double>(plan.submodels);
  batch_.gather(table, rows_, 0, rows_.count);
  batch_.forward(network, rows_);
}

template <class T>
Evaluation Pass<T>::backward_from_loss() {
  AlignedArray<T> scratch(lane_scratch_size<T>(network_.shape.outputs()));
  has_custom_loss_ ? batch_.custom_loss(rows_.count, scratch.data())
                   : batch_.loss(rows_, 0, rows_.count, scratch.data());
  batch_.backward(network_, rows_);
  Evaluation sums{0, 0};
  for (std::int64_t m = 0; m < plan_.submodels; ++m) {
    const Evaluation of = Evaluator<T>::summarize(plan_.loss.kind, table_, batch_.losses() + first_row(m),
                                                  batch_.metrics() + first_row(m));
    if (plan_.submodels == 1) return of;
    sums.loss += of.loss;
    sums.metric += of.metric;
  }
  const auto submodels = static_cast<double>(plan_.submodels);
  return {sums.loss / submodels, sums.metric / submodels};
}

template <class T>
void Pass<T>::backward_from_directions(const T* directions) {
  const PanelMatrix<T> to = dloss_dz(network_.shape.count() - 1);
  if (plan_.submodels > 1) {
    mean_backward_pass_function<T>(plan_.loss.kind)(activations(network_.shape.count() - 1), plan_.submodels,
                                                    rows_.stride(), rows_.count, directions, to);
  } else {
    for (std::int64_t r = 0; r < rows_.count; ++r)
      for (std::int64_t c = 0; c < to.columns; ++c) to.element(r, c) = directions[r * to.columns + c];
  }
  batch_.backward(network_, rows_);
}

template <class T>
void Pass<T>::pre_activations(std::int64_t l, PanelMatrix<T> out) const {
  for (std::int64_t m = 0; m < plan_.submodels; ++m)
    weighted_sums(batch_.functions(l), network_, batch_.layer(l), first_row(m), first_row(m) + rows_.count, out, m);
}

template <class T>
void Pass<T>::statistics(const AlignedArray<T>& out) const {
  for (std::int64_t l = 0; l < network_.shape.count() && rows_.has_statistics(); ++l) {
    const LayerShape& layer = network_.shape.layers[static_cast<std::size_t>(l)];
    if (!layer.normalizes_by_batch) continue;
    const PanelMatrix<T> from = batch_.layer(l).statistics;
    const PanelMatrix<T> to = block_view(out.data(), network_.shape.blocks[*layer.normalization]);
    for (std::int64_t c = 0; c < layer.outputs; ++c) {
      to.element(kRunningMeanRow, c) = from.element(kBatchMeanRow, c);
      to.element(kRunningVarianceRow, c) = from.element(kBatchVarianceRow, c);
    }
  }
}

template <class T>
void Pass<T>::gradients(const AlignedArray<T>& out) const {
  gradients_of(rows_.shard(0), out);
  if (rows_.shards() == 1) return;
  AlignedArray<T> shard(out.size());
  for (std::int64_t s = 1; s < rows_.shards(); ++s) {
    gradients_of(rows_.shard(s), shard);
    for (std::int64_t i = 0; i < out.size(); ++i) out[i] += shard[i];
  }
}

template <class T>
void Pass<T>::gradients_of(RowRange rows, const AlignedArray<T>& out) const {
  for (std::int64_t l = 0; l < network_.shape.count(); ++l) {
    const LayerShape& layer = network_.shape.layers[static_cast<std::size_t>(l)];
    const PanelMatrix<T> gradient = block_view(out.data(), network_.shape.block_of(layer));
    const PanelMatrix<T> left = batch_.layer(l).left();
    const PanelMatrix<T> dloss_dz = this->dloss_dz(l);
    for (std::int64_t m = 0; m < layer.matrices(); ++m) {
      batch_.each_summed_range(
          rows_, rows, layer.own_weights ? m : kAllSubmodels,
          [&](std::int64_t begin, std::int64_t end, bool continues) {
            for (std::int64_t panel = 0; panel < layer.output_panels(); ++panel) {
              product_by_columns<1>(
                  batch_.functions(l).rounds_products, Operand<T>{left.at(0, begin), left.panel_stride()}, 0,
                  layer.inputs, Operand<T>{dloss_dz.at(panel, begin), dloss_dz.panel_stride()}, end - begin,
                  gradient.at(panel, layer.weights_row(m)), layer.own_bias ? nullptr : gradient.at(panel, 0),
                  gradient.panel_stride(), continues);
            }
          });
    }
  }
  for (std::size_t e = 0; e < network_.shape.embeddings.size(); ++e) {
    const EmbeddingShape& embedding = network_.shape.embeddings[e];
    const PanelMatrix<T> gradient = block_view(out.data(), network_.shape.blocks[embedding.block]);
    for (std::int64_t panel = 0; panel < gradient.panels(); ++panel)
      embedding_gradient(embedding, batch_.inputs(), batch_.embedding(e), panel, 0, gradient.rows, rows.begin, rows.end,
                         false, gradient.at(panel, 0));
  }
  for (const RowTerms<T>& of : batch_.terms()) {
    const PanelMatrix<T> gradient = block_view(out.data(), network_.shape.blocks[of.block]);
    batch_.each_summed_range(rows_, rows, of.submodel, [&](std::int64_t begin, std::int64_t end, bool continues) {
      for (std::int64_t panel = 0; panel < gradient.panels(); ++panel)
        add_terms(of.terms, panel, begin, end, continues, gradient.at(panel, of.row));
    });
  }
}

template <class T>
void Pass<T>::input_gradients(PanelMatrix<T> out) const {
  batch_.inputs_backward(network_, rows_, out);
}

#define INSTANTIATE(T) template class Pass<T>;
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
