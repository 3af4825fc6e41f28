/* Rows: arguments that are refused before any work; the out-field stays untouched. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract/rows.h"
#include "base/address.h"

/* Two movable pages and a valid destination: only what the row changes is wrong. */
struct good {
    uint64_t dst, src, len;
};

static struct good good_arguments(struct gcp_trial *trial)
{
    return (struct good){gcp_trial_target(trial, 2, 0), gcp_trial_small(trial, 2), 2 * trial->page};
}

#define MODE_BITS 64
#define KNOWN_BITS 2 /* DONTWAKE and ALLOW_SRC_HOLES */

/*
 * A later kernel may have more modes: UFFDIO_MOVE_MODE_WP was announced.  A bit that is not refused is news, not a fault.
 * But some must be refused, or a program could not ask whether a mode exists.
 */
static void unknown_mode_bits_are_refused(struct gcp_trial *trial)
{
    struct good good = good_arguments(trial);
    uint64_t accepted = 0;
    for (int bit = KNOWN_BITS; bit < MODE_BITS; bit++) {
        struct gcp_move_call seen = gcp_trial_move(trial, good.dst, good.src, good.len, 1ULL << bit);
        if (seen.err == EINVAL && seen.out == GCP_OUT_UNTOUCHED)
            continue;
        accepted |= 1ULL << bit;
        good = good_arguments(trial);
    }
    gcp_expect_content(trial, good.src, 0, 2);
    if (accepted == ~((1ULL << KNOWN_BITS) - 1))
        gcp_trial_differs(trial, "no mode bit is refused");
    if (accepted)
        gcp_trial_note(trial, "new: the mode bits %#llx are accepted; 7.3.4 refuses them",
                       (unsigned long long)accepted);
}

static void empty_length_is_refused(struct gcp_trial *trial)
{
    struct good good = good_arguments(trial);
    gcp_expect_rejected(trial, good.dst, good.src, 0, 0, EINVAL);
}

static void crooked_length_is_refused(struct gcp_trial *trial)
{
    struct good good = good_arguments(trial);
    gcp_expect_rejected(trial, good.dst, good.src, trial->page + 1, 0, EINVAL);
    gcp_expect_rejected(trial, good.dst, good.src, trial->page / 2, 0, EINVAL);
}

static void crooked_dst_is_refused(struct gcp_trial *trial)
{
    struct good good = good_arguments(trial);
    gcp_expect_rejected(trial, good.dst + 1, good.src, trial->page, 0, EINVAL);
    gcp_expect_rejected(trial, good.dst + trial->page / 2, good.src, trial->page, 0, EINVAL);
}

static void crooked_src_is_refused(struct gcp_trial *trial)
{
    struct good good = good_arguments(trial);
    gcp_expect_rejected(trial, good.dst, good.src + 1, trial->page, 0, EINVAL);
    gcp_expect_rejected(trial, good.dst, good.src + trial->page / 2, trial->page, 0, EINVAL);
}

/* The other range starts near 0, so only the range under test wraps. */
static void wrapping_dst_is_refused(struct gcp_trial *trial)
{
    struct good good = good_arguments(trial);
    gcp_expect_rejected(trial, good.dst, trial->page, -good.dst, 0, EINVAL);
    gcp_expect_rejected(trial, good.dst, trial->page, -good.dst + trial->page, 0, EINVAL);
}

static void wrapping_src_is_refused(struct gcp_trial *trial)
{
    struct good good = good_arguments(trial);
    gcp_expect_rejected(trial, trial->page, good.src, -good.src, 0, EINVAL);
    gcp_expect_rejected(trial, trial->page, good.src, -good.src + trial->page, 0, EINVAL);
}

static void addresses_beyond_user_space_are_refused(struct gcp_trial *trial)
{
    struct good good = good_arguments(trial);
    gcp_expect_rejected(trial, 1ULL << 63, good.src, good.len, 0, EINVAL);
    gcp_expect_rejected(trial, good.dst, 1ULL << 63, good.len, 0, EINVAL);
}

static void foreign_address_space_is_refused(struct gcp_trial *trial)
{
    struct good good = good_arguments(trial);
    struct gcp_move_call *seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (seen == MAP_FAILED)
        gcp_trial_skip(trial, "mmap: %s", strerror(errno));
    seen->err = -1;
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent)
            *seen = gcp_trial_move(trial, good.dst, good.src, good.len, 0);
        _exit(0);
    }
    if (child < 0 || waitpid(child, NULL, 0) != child)
        gcp_trial_skip(trial, "no child: %s", strerror(errno));
    gcp_expect_outcome(trial, *seen, EINVAL, GCP_OUT_UNTOUCHED);
    gcp_expect_content(trial, good.src, 0, 2);
}

static int raw_move(struct gcp_trial *trial, const void *arg)
{
    return ioctl(trial->uffd.fd, GCP_UFFDIO_MOVE, arg) < 0 ? errno : 0;
}

static void unreadable_struct_is_efault(struct gcp_trial *trial)
{
    uint64_t nowhere = gcp_trial_region(trial, 1, 0);
    gcp_trial_protect(trial, nowhere, 1, PROT_NONE);
    int of_null = raw_move(trial, NULL), of_none = raw_move(trial, gcp_at(nowhere));
    if (of_null != EFAULT || of_none != EFAULT)
        gcp_trial_differs(trial, "MOVE gave errno %d for NULL and %d for a PROT_NONE page, expected EFAULT", of_null,
                          of_none);
}

/* The out-field is written last, after the pages have moved. */
static void unwritable_struct_is_efault_after_the_move(struct gcp_trial *trial)
{
    struct good good = good_arguments(trial);
    uint64_t at = gcp_trial_region(trial, 1, 0);
    struct gcp_uapi_move *arg = (struct gcp_uapi_move *)gcp_at(at);
    *arg = (struct gcp_uapi_move){.dst = good.dst, .src = good.src, .len = good.len, .move = GCP_OUT_UNTOUCHED};
    gcp_trial_protect(trial, at, 1, PROT_READ);
    int err = raw_move(trial, arg);
    if (err != EFAULT || arg->move != GCP_OUT_UNTOUCHED)
        gcp_trial_differs(trial, "MOVE gave errno %d, expected EFAULT", err);
    gcp_expect_empty(trial, good.src, 2);
    gcp_expect_content(trial, good.dst, 0, 2);
}

static const struct gcp_row_entry ROWS[] = {
    {{"mode-unknown",
      "Unknown mode bits give EINVAL, out-field untouched; to 7.3.4 all but DONTWAKE and ALLOW_SRC_HOLES", "", ""},
     unknown_mode_bits_are_refused},
    {{"length-zero", "Length 0 gives EINVAL, out-field untouched", "", ""}, empty_length_is_refused},
    {{"length-crooked", "A length that is not a page multiple gives EINVAL, out-field untouched", "", ""},
     crooked_length_is_refused},
    {{"dst-crooked", "A destination off a page boundary gives EINVAL, out-field untouched", "", ""},
     crooked_dst_is_refused},
    {{"src-crooked", "A source off a page boundary gives EINVAL, out-field untouched", "", ""}, crooked_src_is_refused},
    {{"dst-wraps", "A destination that wraps around gives EINVAL, out-field untouched", "", ""},
     wrapping_dst_is_refused},
    {{"src-wraps", "A source that wraps around gives EINVAL, out-field untouched", "", ""}, wrapping_src_is_refused},
    {{"beyond-user-space", "A range beyond user space gives EINVAL, out-field untouched", "", ""},
     addresses_beyond_user_space_are_refused},
    {{"foreign-mm", "A userfaultfd inherited by a forked child gives EINVAL there, out-field untouched", "", ""},
     foreign_address_space_is_refused},
    {{"struct-unreadable", "An argument struct that can't be read gives EFAULT", "", ""}, unreadable_struct_is_efault},
    {{"struct-unwritable", "If only the out-field can't be written the pages move, and MOVE gives EFAULT", "", ""},
     unwritable_struct_is_efault_after_the_move},
};

const struct gcp_row_table gcp_rows_arguments = GCP_ROW_TABLE(ROWS);
