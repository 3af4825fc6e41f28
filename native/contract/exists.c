/* Rows: what already exists at the destination. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>

#include "contract/rows.h"

static void present_page_stays(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_region(trial, 1, 0);
    gcp_content_fill(dst, 9, 1, GCP_TRIAL_SEED);
    gcp_trial_register(trial, dst, 1);
    gcp_expect_failed(trial, dst, src, trial->page, 0, EEXIST);
    gcp_expect_content(trial, dst, 9, 1);
    gcp_expect_content(trial, src, 0, 1);
}

static void zero_page_is_a_page(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_region(trial, 1, 0);
    gcp_expect_zeroes(trial, dst, 1); /* reading maps it */
    gcp_trial_register(trial, dst, 1);
    gcp_expect_failed(trial, dst, src, trial->page, 0, EEXIST);
    gcp_expect_zeroes(trial, dst, 1);
}

static void zeropage_ioctl_makes_a_page(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    gcp_uffd_zeropage(&trial->uffd, dst, trial->page, 0);
    gcp_expect_failed(trial, dst, src, trial->page, 0, EEXIST);
}

static void swapped_page_is_a_page(struct gcp_trial *trial)
{
    struct gcp_source swapped;
    uint64_t dst = gcp_trial_source(trial, GCP_SOURCE_SWAPPED, 0, 1, &swapped), src = gcp_trial_small(trial, 1);
    gcp_trial_register(trial, dst, 1);
    gcp_expect_failed(trial, dst, src, trial->page, 0, EEXIST);
    gcp_expect_content(trial, dst, 0, 1);
}

static void moving_onto_itself_is_eexist(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 2);
    gcp_trial_register(trial, src, 2);
    gcp_expect_failed(trial, src, src, 2 * trial->page, 0, EEXIST);
    gcp_expect_content(trial, src, 0, 2);
}

static void overlap_upwards_is_eexist(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_region(trial, 4, 0);
    gcp_content_fill(src, 0, 3, GCP_TRIAL_SEED);
    gcp_trial_register(trial, src, 4);
    gcp_expect_failed(trial, src + trial->page, src, 3 * trial->page, 0, EEXIST);
    gcp_expect_content(trial, src, 0, 3);
}

/* Each page leaves a gap for the next one, as in a compaction in place. */
static void overlap_downwards_slides(struct gcp_trial *trial)
{
    uint64_t dst = gcp_trial_region(trial, 4, 0);
    gcp_content_fill(dst + trial->page, 0, 3, GCP_TRIAL_SEED);
    gcp_trial_register(trial, dst, 4);
    gcp_expect_moved(trial, dst, dst + trial->page, 3 * trial->page, 0);
    gcp_expect_content(trial, dst, 0, 3);
    gcp_expect_empty(trial, dst + 3 * trial->page, 1);
}

static void released_page_is_free_again(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_region(trial, 1, 0);
    gcp_content_fill(dst, 9, 1, GCP_TRIAL_SEED);
    gcp_trial_register(trial, dst, 1);
    gcp_trial_madvise(trial, dst, 1, MADV_DONTNEED, "MADV_DONTNEED");
    gcp_expect_moved(trial, dst, src, trial->page, 0);
    gcp_expect_content(trial, dst, 0, 1);
    gcp_expect_empty(trial, src, 1);
}

static void thp_at_the_target_is_eexist(struct gcp_trial *trial)
{
    struct gcp_source huge;
    uint64_t pages = 1ULL << trial->platform.pmd_order;
    uint64_t dst = gcp_trial_source(trial, GCP_SOURCE_PLAIN, trial->platform.pmd_order, pages, &huge);
    uint64_t src = gcp_trial_small(trial, 1);
    gcp_trial_register(trial, dst, pages);
    gcp_expect_failed(trial, dst + trial->page, src, trial->page, 0, EEXIST);
    gcp_expect_content(trial, dst, 0, pages);
}

static const struct gcp_row_entry ROWS[] = {
    {{"exists-page", "A present page at the destination gives EEXIST; both pages stay as they are", "", ""},
     present_page_stays},
    {{"exists-zero-page", "The zero page at the destination, mapped by a read, gives EEXIST", "", ""},
     zero_page_is_a_page},
    {{"exists-zeropage", "A page made by UFFDIO_ZEROPAGE gives EEXIST", "", ""}, zeropage_ioctl_makes_a_page},
    {{"exists-swapped", "A swapped page at the destination gives EEXIST", "", "zram"}, swapped_page_is_a_page},
    {{"exists-itself", "Moving a range onto itself gives EEXIST", "", ""}, moving_onto_itself_is_eexist},
    {{"exists-overlap-up", "A destination that overlaps its source from above gives EEXIST", "", ""},
     overlap_upwards_is_eexist},
    {{"exists-overlap-down", "A range slides down into a gap below it, although the two overlap", "", ""},
     overlap_downwards_slides},
    {{"exists-released", "After MADV_DONTNEED the destination is free again", "", ""}, released_page_is_free_again},
    {{"exists-thp", "A THP at the destination gives EEXIST", "", "thp"}, thp_at_the_target_is_eexist},
};

const struct gcp_row_table gcp_rows_exists = GCP_ROW_TABLE(ROWS);
