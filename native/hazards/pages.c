/* Hazards: small pages that are not exclusively owned by one process. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "uffd/ability.h"
#include "hazards/tables.h"
#include "base/address.h"

#define PAGES 16
#define MERGE_MS 20000
#define RETRY_PAGES 65536

static void the_zero_page(struct gcp_trial *trial)
{
    struct gcp_source source;
    uint64_t src = gcp_trial_source(trial, GCP_SOURCE_ZERO, 0, PAGES, &source), dst = gcp_trial_target(trial, PAGES, 0);
    struct gcp_move_call seen = gcp_trial_move(trial, dst, src, PAGES * trial->page, 0);
    if (seen.err == EBUSY)
        gcp_trial_differs(trial, "EBUSY: pages that were only read can't be moved");
    gcp_expect_outcome(trial, seen, 0, (int64_t)(PAGES * trial->page));
    gcp_expect_zeroes(trial, dst, PAGES);
    gcp_trial_note(trial, "%d pages moved, all zeroes", PAGES);
}

static void repeated_steps(struct gcp_trial *trial)
{
    uint64_t moved, refused;
    int32_t err = gcp_ability_retry(RETRY_PAGES, trial->page, &moved, &refused);
    if (err)
        gcp_trial_differs(trial, "%smoving pages whose accessed bits change: %s", err == -EIO ? "corruption: " : "",
                          strerror(-err));
    if (refused)
        gcp_trial_differs(trial, "EEXIST for a page that had moved, after %" PRIu64 " others", moved);
    gcp_trial_note(trial, "all of %" PRIu64 " pages were counted", moved);
}

static uint64_t pages_sharing(void)
{
    uint64_t found = 0;
    FILE *file = fopen("/sys/kernel/mm/ksm/pages_sharing", "re");
    if (!file)
        return 0;
    if (fscanf(file, "%" SCNu64, &found) != 1)
        found = 0;
    fclose(file);
    return found;
}

/* Pages merged by KSM are mapped in several places: MOVE must not move them until they are written to. */
static void merged_pages(struct gcp_trial *trial)
{
    const struct timespec tick = {.tv_nsec = 50000000};
    uint64_t src = gcp_trial_region(trial, PAGES, 0), dst = gcp_trial_target(trial, PAGES, 0), waited = 0;
    for (uint64_t i = 0; i < PAGES; i++)
        gcp_content_fill(src + i * trial->page, 0, 1, GCP_TRIAL_SEED); /* all pages equal */
    if (madvise(gcp_at(src), PAGES * trial->page, MADV_MERGEABLE) < 0)
        gcp_trial_skip(trial, "MADV_MERGEABLE: %s; is KSM in this kernel?", strerror(errno));
    while (pages_sharing() < PAGES - 1 && waited < MERGE_MS) {
        nanosleep(&tick, NULL);
        waited += 50;
    }
    if (pages_sharing() < PAGES - 1)
        gcp_trial_skip(trial, "only %" PRIu64 " of %d pages were merged; is ksm/run 1?", pages_sharing(), PAGES - 1);
    uint64_t frame = gcp_trial_entry(trial, src) & GCP_PM_PFN(~0ULL);
    for (uint64_t i = 0; i < PAGES; i++) {
        struct gcp_move_call seen = gcp_trial_move(trial, dst + i * trial->page, src + i * trial->page, trial->page, 0);
        if (seen.err == 0)
            gcp_trial_differs(trial, "corruption: page %" PRIu64 ", shared by KSM, was moved", i);
        gcp_expect_outcome(trial, seen, EBUSY, -EBUSY);
        if ((gcp_trial_entry(trial, src + i * trial->page) & GCP_PM_PFN(~0ULL)) != frame)
            gcp_trial_skip(trial, "page %" PRIu64 " was not merged with the first", i);
        gcp_expect_content(trial, src + i * trial->page, 0, 1);
    }
    gcp_content_fill(src, 0, 1, GCP_TRIAL_SEED); /* unshares it */
    gcp_expect_moved(trial, dst, src, trial->page, 0);
    gcp_expect_content(trial, dst, 0, 1);
    gcp_trial_note(trial, "ebusy: %d merged pages, contents intact; written to, one moved", PAGES);
}

static const struct gcp_row_entry ROWS[] = {
    {{"zeropage-ebusy", "The zero page moves", "", ""}, the_zero_page},
    {{"retry-eexist", "Pages are counted as moved even if MOVE retries a step", "", ""}, repeated_steps},
    {{"ksm", "A page merged by KSM gives EBUSY, and moves after it is written to", "", "ksm"}, merged_pages},
};

const struct gcp_row_table gcp_hazards_pages = GCP_ROW_TABLE(ROWS);
