/* The result of MOVE, and the pages afterwards. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "trial/trial.h"

/*
 * The rows issue the ioctl themselves: they check the out-field unchanged, also if it is a negative errno, which struct
 * gcp_outcome does not keep.
 */
struct gcp_move_call gcp_trial_move_by(const struct gcp_uffd *uffd, uint64_t dst, uint64_t src, uint64_t len,
                                       uint64_t mode)
{
    struct gcp_uapi_move arg = {.dst = dst, .src = src, .len = len, .mode = mode, .move = GCP_OUT_UNTOUCHED};
    int rc = ioctl(uffd->fd, GCP_UFFDIO_MOVE, &arg);
    return (struct gcp_move_call){.err = rc < 0 ? errno : 0, .out = arg.move};
}

struct gcp_move_call gcp_trial_move(struct gcp_trial *trial, uint64_t dst, uint64_t src, uint64_t len, uint64_t mode)
{
    return gcp_trial_move_by(&trial->uffd, dst, src, len, mode);
}

static const char *error_name(int err, char *buffer, size_t size)
{
    static const struct {
        int err;
        const char *name;
    } NAMES[] = {
        {0, "success"},     {EAGAIN, "EAGAIN"}, {EBUSY, "EBUSY"},   {EEXIST, "EEXIST"},
        {EFAULT, "EFAULT"}, {EINVAL, "EINVAL"}, {ENOENT, "ENOENT"}, {ENOMEM, "ENOMEM"},
    };
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
        if (NAMES[i].err == err)
            return NAMES[i].name;
    snprintf(buffer, size, "errno %d", err);
    return buffer;
}

static const char *out_text(int64_t out, char *buffer, size_t size)
{
    if (out == GCP_OUT_UNTOUCHED)
        return "untouched";
    snprintf(buffer, size, "%" PRId64, out);
    return buffer;
}

static void expect_outcome(struct gcp_trial *trial, struct gcp_move_call seen, int err, int64_t out, const char *more)
{
    char names[2][24], outs[2][24];
    if (seen.err == err && seen.out == out)
        return;
    gcp_trial_differs(trial, "MOVE gave %s, move %s; expected %s, move %s%s",
                      error_name(seen.err, names[0], sizeof(names[0])), out_text(seen.out, outs[0], sizeof(outs[0])),
                      error_name(err, names[1], sizeof(names[1])), out_text(out, outs[1], sizeof(outs[1])), more);
}

void gcp_expect_outcome(struct gcp_trial *trial, struct gcp_move_call seen, int err, int64_t out)
{
    expect_outcome(trial, seen, err, out, "");
}

/* Whether the page at which a MOVE ended is at its destination nevertheless: the kernel moved it, retried, and found it. */
static bool moved_nevertheless(struct gcp_trial *trial, uint64_t dst, uint64_t src, struct gcp_move_call seen)
{
    uint64_t at = seen.out > 0 ? (uint64_t)seen.out : 0, there = GCP_PM_PRESENT | GCP_PM_SWAP;
    return (seen.err == EEXIST || seen.err == EAGAIN) && !(gcp_trial_entry(trial, src + at) & there) &&
           (gcp_trial_entry(trial, dst + at) & there);
}

void gcp_expect_moved(struct gcp_trial *trial, uint64_t dst, uint64_t src, uint64_t len, uint64_t mode)
{
    struct gcp_move_call seen = gcp_trial_move(trial, dst, src, len, mode);
    bool moved = moved_nevertheless(trial, dst, src, seen);
    expect_outcome(trial, seen, 0, (int64_t)len,
                   moved ? "; the page at its end was moved and not counted (retry-eexist)" : "");
}

void gcp_expect_short(struct gcp_trial *trial, uint64_t dst, uint64_t src, uint64_t len, uint64_t mode, uint64_t bytes)
{
    gcp_expect_outcome(trial, gcp_trial_move(trial, dst, src, len, mode), EAGAIN, (int64_t)bytes);
}

void gcp_expect_failed(struct gcp_trial *trial, uint64_t dst, uint64_t src, uint64_t len, uint64_t mode, int err)
{
    gcp_expect_outcome(trial, gcp_trial_move(trial, dst, src, len, mode), err, -err);
}

void gcp_expect_rejected(struct gcp_trial *trial, uint64_t dst, uint64_t src, uint64_t len, uint64_t mode, int err)
{
    gcp_expect_outcome(trial, gcp_trial_move(trial, dst, src, len, mode), err, GCP_OUT_UNTOUCHED);
}

void gcp_expect_content(struct gcp_trial *trial, uint64_t start, uint64_t first, uint64_t pages)
{
    int64_t wrong = gcp_content_check(start, first, pages, GCP_TRIAL_SEED);
    if (wrong >= 0)
        gcp_trial_differs(trial, "page %" PRId64 " of %" PRIu64 " does not have its contents", wrong, pages);
}

void gcp_expect_zeroes(struct gcp_trial *trial, uint64_t start, uint64_t pages)
{
    int64_t wrong = gcp_content_check_zero(start, pages);
    if (wrong >= 0)
        gcp_trial_differs(trial, "page %" PRId64 " of %" PRIu64 " does not read as zeroes", wrong, pages);
}

void gcp_expect_empty(struct gcp_trial *trial, uint64_t start, uint64_t pages)
{
    for (uint64_t i = 0; i < pages; i++) {
        uint64_t entry = gcp_trial_entry(trial, start + i * trial->page);
        if (entry & (GCP_PM_PRESENT | GCP_PM_SWAP))
            gcp_trial_differs(trial, "page %" PRIu64 " of %" PRIu64 " should be empty, its pagemap word is %#" PRIx64,
                              i, pages, entry);
    }
}
