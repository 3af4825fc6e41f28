/*
 * Faults on to-space during compaction, answered on the faulting thread in its SIGBUS handler, or on a handler thread.
 * Nothing here takes a lock or allocates.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "heap/compaction/fault.h"
#include "heap/sigbus.h"
#include "base/uapi.h"
#include "base/address.h"

static struct gcp_map_how how_of(const struct gcp_fault *f, uint32_t by)
{
    return (struct gcp_map_how){.by = by, .ebusy = f->c->policy.mutator_ebusy, .tolerate = f->stage > 0};
}

/* Pages of its group that this fault evacuates at most. */
static uint64_t group_of(const struct gcp_fault *f)
{
    const struct gcp_compaction *c = f->c;
    return c->policy.adapt ? c->adapt.contest.group[f->arm] : c->policy.fault_pages;
}

/* How it maps so many pages that it produces, from from-page `from` on. */
static uint32_t verb_of(const struct gcp_fault *f, uint64_t from, uint64_t pages)
{
    const struct gcp_compaction *c = f->c;
    if (c->policy.map_by != GCP_VERB_MOVE)
        return c->policy.map_by;
    if (c->policy.adapt)
        return gcp_adapt_verb(&c->adapt, pages, from < c->pages.count && c->pages.orders[from]);
    return c->policy.fault_by == GCP_VERB_COPY ? GCP_VERB_COPY : gcp_choose_one(c, from);
}

/* An ioctl begins; it is over. */
static uint64_t call_begins(const struct gcp_fault *f)
{
    return f->timed ? gcp_now() : 0;
}

static void call_ends(const struct gcp_fault *f, uint64_t begin, enum gcp_work_kind one, int64_t done)
{
    uint64_t pages = done > 0 ? (uint64_t)done : 1;
    struct gcp_tally *tally = &f->m->work[one == GCP_WORK_ZERO ? one : gcp_work_of(one, pages)];
    gcp_tally_count(tally, pages);
    if (f->timed) {
        tally->timed++;
        tally->ns += gcp_now() - begin;
    }
}

static enum gcp_work_kind work_by(uint32_t by)
{
    return by == GCP_VERB_MOVE ? GCP_WORK_MOVE_1 : GCP_WORK_COPY_1;
}

/* Another thread has the page: at first the fault only looks again, where it may. */
static void wait_for_it(const struct gcp_fault *f, uint32_t tries)
{
    uint32_t spin = f->c->policy.spin;
    if (tries >= spin) {
        gcp_back_off(tries - spin);
        return;
    }
    for (int i = 0; i < 16; i++)
#if defined(__x86_64__)
        __builtin_ia32_pause();
#else
        __asm__ volatile("" ::: "memory");
#endif
}

struct range {
    uint64_t first, end;
};

static const struct range NONE_OWED = {0, 0};

/* Count as stopped until the collector, which stops the world, has unregistered the space. */
static void stand_aside(const struct gcp_fault *f)
{
    /* Threads that sleep in the kernel can't be stopped, so a handler thread can't recover. */
    if (!f->m->world)
        gcp_compaction_die(f->c);
    gcp_mutator_block(f->m);
    gcp_recovery_await(f->c);
}

/* No ioctl can map a page that another thread writes, or the recovery: wait for it. */
static void leave_it(const struct gcp_fault *f)
{
    stand_aside(f);
    gcp_mutator_unblock(f->m);
}

/*
 * No ioctl can map pages [index, index + n), which this thread has built.  Plain stores write them once the space is
 * unregistered, all of them before this thread waits for the world: the recovery waits for each page that a thread has
 * claimed.  src: where the contents are; 0: zeroes, nothing to write.  owed: other pages that this thread has claimed
 * and not built yet.
 */
static void give_in(const struct gcp_fault *f, uint64_t index, uint64_t src, uint64_t n, struct range owed)
{
    struct gcp_compaction *c = f->c;
    stand_aside(f);
    for (uint64_t at = 0; at < n; at++) {
        if (src)
            memcpy(gcp_at(gcp_to_page(c, index + at)), gcp_at(src + at * c->pages.page), c->pages.page);
        gcp_state_set(c, index + at, GCP_PAGE_PROCESSED_AND_MAPPED);
    }
    for (uint64_t at = owed.first; at < owed.end; at++)
        if (gcp_page_state(&c->pages, at) == GCP_PAGE_MUTATOR_PROCESSING) {
            c->produce(&c->plan, at, gcp_to_page(c, at));
            gcp_state_set(c, at, GCP_PAGE_PROCESSED_AND_MAPPED);
        }
    gcp_mutator_unblock(f->m);
}

/* Map pages [index, index + n), which this thread has built from `src` on.  owed: see `give_in`. */
static void finish_owing(const struct gcp_fault *f, uint64_t index, uint64_t src, uint64_t n, uint32_t by,
                         struct range owed)
{
    struct gcp_compaction *c = f->c;
    const struct gcp_map_how how = how_of(f, by);
    for (uint64_t at = index; at < index + n; at++)
        gcp_state_set(c, at, GCP_PAGE_PROCESSED_AND_MAPPING);
    while (n) {
        uint64_t begin = call_begins(f);
        int64_t done = gcp_pages_map_from(&c->pages, index, src, n, &how, &f->m->account);
        call_ends(f, begin, work_by(by), done);
        if (done < 0) {
            gcp_compaction_fail(c, (int32_t)-done, "mapping a page that a faulting mutator built");
            give_in(f, index, src, n, owed);
            return;
        }
        if (!done)
            done = (int64_t)n; /* no longer registered: all of it was mapped before */
        for (; done; done--, n--, index++, src += c->pages.page)
            gcp_state_set(c, index, GCP_PAGE_PROCESSED_AND_MAPPED);
    }
}

static void finish(const struct gcp_fault *f, uint64_t index, uint64_t src, uint64_t n, uint32_t by)
{
    finish_owing(f, index, src, n, by, NONE_OWED);
}

/* REMAP: claim a ready page and copy it; false if the collector has claimed it. */
static bool copy_claimed(const struct gcp_fault *f)
{
    struct gcp_compaction *c = f->c;
    uint64_t index = f->index;
    uint32_t word = atomic_load_explicit(&c->pages.words[index], memory_order_acquire);
    uint64_t from = word >> GCP_PAGE_STATE_BITS;
    if (word != gcp_state_word(from, GCP_PAGE_PROCESSED) ||
        !atomic_compare_exchange_strong_explicit(&c->pages.words[index], &word,
                                                 gcp_state_word(from, GCP_PAGE_PROCESSED_AND_MAPPING),
                                                 memory_order_acq_rel, memory_order_acquire))
        return false;
    finish(f, index, gcp_from_page(c, from), 1, GCP_VERB_COPY);
    return true;
}

/* Map the ready pages of the group around `index`, the page that faulted first. */
static void map_group(const struct gcp_fault *f)
{
    struct gcp_compaction *c = f->c;
    uint64_t index = f->index;
    struct gcp_map_how how = how_of(f, c->policy.map_by);
    uint64_t group = group_of(f), first = index / group * group;
    uint64_t limit = first + group - index;
    /* Extend the run downwards, so that one ioctl does it; the page itself is always included. */
    while (index > first && gcp_page_state(&c->pages, index - 1) == GCP_PAGE_PROCESSED)
        index--, limit++;
    struct gcp_choice choice = gcp_choose(c, index, limit);
    how.by = choice.by == GCP_VERB_MOVE && !c->policy.adapt && c->policy.fault_by == GCP_VERB_COPY ? GCP_VERB_COPY
                                                                                                   : choice.by;
    uint64_t begin = call_begins(f);
    int64_t done = gcp_pages_map(&c->pages, index, choice.pages, &how, &f->m->account);
    call_ends(f, begin, work_by(how.by), done);
    if (done < 0) {
        gcp_compaction_fail(c, (int32_t)-done, "mapping ready pages in a fault");
        leave_it(f);
    }
}

/*
 * Map one ready page by COPY: the waiting thread gets it sooner than by MOVE; the kernel decides which thread was
 * first.
 */
static void copy_ready(const struct gcp_fault *f)
{
    const struct gcp_map_how how = how_of(f, GCP_VERB_COPY);
    uint64_t begin = call_begins(f);
    int64_t done = gcp_pages_map(&f->c->pages, f->index, 1, &how, &f->m->account);
    call_ends(f, begin, GCP_WORK_COPY_1, done);
    if (done < 0) {
        gcp_compaction_fail(f->c, (int32_t)-done, "copying a ready page in a fault");
        leave_it(f);
    }
}

static enum gcp_event_kind fault_dense(const struct gcp_fault *f)
{
    struct gcp_compaction *c = f->c;
    struct gcp_mutator *m = f->m;
    uint64_t index = f->index;
    uint64_t group = group_of(f), first = index / group * group, end = first + group;
    uint64_t from = gcp_place_of(c, index);
    gcp_produce(c, m->work, GCP_WORK_UPDATE, index, gcp_from_page(c, from), c->produce);
    m->updated++;
    if (group == 1) {
        finish(f, index, gcp_from_page(c, from), 1, verb_of(f, from, 1));
        return GCP_EVENT_FAULT_DENSE;
    }
    gcp_pages_publish(&c->pages, index, from);
    if (end > c->plan.compact_end)
        end = c->plan.compact_end;
    for (uint64_t other = first; other < end; other++)
        if (other != index && gcp_in_place(c, other) && !gcp_dense_page_empty(c, other) &&
            gcp_claim(c, other, GCP_PAGE_MUTATOR_PROCESSING)) {
            from = gcp_place_of(c, other);
            gcp_produce(c, m->work, GCP_WORK_UPDATE, other, gcp_from_page(c, from), c->produce);
            m->updated++;
            gcp_pages_publish(&c->pages, other, from);
        }
    map_group(f);
    return GCP_EVENT_FAULT_DENSE;
}

/* Whether a page of the compacted part is built from live words: not in a dense region, nor in the gap before one. */
static bool compacted(const struct gcp_compaction *c, uint64_t index)
{
    uint16_t fill = gcp_fill(c, index);
    return fill && fill != GCP_KEPT;
}

/* Unprocessed pages next to `index`, within its group and the compacted part, claimed for this fault. */
static uint64_t claim_neighbours(struct gcp_compaction *c, uint64_t index, uint64_t group, uint64_t *ret_end)
{
    uint64_t low = index / group * group, high = low + group, first = index, end = index + 1;
    if (low < c->plan.dense_end)
        low = c->plan.dense_end;
    if (high > c->plan.compact_end)
        high = c->plan.compact_end;
    while (end < high && compacted(c, end) && gcp_claim(c, end, GCP_PAGE_MUTATOR_PROCESSING))
        end++;
    while (first > low && compacted(c, first - 1) && gcp_claim(c, first - 1, GCP_PAGE_MUTATOR_PROCESSING))
        first--;
    *ret_end = end;
    return first;
}

/* Build and map one compacted page that this thread has claimed.  owed: see `give_in`. */
static void build(const struct gcp_fault *f, uint64_t index, bool move, struct range owed)
{
    struct gcp_compaction *c = f->c;
    struct gcp_mutator *m = f->m;
    uint64_t page = move ? gcp_recycle_take(&c->recycle, 1) : GCP_NO_PAGE;
    uint64_t src = page == GCP_NO_PAGE ? m->buffer : gcp_from_page(c, page);
    gcp_produce(c, m->work, GCP_WORK_BUILD, index, src, c->produce);
    m->built++;
    uint32_t without = move ? c->policy.early_by : GCP_VERB_COPY;
    finish_owing(f, index, src, 1, page != GCP_NO_PAGE ? gcp_choose_one(c, page) : without, owed);
}

/* The page and unprocessed ones beside it, built in this thread's buffer and copied by one call. */
static void build_and_copy(const struct gcp_fault *f, uint64_t group)
{
    struct gcp_compaction *c = f->c;
    struct gcp_mutator *m = f->m;
    uint64_t end, first;
    first = claim_neighbours(c, f->index, group < GCP_BUFFER_PAGES ? group : GCP_BUFFER_PAGES, &end);
    for (uint64_t at = first; at < end; at++) {
        gcp_produce(c, m->work, GCP_WORK_BUILD, at, m->buffer + (at - first) * c->pages.page, c->produce);
        m->built++;
    }
    finish(f, first, m->buffer, end - first, GCP_VERB_COPY);
}

static enum gcp_event_kind fault_compacted(const struct gcp_fault *f)
{
    struct gcp_compaction *c = f->c;
    struct gcp_mutator *m = f->m;
    uint64_t index = f->index;
    uint64_t first = index, end = index + 1, page = GCP_NO_PAGE, group = group_of(f);
    bool move = c->policy.map_by == GCP_VERB_MOVE &&
                (c->policy.adapt ? gcp_adapt_verb(&c->adapt, group, 0) : c->policy.fault_by) == GCP_VERB_MOVE;
    if (!move && c->policy.map_by != GCP_VERB_REMAP) {
        build_and_copy(f, group);
        return GCP_EVENT_FAULT_BUILT;
    }
    /* Early in the sweep no page can be recycled yet: then the fault does only its own page. */
    if (move && group > 1 && gcp_recycle_count(&c->recycle) >= group) {
        first = claim_neighbours(c, index, group, &end);
        page = gcp_recycle_take(&c->recycle, end - first);
    }
    /*
     * A claim is never released: the collector may have passed the page by then.  It would not return, and would
     * recycle the page's sources.
     */
    if (page == GCP_NO_PAGE) {
        const struct range owed = {first, end};
        build(f, index, move, owed);
        for (uint64_t other = first; other < end; other++)
            if (gcp_page_state(&c->pages, other) == GCP_PAGE_MUTATOR_PROCESSING)
                build(f, other, move, owed);
        return GCP_EVENT_FAULT_BUILT;
    }
    for (uint64_t other = first; other < end; other++) {
        gcp_produce(c, m->work, GCP_WORK_BUILD, other, gcp_from_page(c, page + other - first), c->produce);
        m->built++;
        gcp_pages_publish(&c->pages, other, page + other - first);
    }
    map_group(f);
    return GCP_EVENT_FAULT_BUILT;
}

static enum gcp_event_kind fault_slid(const struct gcp_fault *f)
{
    struct gcp_compaction *c = f->c;
    struct gcp_mutator *m = f->m;
    uint64_t index = f->index;
    gcp_produce(c, m->work, GCP_WORK_SLIDE, index, m->buffer, c->produce);
    m->slid++;
    finish(f, index, m->buffer, 1, c->policy.adapt ? GCP_VERB_COPY : c->policy.early_by);
    return GCP_EVENT_FAULT_SLID;
}

/* A page without objects: memory for the next ones. */
static enum gcp_event_kind fault_fresh(const struct gcp_fault *f)
{
    struct gcp_compaction *c = f->c;
    struct gcp_mutator *m = f->m;
    uint64_t index = f->index;
    const struct gcp_map_how how = how_of(f, c->policy.map_by);
    uint64_t page = c->pages.page, end = index + 1;
    uint64_t recycled = c->policy.fresh_by_recycled && !f->stage ? gcp_recycle_take(&c->recycle, 1) : GCP_NO_PAGE;
    if (recycled != GCP_NO_PAGE) {
        memset(gcp_at(gcp_from_page(c, recycled)), 0, page);
        m->fresh++;
        finish(f, index, gcp_from_page(c, recycled), 1, c->policy.map_by);
        return GCP_EVENT_FAULT_FRESH;
    }
    /* Map the rest of the mutator's allocation buffer in one call. */
    uint64_t last = m->tlab_end > gcp_to_page(c, index) ? (m->tlab_end - c->plan.to) / page : end;
    while (end < last && end < c->pages.count && gcp_claim(c, end, GCP_PAGE_MUTATOR_PROCESSING))
        end++;
    for (uint64_t at = index; at < end;) {
        uint64_t begin = call_begins(f);
        int64_t done = gcp_pages_map_from(&c->pages, at, 0, end - at, &how, &m->account);
        call_ends(f, begin, GCP_WORK_ZERO, done);
        if (done < 0) {
            gcp_compaction_fail(c, (int32_t)-done, "UFFDIO_ZEROPAGE of fresh pages");
            give_in(f, at, 0, end - at, NONE_OWED); /* all that it has claimed: the recovery waits for them */
            return GCP_EVENT_FAULT_FRESH;
        } else if (!done) {
            done = (int64_t)(end - at); /* no longer registered: the kernel's own zeroes will do */
        } else {
            m->fresh += (uint64_t)done;
        }
        for (int64_t i = 0; i < done; i++, at++)
            gcp_state_set(c, at, GCP_PAGE_PROCESSED_AND_MAPPED);
    }
    return GCP_EVENT_FAULT_FRESH;
}

static enum gcp_event_kind produce(const struct gcp_fault *f)
{
    struct gcp_compaction *c = f->c;
    uint64_t index = f->index;
    if (index >= c->plan.used_end)
        return fault_fresh(f);
    if (index >= c->plan.compact_end)
        return fault_slid(f);
    if (!gcp_in_place(c, index))
        return fault_compacted(f);
    return fault_dense(f);
}

/* One thread owns a granule until all of it is ready; then any thread that needs a page of it maps all that is left. */
static enum gcp_event_kind resolve_granule(const struct gcp_fault *f)
{
    struct gcp_compaction *c = f->c;
    struct gcp_mutator *m = f->m;
    uint64_t index = f->index;
    uint64_t leader = gcp_granule_leader(c, index), granule = c->policy.granule;
    enum gcp_event_kind kind = GCP_EVENT_FAULT_READY;
    for (uint32_t tries = 0; gcp_page_state(&c->pages, index) != GCP_PAGE_PROCESSED_AND_MAPPED;) {
        if (m->world && gcp_compaction_failed(c)) {
            leave_it(f);
            return GCP_EVENT_FAULT_WAITED;
        }
        enum gcp_page_state state = gcp_page_state(&c->pages, leader);
        if (state == GCP_PAGE_UNPROCESSED) {
            if (!gcp_claim(c, leader, GCP_PAGE_MUTATOR_PROCESSING))
                continue;
            gcp_granule_produce(c, m->work, leader, c->produce);
            m->updated += granule;
            kind = GCP_EVENT_FAULT_DENSE;
        } else if (state != GCP_PAGE_PROCESSED && state != GCP_PAGE_PROCESSED_AND_MAPPED) {
            wait_for_it(f, tries++);
            kind = GCP_EVENT_FAULT_WAITED;
            continue;
        }
        struct gcp_map_how how = how_of(f, c->policy.map_by);
        uint64_t at = gcp_page_state(&c->pages, leader) == GCP_PAGE_PROCESSED ? leader : index;
        struct gcp_choice choice = gcp_choose(c, at, leader + granule - at);
        how.by = choice.by;
        uint64_t begin = call_begins(f);
        int64_t done = gcp_pages_map(&c->pages, at, choice.pages, &how, &m->account);
        call_ends(f, begin, work_by(how.by), done);
        if (!done)
            return kind; /* no longer registered: all of it was mapped before */
        if (done < 0) {
            gcp_compaction_fail(c, (int32_t)-done, "mapping a granule in a fault");
            leave_it(f);
            return kind;
        }
    }
    m->waited += kind == GCP_EVENT_FAULT_WAITED;
    return kind;
}

enum gcp_event_kind gcp_fault_resolve(const struct gcp_fault *f)
{
    struct gcp_compaction *c = f->c;
    struct gcp_mutator *m = f->m;
    uint64_t index = f->index;
    if (gcp_in_granule(c, index))
        return resolve_granule(f);
    for (uint32_t tries = 0;; tries++) {
        if (m->world && gcp_compaction_failed(c)) {
            leave_it(f);
            return GCP_EVENT_FAULT_WAITED;
        }
        switch (gcp_page_state(&c->pages, index)) {
        case GCP_PAGE_PROCESSED_AND_MAPPED:
            m->waited += tries != 0;
            return tries ? GCP_EVENT_FAULT_WAITED : GCP_EVENT_FAULT_SPURIOUS;
        case GCP_PAGE_PROCESSED:
            if (c->policy.map_by == GCP_VERB_REMAP) {
                if (!copy_claimed(f))
                    break;
            } else if (!c->policy.adapt && c->policy.ready_by == GCP_VERB_COPY) {
                copy_ready(f);
            } else {
                map_group(f);
            }
            return GCP_EVENT_FAULT_READY;
        case GCP_PAGE_UNPROCESSED:
            if (gcp_claim(c, index, GCP_PAGE_MUTATOR_PROCESSING))
                return produce(f);
            break;
        default:
            wait_for_it(f, tries);
        }
    }
}
