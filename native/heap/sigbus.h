/*
 * The fault service: with UFFD_FEATURE_SIGBUS a missing page raises SIGBUS on the thread that touched it, and the
 * handler maps it there, without another thread (ART: 5e0affb9ad, "up to 10x better" than a reader thread).
 *
 * The handler takes no lock and allocates nothing.  Faults outside of the served range go to whatever handler there
 * was.
 */
#ifndef GCP_SIGBUS_H
#define GCP_SIGBUS_H

#include <stdint.h>

/*
 * start, bytes: addresses that are served
 * serve:        maps the page at `address` (or finds it mapped by somebody else); returns 0, or an errno that can't be
 *               answered, upon which the process ends with a message: the access can never succeed.  `stage` is 0 while
 *               the range is registered for sure, 1 once it may not be any more
 */
struct gcp_service {
    uint64_t start;
    uint64_t bytes;
    int (*serve)(void *context, uint64_t address, int stage);
    void *context;
};

/* Install the handler for a range, one in a process; nothing is let in yet.  0, -EBUSY, or -errno of sigaction. */
int gcp_service_start(const struct gcp_service *service);

/* Faults are served from here on; no thread may be in the range while this is called. */
void gcp_service_open(void);

/*
 * End in two stages, as ART does (f9c33ca817): _drain(0) returns when no handler is inside `serve` for stage 0 any
 * more, and later ones come in stage 1; then the range is unregistered; after _drain(1) nobody is inside, and who comes
 * late returns at once, as the access will not fault again.  So no handler spins while the one who unregisters is not
 * scheduled.  err: gives up, and returns it, once this is not 0 (a handler can't go on); may be NULL.
 */
int gcp_service_drain(int stage, const int32_t *err);

/* Put the old handler back, when no thread can have a fault under way. */
void gcp_service_stop(void);

#endif
