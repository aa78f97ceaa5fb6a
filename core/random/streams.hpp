// The purposes of random numbers, each with counters of its own.
//
//   word of Philox(key = seed, counter = {index, position, epoch, stream})
//
//   shuffling         index: swap / 4              position 0           stream shuffle
//   shuffling blocks  index: swap / 2              position 0           stream blocks
//   and in a window   index: swap / 2              position: window     stream windows
//   initial weights   index: draw, low 32 bits     position: high bits  stream initialization + layer
//   initial biases    likewise                                          stream initialization + kBiasDraws + layer
//   initial factors   index: feature                                    stream initialization + kScaleDraws + layer
//   embeddings        likewise                 stream initialization + kEmbeddingDraws + 4 x embedding + part
//   dropout           index: neuron / 4            position of the row in the epoch      stream dropout + layer
//
// A submodel's own initial numbers have its number in place of the epoch; in dropout, layer l of submodel m has the
// number l + 4096 m. So no number depends on the batch size, on threads, on the other networks of a colony, or on what
// was drawn before.
#pragma once

#include <cstddef>
#include <cstdint>

#include "level.hpp"

namespace creche::CRECHE_LEVEL {

// The purposes of random numbers; no two share a counter. Those of a layer add its number, which counts from 0.
enum Stream : std::uint32_t {
  kStreamInitialization = 1u << 24,
  kStreamShuffle = 2u << 24,
  kStreamDropout = 3u << 24,
  kStreamBlocks = 4u << 24,
  kStreamWindows = 5u << 24,
};

// Added to the number of a layer: the draws of its biases.
inline constexpr std::uint32_t kBiasDraws = 1u << 16;
// And those of its factors of the inputs.
inline constexpr std::uint32_t kScaleDraws = 1u << 18;

// The number of a layer of a submodel in dropout.
inline std::uint32_t dropout_layer(std::int64_t layer, std::int64_t submodel) {
  return static_cast<std::uint32_t>(layer + 4096 * submodel);
}

// Added to 4 times the number of an embedding and the number of one of its parts.
inline constexpr std::uint32_t kEmbeddingDraws = 1u << 17;

// Which of the positions 0 ... last - 1 a word picks in a shuffle (Fisher & Yates; Durstenfeld 1964). For a table of a
// million rows some positions are more likely than others by one part in 4,000, which is far below what training could
// notice.
inline std::size_t shuffled_position(std::uint32_t word, std::size_t last) {
  return (static_cast<std::uint64_t>(word) * last) >> 32;
}

}  // namespace creche::CRECHE_LEVEL
