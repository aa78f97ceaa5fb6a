// The number types that the engine is compiled for.
//
// A template that is defined in a source file is instantiated there, once for each type, instead of in every file that
// uses it.
#pragma once

// X(float) and X(double); X(float) alone in a build for single precision.
#ifdef CRECHE_SINGLE_PRECISION
#define CRECHE_FOR_EACH_PRECISION(X) X(float)
#else
#define CRECHE_FOR_EACH_PRECISION(X) X(float) X(double)
#endif
