// Matrix products by tiles, and the same product as the contract defines it.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cmath>
#include <cstdint>

#include "aligned.hpp"
#include "gemm/bfloat16.hpp"
#include "simd/transpose.hpp"

namespace nb = nanobind;

namespace creche::CRECHE_LEVEL {

namespace {

template <class T>
using In = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T>
using Out = nb::ndarray<T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

// A NumPy matrix in panels. NaN fills the padding that a kernel must never read.
template <class T>
struct Panels {
  AlignedArray<T> data;
  PanelMatrix<T> view;

  Panels(std::int64_t rows, std::int64_t columns) : data(panel_count(columns) * kPanel * (rows + 3)) {
    view = {data.data(), rows + 3, columns};
  }
  Panels(const T* from, std::int64_t rows, std::int64_t columns, T padding) : Panels(rows, columns) {
    for (std::int64_t i = 0; i < data.size(); ++i) data[i] = padding;
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < columns; ++c) view.element(r, c) = from[r * columns + c];
  }
};

template <class T>
struct StoreTile {
  PanelMatrix<T> out;

  template <class TileT>
  void operator()(TileT& tile, std::int64_t row, std::int64_t panel) const {
    tile.store(out.at(panel, row), out.panel_stride());
  }
};

// out = begin + left right, for rows row_begin ... row_end - 1.
template <class T>
void by_rows(In<T> left, In<T> right, In<T> begin, std::int64_t row_begin, std::int64_t row_end, Out<T> out,
             bool rounds) {
  const auto rows = static_cast<std::int64_t>(left.shape(0));
  const auto terms = static_cast<std::int64_t>(left.shape(1));
  const auto columns = static_cast<std::int64_t>(right.shape(1));
  const Panels<T> l(left.data(), rows, terms, std::nan("")), r(right.data(), terms, columns, T(0));
  const Panels<T> c(rows, columns);
  Panels<T> b(terms, columns);  // as many rows as right, so that the panels have the same stride
  for (std::int64_t n = 0; n < columns; ++n) b.view.element(0, n) = begin.data()[n];
  product_by_rows(rounds, Operand<T>{l.view.data, l.view.panel_stride()}, row_begin, row_end, b.view.data,
                  Operand<T>{r.view.data, r.view.panel_stride()}, terms, c.view, StoreTile<T>{c.view});
  for (std::int64_t i = row_begin; i < row_end; ++i)
    for (std::int64_t n = 0; n < columns; ++n) out.data()[i * columns + n] = c.view.element(i, n);
}

// out = left^T right; totals = the sum of right's rows.
template <class T>
void by_columns(In<T> left, In<T> right, Out<T> out, Out<T> totals, bool rounds) {
  const auto terms = static_cast<std::int64_t>(left.shape(0));
  const auto rows = static_cast<std::int64_t>(left.shape(1));
  const auto columns = static_cast<std::int64_t>(right.shape(1));
  const Panels<T> l(left.data(), terms, rows, std::nan("")), r(right.data(), terms, columns, T(0));
  const Panels<T> c(1 + rows, columns);
  for_panel_groups<T>(0, c.view.panels(), [&](auto panels, std::int64_t panel) {
    product_by_columns<decltype(panels)::value>(rounds, Operand<T>{l.view.data, l.view.panel_stride()}, 0, rows,
                                                Operand<T>{r.view.at(panel, 0), r.view.panel_stride()}, terms,
                                                c.view.at(panel, 1), c.view.at(panel, 0), c.view.panel_stride(), false);
  });
  for (std::int64_t n = 0; n < columns; ++n) totals.data()[n] = c.view.element(0, n);
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t n = 0; n < columns; ++n) out.data()[i * columns + n] = c.view.element(1 + i, n);
}

// The contract: starts from `begin` and adds k = 0, 1, 2, ... by fused multiply-add.
template <class T>
void by_contract(In<T> left, In<T> right, In<T> begin, Out<T> out) {
  const std::size_t rows = left.shape(0), terms = left.shape(1), columns = right.shape(1);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t n = 0; n < columns; ++n) {
      T sum = begin.data()[n];
      for (std::size_t k = 0; k < terms; ++k)
        sum = std::fma(left.data()[i * terms + k], right.data()[k * columns + n], sum);
      out.data()[i * columns + n] = sum;
    }
  }
}

// Transposes the first `rows` rows of a 16 x 16 block.
template <class T>
void transposed_block(In<T> from, int rows, Out<T> to) {
  AlignedArray<T> in(256), out(256);
  for (std::int64_t i = 0; i < 256; ++i) in[i] = from.data()[i];
  transpose_panel_block(in.data(), rows, out.data());
  for (std::int64_t i = 0; i < 256; ++i) to.data()[i] = out[i];
}

template <class T>
void bind(nb::module_& m) {
  m.def("product_by_rows", &by_rows<T>, nb::arg("left").noconvert(), nb::arg("right").noconvert(),
        nb::arg("begin").noconvert(), nb::arg("row_begin"), nb::arg("row_end"), nb::arg("out").noconvert(),
        nb::arg("rounds") = false);
  m.def("product_by_columns", &by_columns<T>, nb::arg("left").noconvert(), nb::arg("right").noconvert(),
        nb::arg("out").noconvert(), nb::arg("totals").noconvert(), nb::arg("rounds") = false);
  m.def("product_by_contract", &by_contract<T>, nb::arg("left").noconvert(), nb::arg("right").noconvert(),
        nb::arg("begin").noconvert(), nb::arg("out").noconvert());
  m.def("transposed_block", &transposed_block<T>, nb::arg("from").noconvert(), nb::arg("rows"),
        nb::arg("to").noconvert());
}

}  // namespace

void bind_gemm(nb::module_& m) {
  m.def(
      "add_rounded_products",
      [](In<float> a, In<float> b, Out<float> sums) {
        for (std::size_t i = 0; i < sums.size(); ++i) {
          sums.data()[i] =
              add_rounded_product(round_to_bfloat16(a.data()[i]), round_to_bfloat16(b.data()[i]), sums.data()[i]);
        }
      },
      nb::arg("a").noconvert(), nb::arg("b").noconvert(), nb::arg("sums").noconvert());
  bind<float>(m);
  bind<double>(m);
}

}  // namespace creche::CRECHE_LEVEL
