// The shape of a network on a warp, and where its numbers lie in the warp's memory.
//
// A kernel of a GPU is compiled for one shape: all its loops over neurons are then unrolled, and sums stay in
// registers. The same code compiled for the host takes a shape at run time. So that it is written once, a number of a
// shape is either a std::integral_constant or an int, and each() unrolls over the one and loops over the other.
//
//   an arena of weights, gradients or optimizer state    [layer][bias, then inputs][outputs, padded to a multiple of 4]
//   activations and gradients of a block of rows         [layer][neuron][row]
#pragma once

#include <cstdint>
#include <type_traits>

#include "../simd/unroll.hpp"

namespace creche::CRECHE_LEVEL::device {

inline constexpr int kWarp = 32;       // lanes of a warp, and rows of a block
inline constexpr int kMostWidth = 32;  // of inputs and layers
inline constexpr int kMostLayers = 16;
inline constexpr int kMostParameters = 1536;

// From neuron to neuron: a multiple of 4, so that four rows are one load, but not of 32, so that lanes which read
// different neurons use different banks of the memory.
inline constexpr int kRowStride = kWarp + 4;

// Before a loop that a compiler for devices would unroll completely, since it knows the length: how often to unroll it.
// More would cost registers, and seconds to compile.
#ifdef __CUDACC__
#define CRECHE_UNROLL_ONCE _Pragma("unroll 1")
#define CRECHE_UNROLL_TWICE _Pragma("unroll 2")
#else
#define CRECHE_UNROLL_ONCE
#define CRECHE_UNROLL_TWICE
#endif

template <int n>
using Constant = std::integral_constant<int, n>;

template <int n, class F>
CRECHE_INLINE void each(Constant<n>, F&& f) {
  unroll<n>(f);
}
template <class F>
CRECHE_INLINE void each(int n, F&& f) {
  for (int i = 0; i < n; ++i) f(i);
}

// From the last to the first.
template <int n, class F>
CRECHE_INLINE void each_down(Constant<n>, F&& f) {
  unroll<n>([&](auto i) __attribute__((always_inline)) { f(Constant<n - 1 - decltype(i)::value>{}); });
}
template <class F>
CRECHE_INLINE void each_down(int n, F&& f) {
  for (int i = n - 1; i >= 0; --i) f(i);
}

template <int n>
constexpr auto less_one(Constant<n>) {
  return Constant<n - 1>{};
}
constexpr int less_one(int n) { return n - 1; }

template <int n>
constexpr auto plus_one(Constant<n>) {
  return Constant<n + 1>{};
}
constexpr int plus_one(int n) { return n + 1; }

// How many groups of four hold n numbers.
template <int n>
constexpr auto fours(Constant<n>) {
  return Constant<(n + 3) / 4>{};
}
constexpr int fours(int n) { return (n + 3) / 4; }

struct ShapeNumbers {
  int layers = 0;
  int widths[kMostLayers + 1] = {};      // of the inputs, then of each layer
  int weights_at[kMostLayers + 1] = {};  // of each layer in an arena; behind the last one its size
  int values_at[kMostLayers + 1] = {};   // of the inputs of each layer among the activations; behind them their size
  int deltas_at[kMostLayers + 1] = {};   // of the outputs of each layer among the gradients; behind them their size
  int widest = 0;

  constexpr int arena() const { return weights_at[layers]; }
};

constexpr ShapeNumbers shape_numbers(int layers, const int* widths) {
  ShapeNumbers out;
  out.layers = layers;
  for (int l = 0; l <= layers; ++l) {
    out.widths[l] = widths[l];
    if (widths[l] > out.widest) out.widest = widths[l];
  }
  for (int l = 0; l < layers; ++l) {
    out.weights_at[l + 1] = out.weights_at[l] + (1 + widths[l]) * fours(widths[l + 1]) * 4;
    out.values_at[l + 1] = out.values_at[l] + widths[l] * kRowStride;
    out.deltas_at[l + 1] = out.deltas_at[l] + widths[l + 1] * kRowStride;
  }
  return out;
}

// The shape of a kernel: the widths of the inputs and of each layer.
template <int... kWidths>
struct StaticShape {
  static constexpr ShapeNumbers compute() {
    const int widths[] = {kWidths...};
    return shape_numbers(sizeof...(kWidths) - 1, widths);
  }
  static constexpr ShapeNumbers kNumbers = compute();
  static constexpr int kWidest = (kNumbers.widest + 3) / 4 * 4;

  static constexpr auto layers() { return Constant<kNumbers.layers>{}; }
  static constexpr auto arena() { return Constant<kNumbers.arena()>{}; }
  template <class Layer>
  static constexpr auto inputs(Layer) {
    return Constant<kNumbers.widths[Layer::value]>{};
  }
  template <class Layer>
  static constexpr auto outputs(Layer) {
    return Constant<kNumbers.widths[Layer::value + 1]>{};
  }
  template <class Layer>
  static constexpr auto weights_at(Layer) {
    return Constant<kNumbers.weights_at[Layer::value]>{};
  }
  template <class Layer>
  static constexpr auto values_at(Layer) {
    return Constant<kNumbers.values_at[Layer::value]>{};
  }
  template <class Layer>
  static constexpr auto deltas_at(Layer) {
    return Constant<kNumbers.deltas_at[Layer::value]>{};
  }
};

// The shape of a network on the host.
struct RuntimeShape {
  static constexpr int kWidest = kMostWidth;
  ShapeNumbers numbers;

  int layers() const { return numbers.layers; }
  int arena() const { return numbers.arena(); }
  int inputs(int layer) const { return numbers.widths[layer]; }
  int outputs(int layer) const { return numbers.widths[layer + 1]; }
  int weights_at(int layer) const { return numbers.weights_at[layer]; }
  int values_at(int layer) const { return numbers.values_at[layer]; }
  int deltas_at(int layer) const { return numbers.deltas_at[layer]; }
};

}  // namespace creche::CRECHE_LEVEL::device
