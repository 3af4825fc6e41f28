/*
 * The evacuation engine: evacuate runs of pages by a policy, and account for every one of them.
 *
 * It follows ART's mark-compact collector in what it answers to each errno (art/runtime/gc/collector/mark_compact.cc,
 * "Use MOVE (uffd) ioctl for mapping compacted pages", da3a814087): EBUSY copies one page at once, ENOENT is answered
 * with ZEROPAGE, EEXIST means that another thread was first, EAGAIN is repeated.  It departs from ART in three points:
 * EAGAIN without progress is bounded, ENOENT is answered only where the source is mapped, and an error that has no
 * answer is reported with its place instead of aborting.  What an errno means is decided in uffd/answer.h.
 */
#ifndef GCP_EVACUATE_H
#define GCP_EVACUATE_H

#include <stddef.h>
#include <stdint.h>

#include "uffd/answer.h"

/* cdef:begin */

/* Consecutive pages that go from src to dst; addresses in bytes, page aligned.  src is ignored by GCP_VERB_ZEROPAGE. */
struct gcp_run {
    uint64_t dst;
    uint64_t src;
    uint64_t pages;
};

/*
 * first:        enum gcp_verb, the ioctl that is tried first: MOVE, COPY or ZEROPAGE
 * on_ebusy:     enum gcp_on_ebusy: COPY the page that is busy, or LEAVE it; then MOVE goes on after it
 * mode:         enum gcp_move_mode bits for MOVE
 * eagain_limit: how often in a row EAGAIN without progress is repeated before the engine gives up; 0 means
 *               GCP_AGAIN_LIMIT
 * granule:      bytes per ioctl at most, a multiple of the page size; 0 means the whole run
 */
struct gcp_policy {
    uint32_t first;
    uint32_t on_ebusy;
    uint64_t mode;
    uint32_t eagain_limit;
    uint64_t granule;
};

/*
 * Evacuate `n` runs in their order, and add what became of them to *account, which is complete in every case.
 * Returns 0, or -errno of what stopped it: EINVAL and EFAULT (arguments, or a source entry that can't be moved), ENOMEM,
 * EAGAIN beyond the limit, ENOENT where a range is not mapped at all, EINTR, ESRCH, and what a newer kernel may invent.
 * *ret_stopped (may be NULL) is then what remains of the run that it stopped in.
 */
int gcp_evacuate(const struct gcp_uffd *uffd, const struct gcp_run *runs, size_t n, const struct gcp_policy *policy,
                 struct gcp_account *account, struct gcp_run *ret_stopped);

/* cdef:end */

#endif
