// Counts the memory allocations of the engine while it trains: every form of operator new of this module.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "engines/solo.hpp"

namespace {

std::atomic<std::int64_t> allocations{0};

void* allocate(std::size_t size, std::size_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* const p = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size, 16); }
void* operator new[](std::size_t size) { return allocate(size, 16); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }

namespace nb = nanobind;

namespace creche::CRECHE_LEVEL {

namespace {

using In = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Classes = nb::ndarray<const std::int32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// Returns the allocations during construction and the first step, and those during `steps` further steps.
nb::tuple allocations_while_training(const Plan& plan, In x, Classes classes, int threads, std::int64_t steps) {
  Rows<float> rows;
  rows.x = x.data();
  rows.x_stride = plan.inputs;
  rows.count = static_cast<std::int64_t>(x.shape(0));
  rows.classes = classes.data();
  const std::int64_t before = allocations.load();
  Solo<float> solo(plan, rows, rows, threads);
  solo.run({1, -1, -1}, {});
  const std::int64_t begun = allocations.load();
  solo.run({steps, -1, -1}, {});
  return nb::make_tuple(begun - before, allocations.load() - begun);
}

}  // namespace

void bind_allocations(nb::module_& m) { m.def("allocations_while_training", &allocations_while_training); }

}  // namespace creche::CRECHE_LEVEL
