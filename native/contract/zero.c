/* Rows: the shared zero page, and the huge one. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>

#include "contract/rows.h"
#include "base/address.h"

#define PAGES 4

/* Move a source of zero pages; ends the row early, as OK, on a kernel that returns EBUSY, which is documented. */
static void move_zero_pages(struct gcp_trial *trial, uint64_t dst, uint64_t src)
{
    struct gcp_move_call seen = gcp_trial_move(trial, dst, src, PAGES * trial->page, 0);
    if (seen.err == EBUSY && seen.out == -EBUSY) {
        gcp_trial_note(trial, "EBUSY, as in 6.8");
        gcp_trial_end(trial, GCP_VERDICT_OK);
    }
    gcp_expect_outcome(trial, seen, 0, (int64_t)(PAGES * trial->page));
}

static void zero_page_moves_as_zero_page(struct gcp_trial *trial)
{
    struct gcp_source zero;
    gcp_trial_need(trial, GCP_PROOF_KPF);
    uint64_t src = gcp_trial_source(trial, GCP_SOURCE_ZERO, 0, PAGES, &zero), dst = gcp_trial_target(trial, PAGES, 0);
    move_zero_pages(trial, dst, src);
    struct gcp_view after = gcp_trial_view(trial, dst, PAGES);
    if (after.zero_pages != PAGES)
        gcp_trial_differs(trial, "%" PRIu64 " of %d pages are the zero page", after.zero_pages, PAGES);
    gcp_expect_empty(trial, src, PAGES);
}

static void moved_zero_page_can_be_written(struct gcp_trial *trial)
{
    struct gcp_source zero;
    uint64_t src = gcp_trial_source(trial, GCP_SOURCE_ZERO, 0, PAGES, &zero), dst = gcp_trial_target(trial, PAGES, 0);
    move_zero_pages(trial, dst, src);
    gcp_expect_zeroes(trial, dst, PAGES);
    gcp_content_fill(dst, 0, 1, GCP_TRIAL_SEED);
    gcp_expect_content(trial, dst, 0, 1);
    gcp_expect_zeroes(trial, dst + trial->page, PAGES - 1);
}

/* The zero page has no owner, so a fork does not affect it. */
static void forked_zero_page_moves(struct gcp_trial *trial)
{
    struct gcp_source zero;
    uint64_t src = gcp_trial_source(trial, GCP_SOURCE_ZERO, 0, PAGES, &zero), dst = gcp_trial_target(trial, PAGES, 0);
    if (gcp_sharer_start() < 0)
        gcp_trial_skip(trial, "fork failed");
    move_zero_pages(trial, dst, src);
    gcp_expect_zeroes(trial, dst, PAGES);
}

/* A huge zero page, mapped by a read.  Skips on kernels where moving it installs a bogus page frame. */
static uint64_t huge_zero_page(struct gcp_trial *trial, uint64_t pages)
{
    gcp_trial_need(trial, GCP_PROOF_KPF);
    if (gcp_trial_release_in(GCP_RELEASE(6, 16, 0), GCP_RELEASE(6, 18, 20)) ||
        gcp_trial_release_in(GCP_RELEASE(6, 19, 0), GCP_RELEASE(6, 19, 10)))
        gcp_trial_skip(trial, "unsafe: this release may install a bogus page frame (CVE-2026-31397); fixed in 6.18.20, "
                              "6.19.10 and 7.0");
    uint64_t src = gcp_trial_region(trial, pages, 0);
    gcp_trial_madvise(trial, src, pages, MADV_HUGEPAGE, "MADV_HUGEPAGE");
    (void)*(volatile const char *)gcp_at(src);
    /* Only one page was read; the others are present only if the huge zero page is mapped. */
    struct gcp_view view = gcp_trial_view(trial, src, pages);
    if (view.present != pages || view.zero_pages != pages)
        gcp_trial_skip(trial, "no huge zero page came; hugepages-*kB/enabled of the PMD size must be madvise, and "
                              "use_zero_page 1");
    return src;
}

static void huge_zero_page_moves_whole(struct gcp_trial *trial)
{
    struct gcp_counters before;
    uint64_t pages = 1ULL << trial->platform.pmd_order;
    uint64_t src = huge_zero_page(trial, pages), dst = gcp_trial_target(trial, pages, 0);
    gcp_counters_read(&trial->prover, &before);
    struct gcp_move_call seen = gcp_trial_move(trial, dst, src, pages * trial->page, 0);
    if (seen.err == EBUSY && seen.out == -EBUSY) {
        gcp_trial_note(trial, "EBUSY, as in 6.8");
        return;
    }
    gcp_expect_outcome(trial, seen, 0, (int64_t)(pages * trial->page));
    gcp_expect_splits(trial, &before, trial->platform.pmd_order, 0, 0);
    struct gcp_view after = gcp_trial_view(trial, dst, pages);
    if (after.zero_pages != pages)
        gcp_trial_differs(trial, "%" PRIu64 " of %" PRIu64 " pages are the zero page", after.zero_pages, pages);
    gcp_expect_zeroes(trial, dst, pages);
    gcp_expect_empty(trial, src, pages);
}

static void huge_zero_page_is_split_for_a_part(struct gcp_trial *trial)
{
    struct gcp_counters before;
    uint64_t pages = 1ULL << trial->platform.pmd_order;
    uint64_t src = huge_zero_page(trial, pages), dst = gcp_trial_target(trial, PAGES, 0);
    gcp_counters_read(&trial->prover, &before);
    move_zero_pages(trial, dst, src);
    /* The mapping is split, not a folio. */
    gcp_expect_splits(trial, &before, trial->platform.pmd_order, 0, 1);
    struct gcp_view after = gcp_trial_view(trial, dst, PAGES);
    if (after.zero_pages != PAGES)
        gcp_trial_differs(trial, "%" PRIu64 " of %d pages are the zero page", after.zero_pages, PAGES);
    gcp_expect_empty(trial, src, PAGES);
    gcp_expect_zeroes(trial, src + PAGES * trial->page, pages - PAGES);
}

#define SINCE_6_9 "6.8: EBUSY; since 'userfaultfd: handle zeropage moves by UFFDIO_MOVE' (6.9): moved"

static const struct gcp_row_entry ROWS[] = {
    {{"zero-page", "The zero page moves as the zero page: no page is allocated", SINCE_6_9, "pfn"},
     zero_page_moves_as_zero_page},
    {{"zero-page-writable", "A moved zero page reads as zeroes and can be written", SINCE_6_9, ""},
     moved_zero_page_can_be_written},
    {{"zero-page-forked", "The zero page also moves after a fork", SINCE_6_9, ""}, forked_zero_page_moves},
    {{"zero-huge", "The huge zero page moves whole if both ends are aligned",
      SINCE_6_9 "; 6.16 to 6.18.19 and 6.19.0 to 6.19.9 install a bogus page frame: not run there", "pfn,thp"},
     huge_zero_page_moves_whole},
    {{"zero-huge-part", "For a part of the huge zero page, MOVE splits its mapping and moves zero pages",
      SINCE_6_9 "; not run on 6.16 to 6.18.19 and 6.19.0 to 6.19.9", "pfn,thp"},
     huge_zero_page_is_split_for_a_part},
};

const struct gcp_row_table gcp_rows_zero = GCP_ROW_TABLE(ROWS);
