/*
 * Rows: swapped pages whose folio is still in the swap cache.  Not on kernels where this corrupts the reverse map:
 * before "mm: fix kernel BUG when userfaultfd_move encounters swapcache" (c50f8e6053b0, 6.14, 6.12.20, 6.13.8).
 */
#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "contract/rows.h"

#define PAGES 8
#define WRITEBACK_MS 2000

static uint64_t cached(struct gcp_trial *trial, uint32_t order, uint64_t pages, struct gcp_source *ret)
{
    gcp_trial_need(trial, GCP_PROOF_PFN);
    if (gcp_trial_release_in(GCP_RELEASE(6, 8, 0), GCP_RELEASE(6, 12, 20)) ||
        gcp_trial_release_in(GCP_RELEASE(6, 13, 0), GCP_RELEASE(6, 13, 8)))
        gcp_trial_skip(trial, "unsafe: this release may corrupt the reverse map, or BUG; fixed in 6.12.20, 6.13.8 and "
                              "6.14");
    return gcp_trial_source(trial, GCP_SOURCE_SWAPCACHE, order, pages, ret);
}

static void small_pages_move(struct gcp_trial *trial)
{
    struct gcp_source source;
    uint64_t src = cached(trial, 0, PAGES, &source), dst = gcp_trial_target(trial, PAGES, 0);
    gcp_expect_moved(trial, dst, src, PAGES * trial->page, 0);
    struct gcp_view after = gcp_trial_view(trial, dst, PAGES);
    if (after.swapped != PAGES)
        gcp_trial_differs(trial, "%" PRIu64 " of %d pages are swapped at the destination", after.swapped, PAGES);
    gcp_expect_frames(trial, &source.view, 0, &after, 0, PAGES);
    gcp_expect_empty(trial, src, PAGES);
    gcp_expect_content(trial, dst, 0, PAGES);
}

static uint64_t cached_mthp(struct gcp_trial *trial, struct gcp_source *ret)
{
    uint32_t order = gcp_trial_mthp_order(trial);
    return cached(trial, order, 1ULL << order, ret);
}

static void whole_mthp_is_ebusy(struct gcp_trial *trial)
{
    struct gcp_source source;
    uint64_t src = cached_mthp(trial, &source), dst = gcp_trial_target(trial, source.pages, 0);
    struct gcp_move_call seen = gcp_trial_move(trial, dst, src, source.pages * trial->page, 0);
    if (seen.err == 0) {
        gcp_expect_content(trial, dst, 0, source.pages);
        gcp_trial_differs(trial, "the kernel news: a large folio in the swap cache was moved, contents right");
    }
    gcp_expect_outcome(trial, seen, EBUSY, -EBUSY);
    gcp_expect_content(trial, src, 0, source.pages);
}

static void page_of_an_mthp_is_ebusy(struct gcp_trial *trial)
{
    struct gcp_source source;
    uint64_t src = cached_mthp(trial, &source), dst = gcp_trial_target(trial, 1, 0);
    struct gcp_move_call seen = gcp_trial_move(trial, dst, src, trial->page, 0);
    if (seen.err == 0) {
        struct gcp_view after = gcp_trial_view(trial, dst, 1);
        gcp_expect_frames(trial, &source.view, 0, &after, 0, 1);
        gcp_expect_empty(trial, src, 1);
        gcp_expect_content(trial, dst, 0, 1);
        gcp_expect_content(trial, src + trial->page, 1, source.pages - 1);
        gcp_trial_differs(trial,
                          "the kernel news: a page of a large folio in the swap cache was moved, contents right");
    }
    gcp_expect_outcome(trial, seen, EBUSY, -EBUSY);
    gcp_expect_content(trial, src, 0, source.pages);
}

/*
 * After a fault has read it back, the folio is present, and MOVE splits it like any other.  A folio under writeback
 * can't be split; how long that lasts depends on the device.
 */
static void mthp_moves_once_it_is_read_back(struct gcp_trial *trial)
{
    const struct timespec tick = {.tv_nsec = 1000000};
    struct gcp_source source;
    uint64_t src = cached_mthp(trial, &source), dst = gcp_trial_target(trial, source.pages, 0);
    struct gcp_move_call seen;
    int waited_ms = 0;

    gcp_content_fill(src, 0, source.pages, GCP_TRIAL_SEED);
    for (;;) {
        seen = gcp_trial_move(trial, dst, src, source.pages * trial->page, 0);
        if (seen.err != EBUSY || waited_ms == WRITEBACK_MS)
            break;
        nanosleep(&tick, NULL);
        waited_ms++;
    }
    gcp_expect_outcome(trial, seen, 0, (int64_t)(source.pages * trial->page));
    if (waited_ms)
        gcp_trial_note(trial, "EBUSY for about %d ms: the folio was still under writeback", waited_ms);
    gcp_expect_content(trial, dst, 0, source.pages);
}

#define UNSAFE "6.8 to 6.12.19 and 6.13.0 to 6.13.7: corruption, not run there"

static const struct gcp_row_entry ROWS[] = {
    {{"swapcache-small", "A small swapped page in the swap cache moves: same slot, contents after swap-in", UNSAFE,
      "pfn,zram"},
     small_pages_move},
    {{"swapcache-mthp", "A swapped mTHP in the swap cache gives EBUSY if asked for whole", UNSAFE, "pfn,mthp,loop"},
     whole_mthp_is_ebusy},
    {{"swapcache-mthp-page", "It gives EBUSY if asked for in part", UNSAFE, "pfn,mthp,loop"}, page_of_an_mthp_is_ebusy},
    {{"swapcache-mthp-written", "After a write it is present again, and moves when its writeback has ended", UNSAFE,
      "pfn,mthp,loop"},
     mthp_moves_once_it_is_read_back},
};

const struct gcp_row_table gcp_rows_swapcache = GCP_ROW_TABLE(ROWS);
