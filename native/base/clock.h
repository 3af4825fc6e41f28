/*
 * Clocks, and the time between two readings of them.
 *
 * A clock is read before the timed event can begin, by a thread that is running: a thread that is woken first reads it
 * only when the scheduler runs it.  If begin and end come from different threads, gcp_span takes their difference: an
 * end before its begin is an error, never a number of 20 digits.
 */
#ifndef GCP_CLOCK_H
#define GCP_CLOCK_H

#include <stdint.h>

/* cdef:begin */

/* Monotonic time in ns. */
uint64_t gcp_now(void);

/* CPU time of the calling thread, ns. */
uint64_t gcp_thread_cpu(void);

/*
 * Time that the calling thread was runnable and waited for a processor, in ns; GCP_UNKNOWN if the kernel does not tell.
 */
uint64_t gcp_thread_queued(void);

#define GCP_UNKNOWN 0xffffffffffffffffU

/* end - begin in *ret; -ERANGE, and *ret = 0, if the end lies before the begin. */
int gcp_span(uint64_t begin, uint64_t end, uint64_t *ret);

/* cdef:end */

#endif
