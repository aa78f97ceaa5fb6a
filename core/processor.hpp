// What this processor and its operating system can run, asked of the processor itself: the compiler's own
// __builtin_cpu_supports knows no levels where its run-time library is another than that of GCC.
//
// Leaves and bits: Intel, Software Developer's Manual, volume 2A, CPUID. Levels: System V psABI for x86-64, table 3.1.
#pragma once

#include <cstdint>
#include <initializer_list>

#if defined(__x86_64__)
#include <cpuid.h>

namespace creche::processor {

struct Leaf {
  std::uint32_t a = 0, b = 0, c = 0, d = 0;
};

inline Leaf read_leaf(std::uint32_t leaf, std::uint32_t part = 0) {
  Leaf out;
  __get_cpuid_count(leaf, part, &out.a, &out.b, &out.c, &out.d);  // zeros where there is no such leaf
  return out;
}

inline bool has_bits(std::uint32_t word, std::initializer_list<int> bits) {
  for (const int bit : bits) {
    if ((word >> bit & 1u) == 0) return false;
  }
  return true;
}

// The registers that the operating system keeps for each thread (XCR0).
inline std::uint32_t kept_registers() {
  if (!has_bits(read_leaf(1).c, {27})) return 0;  // OSXSAVE
  std::uint32_t low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

inline bool runs_x86_64_v3() {
  // SSE3, SSSE3, FMA, CMPXCHG16B, SSE4.1, SSE4.2, MOVBE, POPCNT, OSXSAVE, AVX, F16C
  return has_bits(read_leaf(1).c, {0, 9, 12, 13, 19, 20, 22, 23, 27, 28, 29}) &&
         has_bits(read_leaf(7).b, {3, 5, 8}) &&        // BMI1, AVX2, BMI2
         has_bits(read_leaf(0x80000001).c, {0, 5}) &&  // LAHF, LZCNT
         has_bits(kept_registers(), {1, 2});           // of SSE and AVX
}

inline bool runs_x86_64_v4() {
  return runs_x86_64_v3() && has_bits(read_leaf(7).b, {16, 17, 28, 30, 31}) &&  // AVX512F, DQ, CD, BW, VL
         has_bits(kept_registers(), {5, 6, 7});                                 // masks, and all of ZMM
}

inline bool is_from_intel() {
  const Leaf vendor = read_leaf(0);
  return vendor.b == 0x756e6547 && vendor.d == 0x49656e69 && vendor.c == 0x6c65746e;  // GenuineIntel
}

inline bool runs_avx512_bfloat16() { return runs_x86_64_v4() && has_bits(read_leaf(7, 1).a, {5}); }

}  // namespace creche::processor
#endif
