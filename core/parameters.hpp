// The parameters of a network: blocks of numbers, each a matrix in an arena, made of named parts.
//
//   a block in an arena of weights, gradients or optimizer state   [panel of columns][rows][16]
//   a block in an arena of lanes, without padding                  [rows][columns][lane]
//
// What updates, clips, copies, saves or reads parameters goes through the blocks and their parts, and need not know to
// which layer they belong.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "gemm/panel.hpp"
#include "plan.hpp"

namespace creche::CRECHE_LEVEL {

// Some rows of a block.
struct ParameterPart {
  std::string name;  // for Python and for files, such as "0.weights"
  std::int64_t row = 0;
  std::int64_t rows = 0;
  bool is_vector = false;  // an array of one dimension in Python
  bool is_bias = false;    // weight decay and L1 leave it alone unless the plan says otherwise
  std::size_t owner = 0;   // the layer whose plan has, in `group`, the factors of the optimizer's numbers
  GroupPlan LayerPlan::* group = nullptr;  // null: the owner is an embedding
  std::int64_t matrices =
      0;                   // of the same size, one below the other, each of a submodel; 0: one without an axis for it
  bool is_learned = true;  // otherwise the optimizer leaves it alone, and its gradient is 0

  std::int64_t end() const { return row + rows; }
  // A pack's networks share the blocks, but not the factors.
  const GroupPlan& factors(const Plan& plan) const {
    return group == nullptr ? plan.embeddings[owner].parameters : plan.layers[owner].*group;
  }
};

struct ParameterBlock {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t at = 0;               // offset in an arena
  std::int64_t lanes_at = 0;         // offset in an arena of lanes, in vectors
  std::vector<ParameterPart> parts;  // row by row, together all of the block

  std::int64_t panels() const { return panel_count(columns); }
  std::int64_t size() const { return rows * columns; }  // without padding
};

template <class T>
PanelMatrix<T> block_view(T* arena, const ParameterBlock& block) {
  return {arena + block.at, block.rows, block.columns};
}

// Copies a part, (rows, columns), row by row, from an arena.
template <class T>
void read_part(const T* arena, const ParameterBlock& block, const ParameterPart& part, T* to) {
  const PanelMatrix<const T> from = block_view(arena, block);
  for (std::int64_t row = part.row; row < part.end(); ++row)
    for (std::int64_t column = 0; column < block.columns; ++column) *to++ = from.element(row, column);
}

// Copies a part, (rows, columns), row by row, to an arena.
template <class T>
void write_part(const T* from, const ParameterBlock& block, const ParameterPart& part, T* arena) {
  const PanelMatrix<T> to = block_view(arena, block);
  for (std::int64_t row = part.row; row < part.end(); ++row)
    for (std::int64_t column = 0; column < block.columns; ++column) to.element(row, column) = *from++;
}

}  // namespace creche::CRECHE_LEVEL
