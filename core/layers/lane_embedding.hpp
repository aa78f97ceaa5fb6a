// From the columns of a table to the inputs of the first layer, as layers/embedding.hpp has it for a single network:
// each lane with its own network and row.
#pragma once

#include <cstdint>
#include <vector>

#include "plan.hpp"
#include "shape.hpp"

namespace creche::CRECHE_LEVEL {

// The matrices of a periodic embedding, [feature][row][frequency], so that all that is known of a feature stays in the
// first-level cache. Null in a pass that does not train.
template <class V>
struct LaneWaves {
  V* cosines = nullptr;
  V* sines = nullptr;  // -sin(2 pi t)
};

// new_array(vectors_per_row) makes one.
template <class V, class NewArray>
std::vector<LaneWaves<V>> lay_out_waves(const NetworkShape& shape, const NewArray& new_array) {
  std::vector<LaneWaves<V>> all;
  for (const EmbeddingShape& embedding : shape.embeddings) {
    LaneWaves<V> waves;
    if (embedding.kind == EmbeddingKind::periodic) {
      const std::int64_t per_row = static_cast<std::int64_t>(embedding.columns.size()) * embedding.frequencies;
      waves = {new_array(per_row), new_array(per_row)};
    }
    all.push_back(waves);
  }
  return all;
}

// From the columns of the table to the inputs of the first layer, `out`. weights: the arena of the pack. waves may be
// empty.
template <class V>
void lane_embed(const NetworkShape& shape, const V* weights, const V* inputs, std::int64_t input_stride,
                const std::vector<LaneWaves<V>>& waves, std::int64_t rows, V* out, std::int64_t out_stride);

// Adds the rows to the gradients of the embeddings, in an arena, or begins with them. dloss_dinputs: the gradient of
// the first layer's inputs, (rows, inputs).
template <class V>
void lane_add_embedding_gradients(const NetworkShape& shape, const V* weights, const V* inputs,
                                  std::int64_t input_stride, const V* dloss_dinputs,
                                  const std::vector<LaneWaves<V>>& waves, std::int64_t rows, bool begins, V* gradients);

}  // namespace creche::CRECHE_LEVEL
