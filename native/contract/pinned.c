/*
 * Rows: pins (FOLL_PIN), taken by io_uring fixed buffers.  Only small pages and whole THPs: a pinned part of a large
 * folio is in mthp_held.c, since it hangs some kernels.
 */
#include <errno.h>

#include "base/pin.h"
#include "contract/rows.h"

#define PAGES 4

static void pinned_page_is_ebusy(struct gcp_trial *trial)
{
    struct gcp_source pinned;
    uint64_t src = gcp_trial_source(trial, GCP_SOURCE_PINNED, 0, 1, &pinned), dst = gcp_trial_target(trial, 1, 0);
    gcp_expect_failed(trial, dst, src, trial->page, 0, EBUSY);
    gcp_expect_content(trial, src, 0, 1);
    gcp_expect_empty(trial, dst, 1);
}

static void unpinned_page_moves(struct gcp_trial *trial)
{
    struct gcp_source pinned;
    uint64_t src = gcp_trial_source(trial, GCP_SOURCE_PINNED, 0, 1, &pinned), dst = gcp_trial_target(trial, 1, 0);
    gcp_expect_failed(trial, dst, src, trial->page, 0, EBUSY);
    gcp_unpin(pinned.ring_fd);
    gcp_expect_moved(trial, dst, src, trial->page, 0);
    gcp_expect_content(trial, dst, 0, 1);
    gcp_expect_empty(trial, src, 1);
}

static void writing_does_not_cure_a_pin(struct gcp_trial *trial)
{
    struct gcp_source pinned;
    uint64_t src = gcp_trial_source(trial, GCP_SOURCE_PINNED, 0, 1, &pinned), dst = gcp_trial_target(trial, 1, 0);
    gcp_content_fill(src, 3, 1, GCP_TRIAL_SEED);
    gcp_expect_failed(trial, dst, src, trial->page, 0, EBUSY);
    gcp_expect_content(trial, src, 3, 1);
}

static void pin_stops_a_move_where_it_is(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, PAGES), dst = gcp_trial_target(trial, PAGES, 0), page = trial->page;
    int32_t ring = gcp_pin(src + 3 * page, page);
    if (ring < 0)
        gcp_trial_skip(trial, "io_uring fixed buffers: errno %d; sysctl kernel.io_uring_disabled, ulimit -l", -ring);
    gcp_expect_short(trial, dst, src, PAGES * page, 0, 3 * page);
    gcp_expect_failed(trial, dst + 3 * page, src + 3 * page, page, 0, EBUSY);
    gcp_unpin(ring);
    gcp_expect_moved(trial, dst + 3 * page, src + 3 * page, page, 0);
    gcp_expect_content(trial, dst, 0, PAGES);
}

static void pinned_thp_is_ebusy(struct gcp_trial *trial)
{
    struct gcp_source pinned;
    struct gcp_counters before;
    uint32_t order = trial->platform.pmd_order;
    uint64_t pages = 1ULL << order;
    gcp_trial_need(trial, GCP_PROOF_KPF);
    uint64_t src = gcp_trial_source(trial, GCP_SOURCE_PINNED, order, pages, &pinned);
    uint64_t dst = gcp_trial_target(trial, pages, 0);
    gcp_counters_read(&trial->prover, &before);
    gcp_expect_failed(trial, dst, src, pages * trial->page, 0, EBUSY);
    gcp_expect_splits(trial, &before, order, 0, 0);
    struct gcp_view after = gcp_trial_view(trial, src, pages);
    gcp_expect_order(trial, &after, order);
}

static const struct gcp_row_entry ROWS[] = {
    {{"pinned-small", "A pinned small page gives EBUSY and stays", "", "io_uring"}, pinned_page_is_ebusy},
    {{"pinned-released", "After it is unpinned, it moves", "", "io_uring"}, unpinned_page_moves},
    {{"pinned-written", "Writing to a pinned page does not make it movable", "", "io_uring"},
     writing_does_not_cure_a_pin},
    {{"pinned-short", "A pin stops a move where it is: EAGAIN and the bytes before it, then EBUSY", "", "io_uring"},
     pin_stops_a_move_where_it_is},
    {{"pinned-thp", "A pinned THP asked for whole gives EBUSY and is not split", "", "pfn,thp,io_uring"},
     pinned_thp_is_ebusy},
};

const struct gcp_row_table gcp_rows_pinned = GCP_ROW_TABLE(ROWS);
