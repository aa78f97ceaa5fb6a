// From the columns of a table to the inputs of the first layer, and back.
//
//   linear     e = b + x W, where x are the neighbouring columns of a feature, such as a number and its bins
//
//   periodic   t_f = w_f x + p_f / 2 pi
//              e_j = b_j + sum over f of cos(2 pi t_f) V_fj,   then x itself as the last input
//
//   category   e = row `x` of a matrix of vectors; a number beyond the codes counts as code 0
//
// A feature becomes neighbouring inputs, and columns without an embedding follow as they are. Sums go over columns,
// frequencies, or rows in their order, as in a layer.
//
// linear, if only the weights of the number itself begin other than 0, is version B of piecewise-linear embeddings:
// Gorishniy, Kotelnikov & Babenko 2025, "TabM", appendix D. periodic is PBLD: Holzmüller, Grinsztajn & Steinwart 2024,
// "Better by default", appendix A.
//
// Tests: tests/engine/test_contract.py, tests/engine/test_gradients.py, tests/peers/test_embeddings_against_torch.py
#pragma once

#include <cstdint>
#include <type_traits>
#include <vector>

#include "gemm/panel.hpp"
#include "shape.hpp"
#include "simd/lanes.hpp"

namespace creche::CRECHE_LEVEL {

// The matrices of one embedding, with all rows of a batch.
template <class T>
struct EmbeddingRows {
  // What the block gives: in the backward pass, the gradient of that. periodic: the panels of each learned input, with
  // a column for each feature; otherwise a column for each input.
  PanelMatrix<T> outputs;
  // periodic: 2 pi x, with a column for each feature.
  PanelMatrix<T> features;
  // periodic: the panels of each frequency. sines: first -sin(2 pi t), in the backward pass the gradient of 2 pi t.
  // Null in a pass that does not train, as are the features.
  PanelMatrix<T> cosines, sines;
};

// The matrices of all embeddings of a network; new_matrix(columns) makes one.
template <class T, class NewMatrix>
std::vector<EmbeddingRows<T>> lay_out_embeddings(const NetworkShape& shape, const NewMatrix& new_matrix, bool trains) {
  std::vector<EmbeddingRows<T>> all;
  for (const EmbeddingShape& embedding : shape.embeddings) {
    EmbeddingRows<T> rows;
    if (embedding.kind == EmbeddingKind::periodic) {
      const std::int64_t panels = panel_count(static_cast<std::int64_t>(embedding.columns.size()));
      rows.outputs = new_matrix(panels * kPanel * embedding.learned());
      rows.cosines = new_matrix(panels * kPanel * embedding.frequencies);
      if (trains) rows.features = new_matrix(panels * kPanel);
      if (trains) rows.sines = new_matrix(panels * kPanel * embedding.frequencies);
    } else {
      rows.outputs = new_matrix(embedding.width);
    }
    all.push_back(rows);
  }
  return all;
}

// Calls f with the number of learned inputs as a constant, or with 0 if it is not a frequent one.
template <class F>
CRECHE_INLINE void with_learned(std::int64_t learned, F&& f) {
  if (learned == 3) return f(std::integral_constant<int, 3>{});
  f(std::integral_constant<int, 0>{});
}

// The code that a number of a table stands for.
template <class T>
CRECHE_INLINE std::int64_t code_of(T x, std::int64_t codes) {
  return x >= T(0) && x < static_cast<T>(codes) ? static_cast<std::int64_t>(x) : 0;
}

// From the columns of the table, `inputs`, to the inputs of the first layer, `out`. `weights` is an arena.
template <class T>
void embed(const NetworkShape& shape, const T* weights, const PanelMatrix<T>& inputs,
           const std::vector<EmbeddingRows<T>>& rows, std::int64_t row_begin, std::int64_t row_end,
           const PanelMatrix<T>& out);

// From the gradient of the first layer's inputs to all that gradients of the embeddings are sums of.
template <class T>
void embed_backward(const NetworkShape& shape, const T* weights, const PanelMatrix<T>& dloss_dinputs,
                    const std::vector<EmbeddingRows<T>>& rows, std::int64_t row_begin, std::int64_t row_end);

// The gradient of the columns of the table, after embed_backward; 0 for codes.
template <class T>
void embed_inputs_backward(const NetworkShape& shape, const T* weights, const PanelMatrix<T>& dloss_dinputs,
                           const std::vector<EmbeddingRows<T>>& rows, std::int64_t row_begin, std::int64_t row_end,
                           const PanelMatrix<T>& out);

// The gradient, over some rows, of some rows of one panel of an embedding's block; added to `out` if it continues.
template <class T>
void embedding_gradient(const EmbeddingShape& embedding, const PanelMatrix<T>& inputs, const EmbeddingRows<T>& of,
                        std::int64_t panel, std::int64_t first_row, std::int64_t block_rows, std::int64_t row_begin,
                        std::int64_t row_end, bool continues, T* out);

}  // namespace creche::CRECHE_LEVEL
