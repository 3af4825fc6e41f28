/*
 * The window after the flip, alone: from-space holds contents that are ready, to-space is registered and empty,
 * mutators touch every page once in shuffled order while the collector sweeps from the high end to the low one.
 *
 * What is modelled: the concurrent compaction of a heap whose pages are ready where they lie (ART's black-dense
 * region), with faults served on the faulting thread (SIGBUS).  What is not: building pages, updating references,
 * allocation. It is the form in which the nearest peer reports (bpf-fault/gc-bpf-fault, micro/bench_compact.c).
 */
#ifndef GCP_WINDOW_H
#define GCP_WINDOW_H

#include <stdint.h>

#include "histogram.h"
#include "pages.h"

/* cdef:begin */

#define GCP_MAX_MUTATORS 64

/*
 * pages:           of each space
 * mutators:        threads; each touches its share of the pages, all together every page once
 * collector_by:    enum gcp_map_by;  collector_pages: pages per ioctl at most; 0: no collector, mutators are alone
 * fault_by:        enum gcp_map_by;  fault_pages: what a fault maps at most: the ready pages of the aligned group of
 * that many pages around the one that faulted region_pages:    0: from-space is one mapping; else it is cut into
 * mappings of that many pages with an anon_vma each collector_cpu:   -1: not pinned;  mutator_cpu: of the first
 * mutator, the next ones on those behind it, -1: not pinned
 */
struct gcp_window_config {
    uint64_t pages;
    uint32_t mutators;
    uint32_t collector_by;
    uint32_t collector_pages;
    uint32_t fault_by;
    uint32_t fault_pages;
    uint64_t region_pages;
    int32_t collector_cpu;
    int32_t mutator_cpu;
    uint64_t seed;
};

/*
 * err, reason:    what failed, 0 and "" if nothing did
 * mutator_ns:     from the start to the end of the last mutator;  collector_ns: of the sweep
 * access:         time of each mutator's first touch of a page, a fault included where there was one
 * fault:          of these, the time inside the fault handler
 * collector, faults: what both did
 * wrong:          touches or pages with other contents than expected
 * unmapped:       to-space pages that are not present at the end
 * left:           from-space pages that are still present at the end of the sweep, before they are discarded
 * runs:           how long the collector's runs were: pages per ioctl
 */
struct gcp_window_result {
    int32_t err;
    char reason[200];
    uint64_t mutator_ns;
    uint64_t collector_ns;
    struct gcp_histogram access;
    struct gcp_histogram fault;
    struct gcp_histogram runs;
    struct gcp_map_account collector;
    struct gcp_map_account faults;
    uint64_t wrong;
    uint64_t unmapped;
    uint64_t left;
};

/* One window.  Returns 0 or -errno with ret->reason. */
int gcp_window_run(const struct gcp_window_config *config, struct gcp_window_result *ret);

/* cdef:end */

#endif
