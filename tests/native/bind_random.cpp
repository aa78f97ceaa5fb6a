// Random numbers, for tests/native/test_random.py.
#include <nanobind/nanobind.h>

#include "arrays.hpp"
#include "random/random.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace creche::CRECHE_LEVEL {

namespace {

PhiloxWords counter_of(const ArrayIn<std::uint32_t>& counter) {
  if (counter.size() != 4) throw std::invalid_argument("a counter has 4 words");
  return {counter.data()[0], counter.data()[1], counter.data()[2], counter.data()[3]};
}

template <int N>
ArrayOut<std::uint32_t> words_in_block(std::uint64_t key, PhiloxWords counter) {
  auto out = new_array<std::uint32_t>({N, 4});
  philox_words<N>(key, counter, out.data());
  return out;
}

ArrayOut<std::uint32_t> block(std::uint64_t key, const ArrayIn<std::uint32_t>& counter, int n) {
  switch (n) {
    case 1:
      return words_in_block<1>(key, counter_of(counter));
    case 3:
      return words_in_block<3>(key, counter_of(counter));
    case 4:
      return words_in_block<4>(key, counter_of(counter));
    case 8:
      return words_in_block<8>(key, counter_of(counter));
    case 21:
      return words_in_block<21>(key, counter_of(counter));
    default:
      throw std::invalid_argument("no block of this many counters is compiled in");
  }
}

}  // namespace

void bind_random(nb::module_& m) {
  m.def(
      "philox",
      [](std::uint64_t key, const ArrayIn<std::uint32_t>& counter) {
        const PhiloxWords words = philox(key, counter_of(counter));
        auto out = new_array<std::uint32_t>({4});
        std::copy(words.begin(), words.end(), out.data());
        return out;
      },
      "key"_a, "counter"_a);
  m.def("philox_block", block, "key"_a, "counter"_a, "n"_a);
  m.def(
      "philox_span",
      [](std::uint64_t key, const ArrayIn<std::uint32_t>& counter, std::size_t words) {
        auto out = new_array<std::uint32_t>({words});
        philox_words(key, counter_of(counter), std::span(out.data(), words));
        return out;
      },
      "key"_a, "counter"_a, "words"_a);
  m.def(
      "permutation",
      [](std::uint64_t seed, std::uint32_t epoch, std::size_t n) {
        auto out = new_array<std::int32_t>({n});
        permutation(seed, epoch, std::span(out.data(), n));
        return out;
      },
      "seed"_a, "epoch"_a, "n"_a);
  m.def(
      "dropout_words_of_two",
      [](std::uint64_t seed, std::uint32_t epoch, std::uint32_t position, std::uint32_t layer, std::uint32_t panel) {
        auto out = new_array<std::uint32_t>({2, 16});
        dropout_words_of_two(seed, epoch, position, layer, panel, out.data());
        return out;
      },
      "seed"_a, "epoch"_a, "position"_a, "layer"_a, "panel"_a);
  m.def(
      "dropout_words_of_lanes",
      [](const ArrayIn<std::uint64_t>& seeds, std::uint32_t epoch, std::uint32_t position, std::uint32_t layer,
         std::uint32_t quad) {
        if (seeds.size() != 16) throw std::invalid_argument("16 seeds, one for each lane");
        auto out = new_array<std::uint32_t>({4, 16});
        dropout_words_of_lanes(seeds.data(), epoch, position, layer, quad, out.data());
        return out;
      },
      "seeds"_a, "epoch"_a, "position"_a, "layer"_a, "quad"_a);
  m.def("uniform24", [](std::uint32_t word) { return uniform24(word); }, "word"_a);
  m.def("uniform53", [](std::uint32_t high, std::uint32_t low) { return uniform53(high, low); }, "high"_a, "low"_a);
  m.def(
      "initial_normals",
      [](std::uint64_t seed, std::uint32_t layer, std::uint64_t first) {
        auto out = new_array<double>({16});
        initial_normals(seed, layer, first, std::span<double, 16>(out.data(), 16));
        return out;
      },
      "seed"_a, "layer"_a, "first"_a);
}

}  // namespace creche::CRECHE_LEVEL
