/*
 * Costs of a mutator outside of its fault handler, measured alone in a few milliseconds.  They are the terms of the account
 * of its time that no clock in the handler can see (gcproto/results/heaps/explanation.py).
 */
#ifndef GCP_COSTS_H
#define GCP_COSTS_H

#include <stdint.h>

/* cdef:begin */

/*
 * All in ns, medians; 0: it could not be measured.
 * delivery:     of a fault that is served by SIGBUS, all but the handler's own work
 * minor_fault:  of the kernel's own fault on a fresh page, which it zeroes
 * shoot_down:   that a running thread loses when another one, on another processor, unmaps a page of its address space
 */
struct gcp_fault_costs {
    uint64_t delivery;
    uint64_t minor_fault;
    uint64_t shoot_down;
};

/*
 * Measure.  worker, other: processors of the thread that calls and of a second one, -1 leaves them; the second is
 * needed for shoot_down only.  No fault service may be in use.  0 or -errno.
 */
int32_t gcp_fault_costs_measure(int32_t worker, int32_t other, struct gcp_fault_costs *ret);

/* cdef:end */

#endif
