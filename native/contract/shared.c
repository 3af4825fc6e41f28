/* Rows: pages shared with a forked child.  MOVE requires PageAnonExclusive, which a fork clears permanently. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>

#include "contract/rows.h"

static int32_t share(struct gcp_trial *trial)
{
    int32_t child = gcp_sharer_start();
    if (child < 0)
        gcp_trial_skip(trial, "fork: errno %d", -child);
    return child;
}

static void shared_page_is_ebusy(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    share(trial);
    gcp_expect_failed(trial, dst, src, trial->page, 0, EBUSY);
    gcp_expect_content(trial, src, 0, 1);
}

static void childs_exit_does_not_cure(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    gcp_sharer_stop(share(trial));
    gcp_expect_failed(trial, dst, src, trial->page, 0, EBUSY);
}

static void reading_does_not_cure(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    gcp_sharer_stop(share(trial));
    gcp_expect_content(trial, src, 0, 1);
    gcp_expect_failed(trial, dst, src, trial->page, 0, EBUSY);
}

static void writing_cures(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    gcp_sharer_stop(share(trial));
    gcp_expect_failed(trial, dst, src, trial->page, 0, EBUSY);
    gcp_content_fill(src, 0, 1, GCP_TRIAL_SEED);
    gcp_expect_moved(trial, dst, src, trial->page, 0);
    gcp_expect_content(trial, dst, 0, 1);
    gcp_expect_empty(trial, src, 1);
}

static void writing_cures_while_the_child_lives(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    share(trial);
    gcp_content_fill(src, 0, 1, GCP_TRIAL_SEED);
    gcp_expect_moved(trial, dst, src, trial->page, 0);
    gcp_expect_content(trial, dst, 0, 1);
    gcp_expect_empty(trial, src, 1);
}

/* Bit 56 counts mappings; MOVE requires a flag of the page, PageAnonExclusive. */
static void pagemap_exclusive_says_otherwise(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    int32_t child = share(trial);
    if (gcp_trial_entry(trial, src) & GCP_PM_EXCLUSIVE)
        gcp_trial_differs(trial, "pagemap calls a page exclusive that a living child shares");
    gcp_sharer_stop(child);
    uint64_t entry = gcp_trial_entry(trial, src);
    if (!(entry & GCP_PM_EXCLUSIVE))
        gcp_trial_differs(trial, "after the child's exit pagemap does not call the page exclusive: %#" PRIx64, entry);
    gcp_expect_failed(trial, dst, src, trial->page, 0, EBUSY);
}

static void dontfork_keeps_it_movable(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    gcp_trial_madvise(trial, src, 1, MADV_DONTFORK, "MADV_DONTFORK");
    share(trial);
    gcp_expect_moved(trial, dst, src, trial->page, 0);
    gcp_expect_content(trial, dst, 0, 1);
    gcp_expect_empty(trial, src, 1);
}

/* Nothing of a shared THP moves or is split, whatever the request. */
static void shared_thp_is_ebusy(struct gcp_trial *trial)
{
    struct gcp_source forked;
    struct gcp_counters before;
    uint32_t order = trial->platform.pmd_order;
    uint64_t pages = 1ULL << order, page = trial->page;
    gcp_trial_need(trial, GCP_PROOF_KPF);
    uint64_t src = gcp_trial_source(trial, GCP_SOURCE_FORKED, order, pages, &forked);
    uint64_t dst = gcp_trial_target(trial, pages, 0), crooked = gcp_trial_target(trial, pages, page);
    gcp_counters_read(&trial->prover, &before);
    gcp_expect_failed(trial, dst, src, pages * page, 0, EBUSY);
    gcp_expect_failed(trial, crooked, src, pages * page, 0, EBUSY);
    gcp_expect_failed(trial, dst, src, page, 0, EBUSY);
    gcp_expect_splits(trial, &before, order, 0, 0);
    struct gcp_view after = gcp_trial_view(trial, src, pages);
    gcp_expect_order(trial, &after, order);
}

static const struct gcp_row_entry ROWS[] = {
    {{"forked-small", "A page shared with a forked child gives EBUSY", "", ""}, shared_page_is_ebusy},
    {{"forked-child-gone", "The child's exit does not make it movable again", "", ""}, childs_exit_does_not_cure},
    {{"forked-read", "Reading it does not make it movable again", "", ""}, reading_does_not_cure},
    {{"forked-written", "Writing to it does", "", ""}, writing_cures},
    {{"forked-written-early", "So does writing while the child lives: a private copy moves", "", ""},
     writing_cures_while_the_child_lives},
    {{"forked-pagemap", "After the child's exit, bit 56 of pagemap calls it exclusive, but it still gives EBUSY", "",
      ""},
     pagemap_exclusive_says_otherwise},
    {{"forked-dontfork", "With MADV_DONTFORK a fork makes no difference", "", ""}, dontfork_keeps_it_movable},
    {{"forked-thp", "A shared THP gives EBUSY, aligned or not, whole or in part, and is not split", "", "pfn,thp"},
     shared_thp_is_ebusy},
};

const struct gcp_row_table gcp_rows_shared = GCP_ROW_TABLE(ROWS);
