/*
 * Fault injection: a system call of the collector fails with a chosen errno, to test how the collector reacts.  When
 * off, it costs one load per call.
 */
#ifndef GCP_INJECT_H
#define GCP_INJECT_H

#include <stdint.h>

#include "uffd/verb.h"

/* cdef:begin */

/*
 * After `after` more calls of a verb (enum gcp_verb), the next `count` fail with `err`, without reaching the kernel;
 * count 0: off.
 */
void gcp_inject(uint32_t verb, uint64_t after, uint64_t count, int32_t err);

/* How many calls of a verb were made to fail since the last gcp_inject for it. */
uint64_t gcp_inject_done(uint32_t verb);

/* cdef:end */

extern int gcp_injecting;
int32_t gcp_inject_next(enum gcp_verb verb);

/* The errno that this call is to fail with, 0 for none. */
static inline int32_t gcp_injected(enum gcp_verb verb)
{
    return __builtin_expect(__atomic_load_n(&gcp_injecting, __ATOMIC_RELAXED), 0) ? gcp_inject_next(verb) : 0;
}

#endif
