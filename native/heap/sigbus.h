/*
 * The fault service.  With UFFD_FEATURE_SIGBUS a missing page raises SIGBUS on the thread that touched it.  The handler
 * maps the page on that thread, without another thread (ART: 5e0affb9ad, "up to 10x better" than a reader thread).
 *
 * The handler takes no lock and allocates nothing.  Faults outside the served range go to the previous handler.
 */
#ifndef GCP_SIGBUS_H
#define GCP_SIGBUS_H

#include <stdint.h>

/*
 * start, bytes: addresses that are served
 * serve:        maps the page at `address`, or finds it mapped; returns 0, or an errno that has no answer.  The process
 *               then ends with a message, since the access can never succeed.  `stage` is 0 while the range is
 *               certainly registered, 1 when it may be unregistered
 */
struct gcp_service {
    uint64_t start;
    uint64_t bytes;
    int (*serve)(void *context, uint64_t address, int stage);
    void *context;
};

/* Install the handler for a range, one in a process; it serves nothing yet.  0, -EBUSY, or -errno of sigaction. */
int gcp_service_start(const struct gcp_service *service);

/* Serve faults from now on; no thread may access the range during the call. */
void gcp_service_open(void);

/*
 * End in two stages, as ART does (f9c33ca817): _drain(0) returns when no handler is inside `serve` for stage 0; later
 * faults enter stage 1.  Then the caller unregisters the range.  After _drain(1) no handler is inside; a late one
 * returns at once, since the access will not fault again.  So no handler spins while the thread that unregisters is not
 * scheduled. err: when it becomes nonzero (a handler can't go on), _drain returns it; may be NULL.
 */
int gcp_service_drain(int stage, const _Atomic int32_t *err);

/* Restore the previous handler, when no thread can be in a fault. */
void gcp_service_stop(void);

#endif
