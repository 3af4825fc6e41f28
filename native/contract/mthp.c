/*
 * Rows: mTHP, of the largest enabled order below that of the PMD.  Up to 7.3.4 every MOVE of any part of a PTE-mapped
 * large folio splits the folio.  A row that finds a folio whole at the destination reports that as news about the
 * kernel.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "contract/rows.h"
#include "base/address.h"

/* `n` folios, one or two, not at a PMD boundary: two of half a PMD would be allocated as one THP. */
static uint64_t folios(struct gcp_trial *trial, uint64_t n, uint32_t *ret_order, struct gcp_source *ret)
{
    gcp_trial_need(trial, GCP_PROOF_KPF | GCP_PROOF_MTHP);
    uint32_t order = *ret_order = gcp_trial_mthp_order(trial);
    return gcp_trial_source_at(trial, GCP_SOURCE_PLAIN, order, n << order, trial->page << order, ret);
}

/* Move `pages` at page `first`; `n` folios of the order are split for it. */
static void move_and_prove(struct gcp_trial *trial, uint64_t dst, const struct gcp_source *source, uint64_t first,
                           uint64_t pages, uint64_t n)
{
    struct gcp_counters before;
    uint64_t src = source->start + first * trial->page;
    gcp_counters_read(&trial->prover, &before);
    gcp_expect_moved(trial, dst, src, pages * trial->page, 0);
    struct gcp_view after = gcp_trial_view(trial, dst, pages);
    bool whole = after.orders[0] == (int)source->order;
    gcp_expect_splits(trial, &before, source->order, whole ? 0 : n, 0);
    gcp_expect_frames(trial, &source->view, first, &after, 0, pages);
    gcp_expect_order(trial, &after, whole ? source->order : 0);
    gcp_expect_empty(trial, src, pages);
    gcp_expect_content(trial, dst, first, pages);
    if (whole)
        gcp_trial_differs(trial, "the kernel news: a folio of order %u was moved whole, and rightly", source->order);
    gcp_trial_note(trial, "order %u", source->order);
}

static void one_page_splits_the_folio(struct gcp_trial *trial)
{
    struct gcp_source source;
    uint32_t order;
    uint64_t src = folios(trial, 1, &order, &source);
    move_and_prove(trial, gcp_trial_target(trial, source.pages, trial->page << order), &source, 0, 1, 1);
    struct gcp_view rest = gcp_trial_view(trial, src + trial->page, source.pages - 1);
    gcp_expect_order(trial, &rest, 0);
    gcp_expect_frames(trial, &source.view, 1, &rest, 0, rest.pages);
    gcp_expect_content(trial, rest.start, 1, rest.pages);
}

static void page_in_the_middle_splits_the_folio(struct gcp_trial *trial)
{
    struct gcp_source source;
    uint32_t order;
    folios(trial, 1, &order, &source);
    uint64_t middle = source.pages / 2;
    move_and_prove(trial, gcp_trial_target(trial, 1, 0), &source, middle, 1, 1);
}

static void whole_request_splits_the_folio(struct gcp_trial *trial)
{
    struct gcp_source source;
    uint32_t order;
    folios(trial, 1, &order, &source);
    move_and_prove(trial, gcp_trial_target(trial, source.pages, trial->page << order), &source, 0, source.pages, 1);
}

static void not_congruent_request_splits_the_folio(struct gcp_trial *trial)
{
    struct gcp_source source;
    uint32_t order;
    folios(trial, 1, &order, &source);
    move_and_prove(trial, gcp_trial_target(trial, source.pages, trial->page), &source, 0, source.pages, 1);
}

static void every_folio_of_a_run_is_split(struct gcp_trial *trial)
{
    struct gcp_source source;
    uint32_t order;
    folios(trial, 2, &order, &source);
    move_and_prove(trial, gcp_trial_target(trial, source.pages, trial->page << order), &source, 0, source.pages, 2);
}

static void folio_outside_of_the_request_stays_whole(struct gcp_trial *trial)
{
    struct gcp_source source;
    uint32_t order;
    uint64_t src = folios(trial, 2, &order, &source), pages = 1ULL << order;
    move_and_prove(trial, gcp_trial_target(trial, pages, 0), &source, 0, pages, 1);
    struct gcp_view next = gcp_trial_view(trial, src + pages * trial->page, pages);
    gcp_expect_order(trial, &next, order);
}

/* The rest of a split folio moves as small pages. */
static void folio_is_split_once(struct gcp_trial *trial)
{
    struct gcp_source source;
    uint32_t order;
    uint64_t src = folios(trial, 1, &order, &source), page = trial->page;
    uint64_t dst = gcp_trial_target(trial, source.pages, page << order);
    struct gcp_counters before;
    gcp_expect_moved(trial, dst, src, page, 0);
    gcp_counters_read(&trial->prover, &before);
    gcp_expect_moved(trial, dst + page, src + page, (source.pages - 1) * page, 0);
    gcp_expect_splits(trial, &before, order, 0, 0);
    gcp_expect_content(trial, dst, 0, source.pages);
}

/* Refused before a split: because of the destination, and because of the sharing. */
static void occupied_target_does_not_split(struct gcp_trial *trial)
{
    struct gcp_source source;
    struct gcp_counters before;
    uint32_t order;
    uint64_t src = folios(trial, 1, &order, &source), dst = gcp_trial_region(trial, 1, 0);
    gcp_content_fill(dst, 0, 1, GCP_TRIAL_SEED);
    gcp_trial_register(trial, dst, 1);
    gcp_counters_read(&trial->prover, &before);
    gcp_expect_failed(trial, dst, src, trial->page, 0, EEXIST);
    gcp_expect_splits(trial, &before, order, 0, 0);
    struct gcp_view after = gcp_trial_view(trial, src, source.pages);
    gcp_expect_order(trial, &after, order);
}

static void shared_folio_is_ebusy_and_whole(struct gcp_trial *trial)
{
    struct gcp_source source;
    struct gcp_counters before;
    uint32_t order;
    uint64_t src = folios(trial, 1, &order, &source), dst = gcp_trial_target(trial, source.pages, 0);
    if (gcp_sharer_start() < 0)
        gcp_trial_skip(trial, "fork failed");
    gcp_counters_read(&trial->prover, &before);
    gcp_expect_failed(trial, dst, src, trial->page, 0, EBUSY);
    gcp_expect_failed(trial, dst, src, source.pages * trial->page, 0, EBUSY);
    gcp_expect_splits(trial, &before, order, 0, 0);
    struct gcp_view after = gcp_trial_view(trial, src, source.pages);
    gcp_expect_order(trial, &after, order);
}

/* All pages except the first and the last are zero-filled; the first one is moved. */
static struct gcp_view split_with_zeroes(struct gcp_trial *trial, bool locked, uint64_t *ret_dst)
{
    struct gcp_source source;
    uint32_t order;
    uint64_t src = folios(trial, 1, &order, &source), inner = source.pages - 2;
    *ret_dst = gcp_trial_target(trial, 1, 0);
    memset(gcp_at(src + trial->page), 0, inner * trial->page);
    if (locked) {
        gcp_trial_lock(trial, src, source.pages);
        gcp_trial_lock(trial, *ret_dst, 1);
    }
    gcp_expect_moved(trial, *ret_dst, src, trial->page, 0);
    struct gcp_view after = gcp_trial_view(trial, src + trial->page, source.pages - 1);
    if (after.orders[0] == (int)order)
        gcp_trial_differs(trial, "the kernel news: the folio was not split");
    gcp_expect_content(trial, *ret_dst, 0, 1);
    gcp_expect_zeroes(trial, src + trial->page, inner);
    gcp_expect_content(trial, src + (inner + 1) * trial->page, inner + 1, 1);
    return after;
}

static void zero_filled_pages_become_the_zero_page(struct gcp_trial *trial)
{
    uint64_t dst;
    struct gcp_view after = split_with_zeroes(trial, false, &dst);
    uint64_t inner = after.pages - 1;
    if (after.zero_pages == 0)
        gcp_trial_note(trial, "they stay pages of their own, as before 6.12");
    else if (after.zero_pages == inner)
        gcp_trial_note(trial, "they become the zero page, as since 6.12");
    else
        gcp_trial_differs(trial, "%" PRIu64 " of %" PRIu64 " zero-filled pages are the zero page", after.zero_pages,
                          inner);
}

static void locked_zero_filled_pages_stay(struct gcp_trial *trial)
{
    uint64_t dst;
    struct gcp_view after = split_with_zeroes(trial, true, &dst);
    if (after.zero_pages)
        gcp_trial_differs(trial, "%" PRIu64 " locked pages became the zero page", after.zero_pages);
}

#define SPLITS "all kernels to 7.3.4; a kernel that moves large folios whole would split nothing"
#define UNDERUSED                                                                                                      \
    "before 'mm: remap unused subpages to shared zeropage when splitting isolated thp' (6.12): they stay pages; "      \
    "since: zero page"

static const struct gcp_row_entry ROWS[] = {
    {{"mthp-one-page", "Asking for one page of an mTHP splits all of it", "", "pfn,mthp"}, one_page_splits_the_folio},
    {{"mthp-middle", "So does asking for a page in its middle", "", "pfn,mthp"}, page_in_the_middle_splits_the_folio},
    {{"mthp-whole", "Asking for exactly the whole mTHP splits it too; the frames move", SPLITS, "pfn,mthp"},
     whole_request_splits_the_folio},
    {{"mthp-not-congruent", "So does a destination that is not congruent", SPLITS, "pfn,mthp"},
     not_congruent_request_splits_the_folio},
    {{"mthp-run", "In a run of several mTHPs each is split", SPLITS, "pfn,mthp"}, every_folio_of_a_run_is_split},
    {{"mthp-neighbour", "An mTHP next to the range asked for stays whole", "", "pfn,mthp"},
     folio_outside_of_the_request_stays_whole},
    {{"mthp-split-once", "The rest of a split mTHP moves without another split", "", "pfn,mthp"}, folio_is_split_once},
    {{"mthp-dst-occupied", "EEXIST at the destination leaves the mTHP whole", "", "pfn,mthp"},
     occupied_target_does_not_split},
    {{"mthp-forked", "A shared mTHP gives EBUSY, whole or in part, and is not split", "", "pfn,mthp"},
     shared_folio_is_ebusy_and_whole},
    {{"mthp-zero-filled", "Zero-filled pages of a split mTHP become the shared zero page", UNDERUSED, "pfn,mthp"},
     zero_filled_pages_become_the_zero_page},
    {{"mthp-zero-filled-locked", "Not so in a locked mapping", "", "pfn,mthp"}, locked_zero_filled_pages_stay},
};

const struct gcp_row_table gcp_rows_mthp = GCP_ROW_TABLE(ROWS);
