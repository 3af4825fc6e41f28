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
 *               answered, upon which the process ends with a message: the access can never succeed
 */
struct gcp_service {
    uint64_t start;
    uint64_t bytes;
    int (*serve)(void *context, uint64_t address);
    void *context;
};

/* Begin to serve; one range at a time in a process.  0, -EBUSY, or -errno of sigaction. */
int gcp_service_start(const struct gcp_service *service);

/*
 * End in two stages, as ART does (f9c33ca817): after _drain no handler is inside `serve` any more; those that come
 * later see that all is mapped and return.  After the range has been unregistered, _stop puts the old handler back.
 */
void gcp_service_drain(void);
void gcp_service_stop(void);

#endif
