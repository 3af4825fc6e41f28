/*
 * Concurrent compaction alone, for runs under sanitizers: threads that touch to-space, a sweep, and a producer in C
 * whose pages have known contents.  Tested are every combination of policies, errors during the sweep, and the world
 * stopped and started.  Its argument N: only each N-th combination.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "heap/compaction/compaction.h"
#include "base/content.h"
#include "uffd/inject.h"
#include "base/platform.h"
#include "base/address.h"

#define PAGES 3000
#define DENSE 1024 /* whole granules */
#define COMPACT 1800
#define LARGE_FROM 700
#define USED 2000
#define SHIFT 500
/* A dense region, of granules of up to 64 pages, and the gap before it. */
#define GAP 1200
#define KEPT_TO 1216
#define KEPT_FROM 1408
#define KEPT_PAGES 64
#define THREADS 3
#define SEED 5

static int failures;
static unsigned long every = 1;
static uint64_t page;

static void check(int good, const char *what)
{
    if (!good || failures)
        printf("%s %s\n", good ? "ok" : "FAILED", what);
    failures += !good;
}

static int kept(uint64_t index)
{
    return index >= KEPT_TO && index < KEPT_TO + KEPT_PAGES;
}

static int gap(uint64_t index)
{
    return index >= GAP && index < KEPT_TO;
}

/* The from-page with a page's contents; a compacted page has those of two, as if half of each were live. */
static uint64_t source_of(uint64_t index)
{
    if (index < DENSE)
        return index;
    if (index >= COMPACT)
        return index + SHIFT;
    if (kept(index))
        return index - KEPT_TO + KEPT_FROM;
    if (index >= KEPT_TO)
        return KEPT_FROM + KEPT_PAGES + (index - KEPT_TO - KEPT_PAGES) * 12 / 8;
    return DENSE + (index - DENSE) * 13 / 8;
}

static void produce(struct gcp_plan *plan, uint64_t index, uint64_t destination)
{
    uint64_t *words = (uint64_t *)gcp_at(destination);
    uint64_t source = source_of(index);
    if (index >= DENSE && !(plan->kept && kept(index)))
        memcpy(words, gcp_at(plan->from + source * page), page);
    words[0] = ~words[0];
}

static uint64_t expected(uint64_t index)
{
    return index < USED && !gap(index) ? ~gcp_content(SEED, source_of(index), 0) : 0;
}

struct toucher {
    pthread_t thread;
    struct gcp_mutator *mutator;
    struct gcp_world *world;
    uint64_t to;
    uint64_t seed;
    uint64_t wrong;
};

static void *touch(void *arg)
{
    struct toucher *t = arg;
    gcp_mutator_enter(t->mutator);
    for (uint64_t i = 0; i < 2000; i++) {
        uint64_t index = gcp_content(t->seed, i, 0) % PAGES;
        if (gap(index)) /* no reference points into it */
            continue;
        uint64_t got = __atomic_load_n((uint64_t *)gcp_at(t->to + index * page), __ATOMIC_RELAXED);
        t->wrong += got != expected(index);
        if (__atomic_load_n(&t->world->stop, __ATOMIC_RELAXED))
            gcp_mutator_park(t->mutator);
    }
    gcp_mutator_leave(t->mutator);
    return NULL;
}

static int cycle(struct gcp_compaction *c, struct gcp_world *world, char *to, struct gcp_swept *swept)
{
    struct toucher touchers[THREADS];
    struct gcp_plan *plan = gcp_compaction_plan(c);
    uint64_t *live = plan->live;
    memset(live, 0xff, PAGES * page / 64);
    gcp_region_discard(gcp_address_of(to), PAGES * page);
    gcp_content_fill(gcp_address_of(to), 0, USED + SHIFT, SEED);
    memset(swept, 0, sizeof(*swept));

    gcp_world_stop(world);
    int err = gcp_compaction_flip(c);
    if (err)
        abort();
    gcp_compaction_open(c, produce, produce);
    for (uint64_t i = 0; i < THREADS; i++) {
        touchers[i] = (struct toucher){.mutator = world->mutator[i], .world = world, .to = plan->to, .seed = i + 1};
        if (pthread_create(&touchers[i].thread, NULL, touch, &touchers[i]))
            abort();
    }
    gcp_world_start(world);
    err = gcp_compaction_sweep(c, swept);
    if (!err)
        err = gcp_compaction_close(c);
    if (err) {
        /* Another thread may have been the first, and still be writing the text. */
        char begin[16];
        snprintf(begin, sizeof(begin), "errno %03d of ", -err);
        check(strncmp(gcp_compaction_reason(c), begin, strlen(begin)) == 0, "the reason of an error is complete");
        gcp_world_stop(world);
        check(gcp_compaction_recover(c, swept) == 0, "recovery");
        gcp_world_start(world);
        gcp_compaction_close(c);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(touchers[i].thread, NULL);
        check(touchers[i].wrong == 0, "what mutators saw");
    }
    for (uint64_t i = 0; i < PAGES; i++)
        check(*(uint64_t *)(to + i * page) == expected(i), "what is there in the end");
    return err;
}

static void mixture(struct gcp_compaction_policy policy, int call, int number)
{
    static unsigned long count;
    if (count++ % every)
        return;
    struct gcp_swept *swept = calloc(1, sizeof(*swept));
    uint64_t bytes = PAGES * page;
    int32_t err;
    int regions = policy.map_by == GCP_VERB_MOVE;
    if (!policy.granule)
        policy.granule = 1;
    if (!policy.compactors)
        policy.compactors = 1;
    char *to = gcp_region_alloc(bytes, 0), *from = gcp_region_alloc(bytes, 0);
    uint64_t *live = calloc(PAGES + 1, page / 64), *first = calloc(PAGES + 1, sizeof(*first));
    uint16_t *fill = calloc(PAGES, sizeof(*fill));
    uint8_t *held = calloc(PAGES, sizeof(*held));
    struct gcp_world *world = gcp_world_create(gcp_address_of(to), gcp_address_of(to) + bytes, 65536, 0);
    if (!to || !from || !live || !first || !fill || !held || !world || !swept)
        abort();
    gcp_region_small(gcp_address_of(to), bytes);
    gcp_region_small(gcp_address_of(from), bytes);
    for (int i = 0; i < THREADS; i++)
        if (!gcp_mutator_create(world, 16, 1 << 16))
            abort();
    struct gcp_compaction *c = gcp_compaction_create(gcp_address_of(to), gcp_address_of(from), bytes, &policy, &err);
    if (!c) {
        fprintf(stderr, "%s\n", gcp_compaction_reason(NULL));
        exit(1);
    }
    memset(gcp_compaction_orders(c) + LARGE_FROM, 6, PAGES - LARGE_FROM);
    for (uint64_t i = DENSE; i < COMPACT; i++) {
        first[i] = (gap(i) ? source_of(GAP) : source_of(i)) * page / 8;
        held[source_of(i)] = regions && kept(i);
        fill[i] = regions && kept(i) ? GCP_KEPT : gap(i) ? 0 : (uint16_t)(page / 8);
    }
    first[COMPACT] = (COMPACT + SHIFT) * page / 8;
    struct gcp_plan *plan = gcp_compaction_plan(c);
    plan->dense_end = DENSE;
    plan->compact_end = COMPACT;
    plan->used_end = USED;
    plan->black_shift = SHIFT;
    plan->live = live;
    plan->first = first;
    plan->fill = fill;
    plan->held = held;
    plan->kept = regions ? KEPT_PAGES : 0;
    char name[160];
    snprintf(
        name, sizeof(name),
        "by %u/%u/%u/%u, %u pages a fault, run %u, whole %u, granule %u, handler %u, %u compactors, call %d errno %d",
        policy.map_by, policy.fault_by, policy.early_by, policy.large_by, policy.fault_pages, policy.run_pages,
        (unsigned)policy.whole, (unsigned)policy.granule, policy.handler, policy.compactors, call, number);
    int before = failures;
    for (int i = 0; i < 2; i++) {
        if (call >= 0 && i == 0)
            gcp_inject((uint32_t)call, 20, 1, number);
        err = cycle(c, world, to, swept);
        if (call >= 0)
            gcp_inject((uint32_t)call, 0, 0, 0);
        if (call < 0)
            check(!err, "no error");
        gcp_compaction_release(c);
    }
    printf("%s %s\n", failures == before ? "ok" : "FAILED", name);
    gcp_compaction_destroy(c);
    gcp_world_destroy(world);
    gcp_region_free(to, bytes);
    gcp_region_free(from, bytes);
    free(live);
    free(first);
    free(fill);
    free(held);
    free(swept);
}

int main(int argc, char **argv)
{
    static const uint32_t GROUPS[] = {1, 16};
    static const enum gcp_verb CALLS[] = {GCP_VERB_UNREGISTER, GCP_VERB_MOVE, GCP_VERB_COPY, GCP_VERB_ZEROPAGE};
    if (argc > 1 && !(every = strtoul(argv[1], NULL, 10)))
        return 2;
    page = (uint64_t)sysconf(_SC_PAGESIZE);
    for (uint32_t mode = 0; mode < 8; mode++)
        for (size_t g = 0; g < 2; g++)
            for (uint32_t run = 0; run <= 64; run += 64)
                mixture((struct gcp_compaction_policy){.map_by = mode & 1,
                                                       .fault_by = mode >> 1 & 1,
                                                       .early_by = mode >> 2,
                                                       .fault_pages = GROUPS[g],
                                                       .run_pages = run,
                                                       .register_whole = !(mode & 1),
                                                       .fresh_by_recycled = !(mode & 1),
                                                       .flush_bytes = 64 * page,
                                                       .reserve_pages = 8},
                        -1, 0);
    mixture((struct gcp_compaction_policy){.fault_pages = 1,
                                           .register_whole = 1,
                                           .handler = GCP_HANDLER_THREAD,
                                           .flush_bytes = 64 * page,
                                           .early_by = GCP_VERB_COPY},
            -1, 0);
    for (uint64_t least = 1; least <= 64; least *= 8)
        for (uint32_t run = 0; run <= 64; run += 64)
            mixture((struct gcp_compaction_policy){.map_by = GCP_VERB_REMAP,
                                                   .fault_by = GCP_VERB_COPY,
                                                   .early_by = GCP_VERB_COPY,
                                                   .fault_pages = 1,
                                                   .run_pages = run,
                                                   .remap_pages = least,
                                                   .advice = GCP_ADVICE_SMALL,
                                                   .flush_bytes = 64 * page,
                                                   .reserve_pages = 8},
                    -1, 0);
    for (uint64_t granule = 1; granule <= 64; granule *= 8)
        for (uint32_t way = 0; way < 8; way++)
            mixture((struct gcp_compaction_policy){.granule = granule,
                                                   .large_by = way & 1 ? GCP_VERB_COPY : GCP_VERB_MOVE,
                                                   .whole = way & 2 ? 64 : 0,
                                                   .ready_by = way & 4 ? GCP_VERB_COPY : GCP_VERB_MOVE,
                                                   .early_by = GCP_VERB_COPY,
                                                   .fault_pages = 16,
                                                   .flush_bytes = 64 * page,
                                                   .reserve_pages = 8},
                    -1, 0);
    /* Recycled granules that are populated again while faults look at the orders of folios. */
    for (uint32_t way = 0; way < 2; way++)
        mixture((struct gcp_compaction_policy){.granule = 16,
                                               .renew = 1,
                                               .early_by = GCP_VERB_COPY,
                                               .large_by = way ? GCP_VERB_COPY : GCP_VERB_MOVE,
                                               .fault_pages = 16,
                                               .flush_bytes = 64 * page,
                                               .reserve_pages = 8},
                -1, 0);
    /* Faults that copy their group, the batch, the dense prefix first, from-space kept, waits that spin. */
    for (uint32_t way = 0; way < 32; way++)
        mixture((struct gcp_compaction_policy){.map_by = way & 1 ? GCP_VERB_COPY : GCP_VERB_MOVE,
                                               .fault_by = GCP_VERB_COPY,
                                               .ready_by = way & 2 ? GCP_VERB_COPY : GCP_VERB_MOVE,
                                               .early_by = GCP_VERB_COPY,
                                               .fault_pages = way & 4 ? 4 : 32,
                                               .batch_pages = way & 8 ? GCP_BUFFER_PAGES : 0,
                                               .dense_first = !(way & 1) && (way & 16),
                                               .spin = way & 2 ? 32 : 0,
                                               .hold_bytes = way & 16 ? 512 * page : 0,
                                               .flush_bytes = 64 * page,
                                               .reserve_pages = 8},
                -1, 0);
    /* The same beside compacting threads: the batch, the dense prefix first, what adapts. */
    for (uint32_t way = 0; way < 8; way++)
        for (uint32_t compactors = 2; compactors <= GCP_COMPACTORS; compactors++)
            mixture((struct gcp_compaction_policy){.map_by = way == 3 ? GCP_VERB_COPY : GCP_VERB_MOVE,
                                                   .adapt = way >> 2 & 1,
                                                   .fault_by = GCP_VERB_COPY,
                                                   .early_by = GCP_VERB_COPY,
                                                   .fault_pages = 16,
                                                   .batch_pages = way & 1 ? GCP_BUFFER_PAGES : 0,
                                                   .dense_first = way != 3 && (way & 2),
                                                   .compactors = compactors,
                                                   .spin = 32,
                                                   .delivery_ns = 2500,
                                                   .interrupt_ns = 6000,
                                                   .hold_bytes = 512 * page,
                                                   .flush_bytes = 64 * page,
                                                   .reserve_pages = 8},
                    -1, 0);
    for (uint32_t way = 0; way < 8; way++)
        mixture((struct gcp_compaction_policy){.adapt = 1,
                                               .early_by = GCP_VERB_COPY,
                                               .fault_pages = 1,
                                               .batch_pages = way & 1 ? GCP_BUFFER_PAGES : 0,
                                               .dense_first = way >> 1 & 1,
                                               .granule = way & 4 ? 64 : 1,
                                               .whole = way & 4 ? 64 : 0,
                                               .spin = 32,
                                               .delivery_ns = 2500,
                                               .interrupt_ns = 6000,
                                               .flush_bytes = 64 * page,
                                               .reserve_pages = 8},
                -1, 0);
    for (size_t i = 0; i < sizeof(CALLS) / sizeof(CALLS[0]); i++)
        for (uint32_t by = 0; by < 3; by++)
            mixture((struct gcp_compaction_policy){.map_by = by == 1,
                                                   .adapt = by == 2,
                                                   .batch_pages = by == 2 ? GCP_BUFFER_PAGES : 0,
                                                   .fault_pages = 1,
                                                   .register_whole = by == 0,
                                                   .early_by = GCP_VERB_COPY,
                                                   .flush_bytes = 64 * page,
                                                   .reserve_pages = 8},
                    (int)CALLS[i], EFAULT);
    /* Compacting threads: by every verb, with and without groups, granules and errors of each call. */
    for (uint32_t compactors = 2; compactors <= GCP_COMPACTORS; compactors++)
        for (uint32_t by = 0; by < 3; by++)
            for (uint64_t granule = 1; granule <= (by ? 1 : 64); granule *= 64)
                for (int i = -1; i < (int)(sizeof(CALLS) / sizeof(CALLS[0])); i++)
                    mixture((struct gcp_compaction_policy){.map_by = by == 2 ? GCP_VERB_REMAP : by,
                                                           .fault_by = by ? GCP_VERB_COPY : GCP_VERB_MOVE,
                                                           .early_by = GCP_VERB_COPY,
                                                           .fault_pages = by == 2 ? 1 : 16,
                                                           .granule = granule,
                                                           .register_whole = !by,
                                                           .fresh_by_recycled = !by,
                                                           .remap_pages = 8,
                                                           .compactors = compactors,
                                                           .flush_bytes = 64 * page,
                                                           .reserve_pages = 8},
                            i < 0 ? -1 : (int)CALLS[i], i < 0 ? 0 : EFAULT);
    return failures != 0;
}
