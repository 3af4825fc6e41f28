/* One fault, from the handler that serves it to what it does. */
#ifndef GCP_FAULT_H
#define GCP_FAULT_H

#include <stdbool.h>

#include "heap/compaction/state.h"

/*
 * One fault.
 * m:     the thread that answers it: its buffer, its account
 * index: the to-space page
 * timed: its ioctls are
 * arm:   of the trial that it belongs to, where the policy adapts
 * stage: 0 while the space is registered; later it may no longer be, and then nothing need be mapped
 */
struct gcp_fault {
    struct gcp_compaction *c;
    struct gcp_mutator *m;
    uint64_t index;
    int stage;
    bool timed;
    uint32_t arm;
};

/* Do what the page needs; what that was. */
enum gcp_event_kind gcp_fault_resolve(const struct gcp_fault *f);

#endif
