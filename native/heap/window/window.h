/*
 * The window after the flip, alone: from-space holds contents that are ready, to-space is registered and empty,
 * mutators touch every page once in shuffled order while the collector sweeps from the high end to the low one.
 *
 * What is modelled: the concurrent compaction of a heap whose pages are ready where they lie (ART's black-dense
 * region), with faults served on the faulting thread (SIGBUS) or by a thread that reads the userfaultfd.  What is not:
 * building pages, updating references, allocation. It is the form in which the nearest peer reports
 * (bpf-fault/gc-bpf-fault, micro/bench_compact.c).
 */
#ifndef GCP_WINDOW_H
#define GCP_WINDOW_H

#include <stdint.h>

#include "base/clock.h"
#include "heap/fault_thread.h"
#include "base/histogram.h"
#include "heap/pages.h"
#include "base/platform.h"

/* cdef:begin */

#define GCP_MAX_MUTATORS 64

/*
 * pages:           of each space
 * mutators:        threads; each touches its share of the pages, all together every page once
 * collector_by:    enum gcp_verb, MOVE or COPY
 * collector_pages: pages per ioctl at most; 0: no collector, mutators are alone
 * fault_by:        enum gcp_verb, MOVE or COPY
 * fault_pages:     what a fault maps at most: the ready pages of the aligned group of that many pages around its own
 * region_pages:    0: from-space is one mapping; else it is cut into mappings of that many pages with an anon_vma each
 * handler:         enum gcp_handler
 * no_states:       1: nobody knows which pages are mapped: the collector and faults ask the kernel for every page, and
 *                  EEXIST says that it is; 0: both look at the page's state first (pages.h), as ART does
 * collector_cpu, handler_cpu, mutator_cpu[i]: what the thread is bound to, -1: nothing; the handler's is of
 *                  GCP_HANDLER_THREAD
 * late_ns:         a test aid: the collector's thread sleeps so long when the window is open, as one that is scheduled
 *                  late
 * skew_ns:         a test aid: the reading of the clock at the start is so much too high
 */
struct gcp_window_config {
    uint64_t pages;
    uint32_t mutators;
    uint32_t collector_by;
    uint32_t collector_pages;
    uint32_t fault_by;
    uint32_t fault_pages;
    uint64_t region_pages;
    uint32_t handler;
    uint32_t no_states;
    int32_t collector_cpu;
    int32_t handler_cpu;
    int32_t mutator_cpu[GCP_MAX_MUTATORS];
    uint64_t late_ns;
    uint64_t skew_ns;
    uint64_t seed;
};

/*
 * What the window was to one thread; times in ns.
 * ran:       where
 * late_ns:   from the start of the window until the thread ran
 * ns:        from the start of the window until it was through
 * cpu_ns:    of the time between the two, what it had a processor for
 * queued_ns: from before the start to its end, the time that it waited for a processor, runnable; GCP_UNKNOWN: the
 *            kernel can't tell.  What is left of `ns` it slept: in a fault that another thread serves, or for a lock.
 * access_ns: its first touches of pages
 * fault_ns:  of these, the time inside its SIGBUS handler
 */
struct gcp_window_thread {
    struct gcp_ran ran;
    uint64_t late_ns;
    uint64_t ns;
    uint64_t cpu_ns;
    uint64_t queued_ns;
    uint64_t access_ns;
    uint64_t fault_ns;
};

/*
 * err, reason:    errno of what failed and what it was, 0 and "" if nothing did.  ERANGE: times contradict each other,
 *                 and nothing of the window can be believed
 * mutator_ns:     from the start to the end of the last mutator
 * collector_ns:   from the start to the end of the sweep
 * access:         time of each mutator's first touch of a page, a fault included where there was one
 * fault:          time inside the fault handler, or of the handler thread, for each fault
 * collector, faults: what both did
 * wrong:          touches or pages with other contents than expected
 * unmapped:       to-space pages that are not present at the end
 * left:           from-space pages that are still present at the end of the sweep, before they are discarded
 * wakes:          UFFDIO_WAKE calls of the handler thread: faults whose page somebody else had mapped
 * handler_cpu_ns: CPU time of the handler thread;  handler: where it ran
 * runs:           how long the collector's runs were: pages per ioctl
 * sweeper, mutator[i]: the threads
 */
struct gcp_window_result {
    int32_t err;
    char reason[200];
    uint64_t mutator_ns;
    uint64_t collector_ns;
    struct gcp_histogram access;
    struct gcp_histogram fault;
    struct gcp_histogram runs;
    struct gcp_account collector;
    struct gcp_account faults;
    uint64_t wrong;
    uint64_t unmapped;
    uint64_t left;
    uint64_t wakes;
    uint64_t handler_cpu_ns;
    struct gcp_ran handler;
    struct gcp_window_thread sweeper;
    struct gcp_window_thread mutator[GCP_MAX_MUTATORS];
};

/* One window; the caller's thread takes no part in it.  Returns 0 or -errno with ret->reason. */
int gcp_window_run(const struct gcp_window_config *config, struct gcp_window_result *ret);

/* cdef:end */

#endif
