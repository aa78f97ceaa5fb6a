// The operations of the lane type, on arrays: native.lanes_binary("add", a, b, lanes) and the like.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "elementwise.hpp"
#include "simd/lanes.hpp"

namespace nb = nanobind;

namespace creche::CRECHE_LEVEL {

namespace {

// N numbers from x[i] on; beyond the end, copies of the last.
template <class T, int N>
Vec<T, N> group_of(const ArrayIn<T>& x, std::size_t i) {
  Vec<T, N> group;
  for (int lane = 0; lane < N; ++lane) group.set_lane(lane, x.data()[std::min(i + lane, x.size() - 1)]);
  return group;
}

template <int N, class T>
Vec<T, N> unary(const std::string& name, Vec<T, N> a) {
  if (name == "negate") return -a;
  if (name == "abs") return abs(a);
  if (name == "sqrt") return sqrt(a);
  if (name == "sign") return sign(a);
  if (name == "first_in_every_lane") return Vec<T, N>(a.lane(0));
  if (name == "through_bits") return Vec<T, N>::from_bits(a.bits());
  if (name == "in_register") {
    if constexpr (sizeof a.raw <= kRegisterBytes) in_register(a);
    return a;
  }
  throw std::invalid_argument("no operation of one number: " + name);
}

template <int N, class T>
Vec<T, N> binary(const std::string& name, Vec<T, N> a, Vec<T, N> b) {
  if (name == "add") return a + b;
  if (name == "subtract") return a - b;
  if (name == "multiply") return a * b;
  if (name == "divide") return a / b;
  if (name == "add_in_place") return a += b;
  if (name == "subtract_in_place") return a -= b;
  if (name == "multiply_in_place") return a *= b;
  if (name == "max") return max(a, b);
  if (name == "min") return min(a, b);
  if (name == "copysign") return copysign(a, b);
  throw std::invalid_argument("no operation of two numbers: " + name);
}

template <int N, class T>
Mask<T, N> comparison(const std::string& name, Vec<T, N> a, Vec<T, N> b) {
  if (name == "<") return a < b;
  if (name == "<=") return a <= b;
  if (name == ">") return a > b;
  if (name == ">=") return a >= b;
  if (name == "==") return a == b;
  if (name == "!=") return a != b;
  if (name == "> and not ==") return (a > b) & ~(a == b);
  if (name == "< or >") return (a < b) | (a > b);
  throw std::invalid_argument("no comparison: " + name);
}

// Calls f(lanes of n, i) for every group of a result of `size` numbers, which it stores.
template <class T, class F>
ArrayOut<T> for_groups(std::size_t size, int lanes, F f) {
  ArrayOut<T> out = new_array<T>({size});
  with_lanes(lanes, [&](auto n) {
    for (std::size_t i = 0; i < size; i += n.value) store_group(f(n, i), out.data(), i, size);
  });
  return out;
}

// x copied group by group: from `offset` on, wherever that lies in memory, or, aligned, from and to aligned memory.
// What is left over at the end stays 0.
template <class T>
ArrayOut<T> copied(ArrayIn<T> x, int lanes, std::size_t offset, bool aligned) {
  ArrayOut<T> out = new_array<T>({x.size()});
  with_lanes(lanes, [&](auto n) {
    using V = Vec<T, n.value>;
    for (std::size_t i = offset; i + n.value <= x.size(); i += n.value) {
      if (aligned) {
        alignas(V) T from[n.value], to[n.value];
        std::copy_n(x.data() + i, n.value, from);
        V::load(from).store(to);
        std::copy_n(to, n.value, out.data() + i);
      } else {
        V::load_unaligned(x.data() + i).store_unaligned(out.data() + i);
      }
    }
  });
  return out;
}

template <class T>
void bind(nb::module_& m) {
  m.def(
      "lanes_unary",
      [](const std::string& name, ArrayIn<T> x, int lanes) {
        return for_groups<T>(x.size(), lanes,
                             [&](auto n, std::size_t i) { return unary(name, group_of<T, n.value>(x, i)); });
      },
      nb::arg("name"), nb::arg("x").noconvert(), nb::arg("lanes"));
  m.def(
      "lanes_binary",
      [](const std::string& name, ArrayIn<T> a, ArrayIn<T> b, int lanes) {
        return for_groups<T>(a.size(), lanes, [&](auto n, std::size_t i) {
          return binary(name, group_of<T, n.value>(a, i), group_of<T, n.value>(b, i));
        });
      },
      nb::arg("name"), nb::arg("a").noconvert(), nb::arg("b").noconvert(), nb::arg("lanes"));
  m.def(
      "lanes_fma",
      [](ArrayIn<T> a, ArrayIn<T> b, ArrayIn<T> c, int lanes) {
        return for_groups<T>(a.size(), lanes, [&](auto n, std::size_t i) {
          return fma(group_of<T, n.value>(a, i), group_of<T, n.value>(b, i), group_of<T, n.value>(c, i));
        });
      },
      nb::arg("a").noconvert(), nb::arg("b").noconvert(), nb::arg("c").noconvert(), nb::arg("lanes"));
  // The bits of the mask itself.
  m.def(
      "lanes_compare",
      [](const std::string& name, ArrayIn<T> a, ArrayIn<T> b, int lanes) {
        ArrayOut<Bits<T>> out = new_array<Bits<T>>({a.size()});
        with_lanes(lanes, [&](auto n) {
          for (std::size_t i = 0; i < a.size(); i += n.value) {
            const auto mask = comparison(name, group_of<T, n.value>(a, i), group_of<T, n.value>(b, i));
            for (std::size_t lane = 0; lane < n.value && i + lane < a.size(); ++lane) {
              if constexpr (n.value == 1) {
                out.data()[i] = mask.raw;
              } else {
                out.data()[i + lane] = mask.raw[lane];
              }
            }
          }
        });
        return out;
      },
      nb::arg("name"), nb::arg("a").noconvert(), nb::arg("b").noconvert(), nb::arg("lanes"));
  m.def(
      "lanes_select",
      [](const std::string& name, ArrayIn<T> a, ArrayIn<T> b, ArrayIn<T> yes, ArrayIn<T> no, int lanes) {
        return for_groups<T>(a.size(), lanes, [&](auto n, std::size_t i) {
          constexpr int N = n.value;
          const auto mask = comparison(name, group_of<T, N>(a, i), group_of<T, N>(b, i));
          return select(mask, group_of<T, N>(yes, i), group_of<T, N>(no, i));
        });
      },
      nb::arg("name"), nb::arg("a").noconvert(), nb::arg("b").noconvert(), nb::arg("yes").noconvert(),
      nb::arg("no").noconvert(), nb::arg("lanes"));
  // Whether any of the numbers, no more than there are lanes, is above 0.
  m.def(
      "lanes_any_positive",
      [](ArrayIn<T> x, int lanes) {
        return with_lanes(lanes, [&](auto n) { return any(group_of<T, n.value>(x, 0) > Vec<T, n.value>(T(0))); });
      },
      nb::arg("x").noconvert(), nb::arg("lanes"));
  m.def("lanes_copied", copied<T>, nb::arg("x").noconvert(), nb::arg("lanes"), nb::arg("offset"), nb::arg("aligned"));
}

}  // namespace

void bind_lanes(nb::module_& m) {
  bind<float>(m);
  bind<double>(m);
  m.attr("register_bytes") = kRegisterBytes;
}

}  // namespace creche::CRECHE_LEVEL
