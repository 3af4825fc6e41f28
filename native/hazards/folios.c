/* Hazards: large folios that have extra references or that several threads move at once, and the huge zero page. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include "uffd/ability.h"
#include "base/uapi.h"
#include "hazards/race.h"
#include "hazards/tables.h"
#include "base/address.h"

#define LIVELOCK_MS 4000
#define RACE_MS 4000
#define THP_TURNS 50

static void a_held_folio(struct gcp_trial *trial)
{
    int32_t err = 0;
    switch (gcp_ability_livelock(LIVELOCK_MS, &err)) {
    case GCP_LIVELOCK_NO:
        gcp_trial_note(trial, "ebusy: a part of a pinned large folio, at once");
        return;
    case GCP_LIVELOCK_YES:
        gcp_trial_differs(trial, "hang: MOVE of a part of a pinned large folio spins; killed after %d ms", LIVELOCK_MS);
    case GCP_LIVELOCK_OTHER:
        gcp_trial_differs(trial, "%s", err ? strerror(err) : "corruption: a part of a pinned large folio was moved");
    default:
        gcp_trial_skip(trial, "a pinned large folio is unavailable: %s", strerror(err));
    }
}

/* Two movers, each with half of what begins as one THP: one splits it while the other waits for its lock. */
static void threads_in_one_folio(struct gcp_trial *trial)
{
    gcp_race_run(trial, 2, 1, RACE_MS, 1, NULL, "disturbances");
}

static void *collapse_both(void *arg)
{
    struct gcp_race *race = arg;
    uint64_t bytes = race->pages * race->trial->page;
    while (!atomic_load(&race->stop))
        for (int i = 0; i < 2; i++)
            if (madvise(gcp_at(race->range[i]), bytes, GCP_MADV_COLLAPSE) == 0)
                atomic_fetch_add(&race->disturbed, 1);
    return NULL;
}

static void race_with_a_collapse(struct gcp_trial *trial)
{
    gcp_race_run(trial, 1, 64, RACE_MS, 1, collapse_both, "collapses into a THP");
}

static void the_huge_zero_page(struct gcp_trial *trial)
{
    uint64_t pages = trial->platform.pmd_size / trial->page;
    gcp_trial_need(trial, GCP_PROOF_KPF);
    uint64_t src = gcp_trial_region(trial, pages, 0), dst = gcp_trial_target(trial, pages, 0);
    madvise(gcp_at(src), trial->platform.pmd_size, MADV_HUGEPAGE);
    gcp_expect_zeroes(trial, src, 1); /* reads it */
    struct gcp_view before = gcp_trial_view(trial, src, pages);
    uint64_t frame = GCP_PM_PFN(before.entries[0]);
    if (before.zero_pages != pages || GCP_PM_PFN(before.entries[pages - 1]) != frame + pages - 1)
        gcp_trial_skip(trial, "a read did not map the huge zero page; is hugepages-%" PRIu64 "kB/enabled madvise?",
                       trial->platform.pmd_size / 1024);
    struct gcp_move_call seen = gcp_trial_move(trial, dst, src, trial->platform.pmd_size, 0);
    if (seen.err == EBUSY) {
        gcp_trial_note(trial, "ebusy: the huge zero page stays where it is");
        return;
    }
    gcp_expect_outcome(trial, seen, 0, (int64_t)trial->platform.pmd_size);
    uint64_t word = gcp_trial_entry(trial, dst);
    if (GCP_PM_PFN(word) != frame)
        gcp_trial_differs(trial,
                          "corruption: the huge zero page at frame %#" PRIx64 " was moved as frame %#" PRIx64
                          " (pagemap %#" PRIx64 ")",
                          frame, (uint64_t)GCP_PM_PFN(word), word);
    gcp_expect_zeroes(trial, dst, pages);
    gcp_trial_note(trial, "moved, the same frames, all zeroes");
}

static const struct gcp_row_entry ROWS[] = {
    {{"livelock-references", "A part of a large folio with extra references gives EBUSY", "", "thp,io_uring"},
     a_held_folio},
    {{"livelock-threads", "Threads that move pages of one THP all make progress", "", "thp"}, threads_in_one_folio},
    {{"khugepaged-race", "Pages that are collapsed into THPs while they move keep their contents", "", "thp"},
     race_with_a_collapse},
    {{"huge-zero-pfn", "The huge zero page moves whole, as the same frames", "", "thp"}, the_huge_zero_page},
};

const struct gcp_row_table gcp_hazards_folios = GCP_ROW_TABLE(ROWS);
