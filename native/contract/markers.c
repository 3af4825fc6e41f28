/* Rows: page table markers, which are neither a page nor a hole: guards, poison, remembered write protection. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "contract/rows.h"

static void install_guard(struct gcp_trial *trial, uint64_t start)
{
    gcp_trial_madvise(trial, start, 1, GCP_MADV_GUARD_INSTALL, "MADV_GUARD_INSTALL; guards came in 6.13");
}

static void poison(struct gcp_trial *trial, uint64_t start)
{
    struct gcp_outcome done = gcp_uffd_poison(&trial->uffd, start, trial->page, 0);
    if (done.err)
        gcp_trial_skip(trial, "UFFDIO_POISON: %s; it came with 6.6", strerror(done.err));
}

/* Neither mode moves it, and it does not count as a hole. */
static void expect_efault(struct gcp_trial *trial, uint64_t dst, uint64_t src)
{
    gcp_expect_failed(trial, dst, src, trial->page, 0, EFAULT);
    gcp_expect_failed(trial, dst, src, trial->page, GCP_MOVE_ALLOW_SRC_HOLES, EFAULT);
    gcp_expect_empty(trial, dst, 1);
}

static void guard_at_the_source_is_efault(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    install_guard(trial, src);
    expect_efault(trial, dst, src);
    gcp_trial_madvise(trial, src, 1, GCP_MADV_GUARD_REMOVE, "MADV_GUARD_REMOVE");
    gcp_expect_failed(trial, dst, src, trial->page, 0, ENOENT);
}

static void guard_at_the_target_is_eexist(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    install_guard(trial, dst);
    gcp_expect_failed(trial, dst, src, trial->page, 0, EEXIST);
    gcp_trial_madvise(trial, dst, 1, GCP_MADV_GUARD_REMOVE, "MADV_GUARD_REMOVE");
    gcp_expect_moved(trial, dst, src, trial->page, 0);
}

static void poison_at_the_source_is_efault(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_target(trial, 1, 0), dst = gcp_trial_target(trial, 1, 0);
    poison(trial, src);
    expect_efault(trial, dst, src);
}

static void poison_at_the_target_is_eexist(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    poison(trial, dst);
    gcp_expect_failed(trial, dst, src, trial->page, 0, EEXIST);
    gcp_expect_content(trial, src, 0, 1);
}

/* Write protection of an absent page, remembered by a marker. */
static void protect_nothing(struct gcp_trial *trial, const struct gcp_uffd *uffd, uint64_t start)
{
    struct gcp_uapi_register arg = {.range = {start, trial->page},
                                    .mode = GCP_UFFDIO_REGISTER_MODE_WP | GCP_UFFDIO_REGISTER_MODE_MISSING};
    struct gcp_uapi_writeprotect protect = {.range = {start, trial->page}, .mode = GCP_UAPI_WRITEPROTECT_MODE_WP};
    if (ioctl(uffd->fd, GCP_UFFDIO_REGISTER, &arg) < 0 || ioctl(uffd->fd, GCP_UFFDIO_WRITEPROTECT, &protect) < 0)
        gcp_trial_skip(trial, "write protection by userfaultfd: %s; not on this architecture", strerror(errno));
    if (!(gcp_trial_entry(trial, start) & GCP_PM_UFFD_WP))
        gcp_trial_skip(trial, "no marker came for the write protection of an absent page");
}

static void protection_marker_at_the_source_is_efault(struct gcp_trial *trial)
{
    struct gcp_uffd uffd;
    gcp_trial_open(trial, GCP_UFFD_FEATURE_WP_UNPOPULATED, &uffd);
    uint64_t src = gcp_trial_region(trial, 1, 0), dst = gcp_trial_target(trial, 1, 0);
    protect_nothing(trial, &uffd, src);
    expect_efault(trial, dst, src);
}

static void protection_marker_at_the_target_is_eexist(struct gcp_trial *trial)
{
    struct gcp_uffd uffd;
    gcp_trial_open(trial, GCP_UFFD_FEATURE_WP_UNPOPULATED, &uffd);
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_region(trial, 1, 0);
    protect_nothing(trial, &uffd, dst);
    gcp_expect_outcome(trial, gcp_trial_move_by(&uffd, dst, src, trial->page, 0), EEXIST, -EEXIST);
    gcp_expect_content(trial, src, 0, 1);
}

#define GUARDS "guards came with 'mm: add PTE_MARKER_GUARD PTE marker' (6.13)"

static const struct gcp_row_entry ROWS[] = {
    {{"marker-guard-src", "A guard at the source gives EFAULT in both modes; its removal leaves a hole", GUARDS,
      "guard"},
     guard_at_the_source_is_efault},
    {{"marker-guard-dst", "A guard at the destination gives EEXIST until it is removed", GUARDS, "guard"},
     guard_at_the_target_is_eexist},
    {{"marker-poison-src", "UFFDIO_POISON at the source gives EFAULT in both modes", "", ""},
     poison_at_the_source_is_efault},
    {{"marker-poison-dst", "UFFDIO_POISON at the destination gives EEXIST", "", ""}, poison_at_the_target_is_eexist},
    {{"marker-wp-src", "Remembered write protection of an absent page at the source gives EFAULT in both modes", "",
      "uffd_wp"},
     protection_marker_at_the_source_is_efault},
    {{"marker-wp-dst", "Remembered write protection of an absent page at the destination gives EEXIST", "", "uffd_wp"},
     protection_marker_at_the_target_is_eexist},
};

const struct gcp_row_table gcp_rows_markers = GCP_ROW_TABLE(ROWS);
