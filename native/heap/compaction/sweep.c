/* The collector thread's part: produce pages from high to low addresses, and map what is ready in long runs. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "heap/compaction/state.h"
#include "base/platform.h"
#include "base/address.h"

static struct gcp_map_how how_of(const struct gcp_compaction *c)
{
    return (struct gcp_map_how){.by = c->policy.map_by, .ebusy = c->policy.collector_ebusy, .discard = 1};
}

static enum gcp_work_kind work_by(uint32_t by)
{
    return by == GCP_VERB_MOVE ? GCP_WORK_MOVE_1 : by == GCP_VERB_REMAP ? GCP_WORK_REMAP : GCP_WORK_COPY_1;
}

static void discard(struct gcp_compaction *c, uint64_t first, uint64_t pages, struct gcp_swept *ret)
{
    uint64_t begin = gcp_now();
    if (!pages)
        return;
    madvise(gcp_at(gcp_from_page(c, first)), pages * c->pages.page, MADV_DONTNEED);
    ret->discarded += pages;
    uint64_t end = gcp_now();
    gcp_tally_add(&ret->work[GCP_WORK_DISCARD], pages, end - begin);
    gcp_timeline_record(&c->timeline, GCP_EVENT_DISCARD, begin, end, pages);
}

/* The same for recycled pages, skipping pages of dense regions among them, which may not be moved yet. */
static void discard_recycled(struct gcp_compaction *c, uint64_t first, uint64_t pages, struct gcp_swept *ret)
{
    const uint8_t *held = c->recycle.held;
    for (uint64_t at = first, end = first + pages, next; at < end; at = next) {
        for (next = at; next < end && !(held && held[next]);)
            next++;
        discard(c, at, next - at, ret);
        while (next < end && held && held[next])
            next++;
    }
}

/* Map all that is ready in [index, c->pending); wait for pages that mutators build only if `wait`. */
static int32_t flush(struct gcp_compaction *c, uint64_t index, bool wait, struct gcp_swept *ret)
{
    struct gcp_map_how how = how_of(c);
    uint64_t limit = c->policy.run_pages ? c->policy.run_pages : c->pages.count;
    bool remap = c->policy.map_by == GCP_VERB_REMAP;
    if (!wait && c->policy.whole > 1) {
        /* A partly built folio could not be moved whole: leave it until its other pages are built. */
        index = (index + c->policy.whole - 1) / c->policy.whole * c->policy.whole;
        if (index >= c->pending)
            return 0;
    }
    for (uint64_t at = index; at < c->pending;) {
        enum gcp_page_state state = gcp_page_state(&c->pages, at);
        /* A mutator that has claimed a ready page reads its source, which may be about to be discarded. */
        bool claimed = remap && state == GCP_PAGE_PROCESSED_AND_MAPPING;
        uint64_t waits = 0;
        for (uint32_t tries = 0;
             (wait || claimed) && state != GCP_PAGE_PROCESSED && state != GCP_PAGE_PROCESSED_AND_MAPPED; tries++) {
            if (gcp_compaction_failed(c))
                return -c->err;
            waits = waits ? waits : gcp_now();
            gcp_back_off(tries);
            state = gcp_page_state(&c->pages, at);
        }
        if (waits)
            gcp_tally_add(&ret->work[GCP_WORK_WAIT], 1, gcp_now() - waits);
        if (state != GCP_PAGE_PROCESSED) {
            at++;
            continue;
        }
        uint64_t most = c->pending - at < limit ? c->pending - at : limit;
        if (c->policy.cut_at_tables && most > c->table - at % c->table)
            most = c->table - at % c->table;
        struct gcp_choice choice = gcp_choose(c, at, most);
        how.by = choice.by;
        uint64_t begin = gcp_now(), remapped = ret->account.remapped;
        int64_t done;
        if (remap)
            done = gcp_remap_run(c, at, most, &how, &ret->account);
        else if (choice.from < c->pages.count)
            done = gcp_pages_map_run(&c->pages, at, choice.from, choice.pages, &how, &ret->account);
        else
            done = gcp_pages_map(&c->pages, at, choice.pages, &how, &ret->account);
        if (!done)
            continue;
        if (done < 0) {
            gcp_compaction_fail(c, (int32_t)-done, "mapping ready pages on the collector thread");
            return (int32_t)done;
        }
        uint64_t ended = gcp_now();
        bool large = choice.from < c->pages.count && c->pages.orders[choice.from];
        gcp_call_ended(c, work_by(remap && ret->account.remapped == remapped ? GCP_VERB_COPY : choice.by), begin,
                       (uint64_t)done, ret);
        if (c->policy.adapt)
            gcp_adapt_add(&c->adapt, choice.by, large, (uint64_t)done, ended - begin);
        /*
         * In MOVE mode the sources of copied pages remain, and are not recycled.  Discarding them costs a shoot-down, so
         * a policy that adapts leaves them until all of from-space is discarded.
         */
        else if (c->policy.map_by == GCP_VERB_MOVE && choice.by == GCP_VERB_COPY)
            discard(c, choice.from, (uint64_t)done, ret);
        at += (uint64_t)done;
    }
    ret->flushes++;
    c->pending = index;
    return 0;
}

/*
 * Whether the sources of a claimed page are no longer read.  A dense-prefix page is its own source; if it is copied, it
 * is read until it is mapped.
 */
static bool settled(const struct gcp_compaction *c, uint64_t index)
{
    enum gcp_page_state state = gcp_page_state(&c->pages, index);
    if (c->policy.map_by != GCP_VERB_MOVE && index < c->plan.dense_end)
        return state == GCP_PAGE_PROCESSED_AND_MAPPED;
    return state != GCP_PAGE_MUTATOR_PROCESSING;
}

/*
 * The first from-page that is no longer needed, now that every page from `index` on is claimed.  It lies after the
 * contents of all pages below the lowest settled one.
 */
static uint64_t reclaimable(struct gcp_compaction *c, uint64_t index)
{
    const uint64_t *first = c->plan.first;
    uint64_t page_words = c->pages.page / 8;
    while (c->settled > index && settled(c, c->settled - 1))
        c->settled--;
    if (c->settled >= c->plan.compact_end)
        return c->settled + c->plan.black_shift;
    if (c->settled > c->plan.dense_end)
        return (first[c->settled] + page_words - 1) / page_words;
    /* Dense-prefix pages are moved away; if they are copied, they can be discarded too. */
    return c->policy.map_by != GCP_VERB_MOVE ? c->settled : c->plan.dense_end;
}

static int32_t reclaim(struct gcp_compaction *c, uint64_t index, struct gcp_swept *ret)
{
    uint64_t begin = reclaimable(c, index), flush_pages = c->policy.flush_bytes / c->pages.page;
    if (index >= c->plan.dense_end)
        gcp_recycle_lower(&c->recycle, begin > c->plan.dense_end ? begin : c->plan.dense_end);
    /* In the dense prefix, updated pages count as progress, whether or not anything can be reclaimed. */
    uint64_t progress = index < c->plan.dense_end ? index : begin;
    if (c->reclaimed < progress + flush_pages)
        return 0;
    c->reclaimed = progress;
    int32_t err = flush(c, index, false, ret);
    if (err)
        return err;
    uint64_t hold = c->policy.hold_bytes / c->pages.page;
    if (c->policy.map_by == GCP_VERB_MOVE) {
        if (gcp_recycle_count(&c->recycle) < c->policy.reserve_pages + hold)
            return 0;
        uint64_t pages, first = gcp_recycle_claim_rest(&c->recycle, c->policy.reserve_pages, &pages);
        if (pages >= flush_pages / 2)
            discard_recycled(c, first, pages, ret);
    } else {
        /* All pages after the reserve have been copied from, or were never in use. */
        uint64_t keep = begin + c->policy.reserve_pages, pages;
        if (keep + hold > c->given_back)
            return 0;
        gcp_recycle_claim_rest(&c->recycle, c->policy.reserve_pages, &pages);
        if (keep < c->given_back) {
            discard(c, keep, c->given_back - keep, ret);
            c->given_back = keep;
        }
    }
    return 0;
}

/* Map a page whose contents are in the collector's buffer. */
static int32_t map_now(struct gcp_compaction *c, uint64_t index, struct gcp_swept *ret)
{
    struct gcp_map_how how = how_of(c);
    how.discard = 0;
    uint64_t begin = gcp_now();
    int64_t done = gcp_pages_map_from(&c->pages, index, c->buffer, 1, &how, &ret->account);
    if (done <= 0) {
        gcp_compaction_fail(c, done ? (int32_t)-done : EIO, "mapping a page out of the collector's buffer");
        return -c->err;
    }
    gcp_state_set(c, index, GCP_PAGE_PROCESSED_AND_MAPPED);
    gcp_call_ended(c, work_by(how.by), begin, 1, ret);
    return 0;
}

/* Note how many pages the collector claims one after the other: runs are short if other threads claim many of them. */
static void note_claim(struct gcp_compaction *c, bool own)
{
    if (own) {
        c->claimed++;
    } else if (c->claimed) {
        c->streak = (c->streak * 7 + c->claimed) / 8;
        c->streak += !c->streak;
        c->claimed = 0;
    }
    if (c->claimed > c->streak)
        c->streak = c->claimed;
}

static int32_t sweep_slid(struct gcp_compaction *c, uint64_t index, struct gcp_swept *ret)
{
    bool batch = gcp_batch_open(c);
    if (!gcp_claim(c, index, batch ? GCP_PAGE_PROCESSING : GCP_PAGE_PROCESSING_AND_MAPPING))
        return 0;
    ret->slid++;
    if (batch)
        return gcp_batch_build(c, index, GCP_WORK_SLIDE, ret);
    gcp_produce(c, ret->work, GCP_WORK_SLIDE, index, c->buffer, c->ahead);
    return map_now(c, index, ret);
}

/* New memory for a granule of recycled pages, in the largest folios available. */
static void renew(struct gcp_compaction *c, uint64_t first, struct gcp_swept *ret)
{
    uint64_t begin = gcp_now(), bytes = c->policy.granule * c->pages.page;
    for (uint64_t page = first; page < first + c->policy.granule; page++)
        if (c->pages.orders[page])
            return; /* already in large folios */
    void *start = gcp_at(gcp_from_page(c, first));
    madvise(start, bytes, MADV_DONTNEED);
    /* If that fails, the pages are allocated singly as they are written. */
    if (gcp_region_populate(gcp_address_of(start), bytes) == 0) {
        memset(c->pages.orders + first, __builtin_ctzll(c->policy.granule), c->policy.granule);
        ret->renewed += c->policy.granule;
    }
    uint64_t ns = gcp_now() - begin;
    ret->renew_ns += ns;
    gcp_tally_add(&ret->work[GCP_WORK_RENEW], c->policy.granule, ns);
}

/* A recycled page; it is congruent with `index` in its granule if a whole aligned group is free. */
static uint64_t take_page(struct gcp_compaction *c, uint64_t index, struct gcp_swept *ret)
{
    uint64_t granule = c->policy.granule;
    if (granule == 1)
        return gcp_recycle_take(&c->recycle, 1);
    if (c->group_of != index / granule) {
        uint64_t first = gcp_recycle_take_aligned(&c->recycle, granule);
        if (first == GCP_NO_PAGE)
            return gcp_recycle_take(&c->recycle, 1);
        /* Pages are built downwards: a granule that is not begun at its last page can't be filled. */
        if (c->policy.renew && index % granule == granule - 1)
            renew(c, first, ret);
        c->group = first;
        c->group_of = index / granule;
    }
    return c->group + index % granule;
}

/* No reference points into such a page; it gets no memory (ART does the same in the dense prefix). */
static void sweep_empty(struct gcp_compaction *c, uint64_t index, struct gcp_swept *ret)
{
    gcp_state_set(c, index, GCP_PAGE_PROCESSED_AND_MAPPED);
    ret->empty++;
}

static int32_t sweep_compacted(struct gcp_compaction *c, uint64_t index, struct gcp_swept *ret)
{
    if (!gcp_claim(c, index, GCP_PAGE_PROCESSING)) {
        note_claim(c, false);
        if (c->policy.batch_pages && gcp_batch_open(c))
            return 0; /* the batch is mapped with the next page, or at the end */
        return c->pending > index + 2 ? flush(c, index + 1, false, ret)
                                      : 0; /* another thread has it: the run ends here */
    }
    note_claim(c, true);
    if (!gcp_fill(c, index)) {
        sweep_empty(c, index, ret); /* the gap before a dense region */
        return 0;
    }
    ret->built++;
    if (gcp_batch_open(c))
        return gcp_batch_build(c, index, GCP_WORK_BUILD, ret);
    uint64_t page = take_page(c, index, ret);
    if (page == GCP_NO_PAGE) {
        gcp_state_set(c, index, GCP_PAGE_PROCESSING_AND_MAPPING);
        gcp_produce(c, ret->work, GCP_WORK_BUILD, index, c->buffer, c->ahead);
        return map_now(c, index, ret);
    }
    ret->recycled++;
    gcp_produce(c, ret->work, GCP_WORK_BUILD, index, gcp_from_page(c, page), c->ahead);
    gcp_pages_publish(&c->pages, index, page);
    return 0;
}

static void sweep_dense(struct gcp_compaction *c, uint64_t index, struct gcp_swept *ret)
{
    if (!gcp_claim(c, index, GCP_PAGE_PROCESSING))
        return;
    if (gcp_dense_page_empty(c, index)) {
        sweep_empty(c, index, ret);
        return;
    }
    uint64_t from = gcp_place_of(c, index);
    gcp_produce(c, ret->work, GCP_WORK_UPDATE, index, gcp_from_page(c, from), c->ahead);
    gcp_pages_publish(&c->pages, index, from);
    ret->updated++;
}

static void sweep_granule(struct gcp_compaction *c, uint64_t leader, struct gcp_swept *ret)
{
    if (!gcp_claim(c, leader, GCP_PAGE_PROCESSING))
        return;
    gcp_granule_produce(c, ret->work, leader, c->ahead);
    ret->updated += c->policy.granule;
}

/*
 * Map ready pages of a dense prefix that is swept first.  Nothing can be recycled meanwhile.  Faults on ready pages also
 * cost time, so a policy that adapts does not wait for flush_bytes.
 */
static int32_t flush_dense(struct gcp_compaction *c, uint64_t index, struct gcp_swept *ret)
{
    return c->pending >= index + c->dense_run ? flush(c, index, false, ret) : 0;
}

/*
 * The collector's own part: pages [first, end), from high to low.  Other threads compact below it (compactors.c).  A dense
 * prefix that is swept first leaves their limit at the end of the space, so that they help with the pages after it.
 */
static int32_t sweep_part(struct gcp_compaction *c, uint64_t first, uint64_t end, struct gcp_swept *ret)
{
    const struct gcp_plan *plan = &c->plan;
    for (uint64_t index = end; index-- > first;) {
        int32_t err = 0;
        if (end == plan->used_end)
            atomic_store_explicit(&c->compactors.at, index, memory_order_relaxed);
        if (gcp_compaction_failed(c))
            return -c->err;
        if (index >= plan->compact_end)
            err = sweep_slid(c, index, ret);
        else if (!gcp_in_place(c, index))
            err = sweep_compacted(c, index, ret);
        else if (gcp_in_granule(c, index))
            sweep_granule(c, index = gcp_granule_leader(c, index), ret);
        else
            sweep_dense(c, index, ret);
        if (!err)
            err = end == plan->used_end ? reclaim(c, index, ret) : flush_dense(c, index, ret);
        if (err)
            return err;
    }
    return gcp_batch_map(c, ret);
}

static int32_t sweep(struct gcp_compaction *c, struct gcp_swept *ret)
{
    const struct gcp_plan *plan = &c->plan;
    uint64_t dense = c->policy.dense_first ? plan->dense_end : 0;
    if (dense) {
        /* None of it is recycled.  Pages that mutators still update are mapped by them, or at the end. */
        uint64_t most = c->policy.flush_bytes / c->pages.page;
        uint64_t run = c->policy.adapt ? gcp_adapt_run(&c->adapt, dense) : most;
        c->pending = dense;
        c->dense_run = run < most ? run : most;
        int32_t err = sweep_part(c, 0, dense, ret);
        if (!err)
            err = flush(c, 0, false, ret);
        if (err)
            return err;
        const struct gcp_tally *updates = &ret->work[GCP_WORK_UPDATE];
        if (updates->timed)
            gcp_adapt_updated(&c->adapt, updates->ns / updates->timed);
        c->pending = plan->used_end;
    }
    int32_t err = sweep_part(c, dense, plan->used_end, ret);
    if (err)
        return err;
    c->pending = plan->used_end;
    return flush(c, 0, true, ret);
}

int32_t gcp_compaction_sweep(struct gcp_compaction *c, struct gcp_swept *ret)
{
    uint64_t before = gcp_thread_queued(), begin = gcp_now();
    int32_t err = gcp_compactors_start(c);
    if (!err)
        err = sweep(c, ret);
    /* After an error they wait for recovery, which joins them. */
    if (!err)
        gcp_compactors_join(c, ret);
    uint64_t after = gcp_thread_queued();
    ret->queued_ns = before == GCP_UNKNOWN || after == GCP_UNKNOWN ? 0 : after - before;
    c->queued_ns = ret->queued_ns;
    c->gone = ret->account.moved + ret->discarded;
    c->helped = ret->helped;
    c->sweep_ns = gcp_now() - begin;
    return err;
}
