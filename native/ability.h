/*
 * What this machine can do besides userfaultfd, found out by doing it; for reports, not for measuring.
 */
#ifndef GCP_ABILITY_H
#define GCP_ABILITY_H

#include <stdint.h>

/* cdef:begin */

/* errno of counting cycles in hardware for this thread (perf_event_open), 0 if it works; ENOENT: no such counter. */
int32_t gcp_ability_cycles(void);

/* errno of mremap(MREMAP_DONTUNMAP) of one anonymous page, 0 if it works. */
int32_t gcp_ability_dontunmap(void);

/* errno of pinning one page by io_uring fixed buffers, 0 if it works. */
int32_t gcp_ability_pin(void);

enum gcp_livelock {
    GCP_LIVELOCK_NO = 0,      /* MOVE of a pinned large folio said EBUSY */
    GCP_LIVELOCK_YES = 1,     /* it did not come back and was killed */
    GCP_LIVELOCK_UNKNOWN = 2, /* the large folio, the pin or MOVE could not be had: *ret_err says why */
    GCP_LIVELOCK_OTHER = 3,   /* it came back with something else: *ret_err, 0 if the page was moved */
};

/*
 * Does UFFDIO_MOVE spin for ever on a large folio that somebody else holds?  ("userfaultfd: fix UFFDIO_MOVE livelock on
 * large folio with extra references", 7.3.4; vendors have it earlier, so the version does not tell.)  Tried for real,
 * in a child that is killed after `timeout_ms`: the loop in the kernel ends at a fatal signal.  Needs no privilege.
 */
uint32_t gcp_ability_livelock(uint32_t timeout_ms, int32_t *ret_err);

/* cdef:end */

#endif
