/*
 * A second live thread: touches pages of its own in this address space, on another processor, until it is stopped.  As
 * long as it runs, an unmapped or moved page has to be flushed from that processor's TLB as well.
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
    bool running;
};

/* Start on `cpu` and wait until it has swept its pages once.  0 or -errno. */
int gcp_toucher_start(int32_t cpu, struct gcp_toucher *ret);

/* Stop; returns the sweeps it made: 0 would mean that it never ran. */
uint64_t gcp_toucher_stop(struct gcp_toucher *toucher);

#endif
