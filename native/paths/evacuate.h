/*
 * The evacuation engine: evacuate runs of pages by a policy, and account for every page.
 *
 * Its answers to errnos follow ART's mark-compact collector (art/runtime/gc/collector/mark_compact.cc, "Use MOVE (uffd)
 * ioctl for mapping compacted pages", da3a814087).  EBUSY copies one page at once, ENOENT leads to ZEROPAGE, EEXIST
 * means that another thread was first, EAGAIN is retried.  Departures from ART:
 * - EAGAIN without progress is bounded;
 * - ENOENT leads to ZEROPAGE only if the source is mapped;
 * - an error without an answer is reported with its place, where ART aborts.
 * What an errno means is decided in uffd/answer.h.
 */
#ifndef GCP_EVACUATE_H
#define GCP_EVACUATE_H

#include <stddef.h>
#include <stdint.h>

#include "uffd/answer.h"

/* cdef:begin */

/* Consecutive pages to evacuate from src to dst, both page aligned.  GCP_VERB_ZEROPAGE ignores src. */
struct gcp_run {
    uint64_t dst;
    uint64_t src;
    uint64_t pages;
};

/*
 * first:        enum gcp_verb, the ioctl that is tried first: MOVE, COPY or ZEROPAGE
 * on_ebusy:     enum gcp_on_ebusy: COPY the busy page, or LEAVE it; MOVE then goes on after it
 * mode:         enum gcp_move_mode bits for MOVE
 * eagain_limit: retries after EAGAIN in a row, without progress, before the engine gives up; 0 means GCP_AGAIN_LIMIT
 * granule:      most bytes per ioctl, a multiple of the page size; 0 means the whole run
 */
struct gcp_policy {
    uint32_t first;
    uint32_t on_ebusy;
    uint64_t mode;
    uint32_t eagain_limit;
    uint64_t granule;
};

/*
 * Evacuate `n` runs in order, and add the outcome to *account, which is complete in every case.  Returns 0, or -errno
 * of what stopped it: ENOMEM, EINTR, ESRCH, an errno of a newer kernel, or
 *   EINVAL, EFAULT  arguments, or a source entry that can't be moved
 *   EAGAIN          beyond the limit
 *   ENOENT          a range is unmapped
 * After an error `*ret_stopped` (may be NULL) is the rest of the run in which it stopped.
 */
int gcp_evacuate(const struct gcp_uffd *uffd, const struct gcp_run *runs, size_t n, const struct gcp_policy *policy,
                 struct gcp_account *account, struct gcp_run *ret_stopped);

/* cdef:end */

#endif
