/*
 * Faults on purpose: a system call of the collector's fails with a chosen errno, for the tests of what the collector
 * does then.  Off, it costs one load per call.
 */
#ifndef GCP_INJECT_H
#define GCP_INJECT_H

#include <stdint.h>

/* cdef:begin */

enum gcp_call {
    GCP_CALL_REGISTER = 0,
    GCP_CALL_UNREGISTER = 1,
    GCP_CALL_MOVE = 2,
    GCP_CALL_COPY = 3,
    GCP_CALL_ZEROPAGE = 4,
    GCP_CALL_MREMAP = 5,
    GCP_CALL_MADVISE = 6,
    GCP_CALL_COUNT = 7,
};

/* After `after` more calls of that kind, the next `count` fail with `err`, without reaching the kernel; count 0: off.
 */
void gcp_inject(uint32_t call, uint64_t after, uint64_t count, int32_t err);

/* How many calls of that kind were made to fail since the last gcp_inject for it. */
uint64_t gcp_inject_done(uint32_t call);

/* cdef:end */

extern int gcp_injecting;
int32_t gcp_inject_next(enum gcp_call call);

/* The errno that this call is to fail with, 0 for none. */
static inline int32_t gcp_injected(enum gcp_call call)
{
    return __builtin_expect(__atomic_load_n(&gcp_injecting, __ATOMIC_RELAXED), 0) ? gcp_inject_next(call) : 0;
}

#endif
