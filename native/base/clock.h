/*
 * Clocks, and the time between two readings of them.
 *
 * A clock is read before the thing that it times can begin, by a thread that runs: who reads it after it was woken
 * reads it when the scheduler got round to that.  Where begin and end were read by different threads, or handed on,
 * their difference is taken by gcp_span: an end before its begin is an error, never a number of 20 digits.
 */
#ifndef GCP_CLOCK_H
#define GCP_CLOCK_H

#include <stdint.h>

/* cdef:begin */

/* Monotonic time in ns. */
uint64_t gcp_now(void);

/* CPU time of the calling thread, ns. */
uint64_t gcp_thread_cpu(void);

/* Time that the calling thread has waited for a processor, runnable, in ns; GCP_UNKNOWN where the kernel can't tell. */
uint64_t gcp_thread_queued(void);

#define GCP_UNKNOWN 0xffffffffffffffffU

/* end - begin in *ret; -ERANGE, and *ret = 0, if the end lies before the begin. */
int gcp_span(uint64_t begin, uint64_t end, uint64_t *ret);

/* cdef:end */

#endif
