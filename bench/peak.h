/*
 * What the arithmetic units can do at most: multiply-adds on registers only, the ceiling that a network's
 * GFLOP/s are read against.
 */
#ifndef CZ_BENCH_PEAK_H
#define CZ_BENCH_PEAK_H

#include "engine/runtime.h"

/* Floating-point operations per second of the runtime's tier on all its threads (a multiply-add counts 2):
 * one measurement of some milliseconds. */
double cz_peak_measure(const struct cz_runtime *);

#endif
