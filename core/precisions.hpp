// The number types that the engine is compiled for.
//
// A template that is defined in a source file is instantiated there, once for each type, instead of in every file that
// uses it.
#pragma once

// X(float) X(double), or X of the one type that the build compiles this file for: it compiles each of these files once
// for each type, so that a build for one type is the first half of a build for both.
#ifdef CRECHE_PRECISION
#define CRECHE_FOR_EACH_PRECISION(X) X(CRECHE_PRECISION)
#else
#define CRECHE_FOR_EACH_PRECISION(X) X(float) X(double)
#endif
