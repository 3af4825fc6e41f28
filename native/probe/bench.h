/* The short grid of gcproto bench, by gcprobe alone: for phones and other machines without Python. */
#ifndef GCP_PROBE_BENCH_H
#define GCP_PROBE_BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Writes {"bench": ...}, {"info": ...}, a line for each scenario as gcprobe run does, and {"end": ...}.  `rounds` are
 * without the warm-up.  Returns the exit code of a run.
 */
int gcprobe_bench(FILE *out, size_t rounds, uint64_t seed);

#endif
