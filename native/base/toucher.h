/*
 * A second live thread: touches pages of its own in this address space, on another processor, until it is stopped.
 * While it runs, an unmapped or moved page must be flushed from that processor's TLB too.
 */
#ifndef GCP_TOUCHER_H
#define GCP_TOUCHER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct gcp_toucher {
    pthread_t thread;
    int32_t cpu;
    int32_t err;
    volatile unsigned char *pages;
    uint64_t bytes;
    uint64_t page;
    atomic_bool stop;
    atomic_uint_fast64_t sweeps;
    atomic_uint_fast64_t asked;
    atomic_uint_fast64_t answered;
    atomic_uint_fast64_t had;
    bool running;
};

/* Start on `cpu` and wait until it has swept its pages once.  0 or -errno. */
int gcp_toucher_start(int32_t cpu, struct gcp_toucher *ret);

/* Its CPU time so far, in ns; 0 if it does not run. */
uint64_t gcp_toucher_cpu(const struct gcp_toucher *toucher);

/* Stop it.  Returns the number of its sweeps; 0 means that it never ran. */
uint64_t gcp_toucher_stop(struct gcp_toucher *toucher);

/* cdef:begin */

struct gcp_toucher;

/* The same for callers that see only the type's name.  0 or -errno. */
int gcp_toucher_create(int32_t cpu, struct gcp_toucher **ret);

/*
 * Wait until it and the caller run at the same time, for at most 100 ms: other processes may use their processors.
 * Returns its CPU time so far, in ns.
 */
uint64_t gcp_toucher_await(struct gcp_toucher *toucher);

/* Sweeps so far, while it runs. */
uint64_t gcp_toucher_sweeps(struct gcp_toucher *toucher);

void gcp_toucher_destroy(struct gcp_toucher *toucher);

/* cdef:end */

#endif
