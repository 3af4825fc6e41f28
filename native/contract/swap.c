/* Rows: swapped pages whose folio has left the swap cache: the swap entry moves, nothing is read. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "contract/rows.h"

#define PAGES 8

static uint64_t swapped(struct gcp_trial *trial, uint32_t order, uint64_t pages, struct gcp_source *ret)
{
    gcp_trial_need(trial, GCP_PROOF_PFN);
    return gcp_trial_source(trial, GCP_SOURCE_SWAPPED, order, pages, ret);
}

/* Move `pages` from `first` on: the same slots, still swapped, and the contents after they are read back. */
static void move_entries(struct gcp_trial *trial, const struct gcp_source *source, uint64_t first, uint64_t pages)
{
    struct gcp_counters before;
    uint64_t dst = gcp_trial_target(trial, pages, 0), src = source->start + first * trial->page;
    gcp_counters_read(&trial->prover, &before);
    gcp_expect_moved(trial, dst, src, pages * trial->page, 0);
    gcp_expect_splits(trial, &before, source->order, 0, 0);
    struct gcp_view after = gcp_trial_view(trial, dst, pages);
    gcp_expect_frames(trial, &source->view, first, &after, 0, pages);
    gcp_expect_empty(trial, src, pages);
    if (after.swapped != pages)
        gcp_trial_differs(trial, "%" PRIu64 " of %" PRIu64 " pages are swapped at the destination", after.swapped,
                          pages);
    gcp_expect_content(trial, dst, first, pages);
    gcp_expect_zeroes(trial, src, pages);
}

static void swap_entries_move(struct gcp_trial *trial)
{
    struct gcp_source source;
    swapped(trial, 0, PAGES, &source);
    move_entries(trial, &source, 0, PAGES);
}

static void swap_entries_of_an_mthp_move(struct gcp_trial *trial)
{
    struct gcp_source source;
    uint32_t order = gcp_trial_mthp_order(trial);
    swapped(trial, order, 1ULL << order, &source);
    move_entries(trial, &source, 0, source.pages);
}

static void one_swap_entry_of_an_mthp_moves(struct gcp_trial *trial)
{
    struct gcp_source source;
    uint32_t order = gcp_trial_mthp_order(trial);
    swapped(trial, order, 1ULL << order, &source);
    move_entries(trial, &source, source.pages / 2, 1);
    gcp_expect_content(trial, source.start, 0, source.pages / 2);
}

/* A swap entry has its own bit for what PageAnonExclusive is to a page. */
static void fork_after_swapping_is_ebusy(struct gcp_trial *trial)
{
    struct gcp_source source;
    uint64_t src = swapped(trial, 0, 1, &source), dst = gcp_trial_target(trial, 1, 0);
    int32_t child = gcp_sharer_start();
    if (child < 0)
        gcp_trial_skip(trial, "fork: errno %d", -child);
    gcp_expect_failed(trial, dst, src, trial->page, 0, EBUSY);
    gcp_sharer_stop(child);
    gcp_expect_failed(trial, dst, src, trial->page, 0, EBUSY);
    gcp_content_fill(src, 0, 1, GCP_TRIAL_SEED);
    gcp_expect_moved(trial, dst, src, trial->page, 0);
    gcp_expect_content(trial, dst, 0, 1);
    gcp_expect_empty(trial, src, 1);
}

static void moved_swap_entry_is_soft_dirty(struct gcp_trial *trial)
{
    struct gcp_source source;
    uint64_t src = swapped(trial, 0, 1, &source), dst = gcp_trial_target(trial, 1, 0);
    gcp_trial_clear_soft_dirty(trial, src);
    gcp_expect_moved(trial, dst, src, trial->page, 0);
    uint64_t entry = gcp_trial_entry(trial, dst);
    if (!(entry & GCP_PM_SWAP))
        gcp_trial_differs(trial, "the page is not swapped at the destination: pagemap word %#" PRIx64, entry);
    gcp_trial_note(trial, entry & GCP_PM_SOFT_DIRTY ? "soft-dirty, as since 6.16 and 6.12.30"
                                                    : "not soft-dirty, as before 6.16 and 6.12.30");
}

#define DIRTY "'mm: userfaultfd: correct dirty flags set for both present and swap pte' (6.16, 6.12.30): before, lost"

static const struct gcp_row_entry ROWS[] = {
    {{"swapped-small", "A swapped page moves as its swap entry: same slot, nothing is read, contents after swap-in", "",
      "pfn,zram"},
     swap_entries_move},
    {{"swapped-mthp", "So does an mTHP that was swapped out whole: no split", "", "pfn,mthp,zram"},
     swap_entries_of_an_mthp_move},
    {{"swapped-mthp-page", "So does one page of it", "", "pfn,mthp,zram"}, one_swap_entry_of_an_mthp_moves},
    {{"swapped-forked", "After a fork a swapped page gives EBUSY, after the child's exit too, until it is written", "",
      "pfn,zram"},
     fork_after_swapping_is_ebusy},
    {{"swapped-soft-dirty", "A moved swap entry is soft-dirty", DIRTY, "pfn,zram,soft_dirty"},
     moved_swap_entry_is_soft_dirty},
};

const struct gcp_row_table gcp_rows_swap = GCP_ROW_TABLE(ROWS);
