// What is converted between C++ and Python. All files of the bindings include it: one that lacked a conversion would
// still be compiled, but take and return opaque objects, and only where headers are not precompiled.
//
// It comes first, as clang-format keeps it: the headers of Python define what those of the system are to declare.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>
