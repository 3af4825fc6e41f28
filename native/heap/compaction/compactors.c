/*
 * Compacting threads beside the collector's: each claims runs of pages below those that the collector sweeps, as a
 * faulting mutator claims the pages of its group, and builds them.
 *
 * ART has one compacting thread; this departs from it.  To the sweep a helper is another mutator: the sweep passes over
 * pages that are claimed.  Their states say all that it must know of them: which from-pages are still read, which pages
 * the last flush waits for, which pages recovery finds.  So helpers share only those states, the window of recycled
 * pages, and the cursor that hands out the runs.
 *
 * - A run of compacted pages is built in recycled pages that follow each other, taken at once, and moved by one ioctl.
 *   Without recycled pages, and for COPY and REMAP, it is built in the helper's buffer and copied by one ioctl.
 * - Pages that keep their layout are updated in place.  The collector maps them in its long runs; under COPY the helper
 *   does, since their sources are read until they are mapped.
 * - What helpers map is counted, but is not in the timeline, which is the collector thread's.  Their work by kind
 *   (gcp_swept.work) is not counted: it runs beside the collector's, and would add up to more than the time of a sweep.
 * - Where the policy adapts, helpers choose by the costs of the collector's calls, and their own calls teach nothing.
 * - With granules of several pages, compacted pages are the collector's: it builds them congruent with their folios.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/futex.h"
#include "base/platform.h"
#include "heap/compaction/state.h"

/* Pages that a helper claims at once: a mutator that needs one of them waits until it is built. */
#define RUN GCP_COMPACTOR_RUN
/* Pages below the collector's that are left to it: a run of its own. */
#define LEFT RUN

static uint64_t stride(const struct gcp_compaction *c)
{
    return c->policy.granule > RUN ? c->policy.granule : RUN;
}

/* Where the next pages end that no helper has had yet, below those of the collector; 0: there are none. */
static uint64_t end_of_next(const struct gcp_compaction *c, uint64_t cursor)
{
    uint64_t at = atomic_load_explicit(&c->compactors.at, memory_order_relaxed), size = stride(c);
    uint64_t below = at > LEFT ? at - LEFT : 0;
    return (cursor < below ? cursor : below) / size * size;
}

/* Those pages, for this thread: [*ret_low, *ret_high). */
static bool next(struct gcp_compaction *c, uint64_t *ret_low, uint64_t *ret_high)
{
    struct gcp_compactors *all = &c->compactors;
    uint64_t cursor = atomic_load(&all->cursor), size = stride(c);
    for (;;) {
        uint64_t high = end_of_next(c, cursor);
        if (!high)
            return false;
        if (!atomic_compare_exchange_weak(&all->cursor, &cursor, high - size))
            continue;
        *ret_low = high - size;
        *ret_high = high;
        return true;
    }
}

/* [first, end) are mapped, or never will be: a page without a reference into it. */
static void mapped(struct gcp_compaction *c, uint64_t first, uint64_t end)
{
    for (uint64_t index = first; index < end; index++)
        gcp_state_set(c, index, GCP_PAGE_PROCESSED_AND_MAPPED);
}

/* No ioctl maps these pages, which lie in the buffer: once recovery has unregistered the space, stores do. */
static void store(struct gcp_compactor *h, uint64_t first, uint64_t end, uint64_t source)
{
    struct gcp_compaction *c = h->c;
    if (gcp_recovery_await(c) == GCP_RECOVERY_LOST)
        return;
    memcpy(gcp_at(gcp_to_page(c, first)), gcp_at(source), (end - first) * c->pages.page);
    h->swept.recovered += end - first;
    mapped(c, first, end);
}

/* Claimed pages out of the buffer. */
static void copy_run(struct gcp_compactor *h, uint64_t first, uint64_t end)
{
    struct gcp_compaction *c = h->c;
    const struct gcp_map_how how = {.by = GCP_VERB_COPY, .ebusy = c->policy.collector_ebusy};
    uint64_t source = h->buffer;
    for (uint64_t index = first; index < end; index++, source += c->pages.page) {
        c->produce(&c->plan, index, source);
        gcp_state_set(c, index, GCP_PAGE_PROCESSED_AND_MAPPING);
    }
    source = h->buffer;
    for (uint64_t index = first; index < end;) {
        uint64_t begin = gcp_now();
        int64_t done = gcp_pages_map_from(&c->pages, index, source, end - index, &how, &h->swept.account);
        if (done <= 0) {
            gcp_compaction_fail(c, done ? (int32_t)-done : EIO, "copying a run on a compacting thread");
            store(h, index, end, source);
            return;
        }
        h->swept.map_ns += gcp_now() - begin;
        gcp_histogram_record(&h->swept.runs, (uint64_t)done);
        mapped(c, index, index + (uint64_t)done);
        index += (uint64_t)done;
        source += (uint64_t)done * c->pages.page;
    }
}

/* Pages that are ready, with their sources where their states say; pages that a mutator has mapped are omitted. */
static void map_ready(struct gcp_compactor *h, uint64_t first, uint64_t end)
{
    struct gcp_compaction *c = h->c;
    struct gcp_map_how how = {.ebusy = c->policy.collector_ebusy, .discard = 1};
    for (uint64_t index = first; index < end;) {
        if (gcp_page_state(&c->pages, index) != GCP_PAGE_PROCESSED) {
            index++;
            continue;
        }
        struct gcp_choice choice = gcp_choose(c, index, end - index);
        how.by = choice.by;
        uint64_t begin = gcp_now();
        int64_t done = gcp_pages_map(&c->pages, index, choice.pages, &how, &h->swept.account);
        if (done < 0) {
            gcp_compaction_fail(c, (int32_t)-done, "mapping a run on a compacting thread");
            return; /* recovery finds their contents where their states say */
        }
        h->swept.map_ns += gcp_now() - begin;
        gcp_histogram_record(&h->swept.runs, (uint64_t)done);
        index += (uint64_t)done;
    }
}

/* A run of compacted or slid pages that this thread has claimed. */
static void build_run(struct gcp_compactor *h, uint64_t first, uint64_t end)
{
    struct gcp_compaction *c = h->c;
    bool slid = first >= c->plan.compact_end;
    uint64_t page = GCP_NO_PAGE, *count = slid ? &h->swept.slid : &h->swept.built;
    if (!slid && c->policy.map_by == GCP_VERB_MOVE)
        page = gcp_recycle_take(&c->recycle, end - first);
    *count += end - first;
    if (page == GCP_NO_PAGE) {
        copy_run(h, first, end);
        return;
    }
    h->swept.recycled += end - first;
    for (uint64_t index = first; index < end; index++) {
        c->produce(&c->plan, index, gcp_from_page(c, page + index - first));
        gcp_pages_publish(&c->pages, index, page + index - first);
    }
    map_ready(h, first, end);
}

/* Whether a page is built of words from elsewhere, so that it can be part of a run. */
static bool is_built(const struct gcp_compaction *c, uint64_t index)
{
    return index >= c->plan.compact_end || (!gcp_in_place(c, index) && gcp_fill(c, index));
}

/* The longest run of such pages that ends with the claimed page `last`, and does not leave [low, ...). */
static uint64_t claim_run(struct gcp_compaction *c, uint64_t low, uint64_t last)
{
    bool slid = last >= c->plan.compact_end;
    uint64_t first = last;
    while (first > low && last + 1 - first < RUN && is_built(c, first - 1) &&
           (first - 1 >= c->plan.compact_end) == slid && gcp_claim(c, first - 1, GCP_PAGE_MUTATOR_PROCESSING))
        first--;
    return first;
}

/* A page that keeps its layout. */
static void update(struct gcp_compactor *h, uint64_t index)
{
    struct gcp_compaction *c = h->c;
    uint64_t from = gcp_place_of(c, index);
    if (gcp_dense_page_empty(c, index)) {
        mapped(c, index, index + 1);
        h->swept.empty++;
        return;
    }
    c->produce(&c->plan, index, gcp_from_page(c, from));
    gcp_pages_publish(&c->pages, index, from);
    h->swept.updated++;
}

/* Pages [low, high), downwards, as the collector goes. */
static void sweep(struct gcp_compactor *h, uint64_t low, uint64_t high)
{
    struct gcp_compaction *c = h->c;
    bool granules = c->policy.granule > 1;
    for (uint64_t end = high; end > low && !gcp_compaction_failed(c);) {
        uint64_t index = end - 1;
        end = index;
        if (gcp_in_granule(c, index)) {
            end = gcp_granule_leader(c, index);
            if (gcp_claim(c, end, GCP_PAGE_MUTATOR_PROCESSING)) {
                gcp_granule_produce(c, h->swept.work, end, c->produce);
                h->swept.updated += c->policy.granule;
            }
        } else if ((granules && index < c->plan.compact_end) || !gcp_claim(c, index, GCP_PAGE_MUTATOR_PROCESSING)) {
            continue;
        } else if (index < c->plan.compact_end && gcp_in_place(c, index)) {
            update(h, index);
        } else if (!is_built(c, index)) {
            mapped(c, index, end + 1); /* the gap in front of a dense region */
            h->swept.empty++;
        } else {
            end = claim_run(c, low, index);
            build_run(h, end, index + 1);
        }
    }
    if (c->policy.map_by == GCP_VERB_COPY)
        map_ready(h, low, high);
}

/*
 * Whether pages can only be copied now, since the collector has not recycled enough of those above yet.  It goes on
 * without help, so there is an end to that: what a helper copies ahead of it would have been moved.
 */
static bool too_early(struct gcp_compaction *c)
{
    uint64_t end = end_of_next(c, atomic_load(&c->compactors.cursor));
    return c->policy.map_by == GCP_VERB_MOVE && c->policy.granule == 1 && end > c->plan.dense_end &&
           end <= c->plan.compact_end && gcp_recycle_count(&c->recycle) < RUN;
}

static void *run(void *arg)
{
    struct gcp_compactor *h = arg;
    uint64_t low, high;
    int err = gcp_pin_cpu(h->cpu);
    if (err)
        gcp_compaction_fail(h->c, -err, "binding a compacting thread to its processor");
    for (uint32_t tries = 0; !gcp_compaction_failed(h->c);) {
        if (too_early(h->c)) {
            gcp_back_off(tries++);
            continue;
        }
        if (!next(h->c, &low, &high))
            break;
        sweep(h, low, high);
        tries = 0;
    }
    __atomic_fetch_add(&h->cpu_ns, gcp_thread_cpu(), __ATOMIC_RELAXED);
    return NULL;
}

int gcp_compactors_init(struct gcp_compaction *c)
{
    struct gcp_compactors *all = &c->compactors;
    if (!c->policy.compactors || c->policy.compactors > GCP_COMPACTORS)
        return -EINVAL;
    all->count = c->policy.compactors - 1;
    for (uint32_t i = 0; i < all->count; i++) {
        struct gcp_compactor *h = &all->helper[i];
        *h = (struct gcp_compactor){.c = c, .cpu = -1};
        h->buffer = gcp_address_of(gcp_region_alloc(RUN * (uint64_t)sysconf(_SC_PAGESIZE), 0));
        if (!h->buffer)
            return -ENOMEM;
    }
    return 0;
}

void gcp_compactors_deinit(struct gcp_compaction *c)
{
    struct gcp_swept *none = &(struct gcp_swept){0};
    /* Threads still run only where recovery failed. */
    __atomic_store_n(&c->recovery, GCP_RECOVERY_LOST, __ATOMIC_SEQ_CST);
    gcp_futex_wake(&c->recovery);
    gcp_compactors_join(c, none);
    for (uint32_t i = 0; i < c->compactors.count; i++)
        gcp_region_free(gcp_at(c->compactors.helper[i].buffer), RUN * (uint64_t)sysconf(_SC_PAGESIZE));
}

/* With all signals blocked: the main thread handles them. */
static int create(struct gcp_compactor *h)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&h->thread, NULL, run, h);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    h->running = !err;
    return -err;
}

int32_t gcp_compactors_start(struct gcp_compaction *c)
{
    struct gcp_compactors *all = &c->compactors;
    atomic_store(&all->at, c->plan.used_end);
    atomic_store(&all->cursor, c->plan.used_end);
    for (uint32_t i = 0; i < all->count; i++) {
        memset(&all->helper[i].swept, 0, sizeof(all->helper[i].swept));
        int err = create(&all->helper[i]);
        if (err) {
            gcp_compaction_fail(c, -err, "starting a compacting thread");
            return err;
        }
    }
    return 0;
}

static void add(struct gcp_swept *to, const struct gcp_swept *from)
{
    gcp_account_add(&to->account, &from->account);
    gcp_histogram_add(&to->runs, &from->runs);
    to->updated += from->updated;
    to->built += from->built;
    to->slid += from->slid;
    to->empty += from->empty;
    to->recycled += from->recycled;
    to->recovered += from->recovered;
    to->helped += from->updated + from->built + from->slid;
    to->map_ns += from->map_ns;
}

void gcp_compactors_join(struct gcp_compaction *c, struct gcp_swept *ret)
{
    for (uint32_t i = 0; i < c->compactors.count; i++) {
        struct gcp_compactor *h = &c->compactors.helper[i];
        if (!h->running)
            continue;
        pthread_join(h->thread, NULL);
        h->running = false;
        add(ret, &h->swept);
    }
}

uint64_t gcp_compactors_cpu(const struct gcp_compaction *c)
{
    uint64_t ns = 0;
    for (uint32_t i = 0; i < c->compactors.count; i++)
        ns += __atomic_load_n(&c->compactors.helper[i].cpu_ns, __ATOMIC_RELAXED);
    return ns;
}

int32_t gcp_compaction_compactor_pin(struct gcp_compaction *c, uint32_t number, int32_t cpu)
{
    if (number >= c->compactors.count)
        return -ESRCH;
    c->compactors.helper[number].cpu = cpu;
    return 0;
}
