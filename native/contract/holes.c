/* Rows: holes, source addresses without a page. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>

#include "contract/rows.h"

static void hole_is_enoent(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 2), dst = gcp_trial_target(trial, 2, 0);
    gcp_trial_madvise(trial, src, 1, MADV_DONTNEED, "MADV_DONTNEED");
    gcp_expect_failed(trial, dst, src, trial->page, 0, ENOENT);
}

static void allowed_hole_counts_as_moved(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 2), dst = gcp_trial_target(trial, 2, 0);
    gcp_trial_madvise(trial, src, 2, MADV_DONTNEED, "MADV_DONTNEED");
    gcp_expect_moved(trial, dst, src, 2 * trial->page, GCP_MOVE_ALLOW_SRC_HOLES);
    gcp_expect_empty(trial, dst, 2);
}

static void allowed_hole_among_pages(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 3), dst = gcp_trial_target(trial, 3, 0), page = trial->page;
    gcp_trial_madvise(trial, src + page, 1, MADV_DONTNEED, "MADV_DONTNEED");
    gcp_expect_moved(trial, dst, src, 3 * page, GCP_MOVE_ALLOW_SRC_HOLES);
    gcp_expect_content(trial, dst, 0, 1);
    gcp_expect_empty(trial, dst + page, 1);
    gcp_expect_content(trial, dst + 2 * page, 2, 1);
}

/* A range that never had a page table, followed by one that has. */
static void missing_page_table_is_a_hole(struct gcp_trial *trial)
{
    uint64_t pmd = trial->platform.pmd_size, pages = pmd / trial->page;
    uint64_t src = gcp_trial_region(trial, pages + 1, 0), dst = gcp_trial_target(trial, pages + 1, 0);
    gcp_content_fill(src + pmd, 0, 1, GCP_TRIAL_SEED);
    gcp_expect_failed(trial, dst, src, pmd + trial->page, 0, ENOENT);
    gcp_expect_moved(trial, dst, src, pmd + trial->page, GCP_MOVE_ALLOW_SRC_HOLES);
    gcp_expect_empty(trial, dst, pages);
    gcp_expect_content(trial, dst + pmd, 0, 1);
}

/* MOVE checks the destination first, so a hole never counts as moved onto a page. */
static void hole_onto_a_page_is_eexist(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_region(trial, 2, 0), dst = gcp_trial_region(trial, 1, 0);
    gcp_content_fill(src + trial->page, 0, 1, GCP_TRIAL_SEED); /* makes a page table at the source */
    gcp_content_fill(dst, 9, 1, GCP_TRIAL_SEED);
    gcp_trial_register(trial, dst, 1);
    gcp_expect_failed(trial, dst, src, trial->page, GCP_MOVE_ALLOW_SRC_HOLES, EEXIST);
    gcp_expect_content(trial, dst, 9, 1);
}

static const struct gcp_row_entry ROWS[] = {
    {{"hole-refused", "A hole in the source gives ENOENT", "", ""}, hole_is_enoent},
    {{"hole-allowed", "With ALLOW_SRC_HOLES a hole counts as moved and the destination stays empty", "", ""},
     allowed_hole_counts_as_moved},
    {{"hole-among-pages", "With ALLOW_SRC_HOLES the pages around a hole move", "", ""}, allowed_hole_among_pages},
    {{"hole-page-table", "A source without a page table is a hole too", "", ""}, missing_page_table_is_a_hole},
    {{"hole-onto-page", "With ALLOW_SRC_HOLES, a hole moved onto a present page gives EEXIST; the page stays", "", ""},
     hole_onto_a_page_is_eexist},
};

const struct gcp_row_table gcp_rows_holes = GCP_ROW_TABLE(ROWS);
