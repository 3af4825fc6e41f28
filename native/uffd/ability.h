/*
 * What this machine can do besides userfaultfd, determined by trying; for reports, not for measuring.
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
    GCP_LIVELOCK_NO = 0,      /* MOVE of a pinned large folio returned EBUSY */
    GCP_LIVELOCK_YES = 1,     /* it did not return and was killed */
    GCP_LIVELOCK_UNKNOWN = 2, /* the large folio, the pin or MOVE is unavailable: *ret_err says why */
    GCP_LIVELOCK_OTHER = 3,   /* another result: *ret_err, 0 if the page was moved */
};

/*
 * Does UFFDIO_MOVE spin forever on a large folio with extra references?  ("userfaultfd: fix UFFDIO_MOVE livelock on
 * large folio with extra references", 7.3.4; vendors backport it, so the version does not tell.)  Tried in a child that
 * is killed if MOVE has not returned after `timeout_ms` in which this process could work: the loop in the kernel ends
 * at a fatal signal.  Needs no privilege.
 */
uint32_t gcp_ability_livelock(uint32_t timeout_ms, int32_t *ret_err);

/*
 * Does UFFDIO_MOVE return EEXIST for pages that it has moved itself?  If a page-table entry changes during MOVE (here:
 * its accessed bit, cleared by MADV_COLD on another thread and set again by a reader), the kernel retries the step.
 * Since "userfaultfd: opportunistic TLB-flush batching for present pages in MOVE" (6.18) move_pages() keeps that step's
 * -EAGAIN and retries the step even after it succeeded.  The retry finds its own pages at the destination.
 *
 * Moves up to `pages` pages, `granule` bytes at a time, to places that no other thread touches, until a page is refused
 * with EEXIST or four seconds have passed.  *ret_moved: pages moved and counted; *ret_eexist: pages refused although
 * their contents are at the destination.  0, or -errno; -EIO if contents were wrong.
 */
int32_t gcp_ability_retry(uint64_t pages, uint64_t granule, uint64_t *ret_moved, uint64_t *ret_eexist);

/* cdef:end */

#endif
