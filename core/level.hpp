// The namespace of the instruction-set level being compiled, and its name.
//
// The same sources are compiled once per level, each time with -DCRECHE_LEVEL=<namespace>, so that the linker can never
// take a function compiled for one processor in place of one compiled for another.
#pragma once

#ifndef CRECHE_LEVEL
#if defined(__AVX512F__)
#define CRECHE_LEVEL x86_64_v4
#elif defined(__AVX2__)
#define CRECHE_LEVEL x86_64_v3
#elif defined(__aarch64__)
#define CRECHE_LEVEL neon
#else
#error \
    "Creche's engine needs AVX2 with FMA (x86-64-v3), AVX-512 (x86-64-v4) or 64-bit Arm: pass -march=x86-64-v3 or better"
#endif
#endif
