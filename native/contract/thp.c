/*
 * Rows: PMD-mapped THPs, moved whole or split first.  The proof is in the page frames, the folio orders and the
 * counters.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>

#include "contract/rows.h"

#define PROOF (GCP_PROOF_KPF | GCP_PROOF_VMSTAT)

static uint64_t thp_pages(const struct gcp_trial *trial)
{
    return 1ULL << trial->platform.pmd_order;
}

static uint64_t thps(struct gcp_trial *trial, uint64_t n, struct gcp_source *ret)
{
    gcp_trial_need(trial, PROOF);
    return gcp_trial_source(trial, GCP_SOURCE_PLAIN, trial->platform.pmd_order, n * thp_pages(trial), ret);
}

/* Move `pages` at page `first` of the source, which splits `n` mappings and folios.  Contents and frames are kept. */
static void move_and_prove(struct gcp_trial *trial, uint64_t dst, const struct gcp_source *source, uint64_t first,
                           uint64_t pages, uint64_t n)
{
    struct gcp_counters before;
    uint32_t order = trial->platform.pmd_order;
    uint64_t src = source->start + first * trial->page;
    gcp_counters_read(&trial->prover, &before);
    gcp_expect_moved(trial, dst, src, pages * trial->page, 0);
    struct gcp_view after = gcp_trial_view(trial, dst, pages);
    if (n && after.orders[0] == (int)order)
        gcp_trial_differs(trial, "the kernel news: the THP was not split for this move; the folio is whole at the "
                                 "destination");
    gcp_expect_splits(trial, &before, order, n, n);
    gcp_expect_frames(trial, &source->view, first, &after, 0, pages);
    gcp_expect_order(trial, &after, n ? 0 : order);
    gcp_expect_empty(trial, src, pages);
    gcp_expect_content(trial, dst, first, pages);
}

static void aligned_thp_moves_whole(struct gcp_trial *trial)
{
    struct gcp_source source;
    thps(trial, 1, &source);
    move_and_prove(trial, gcp_trial_target(trial, source.pages, 0), &source, 0, source.pages, 0);
}

static void several_thps_move_whole(struct gcp_trial *trial)
{
    struct gcp_source source;
    thps(trial, 3, &source);
    move_and_prove(trial, gcp_trial_target(trial, source.pages, 0), &source, 0, source.pages, 0);
}

static void moved_thp_moves_whole_again(struct gcp_trial *trial)
{
    struct gcp_source source;
    struct gcp_counters before;
    thps(trial, 1, &source);
    uint64_t first = gcp_trial_target(trial, source.pages, 0), second = gcp_trial_target(trial, source.pages, 0);
    gcp_counters_read(&trial->prover, &before);
    gcp_expect_moved(trial, first, source.start, source.pages * trial->page, 0);
    gcp_expect_moved(trial, second, first, source.pages * trial->page, 0);
    gcp_expect_splits(trial, &before, trial->platform.pmd_order, 0, 0);
    struct gcp_view after = gcp_trial_view(trial, second, source.pages);
    gcp_expect_frames(trial, &source.view, 0, &after, 0, source.pages);
    gcp_expect_content(trial, second, 0, source.pages);
}

static void source_of_a_thp_is_a_hole(struct gcp_trial *trial)
{
    struct gcp_source source;
    thps(trial, 1, &source);
    uint64_t dst = gcp_trial_target(trial, source.pages, 0), bytes = source.pages * trial->page;
    uint64_t other = gcp_trial_target(trial, source.pages, 0);
    gcp_expect_moved(trial, dst, source.start, bytes, 0);
    gcp_expect_failed(trial, other, source.start, bytes, 0, ENOENT);
    gcp_expect_zeroes(trial, source.start, source.pages);
}

static void misaligned_dst_splits(struct gcp_trial *trial)
{
    struct gcp_source source;
    thps(trial, 1, &source);
    move_and_prove(trial, gcp_trial_target(trial, source.pages, trial->page), &source, 0, source.pages, 1);
}

static void short_request_splits(struct gcp_trial *trial)
{
    struct gcp_source source;
    thps(trial, 1, &source);
    move_and_prove(trial, gcp_trial_target(trial, source.pages, 0), &source, 0, 1, 1);
    /* The rest of the folio was split too, and stays in place. */
    struct gcp_view rest = gcp_trial_view(trial, source.start + trial->page, source.pages - 1);
    gcp_expect_order(trial, &rest, 0);
    gcp_expect_frames(trial, &source.view, 1, &rest, 0, rest.pages);
    gcp_expect_content(trial, rest.start, 1, rest.pages);
}

static void almost_whole_request_splits(struct gcp_trial *trial)
{
    struct gcp_source source;
    thps(trial, 1, &source);
    move_and_prove(trial, gcp_trial_target(trial, source.pages, 0), &source, 0, source.pages - 1, 1);
}

static void request_from_the_middle_splits(struct gcp_trial *trial)
{
    struct gcp_source source;
    uint64_t half = thp_pages(trial) / 2;
    thps(trial, 1, &source);
    move_and_prove(trial, gcp_trial_target(trial, half, 0), &source, half, half, 1);
}

/* A target of `pages` pages whose first page was touched and `released` pages then discarded; registered after that. */
static uint64_t used_target(struct gcp_trial *trial, uint64_t pages, uint64_t released)
{
    uint64_t dst = gcp_trial_region(trial, pages, 0);
    gcp_content_fill(dst, 0, 1, GCP_TRIAL_SEED);
    gcp_trial_madvise(trial, dst, released, MADV_DONTNEED, "MADV_DONTNEED");
    gcp_expect_empty(trial, dst, pages);
    gcp_trial_register(trial, dst, pages);
    return dst;
}

/* Discarding the page leaves its page table, which prevents a PMD mapping. */
static void page_table_at_the_target_splits(struct gcp_trial *trial)
{
    struct gcp_source source;
    thps(trial, 1, &source);
    move_and_prove(trial, used_target(trial, source.pages, 1), &source, 0, source.pages, 1);
}

/* Discarding everything that the page table maps frees the page table too, on a kernel that can do that. */
static void released_page_table_is_gone(struct gcp_trial *trial)
{
    struct gcp_source source;
    struct gcp_counters before;
    uint32_t order = trial->platform.pmd_order;
    thps(trial, 1, &source);
    uint64_t dst = used_target(trial, source.pages, source.pages);
    gcp_counters_read(&trial->prover, &before);
    gcp_expect_moved(trial, dst, source.start, source.pages * trial->page, 0);
    struct gcp_view after = gcp_trial_view(trial, dst, source.pages);
    uint32_t splits = after.orders[0] == (int)order ? 0 : 1;
    gcp_expect_splits(trial, &before, order, splits, splits);
    gcp_expect_order(trial, &after, splits ? 0 : order);
    gcp_expect_frames(trial, &source.view, 0, &after, 0, source.pages);
    gcp_expect_content(trial, dst, 0, source.pages);
    gcp_trial_note(trial, splits ? "split: the page table stays, as before 6.14 or without CONFIG_PT_RECLAIM"
                                 : "whole: the page table goes, as since 6.14 with CONFIG_PT_RECLAIM");
}

static void fault_at_the_target_splits(struct gcp_trial *trial)
{
    struct gcp_source source;
    struct gcp_waiter waiter;
    thps(trial, 1, &source);
    uint64_t dst = gcp_trial_target(trial, source.pages, 0);
    gcp_waiter_start(trial, dst, &waiter);
    move_and_prove(trial, dst, &source, 0, source.pages, 1);
    gcp_expect_awake(trial, &waiter, "MOVE");
}

/* The second of two THPs moves whole; only a part of the first is requested. */
static void only_the_cut_thp_splits(struct gcp_trial *trial)
{
    struct gcp_source source;
    struct gcp_counters before;
    uint32_t order = trial->platform.pmd_order;
    uint64_t pages = thp_pages(trial), half = pages / 2, page = trial->page;
    thps(trial, 2, &source);
    uint64_t dst = gcp_trial_target(trial, pages + half, half * page);
    gcp_counters_read(&trial->prover, &before);
    gcp_expect_moved(trial, dst, source.start + half * page, (pages + half) * page, 0);
    gcp_expect_splits(trial, &before, order, 1, 1);
    struct gcp_view after = gcp_trial_view(trial, dst, pages + half);
    gcp_expect_frames(trial, &source.view, half, &after, 0, pages + half);
    struct gcp_view whole = gcp_trial_view(trial, dst + half * page, pages);
    gcp_expect_order(trial, &whole, order);
}

#define PT_RECLAIM                                                                                                     \
    "before 'mm: pgtable: reclaim empty PTE page in madvise(MADV_DONTNEED)' (6.14), or without CONFIG_PT_RECLAIM: "    \
    "split"
#define SPLITS "all kernels to 7.3.4 split; a kernel that moves a PTE-mapped folio whole would not"

static const struct gcp_row_entry ROWS[] = {
    {{"thp-whole", "A THP moves whole, nothing is split, if both ends are aligned and the target has no page table", "",
      "pfn,thp"},
     aligned_thp_moves_whole},
    {{"thp-whole-several", "So do several in one call", "", "pfn,thp"}, several_thps_move_whole},
    {{"thp-whole-again", "A THP that was moved can be moved again, still whole", "", "pfn,thp"},
     moved_thp_moves_whole_again},
    {{"thp-source-hole", "Afterwards its source is a hole, and reads as zeroes", "", "pfn,thp"},
     source_of_a_thp_is_a_hole},
    {{"thp-dst-misaligned", "A misaligned destination splits the mapping and the folio; the frames move", SPLITS,
      "pfn,thp"},
     misaligned_dst_splits},
    {{"thp-one-page", "Asking for one page of a THP splits all of it", "", "pfn,thp"}, short_request_splits},
    {{"thp-almost-whole", "Asking for all but one page splits it", "", "pfn,thp"}, almost_whole_request_splits},
    {{"thp-second-half", "Asking for its second half splits it", "", "pfn,thp"}, request_from_the_middle_splits},
    {{"thp-dst-page-table", "A page table at the destination, even an empty one, splits the THP", SPLITS, "pfn,thp"},
     page_table_at_the_target_splits},
    {{"thp-dst-page-table-released",
      "After a whole PMD of the destination was discarded, a THP can be moved there whole again", PT_RECLAIM,
      "pfn,thp"},
     released_page_table_is_gone},
    {{"thp-dst-fault", "A fault in a destination without THP makes a page table, so the MOVE that serves it splits",
      SPLITS, "pfn,thp"},
     fault_at_the_target_splits},
    {{"thp-only-the-cut-one", "A run that begins inside a THP splits that one; the next moves whole", "", "pfn,thp"},
     only_the_cut_thp_splits},
};

const struct gcp_row_table gcp_rows_thp = GCP_ROW_TABLE(ROWS);
