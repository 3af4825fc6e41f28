/*
 * The evacuation engine: evacuate runs of pages by a policy, and account for every one of them.
 *
 * It follows ART's mark-compact collector in what it answers to each errno (art/runtime/gc/collector/mark_compact.cc,
 * "Use MOVE (uffd) ioctl for mapping compacted pages", da3a814087): EBUSY copies one page at once, ENOENT is answered
 * with ZEROPAGE, EEXIST means that another thread was first, EAGAIN is repeated.  It departs from ART in two points:
 * EAGAIN without progress is bounded, and an error that has no answer is reported with its place instead of aborting.
 */
#ifndef GCP_EVACUATE_H
#define GCP_EVACUATE_H

#include <stddef.h>
#include <stdint.h>

struct gcp_uffd;

/* cdef:begin */

/* Consecutive pages that go from src to dst; addresses in bytes, page aligned.  src is ignored by GCP_BY_ZEROPAGE. */
struct gcp_run {
    uint64_t dst;
    uint64_t src;
    uint64_t pages;
};

enum gcp_first {
    GCP_BY_MOVE = 0,
    GCP_BY_COPY = 1,
    GCP_BY_ZEROPAGE = 2,
};

enum gcp_on_ebusy {
    GCP_EBUSY_COPY = 0,  /* copy the page that is busy, go on with MOVE behind it */
    GCP_EBUSY_LEAVE = 1, /* leave that page where it is, go on behind it */
};

/*
 * first:        the ioctl that is tried first
 * on_ebusy:     what MOVE's EBUSY is answered with
 * mode:         enum gcp_move_mode bits for MOVE
 * eagain_limit: how often in a row EAGAIN without progress is repeated before the engine gives up; 0 means 1000
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
 * Where every page went.  In pages:
 *   asked = moved + copied_after_ebusy + copied + zeroed + already + left, whatever fails in between.
 * `moved` includes holes that ALLOW_SRC_HOLES let through; `already` is what somebody else had put there (EEXIST);
 * `left` was not evacuated: busy pages under GCP_EBUSY_LEAVE, and all behind the error that stopped the engine.
 * In ioctls: *_calls.  In outcomes of ioctls: short_moves (some progress, then an error hidden behind EAGAIN), and the
 * errnos of calls without progress.
 * err, err_dst, err_src: the error that stopped it and where, 0 if none did.
 */
struct gcp_account {
    uint64_t asked;
    uint64_t moved;
    uint64_t copied_after_ebusy;
    uint64_t copied;
    uint64_t zeroed;
    uint64_t already;
    uint64_t left;
    uint64_t move_calls;
    uint64_t copy_calls;
    uint64_t zeropage_calls;
    uint64_t short_moves;
    uint64_t short_copies;
    uint64_t eagain;
    uint64_t ebusy;
    uint64_t eexist;
    uint64_t enoent;
    uint64_t other_errors;
    int32_t err;
    uint64_t err_dst;
    uint64_t err_src;
};

/*
 * Evacuate `n` runs in their order.  Returns 0, or -errno of what stopped it (also in ret->err): EINVAL and EFAULT
 * (arguments, or a source entry that can't be moved), ENOMEM, EAGAIN beyond the limit, ENOENT where a range is not
 * mapped at all, EINTR, ESRCH, and what a newer kernel may invent.  *ret is complete in every case.
 */
int gcp_evacuate(const struct gcp_uffd *uffd, const struct gcp_run *runs, size_t n, const struct gcp_policy *policy,
                 struct gcp_account *ret);

/* cdef:end */

#endif
