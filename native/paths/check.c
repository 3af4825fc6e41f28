/*
 * The verdict on a round: the engine's own account, the page tables before and after, the counters and the contents
 * must tell the same story.  Where they don't, the round is invalid, whatever its time was.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "paths/paths.h"
#include "base/uapi.h"

void gcp_round_contradicts(struct gcp_round *ret, const char *format, ...)
{
    if (ret->status != GCP_ROUND_VALID)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(ret->reason, sizeof(ret->reason), format, args);
    va_end(args);
    ret->status = GCP_ROUND_INVALID;
}

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

static bool source_is(const struct gcp_work *work, uint32_t flags)
{
    return (gcp_source_flags(work->scenario->source) & flags) != 0;
}

static void count_splits(struct gcp_work *work, struct gcp_round *ret)
{
    uint32_t order = work->scenario->order;
    if (order && !source_is(work, GCP_SOURCE_SWAPS))
        ret->folios = work->scenario->pages >> order;
    ret->folios_split = work->after.split[order] - work->ready.split[order];
    ret->pmd_splits = work->after.thp_split_pmd - work->ready.thp_split_pmd;
    /* Before the per-size counters (6.10) only THPs were counted. */
    if (!(work->after.have & GCP_PROOF_MTHP) && order)
        ret->folios_split = work->after.thp_split_page - work->ready.thp_split_page;
}

/* Arms that take the pages along: each is where its account says, with the frame it had. */
static void check_frames(struct gcp_work *work, struct gcp_round *ret, const struct gcp_seen *seen)
{
    const struct gcp_account *account = &ret->account;
    bool pfn = work->view_after.have & GCP_PROOF_PFN;
    bool holes = source_is(work, GCP_SOURCE_HOLES);
    uint64_t copied = account->copied_after_ebusy + account->copied;
    uint64_t stayed_out = holes ? 0 : account->left;
    uint64_t holes_moved = holes ? account->moved : 0;
    /*
     * Copying one page of a folio in the swap cache reads the whole folio back in; the pages behind it are then moved
     * as present ones.  They had no frame before that could be compared: that they are gone from the source proves
     * them.
     */
    uint64_t in_and_moved = 0;
    if (source_is(work, GCP_SOURCE_SWAPS) && account->copied_after_ebusy && account->moved > seen->still_out)
        in_and_moved = account->moved - seen->still_out;

    if (account->left && source_is(work, GCP_SOURCE_FREE))
        gcp_round_contradicts(ret, "%" PRIu64 " pages stayed busy for a passing reference: nothing of ours holds them",
                              account->left);
    if (seen->odd)
        gcp_round_contradicts(ret, "%" PRIu64 " pages changed their swap entry or state on the way", seen->odd);
    if (pfn && seen->kept + seen->still_out + in_and_moved + holes_moved != account->moved)
        gcp_round_contradicts(ret, "%" PRIu64 " pages kept their frame, but %" PRIu64 " were moved",
                              seen->kept + seen->still_out, account->moved);
    if (pfn && seen->changed + seen->brought_in != copied + in_and_moved)
        gcp_round_contradicts(ret, "%" PRIu64 " pages have another frame, but %" PRIu64 " were copied",
                              seen->changed + seen->brought_in, copied);
    if (!pfn && seen->kept + seen->still_out + seen->brought_in + holes_moved != account->moved + copied)
        gcp_round_contradicts(ret, "%" PRIu64 " pages are at the destination, but %" PRIu64 " were evacuated",
                              seen->kept + seen->still_out + seen->brought_in, account->moved + copied);
    if (seen->empty != stayed_out + holes_moved)
        gcp_round_contradicts(ret, "%" PRIu64 " destination pages are empty, but %" PRIu64 " were left", seen->empty,
                              stayed_out);
    if (seen->filled != (holes ? account->zeroed : 0))
        gcp_round_contradicts(ret, "%" PRIu64 " holes became pages, but %" PRIu64 " were zero-filled", seen->filled,
                              account->zeroed);
    uint64_t gone = work->source_after.pages - work->source_after.present - work->source_after.swapped;
    uint64_t expected_gone = holes ? work->source_after.pages : account->moved;
    if (gone != expected_gone)
        gcp_round_contradicts(ret, "%" PRIu64 " source pages are gone, but %" PRIu64 " were moved", gone,
                              expected_gone);
}

/* New pages made from the contents: none keeps a frame, all are small. */
static void check_copies(struct gcp_work *work, struct gcp_round *ret, const struct gcp_seen *seen)
{
    uint64_t pages = work->scenario->pages;
    bool discarded = gcp_arm_is(work, GCP_ARM_DISCARDS);
    bool pfn = work->view_after.have & GCP_PROOF_PFN;

    if (seen->empty || seen->odd || seen->still_out)
        gcp_round_contradicts(ret, "%" PRIu64 " destination pages are not present",
                              seen->empty + seen->odd + seen->still_out);
    /* Copies of the zero page can be the zero page itself only if nobody copied. */
    if (pfn && seen->kept)
        gcp_round_contradicts(ret, "%" PRIu64 " copied pages have the frame of their source", seen->kept);
    uint64_t there = work->source_after.present + work->source_after.swapped;
    if (discarded ? there != 0 : there != pages && !source_is(work, GCP_SOURCE_HOLES))
        gcp_round_contradicts(ret, "%" PRIu64 " source pages are there afterwards", there);
}

void gcp_check_copied(struct gcp_work *work, struct gcp_round *ret, const struct gcp_seen *seen)
{
    uint64_t pages = work->scenario->pages;
    if (ret->account.copied != pages)
        gcp_round_contradicts(ret, "%" PRIu64 " of %" PRIu64 " pages were copied", ret->account.copied, pages);
    check_copies(work, ret, seen);
}

void gcp_check_staged(struct gcp_work *work, struct gcp_round *ret, const struct gcp_seen *seen)
{
    uint64_t pages = work->scenario->pages;
    check_copies(work, ret, seen);
    if (ret->account.moved != pages)
        gcp_round_contradicts(ret, "%" PRIu64 " of %" PRIu64 " staged pages were moved", ret->account.moved, pages);
    /* The staging pages must be gone: their frames are now at the destination. */
    struct gcp_view staging;
    if (gcp_view_init(pages, &staging) == 0) {
        if (gcp_view_read(work->prover, work->staging, pages, &staging) == 0 && staging.present)
            gcp_round_contradicts(ret, "%" PRIu64 " staging pages are still there", staging.present);
        gcp_view_deinit(&staging);
    }
}

/* Pages in folios of the size that was swapped out, as far as anything can tell. */
static uint64_t pages_in_whole(const struct gcp_work *work)
{
    uint32_t order = work->scenario->order;
    if (work->view_after.have & GCP_PROOF_KPF)
        return work->view_after.order_histogram[order];
    return (work->after.swpin[order] - work->ready.swpin[order]) << order;
}

/* Arms that swap in: all pages are present, and the kernel counted as many folios as came back whole. */
void gcp_check_swapped_in(struct gcp_work *work, struct gcp_round *ret, const struct gcp_seen *seen)
{
    uint64_t pages = work->scenario->pages;
    uint32_t order = work->scenario->order;

    if (seen->brought_in != pages)
        gcp_round_contradicts(ret, "%" PRIu64 " of %" PRIu64 " pages were swapped in", seen->brought_in, pages);
    if (gcp_arm_is(work, GCP_ARM_MOVES) && ret->source_gone != pages)
        gcp_round_contradicts(ret, "%" PRIu64 " of %" PRIu64 " pages are gone from the source", ret->source_gone,
                              pages);
    if (!order || !(work->view_after.have & GCP_PROOF_KPF) || !(work->after.have & GCP_PROOF_SWPIN))
        return;
    uint64_t counted = work->after.swpin[order] - work->ready.swpin[order];
    if (counted != pages_in_whole(work) >> order)
        gcp_round_contradicts(ret,
                              "%" PRIu64 " folios came back whole, but the kernel counted %" PRIu64
                              "; is something else swapping on "
                              "this machine?",
                              pages_in_whole(work) >> order, counted);
}

/* What is added to the word of an arm that swaps in. */
static const char *how_swapped_in(const struct gcp_work *work)
{
    bool known = (work->view_after.have & GCP_PROOF_KPF) || (work->after.have & GCP_PROOF_SWPIN);
    if (!work->scenario->order || !known)
        return "";
    uint64_t whole = pages_in_whole(work);
    return whole == work->scenario->pages ? "-whole" : whole == 0 ? "-parts" : "-partly-whole";
}

/* Split counters and folio sizes must agree: all folios split and all pages small, or none and all as they were. */
static void check_orders(struct gcp_work *work, struct gcp_round *ret)
{
    const struct gcp_account *account = &ret->account;
    uint32_t order = work->scenario->order;
    uint64_t pages = work->scenario->pages;
    const uint64_t *after = work->view_after.order_histogram;

    if (!(work->view_after.have & GCP_PROOF_KPF) || !ret->folios || !account->moved)
        return;
    if (ret->folios_split > ret->folios)
        gcp_round_contradicts(ret,
                              "%" PRIu64 " folios of this size were split, but the source has %" PRIu64
                              "; is something else "
                              "splitting folios on this machine?",
                              ret->folios_split, ret->folios);
    if (account->moved == pages && ret->folios_split == ret->folios && after[0] != pages)
        gcp_round_contradicts(ret, "all folios were split, but %" PRIu64 " pages are not small", pages - after[0]);
    if (account->moved == pages && ret->folios_split == 0 && after[order] != pages)
        gcp_round_contradicts(ret, "no folio was split, but %" PRIu64 " pages changed their folio's size",
                              pages - after[order]);
}

void gcp_check_moved(struct gcp_work *work, struct gcp_round *ret, const struct gcp_seen *seen)
{
    check_frames(work, ret, seen);
    check_orders(work, ret);
}

void gcp_check_zeroed(struct gcp_work *work, struct gcp_round *ret, const struct gcp_seen *seen)
{
    (void)seen;
    if ((work->view_after.have & GCP_PROOF_KPF) && work->view_after.zero_pages != work->scenario->pages)
        gcp_round_contradicts(ret, "%" PRIu64 " destination pages are the zero page", work->view_after.zero_pages);
}

void gcp_check_touched(struct gcp_work *work, struct gcp_round *ret, const struct gcp_seen *seen)
{
    (void)seen;
    if (work->view_after.present != work->scenario->pages)
        gcp_round_contradicts(ret, "%" PRIu64 " pages were touched", work->view_after.present);
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
    bool zero = source_is(work, GCP_SOURCE_ZEROES) || gcp_arm_is(work, GCP_ARM_ZEROES);

    if (gcp_arm_is(work, GCP_ARM_NO_SOURCE) && !gcp_arm_is(work, GCP_ARM_ZEROES)) {
        ret->contents = pages; /* its own: there is nothing to compare them with */
        return;
    }
    /* What is not present at the destination was left or is a hole: reading it there would fault for ever. */
    for (uint64_t i = 0; i < pages; i++) {
        uint64_t at = gcp_arm_destination(work) + i * work->page;
        bool there = work->view_after.entries[i] & (GCP_PM_PRESENT | GCP_PM_SWAP);
        if (!there) {
            at = work->source.start + i * work->page;
            if (source_is(work, GCP_SOURCE_HOLES))
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
