/*
 * Stress: pages move back and forth between two ranges while they are also pinned, forked, swapped, collapsed and
 * compacted.  No page may be lost, be in both ranges, or lose a byte that was written to it.
 *
 * It changes settings of the machine (folio sizes, khugepaged) and asks for compaction: for guests only.
 */
#ifndef GCP_STRESS_H
#define GCP_STRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Run rounds for that many seconds and print one verdict as a line of JSON, with the counts and the growth of memory
 * counters.  With `alone`, only the random sequences of one thread.  0, -EPERM outside a guest, or -errno.
 */
int gcp_stress(FILE *out, uint64_t seconds, uint64_t seed, bool alone);

#endif
