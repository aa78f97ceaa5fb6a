// Elementary functions on lanes, our own: only + - * / fma, comparisons and bit operations, each the same on every
// instruction set, so that a result's bits depend on nothing but its argument. No call to the C library's.
#pragma once

#include "exp.hpp"
#include "log.hpp"
#include "normal.hpp"
#include "turns.hpp"
