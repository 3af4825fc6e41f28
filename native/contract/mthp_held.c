/*
 * Rows: a part of a large folio with extra references.  The folio can't be split.  Before "userfaultfd: fix UFFDIO_MOVE
 * livelock on large folio with extra references" (7.3.4) MOVE retries forever: the watchdog ends the row, which is then
 * as documented.  A vendor's kernel may give EBUSY earlier.
 */
#include <errno.h>
#include <unistd.h>

#include "base/pin.h"
#include "contract/rows.h"

static void expect_ebusy_or_livelock(struct gcp_trial *trial, const struct gcp_source *source, uint64_t pages)
{
    uint64_t dst = gcp_trial_target(trial, source->pages, 0);
    gcp_trial_if_killed(trial, "MOVE spins until it is killed: the livelock fixed in 7.3.4");
    struct gcp_move_call seen = gcp_trial_move(trial, dst, source->start, pages * trial->page, 0);
    if (seen.err == 0) {
        gcp_expect_content(trial, dst, 0, pages);
        gcp_trial_differs(trial, "the kernel news: a held folio of order %u was moved", source->order);
    }
    gcp_expect_outcome(trial, seen, EBUSY, -EBUSY);
    struct gcp_view after = gcp_trial_view(trial, source->start, source->pages);
    gcp_expect_frames(trial, &source->view, 0, &after, 0, source->pages);
    gcp_expect_order(trial, &after, source->order);
    gcp_expect_content(trial, source->start, 0, source->pages);
    gcp_trial_note(trial, "EBUSY at once, order %u", source->order);
}

static void pinned_mthp(struct gcp_trial *trial, struct gcp_source *ret)
{
    gcp_trial_need(trial, GCP_PROOF_KPF);
    uint32_t order = gcp_trial_mthp_order(trial);
    gcp_trial_source(trial, GCP_SOURCE_PINNED, order, 1ULL << order, ret);
}

static void page_of_a_pinned_mthp(struct gcp_trial *trial)
{
    struct gcp_source source;
    pinned_mthp(trial, &source);
    expect_ebusy_or_livelock(trial, &source, 1);
}

static void whole_pinned_mthp(struct gcp_trial *trial)
{
    struct gcp_source source;
    pinned_mthp(trial, &source);
    expect_ebusy_or_livelock(trial, &source, source.pages);
}

static void unpinned_mthp_moves(struct gcp_trial *trial)
{
    struct gcp_source source;
    pinned_mthp(trial, &source);
    uint64_t dst = gcp_trial_target(trial, source.pages, 0);
    gcp_unpin(source.ring_fd);
    gcp_expect_moved(trial, dst, source.start, source.pages * trial->page, 0);
    gcp_expect_content(trial, dst, 0, source.pages);
}

static void spliced_mthp(struct gcp_trial *trial)
{
    struct gcp_source source;
    gcp_trial_need(trial, GCP_PROOF_KPF);
    uint32_t order = gcp_trial_mthp_order(trial);
    gcp_trial_source(trial, GCP_SOURCE_PLAIN, order, 1ULL << order, &source);
    gcp_trial_splice(trial, source.start, trial->page);
    expect_ebusy_or_livelock(trial, &source, source.pages);
}

static void page_of_a_pinned_thp(struct gcp_trial *trial)
{
    struct gcp_source source;
    uint32_t order = trial->platform.pmd_order;
    gcp_trial_need(trial, GCP_PROOF_KPF);
    gcp_trial_source(trial, GCP_SOURCE_PINNED, order, 1ULL << order, &source);
    expect_ebusy_or_livelock(trial, &source, 1);
}

#define LIVELOCK                                                                                                       \
    "before 'userfaultfd: fix UFFDIO_MOVE livelock on large folio with extra references' (7.3.4): spins until "        \
    "killed, "                                                                                                         \
    "some vendors' kernels excepted; since: EBUSY"

static const struct gcp_row_entry ROWS[] = {
    {{"mthp-pinned-page", "One page of a pinned mTHP gives EBUSY", LIVELOCK, "pfn,mthp,io_uring"},
     page_of_a_pinned_mthp},
    {{"mthp-pinned-whole", "A pinned mTHP asked for whole gives EBUSY", LIVELOCK, "pfn,mthp,io_uring"},
     whole_pinned_mthp},
    {{"mthp-unpinned", "After it is unpinned, it moves", "", "pfn,mthp,io_uring"}, unpinned_mthp_moves},
    {{"mthp-referenced", "An ordinary reference (vmsplice) to one of its pages gives EBUSY", LIVELOCK, "pfn,mthp"},
     spliced_mthp},
    {{"thp-pinned-page", "One page of a pinned THP gives EBUSY", LIVELOCK, "pfn,thp,io_uring"}, page_of_a_pinned_thp},
};

const struct gcp_row_table gcp_rows_mthp_held = GCP_ROW_TABLE(ROWS);
