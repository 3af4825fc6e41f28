#include "paths/check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

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

/* Arms that move pages: each page is where its account says, with its old frame. */
static void check_frames(struct gcp_work *work, struct gcp_round *ret, const struct gcp_seen *seen)
{
    const struct gcp_account *account = &ret->account;
    bool pfn = work->view_after.have & GCP_PROOF_PFN;
    bool holes = gcp_source_is(work, GCP_SOURCE_HOLES);
    uint64_t copied = account->copied_after_ebusy + account->copied;
    uint64_t stayed_out = holes ? 0 : account->left;
    uint64_t holes_moved = holes ? account->moved : 0;
    /*
     * Copying one page of a folio in the swap cache reads the whole folio back; the following pages are then moved as
     * present ones.  They had no frame to compare before: their absence from the source proves the move.
     */
    uint64_t in_and_moved = 0;
    if (gcp_source_is(work, GCP_SOURCE_SWAPS) && account->copied_after_ebusy && account->moved > seen->still_out)
        in_and_moved = account->moved - seen->still_out;

    if (account->left && gcp_source_is(work, GCP_SOURCE_FREE))
        gcp_round_contradicts(ret,
                              "%" PRIu64 " pages stayed busy because of a temporary reference: this process holds none",
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

/* Pages made from the contents: none keeps its frame. */
static void check_copies(struct gcp_work *work, struct gcp_round *ret, const struct gcp_seen *seen)
{
    uint64_t pages = work->scenario->pages;
    bool discarded = gcp_arm_is(work, GCP_ARM_DISCARDS);
    bool pfn = work->view_after.have & GCP_PROOF_PFN;

    if (seen->empty || seen->odd || seen->still_out)
        gcp_round_contradicts(ret, "%" PRIu64 " destination pages are not present",
                              seen->empty + seen->odd + seen->still_out);
    /* A copy of the zero page is the zero page itself only if nothing was copied. */
    if (pfn && seen->kept)
        gcp_round_contradicts(ret, "%" PRIu64 " copied pages have the frame of their source", seen->kept);
    uint64_t there = work->source_after.present + work->source_after.swapped;
    if (discarded ? there != 0 : there != pages && !gcp_source_is(work, GCP_SOURCE_HOLES))
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
    /* The staging pages must have gone: their frames are now at the destination. */
    struct gcp_view staging;
    if (gcp_view_init(pages, &staging) == 0) {
        if (gcp_view_read(work->prover, work->staging, pages, &staging) == 0 && staging.present)
            gcp_round_contradicts(ret, "%" PRIu64 " staging pages are still there", staging.present);
        gcp_view_deinit(&staging);
    }
}

uint64_t gcp_pages_swapped_in_whole(const struct gcp_work *work)
{
    uint32_t order = work->scenario->order;
    if (work->view_after.have & GCP_PROOF_KPF)
        return work->view_after.order_histogram[order];
    return (work->after.swpin[order] - work->ready.swpin[order]) << order;
}

/* Arms that swap in: all pages are present, and the kernel counted the folios that came back whole. */
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
    if (counted != gcp_pages_swapped_in_whole(work) >> order)
        gcp_round_contradicts(ret,
                              "%" PRIu64 " folios came back whole, but the kernel counted %" PRIu64
                              "; is something else swapping on "
                              "this machine?",
                              gcp_pages_swapped_in_whole(work) >> order, counted);
}

/*
 * Split counters and folio sizes must agree: all folios split and all pages small, or no folio split and all sizes
 * kept.
 */
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
