/*
 * The engine's own account, the page tables before and after, the counters and the contents must agree.  Otherwise the
 * round is invalid, whatever its time.
 */
#include "paths/verdict.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/content.h"
#include "base/uapi.h"
#include "paths/check.h"
#include "paths/frames.h"

static struct gcp_seen compare_views(const struct gcp_view *before, const struct gcp_view *after)
{
    struct gcp_seen seen = {0};
    bool pfn = after->have & GCP_PROOF_PFN;
    for (uint64_t i = 0; i < after->pages; i++) {
        uint64_t was = before->entries[i], is = after->entries[i];
        uint64_t state = GCP_PM_PRESENT | GCP_PM_SWAP;
        if (!(is & state))
            seen.empty++;
        else if ((was & is) & GCP_PM_PRESENT)
            seen.kept += !pfn || GCP_PM_PFN(was) == GCP_PM_PFN(is),
                seen.changed += pfn && GCP_PM_PFN(was) != GCP_PM_PFN(is);
        else if ((was & is) & GCP_PM_SWAP)
            seen.still_out += GCP_PM_PFN(was) == GCP_PM_PFN(is), seen.odd += GCP_PM_PFN(was) != GCP_PM_PFN(is);
        else if ((was & GCP_PM_SWAP) && (is & GCP_PM_PRESENT))
            seen.brought_in++;
        else if (!(was & state) && (is & GCP_PM_PRESENT))
            seen.filled++;
        else
            seen.odd++;
    }
    return seen;
}

static void count_splits(struct gcp_work *work, struct gcp_round *ret)
{
    uint32_t order = work->scenario->order;
    if (order && !gcp_source_is(work, GCP_SOURCE_SWAPS))
        ret->folios = work->scenario->pages >> order;
    ret->folios_split = work->after.split[order] - work->ready.split[order];
    ret->pmd_splits = work->after.thp_split_pmd - work->ready.thp_split_pmd;
    /* Before the per-size counters (6.10) only THPs were counted. */
    if (!(work->after.have & GCP_PROOF_MTHP) && order)
        ret->folios_split = work->after.thp_split_page - work->ready.thp_split_page;
}

/* The suffix of the path of an arm that swaps in. */
static const char *how_swapped_in(const struct gcp_work *work)
{
    bool known = (work->view_after.have & GCP_PROOF_KPF) || (work->after.have & GCP_PROOF_SWPIN);
    if (!work->scenario->order || !known)
        return "";
    uint64_t whole = gcp_pages_swapped_in_whole(work);
    return whole == work->scenario->pages ? "-whole" : whole == 0 ? "-parts" : "-partly-whole";
}

static const char *path_of(const struct gcp_work *work, const struct gcp_round *ret)
{
    const struct gcp_account *account = &ret->account;
    if (work->arm->word)
        return work->arm->word;
    if (account->left == account->asked)
        return "busy";
    if (account->copied == account->asked || account->copied_after_ebusy == account->asked)
        return account->copied ? "copied" : "fallback-copied";
    if (account->zeroed == account->asked)
        return "zero-filled";
    if (account->moved + account->copied_after_ebusy == account->asked && account->copied_after_ebusy)
        return "moved-and-fallback";
    if (account->moved != account->asked)
        return "mixed";
    if (!ret->folios)
        return work->view_after.swapped == account->asked ? "moved-swapped" : "moved";
    if (ret->folios_split == 0)
        return "moved-whole";
    return ret->folios_split == ret->folios ? "split-and-moved" : "partly-split";
}

static void check_contents(struct gcp_work *work, struct gcp_round *ret)
{
    const struct gcp_scenario *scenario = work->scenario;
    uint64_t pages = scenario->pages;
    bool zero = gcp_source_is(work, GCP_SOURCE_ZEROES) || gcp_arm_is(work, GCP_ARM_ZEROES);

    if (gcp_arm_is(work, GCP_ARM_NO_SOURCE) && !gcp_arm_is(work, GCP_ARM_ZEROES)) {
        ret->contents = pages; /* its own contents: there is nothing to compare them with */
        return;
    }
    /* A page that is absent at the destination was left, or is a hole: reading it there would fault forever. */
    for (uint64_t i = 0; i < pages; i++) {
        uint64_t at = gcp_arm_destination(work) + i * work->page;
        bool there = work->view_after.entries[i] & (GCP_PM_PRESENT | GCP_PM_SWAP);
        if (!there) {
            at = work->source.start + i * work->page;
            if (gcp_source_is(work, GCP_SOURCE_HOLES))
                continue;
        }
        int64_t wrong = zero ? gcp_content_check_zero(at, 1) : gcp_content_check(at, i, 1, scenario->seed);
        if (wrong >= 0) {
            gcp_round_contradicts(ret, "page %" PRIu64 " has wrong contents", i);
            return;
        }
        ret->contents++;
    }
}

static void check_account(struct gcp_round *ret, uint64_t pages)
{
    const struct gcp_account *account = &ret->account;
    uint64_t sum = account->moved + account->copied_after_ebusy + account->copied + account->zeroed + account->already +
                   account->left;
    if (sum != pages || account->asked != pages)
        gcp_round_contradicts(ret, "the account has %" PRIu64 " pages, asked were %" PRIu64, sum, pages);
    if (account->already)
        gcp_round_contradicts(ret, "%" PRIu64 " destination pages were there already", account->already);
}

void gcp_round_check(struct gcp_work *work, struct gcp_round *ret)
{
    const struct gcp_scenario *scenario = work->scenario;
    int err = gcp_view_read(work->prover, gcp_arm_destination(work), scenario->pages, &work->view_after);
    if (!err)
        err = gcp_view_read(work->prover, work->source.start, scenario->pages, &work->source_after);
    struct gcp_frame_order target = {0};
    if (!err)
        err = gcp_frames_look(&work->view_after, 0, &target);
    if (err) {
        gcp_round_contradicts(ret, "the page tables can't be read: %s", strerror(-err));
        return;
    }
    ret->target_pairs = target.pairs;
    ret->target_adjacent = target.adjacent;
    ret->target_blocks = target.blocks;
    struct gcp_seen seen = compare_views(&work->source.view, &work->view_after);
    bool pfn = work->view_after.have & GCP_PROOF_PFN;
    ret->pfn_kept = pfn ? seen.kept : 0;
    ret->pfn_changed = seen.changed;
    ret->swapped_before = work->source.view.swapped;
    ret->cached_before = work->source.view.swapped_cached;
    ret->swapped_after = work->view_after.swapped;
    ret->source_gone = scenario->pages - work->source_after.present - work->source_after.swapped;
    memcpy(ret->order_after, work->view_after.order_histogram, sizeof(ret->order_after));
    count_splits(work, ret);
    check_account(ret, scenario->pages);

    work->arm->check(work, ret, &seen);
    snprintf(ret->path, sizeof(ret->path), "%s%s", path_of(work, ret),
             gcp_arm_is(work, GCP_ARM_SWAPS_IN) ? how_swapped_in(work) : "");
    check_contents(work, ret);
}
