/* Evidence: page frames, folio orders and split counters. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "trial/trial.h"

void gcp_trial_need(struct gcp_trial *trial, uint32_t access)
{
    static const struct {
        uint32_t bit;
        const char *what;
    } NEEDS[] = {
        {GCP_PROOF_PFN, "page frame numbers in /proc/self/pagemap (CAP_SYS_ADMIN)"},
        {GCP_PROOF_KPF, "/proc/kpageflags (root, CONFIG_PROC_PAGE_MONITOR)"},
        {GCP_PROOF_VMSTAT, "/proc/vmstat"},
        {GCP_PROOF_MTHP, "hugepages-*kB/stats (6.10)"},
    };
    for (size_t i = 0; i < sizeof(NEEDS) / sizeof(NEEDS[0]); i++)
        if ((access & NEEDS[i].bit) && !(trial->prover.have & NEEDS[i].bit))
            gcp_trial_skip(trial, "can't be proven here; needed: %s", NEEDS[i].what);
}

uint64_t gcp_trial_entry(struct gcp_trial *trial, uint64_t address)
{
    uint64_t entry;
    off_t at = (off_t)(address / trial->page * sizeof(entry));
    if (pread(trial->prover.pagemap_fd, &entry, sizeof(entry), at) != (ssize_t)sizeof(entry))
        gcp_trial_skip(trial, "/proc/self/pagemap can't be read: %s", strerror(errno));
    return entry;
}

struct gcp_view gcp_trial_view(struct gcp_trial *trial, uint64_t start, uint64_t pages)
{
    struct gcp_view view;
    int err = gcp_view_init(pages, &view);
    if (!err)
        err = gcp_view_read(&trial->prover, start, pages, &view);
    if (err)
        gcp_trial_skip(trial, "/proc/self/pagemap can't be read: %s", strerror(-err));
    return view;
}

uint64_t gcp_trial_off_lru(struct gcp_trial *trial, uint64_t start, uint64_t pages)
{
    uint64_t off = 0;
    gcp_trial_need(trial, GCP_PROOF_PFN | GCP_PROOF_KPF);
    for (uint64_t i = 0; i < pages; i++) {
        uint64_t flags, entry = gcp_trial_entry(trial, start + i * trial->page);
        off_t at = (off_t)(GCP_PM_PFN(entry) * sizeof(flags));
        if (!(entry & GCP_PM_PRESENT))
            continue;
        if (pread(trial->prover.kpageflags_fd, &flags, sizeof(flags), at) != (ssize_t)sizeof(flags))
            gcp_trial_skip(trial, "/proc/kpageflags can't be read: %s", strerror(errno));
        off += !(flags & (GCP_KPF_COMPOUND_TAIL | GCP_KPF_LRU)) /* a tail has no list of its own */;
    }
    return off;
}

void gcp_expect_frames(struct gcp_trial *trial, const struct gcp_view *before, uint64_t first_before,
                       const struct gcp_view *after, uint64_t first_after, uint64_t pages)
{
    const uint64_t where = GCP_PM_PRESENT | GCP_PM_SWAP | GCP_PM_PFN(~0ULL);
    for (uint64_t i = 0; i < pages; i++) {
        uint64_t old = before->entries[first_before + i] & where, new = after->entries[first_after + i] & where;
        if (old != new)
            gcp_trial_differs(trial, "page %" PRIu64 " of %" PRIu64 " was at %#" PRIx64 " and is at %#" PRIx64, i,
                              pages, old, new);
    }
}

void gcp_expect_order(struct gcp_trial *trial, const struct gcp_view *view, uint32_t order)
{
    for (uint64_t i = 0; i < view->pages; i++)
        if (view->orders[i] != (int)order)
            gcp_trial_differs(trial,
                              "page %" PRIu64 " of %" PRIu64 " is in a folio of order %d (-1: none), expected %u", i,
                              view->pages, view->orders[i], order);
}

static void compare(struct gcp_trial *trial, const char *counter, uint64_t seen, uint64_t expected)
{
    if (seen < expected)
        gcp_trial_differs(trial, "%s grew by %" PRIu64 ", expected %" PRIu64, counter, seen, expected);
    if (seen > expected)
        gcp_trial_noise(trial, "%s, a counter of the whole system, grew by %" PRIu64 ", expected %" PRIu64, counter,
                        seen, expected);
}

void gcp_expect_splits(struct gcp_trial *trial, const struct gcp_counters *before, uint32_t order, uint64_t folios,
                       uint64_t pmds)
{
    struct gcp_counters after;
    gcp_counters_read(&trial->prover, &after);
    if (after.have & GCP_PROOF_MTHP)
        compare(trial, "stats/split of the size", after.split[order] - before->split[order], folios);
    /* thp_split_page counts folios of PMD size only. */
    if (order == trial->platform.pmd_order)
        compare(trial, "thp_split_page", after.thp_split_page - before->thp_split_page, folios);
    compare(trial, "thp_split_pmd", after.thp_split_pmd - before->thp_split_pmd, pmds);
}
