/*
 * The window after the flip, in isolation.  From-space holds contents that are ready; to-space is registered and empty.
 * Mutators touch every page once, in shuffled order, while the collector sweeps from high to low addresses.
 *
 * What is modelled: the concurrent compaction of a heap whose pages are ready in place (ART's black-dense region).
 * Faults are served on the faulting thread (SIGBUS) or by a thread that reads the userfaultfd.  What is not modelled:
 * building pages, updating references, allocation.  The nearest peer reports in this form (bpf-fault/gc-bpf-fault,
 * micro/bench_compact.c).
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
 * mutators:        number of threads; each touches its own share of the pages
 * collector_by:    enum gcp_verb, MOVE or COPY
 * collector_pages: most pages per ioctl; 0: no collector, only mutators
 * fault_by:        enum gcp_verb, MOVE or COPY
 * fault_pages:     most pages that a fault maps: the ready pages in the aligned group of that size around its own
 * region_pages:    0: from-space is one mapping; otherwise it consists of mappings of that many pages, each with its
 *                  own anon_vma
 * handler:         enum gcp_handler
 * no_states:       1: no page states: the collector and faults ask the kernel for every page, and EEXIST means that it
 *                  is mapped.  0: both check the page's state first (pages.h), as ART does
 * collector_cpu, handler_cpu, mutator_cpu[i]: processor that the thread is bound to, -1: not bound; handler_cpu applies
 *                  to GCP_HANDLER_THREAD
 * late_ns:         test aid: the collector sleeps this long after the window has opened, like a thread that is
 *                  scheduled late
 * skew_ns:         test aid: added to the clock reading at the start
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
 * One thread's view of the window; times in ns.
 * ran:       where it ran
 * late_ns:   from the start of the window until the thread ran
 * ns:        from the start of the window until it had finished
 * cpu_ns:    CPU time between the two
 * queued_ns: time that it was runnable and waited for a processor, from before the start to its end; GCP_UNKNOWN: the
 *            kernel does not tell.  The rest of `ns` it slept: in a fault that another thread serves, or for a lock.
 * access_ns: time of its first touches of pages
 * fault_ns:  of that, time inside its SIGBUS handler
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
 * err, reason:    errno and name of what failed; 0 and "" if nothing did.  ERANGE: times contradict each other, so the
 *                 whole window is invalid
 * mutator_ns:     from the start to the end of the last mutator
 * collector_ns:   from the start to the end of the sweep
 * access:         time of each first touch of a page, including its fault, if any
 * fault:          time inside the fault handler, or of the handler thread, for each fault
 * collector, faults: accounts of the two sides
 * wrong:          touches or pages with unexpected contents
 * unmapped:       to-space pages that are absent at the end
 * left:           from-space pages still present after the sweep, before they are discarded
 * wakes:          UFFDIO_WAKE calls of the handler thread, for pages that another thread had mapped
 * handler_cpu_ns: CPU time of the handler thread;  handler: where it ran
 * runs:           lengths of the collector's runs, in pages per ioctl
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

/* Run one window; the calling thread takes no part.  Returns 0, or -errno with ret->reason. */
int gcp_window_run(const struct gcp_window_config *config, struct gcp_window_result *ret);

/* cdef:end */

#endif
