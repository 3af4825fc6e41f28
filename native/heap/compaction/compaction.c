/* The life cycle of a compaction: spaces, flip, shutdown, recovery. */
#define _GNU_SOURCE
#include "heap/compaction/compaction.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "heap/compaction/state.h"
#include "base/futex.h"
#include "uffd/inject.h"
#include "base/platform.h"
#include "heap/sigbus.h"
#include "base/uapi.h"
#include "base/address.h"

#define EVENTS (1ULL << 21)

static char create_reason[200];

/* What two readings of the clock add to what lies between them: the least of some. */
static uint64_t clock_cost(void)
{
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < 100; i++) {
        uint64_t begin = gcp_now(), ns = gcp_now() - begin;
        least = ns < least ? ns : least;
    }
    return least;
}

static struct gcp_compaction *refuse(struct gcp_compaction *c, int err, const char *what, int32_t *ret_err)
{
    snprintf(create_reason, sizeof(create_reason), "%s: %s", what, strerror(-err));
    *ret_err = -err;
    gcp_compaction_destroy(c);
    return NULL;
}

struct gcp_compaction *gcp_compaction_create(uint64_t to, uint64_t from, uint64_t bytes,
                                             const struct gcp_compaction_policy *policy, int32_t *ret_err)
{
    struct gcp_compaction *c = calloc(1, sizeof(*c));
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    bool by_signal = policy->handler == GCP_HANDLER_SIGBUS;
    struct gcp_platform platform;
    int err;
    if (!c)
        return refuse(c, -ENOMEM, "memory for the collector", ret_err);
    c->policy = *policy;
    c->bytes = bytes;
    gcp_platform_get(&platform);
    c->table = platform.pmd_size / page;
    c->plan.to = to;
    c->plan.from = from;
    bool remap = policy->map_by == GCP_VERB_REMAP;
    bool granule = policy->granule > 1 || policy->whole || policy->large_by != GCP_VERB_MOVE;
    if (!policy->granule || (policy->granule & (policy->granule - 1)) || policy->granule > bytes / page ||
        policy->large_by > GCP_VERB_COPY || (granule && policy->map_by != GCP_VERB_MOVE) ||
        policy->advice > GCP_ADVICE_LARGE)
        return refuse(c, -EINVAL, "the policy for large folios", ret_err);
    if (!policy->fault_pages || policy->map_by > GCP_VERB_REMAP || policy->early_by > GCP_VERB_COPY ||
        policy->fault_by > GCP_VERB_COPY || policy->ready_by > GCP_VERB_COPY ||
        policy->collector_ebusy > GCP_EBUSY_BACKOFF || policy->mutator_ebusy > GCP_EBUSY_BACKOFF ||
        policy->handler > GCP_HANDLER_THREAD || policy->batch_pages > GCP_BUFFER_PAGES ||
        ((policy->adapt || policy->dense_first) && policy->map_by != GCP_VERB_MOVE) || (remap && policy->batch_pages) ||
        (remap && (policy->fault_by != GCP_VERB_COPY || policy->fault_pages != 1 || policy->register_whole)))
        return refuse(c, -EINVAL, "the policy", ret_err);
    c->buffer = gcp_address_of(gcp_region_alloc(page, 0));
    c->helper.buffer = gcp_address_of(gcp_region_alloc(GCP_BUFFER_PAGES * page, 0));
    c->clock_ns = clock_cost();
    c->streak = GCP_BUFFER_PAGES;
    gcp_adapt_init(&c->adapt, policy->interrupt_ns);
    if (!c->buffer || !c->helper.buffer || gcp_timeline_init(EVENTS, &c->timeline) < 0 ||
        gcp_timeline_init(EVENTS, &c->helper.timeline) < 0)
        return refuse(c, -ENOMEM, "memory for the collector", ret_err);
    err = gcp_compactors_init(c);
    if (err)
        return refuse(c, err, "compacting threads", ret_err);
    err = gcp_uffd_init(by_signal ? GCP_UFFD_FEATURE_SIGBUS : 0, &c->uffd);
    if (err)
        return refuse(c, err, "userfaultfd", ret_err);
    if (by_signal && !(c->uffd.features & GCP_UFFD_FEATURE_SIGBUS))
        return refuse(c, -EOPNOTSUPP, "UFFD_FEATURE_SIGBUS", ret_err);
    err = gcp_pages_init(&c->uffd, to, from, bytes / page, &c->pages);
    if (err)
        return refuse(c, err, "page states", ret_err);
    c->pages.granule = policy->granule > policy->folio ? policy->granule : policy->folio;
    if (remap && (err = gcp_remap_init(c)) < 0)
        return refuse(c, err, "memory for the collector", ret_err);
    struct gcp_service service = {to, bytes, gcp_fault_serve, c};
    err = by_signal ? gcp_service_start(&service) : gcp_helper_start(c);
    if (err)
        return refuse(c, err, "the fault service", ret_err);
    c->serving = by_signal;
    *ret_err = 0;
    return c;
}

void gcp_compaction_destroy(struct gcp_compaction *c)
{
    if (!c)
        return;
    if (c->serving)
        gcp_service_stop();
    gcp_compactors_deinit(c);
    gcp_fault_thread_stop(&c->thread);
    gcp_uffd_deinit(&c->uffd);
    gcp_pages_deinit(&c->pages);
    gcp_remap_deinit(c);
    gcp_timeline_deinit(&c->timeline);
    gcp_timeline_deinit(&c->helper.timeline);
    gcp_region_free(gcp_at(c->buffer), (uint64_t)sysconf(_SC_PAGESIZE));
    gcp_region_free(gcp_at(c->helper.buffer), GCP_BUFFER_PAGES * (uint64_t)sysconf(_SC_PAGESIZE));
    free(c);
}

struct gcp_plan *gcp_compaction_plan(struct gcp_compaction *c)
{
    return &c->plan;
}

uint8_t *gcp_compaction_orders(struct gcp_compaction *c)
{
    return c->pages.orders;
}

const uint8_t *gcp_compaction_fates(const struct gcp_compaction *c)
{
    return c->pages.fates;
}

const char *gcp_compaction_reason(const struct gcp_compaction *c)
{
    if (c && gcp_compaction_failed(c))
        gcp_compaction_reason_await(c);
    return c ? c->reason : create_reason;
}

const struct gcp_adapt *gcp_compaction_adapt(const struct gcp_compaction *c)
{
    return &c->adapt;
}

struct gcp_timeline *gcp_compaction_timeline(struct gcp_compaction *c)
{
    return &c->timeline;
}

struct gcp_mutator *gcp_compaction_helper(struct gcp_compaction *c)
{
    return &c->helper;
}

uint64_t gcp_compaction_helper_cpu(const struct gcp_compaction *c)
{
    return gcp_fault_thread_cpu(&c->thread) + gcp_compactors_cpu(c);
}

int32_t gcp_compaction_helper_pin(struct gcp_compaction *c, int32_t cpu)
{
    return gcp_fault_thread_pin(&c->thread, cpu);
}

struct gcp_ran gcp_compaction_helper_ran(const struct gcp_compaction *c)
{
    return c->thread.ran;
}

static int failed(struct gcp_compaction *c, int err, const char *what)
{
    gcp_compaction_fail(c, -err, what);
    return err;
}

/*
 * Safe against CVE-2026-99652 ("mm: fix deadlock of mremap() against UFFDIO_MOVE", d03df42ddae1; since 6.9, not fixed in
 * 7.3.4).  There, one thread remaps while another moves between the same two page tables, and both deadlock.
 *
 * No MOVE runs here.  The flip is made in the pause, when the cycle before has ended.  The compacting threads and the
 * fault thread of this cycle move no page yet, and mutators are stopped.  Pieces that mode remap takes later meet no MOVE
 * either: that mode issues none.
 */
int32_t gcp_compaction_remap(struct gcp_compaction *c)
{
    int32_t injected = gcp_injected(GCP_VERB_REMAP);
    if (injected)
        return failed(c, -injected, "mremap(DONTUNMAP) of the moving space");
    if (mremap(gcp_at(c->plan.to), c->bytes, c->bytes, MREMAP_MAYMOVE | MREMAP_FIXED | GCP_MREMAP_DONTUNMAP,
               gcp_at(c->plan.from)) == MAP_FAILED)
        return failed(c, -errno, "mremap(DONTUNMAP) of the moving space");
    return 0;
}

/* Register the whole space before anything can touch it: no page appears unserved (ART's order in move mode). */
static int32_t flip_registered(struct gcp_compaction *c)
{
    struct gcp_outcome did = gcp_uffd_register(&c->uffd, c->plan.to, c->bytes, NULL);
    if (did.err)
        return failed(c, -did.err, "UFFDIO_REGISTER of the moving space");
    int32_t err = gcp_compaction_remap(c);
    if (err)
        gcp_uffd_unregister(&c->uffd, c->plan.to, c->bytes);
    c->registered = err ? 0 : c->bytes;
    return err;
}

/*
 * Register after the mremap, and only the part in use: the kernel then provides fresh pages.  Registering a part splits
 * the mapping.  A page is therefore first touched beyond that part: both parts get the same anon_vma, merge again
 * later, and the next flip can move them in one call (ART 0e412ed06f).
 */
static int32_t flip_then_register(struct gcp_compaction *c)
{
    struct gcp_platform platform;
    gcp_platform_get(&platform);
    uint64_t used = c->plan.used_end * c->pages.page;
    uint64_t beyond = (used + platform.pmd_size - 1) / platform.pmd_size * platform.pmd_size;
    bool pieces = c->policy.map_by == GCP_VERB_REMAP;
    int32_t err = pieces ? gcp_remap_flip(c) : gcp_compaction_remap(c);
    if (err)
        return pieces ? failed(c, err, "mremap(DONTUNMAP) of the moving space, piece by piece") : err;
    if (!pieces)
        *(volatile char *)gcp_at(c->plan.to + (beyond < c->bytes ? beyond : c->bytes - 1)) = 0;
    if (!used)
        return 0;
    struct gcp_outcome did = gcp_uffd_register(&c->uffd, c->plan.to, used, NULL);
    if (did.err) {
        /* Undo the flip: all that was touched in the meantime is one page of zeroes. */
        if (pieces)
            gcp_remap_flip_back(c);
        else if (mremap(gcp_at(c->plan.from), c->bytes, c->bytes, MREMAP_MAYMOVE | MREMAP_FIXED | GCP_MREMAP_DONTUNMAP,
                        gcp_at(c->plan.to)) == MAP_FAILED)
            abort(); /* this memory was mapped there a moment ago; there is no way to go on */
        return failed(c, -did.err, "UFFDIO_REGISTER of the used part");
    }
    c->registered = used;
    madvise(gcp_at(c->plan.to), used, MADV_DONTNEED);
    return 0;
}

int32_t gcp_compaction_flip(struct gcp_compaction *c)
{
    c->err = 0;
    c->told = 0;
    c->reason[0] = '\0';
    c->registered = 0;
    __atomic_store_n(&c->recovery, GCP_RECOVERY_NONE, __ATOMIC_RELEASE);
    return c->policy.register_whole ? flip_registered(c) : flip_then_register(c);
}

void gcp_compaction_open(struct gcp_compaction *c, gcp_producer produce, gcp_producer ahead)
{
    uint64_t used = c->plan.used_end;
    c->produce = produce;
    c->ahead = ahead;
    c->pending = c->settled = used;
    /* From-pages above the last one in use were never touched: recycling them would allocate new memory. */
    c->reclaimed = c->given_back = used + c->plan.black_shift;
    c->stuck = c->pages.count;
    c->group_of = c->pages.count;
    c->batch = GCP_NO_PAGE;
    c->batch_first = c->batch_end = 0;
    c->claimed = 0;
    c->seen = (struct gcp_shown){.delivery_ns = c->policy.delivery_ns};
    memset(c->pages.fates, 0, c->pages.count);
    gcp_recycle_init(&c->recycle, c->reclaimed, c->plan.kept ? c->plan.held : NULL);
    if (c->policy.handler == GCP_HANDLER_SIGBUS)
        gcp_service_open();
    else
        gcp_fault_thread_open(&c->thread);
}

/*
 * Learn from this collection.  Mutators pay for the collector's time if it waited for a processor that they had.
 * Otherwise they pay for the share of it that they spend in faults: the window is as long as the collector needs.
 */
static void learn(struct gcp_compaction *c)
{
    struct gcp_shown *seen = &c->seen;
    uint64_t by_faults = seen->pages[0] + seen->pages[1], faults = seen->faults[0] + seen->faults[1];
    uint64_t lost = seen->ns[0] + seen->ns[1] + faults * seen->delivery_ns;
    if (!c->policy.adapt || !c->sweep_ns)
        return;
    seen->evacuated = c->plan.used_end;
    uint64_t waited = c->queued_ns < c->sweep_ns ? c->queued_ns : c->sweep_ns;
    uint64_t others = by_faults + c->helped;
    seen->page_ns = seen->evacuated > others ? (c->sweep_ns - waited) / (seen->evacuated - others) : 0;
    uint64_t queued = 2000 * waited / c->sweep_ns, inside = 1000 * lost / c->sweep_ns;
    seen->weight = (queued < 1000 ? queued : 1000) + (inside < 1000 ? inside : 1000);
    gcp_contest_end(&c->adapt.contest, seen);
}

int32_t gcp_compaction_close(struct gcp_compaction *c)
{
    struct gcp_outcome did = {.err = 0};
    bool by_signal = c->policy.handler == GCP_HANDLER_SIGBUS;
    /* A handler that can't go on waits for recovery, so the drain must not wait for it. */
    if (by_signal && gcp_service_drain(0, &c->err))
        return -gcp_compaction_err(c);
    if (c->registered)
        did = gcp_uffd_unregister(&c->uffd, c->plan.to, c->registered);
    if (did.err)
        return failed(c, -did.err, "UFFDIO_UNREGISTER");
    c->registered = 0;
    if (by_signal && gcp_service_drain(1, &c->err))
        return -gcp_compaction_err(c);
    if (!by_signal)
        gcp_fault_thread_drain(&c->thread);
    learn(c);
    return 0;
}

/* Wait until the owner of a claimed page, which is awake, has written it. */
static void await_owner(const struct gcp_compaction *c, uint64_t index)
{
    for (uint32_t tries = 0; gcp_page_state(&c->pages, index) != GCP_PAGE_PROCESSED_AND_MAPPED; tries++)
        gcp_back_off(tries);
}

/* Write one page by plain stores, whatever its state. */
static void store(struct gcp_compaction *c, uint64_t index, struct gcp_swept *ret)
{
    uint32_t word = atomic_load_explicit(&c->pages.words[index], memory_order_acquire);
    uint64_t to = gcp_to_page(c, index);
    void *place = gcp_at(to);
    switch (word & 0xff) {
    case GCP_PAGE_PROCESSED_AND_MAPPED:
        return;
    case GCP_PAGE_PROCESSED:
        memcpy(place, gcp_at(gcp_from_page(c, word >> GCP_PAGE_STATE_BITS)), c->pages.page);
        break;
    case GCP_PAGE_MUTATOR_PROCESSING:
    case GCP_PAGE_PROCESSED_AND_MAPPING:
        await_owner(c, index);
        return;
    case GCP_PAGE_PROCESSING_AND_MAPPING:
        memcpy(place, gcp_at(c->buffer), c->pages.page);
        break;
    default:
        if (!gcp_in_place(c, index)) {
            if (index >= c->plan.compact_end || gcp_fill(c, index))
                c->produce(&c->plan, index, to);
        } else if (!gcp_dense_page_empty(c, index)) {
            uint64_t from = gcp_from_page(c, gcp_place_of(c, index));
            c->produce(&c->plan, index, from);
            memcpy(place, gcp_at(from), c->pages.page);
        }
    }
    ret->recovered++;
    gcp_state_set(c, index, GCP_PAGE_PROCESSED_AND_MAPPED);
}

int32_t gcp_compaction_recover(struct gcp_compaction *c, struct gcp_swept *ret)
{
    if (c->registered) {
        struct gcp_outcome did = gcp_uffd_unregister(&c->uffd, c->plan.to, c->registered);
        for (uint32_t tries = 0; did.err && tries < 10; tries++)
            did = gcp_uffd_unregister(&c->uffd, c->plan.to, c->registered);
        if (did.err)
            return -did.err;
        c->registered = 0;
    }
    __atomic_store_n(&c->recovery, GCP_RECOVERY_UNREGISTERED, __ATOMIC_SEQ_CST);
    gcp_futex_wake(&c->recovery);
    gcp_compactors_join(c, ret);
    for (uint64_t index = 0; index < c->plan.used_end; index++)
        store(c, index, ret);
    /* Fresh pages, too: an owner that is late would write zeroes over the objects of a mutator that runs again. */
    for (uint64_t index = c->plan.used_end; index < c->pages.count; index++) {
        enum gcp_page_state now = gcp_page_state(&c->pages, index);
        if (now == GCP_PAGE_MUTATOR_PROCESSING || now == GCP_PAGE_PROCESSED_AND_MAPPING)
            await_owner(c, index);
    }
    if (gcp_compaction_failed(c))
        gcp_compaction_reason_await(c); /* the collector reads the text after this */
    c->told = 0;
    /* Waiting handlers leave `serve` when the world is started; their pages are then in place. */
    __atomic_store_n(&c->err, 0, __ATOMIC_RELEASE);
    return 0;
}

void gcp_compaction_store_all(struct gcp_compaction *c, gcp_producer produce, struct gcp_swept *ret)
{
    c->produce = produce;
    for (uint64_t index = c->plan.used_end; index-- > 0;)
        store(c, index, ret);
}

int32_t gcp_compaction_release(struct gcp_compaction *c)
{
    int32_t injected = gcp_injected(GCP_VERB_MADVISE);
    uint64_t begin = gcp_now(), used = c->plan.used_end + c->plan.black_shift;
    memset((void *)c->pages.words, 0, c->pages.count * sizeof(*c->pages.words));
    if (!injected && madvise(gcp_at(c->plan.from), c->bytes, MADV_DONTNEED) == 0) {
        gcp_adapt_released(&c->adapt, used > c->gone ? used - c->gone : 0, gcp_now() - begin);
        return 0;
    }
    int err = injected ? injected : errno;
    /* A new mapping in its place is empty too. */
    if (mmap(gcp_at(c->plan.from), c->bytes, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
        return failed(c, -errno, "a new mapping for from-space");
    return failed(c, -err, "madvise(DONTNEED) of from-space");
}
