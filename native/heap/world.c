#define _GNU_SOURCE
#include "heap/world.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/futex.h"
#include "base/platform.h"
#include "base/address.h"

/*
 * Allocation fails after this many collections in a row without room: a single one may keep the garbage of other
 * mutators.
 */
#define TIGHT_COLLECTIONS 3

static _Thread_local struct gcp_mutator *self;

struct gcp_mutator *gcp_mutator_self(void)
{
    return self;
}

static uint32_t load(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static uint64_t buffer_bytes(void)
{
    return GCP_BUFFER_PAGES * (uint64_t)sysconf(_SC_PAGESIZE);
}

struct gcp_world *gcp_world_create(uint64_t begin, uint64_t limit, uint64_t tlab_bytes, uint64_t cards)
{
    struct gcp_world *world = calloc(1, sizeof(*world));
    if (!world)
        return NULL;
    world->begin = world->top = begin;
    world->limit = world->trigger = limit;
    world->tlab_bytes = tlab_bytes;
    world->cards = cards;
    return world;
}

void gcp_world_destroy(struct gcp_world *world)
{
    if (!world)
        return;
    for (uint32_t i = 0; i < world->mutators; i++) {
        struct gcp_mutator *mutator = world->mutator[i];
        gcp_timeline_deinit(&mutator->timeline);
        free(mutator->roots);
        gcp_region_free(gcp_at(mutator->buffer), buffer_bytes());
        free(mutator);
    }
    free(world);
}

struct gcp_mutator *gcp_mutator_create(struct gcp_world *world, uint64_t roots, uint64_t events)
{
    if (world->mutators == GCP_WORLD_MUTATORS)
        return NULL;
    struct gcp_mutator *mutator = calloc(1, sizeof(*mutator));
    if (!mutator)
        return NULL;
    mutator->world = world;
    mutator->number = world->mutators;
    mutator->roots = calloc(roots, sizeof(uint64_t));
    mutator->root_count = roots;
    mutator->buffer = gcp_address_of(gcp_region_alloc(buffer_bytes(), 0));
    if (!mutator->roots || !mutator->buffer || gcp_timeline_init(events, &mutator->timeline) < 0) {
        free(mutator->roots);
        gcp_region_free(gcp_at(mutator->buffer), buffer_bytes());
        free(mutator);
        return NULL;
    }
    world->mutator[world->mutators++] = mutator;
    return mutator;
}

/*
 * The thread that stops the world sets `stop`, then reads `running`.  A thread that wants to run increments `running`,
 * then reads `stop`.  Both are sequentially consistent, so at least one sees the other.
 */
void gcp_mutator_block(struct gcp_mutator *mutator)
{
    struct gcp_world *world = mutator->world;
    if (__atomic_sub_fetch(&world->running, 1, __ATOMIC_SEQ_CST) == 0 && load(&world->stop))
        gcp_futex_wake(&world->running);
}

/* Whether it had to wait. */
static bool run_again(struct gcp_mutator *mutator)
{
    struct gcp_world *world = mutator->world;
    for (bool waited = false;; waited = true) {
        uint32_t stopped;
        while ((stopped = load(&world->stop))) {
            gcp_futex_wait(&world->stop, stopped, 0);
            waited = true;
        }
        __atomic_add_fetch(&world->running, 1, __ATOMIC_SEQ_CST);
        if (!load(&world->stop))
            return waited;
        gcp_mutator_block(mutator);
    }
}

void gcp_mutator_unblock(struct gcp_mutator *mutator)
{
    run_again(mutator);
}

static void record_pause(struct gcp_mutator *mutator, uint64_t begin)
{
    uint64_t end = gcp_now();
    gcp_histogram_record(&mutator->pause, end - begin);
    gcp_tally_add(&mutator->stalls[GCP_EVENT_PAUSE], 0, end - begin);
    gcp_timeline_record(&mutator->timeline, GCP_EVENT_PAUSE, begin, end, 0);
}

void gcp_mutator_enter(struct gcp_mutator *mutator)
{
    uint64_t begin = gcp_now();
    self = mutator;
    mutator->inside = 1;
    if (run_again(mutator))
        record_pause(mutator, begin);
}

void gcp_mutator_measure(struct gcp_mutator *mutator)
{
    memset(&mutator->fault, 0, sizeof(mutator->fault));
    memset(&mutator->pause, 0, sizeof(mutator->pause));
    memset(&mutator->wait, 0, sizeof(mutator->wait));
}

void gcp_mutator_ended(struct gcp_mutator *mutator)
{
    mutator->ended_ns = gcp_now();
    mutator->cpu_ns = gcp_thread_cpu();
}

void gcp_mutator_leave(struct gcp_mutator *mutator)
{
    mutator->inside = 0;
    gcp_mutator_block(mutator);
    self = NULL;
}

void gcp_mutator_park(struct gcp_mutator *mutator)
{
    uint64_t begin = gcp_now();
    gcp_mutator_block(mutator);
    run_again(mutator);
    record_pause(mutator, begin);
}

void gcp_world_ask(struct gcp_world *world)
{
    uint32_t next = load(&world->begun) + 1, now = load(&world->wanted);
    while (now < next)
        if (__atomic_compare_exchange_n(&world->wanted, &now, next, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
            gcp_futex_wake(&world->wanted);
            return;
        }
}

/* The next `bytes` of the space, or 0. */
static uint64_t bump(struct gcp_world *world, uint64_t bytes)
{
    uint64_t top = __atomic_load_n(&world->top, __ATOMIC_RELAXED);
    do {
        if (bytes > world->limit - top)
            return 0;
    } while (!__atomic_compare_exchange_n(&world->top, &top, top + bytes, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    if (top + bytes > __atomic_load_n(&world->trigger, __ATOMIC_RELAXED) && !load(&world->collecting))
        gcp_world_ask(world);
    return top;
}

static uint64_t take(struct gcp_mutator *mutator, uint64_t bytes)
{
    struct gcp_world *world = mutator->world;
    if (bytes > world->tlab_bytes / 4)
        return bump(world, bytes);
    uint64_t start = bump(world, world->tlab_bytes);
    if (!start)
        return bump(world, bytes); /* the last bytes of the space go to single objects */
    mutator->tlab = start + bytes;
    mutator->tlab_end = start + world->tlab_bytes;
    return start;
}

uint64_t gcp_mutator_refill(struct gcp_mutator *mutator, uint64_t bytes)
{
    struct gcp_world *world = mutator->world;
    uint64_t found = take(mutator, bytes);
    if (found)
        return found;

    uint64_t begin = gcp_now();
    /* A collection that is already running may have marked what is garbage by now: only later ones count. */
    uint32_t counted = load(&world->begun), tight = 0;
    while (!load(&world->closing)) {
        uint32_t freed = load(&world->freed);
        /* If other threads took the room, wait again; if there was too little room in any case, give up. */
        if ((int32_t)(freed - counted) > 0) {
            bool too_little = __atomic_load_n(&world->room, __ATOMIC_ACQUIRE) < bytes;
            counted = freed;
            if (too_little && load(&world->partial))
                __atomic_store_n(&world->vain, 1, __ATOMIC_SEQ_CST); /* a full collection decides */
            else
                tight = too_little ? tight + 1 : 0;
        }
        found = take(mutator, bytes);
        if (found || tight == TIGHT_COLLECTIONS)
            break;
        gcp_world_ask(world);
        gcp_mutator_block(mutator);
        if (!load(&world->closing))
            gcp_futex_wait(&world->freed, freed, 100); /* also sees `closing` */
        gcp_mutator_unblock(mutator);
    }
    uint64_t end = gcp_now();
    gcp_histogram_record(&mutator->wait, end - begin);
    gcp_tally_add(&mutator->stalls[GCP_EVENT_ALLOCATION], 0, end - begin);
    gcp_timeline_record(&mutator->timeline, GCP_EVENT_ALLOCATION, begin, end, 0);
    if (!found)
        __atomic_store_n(&world->oom, 1, __ATOMIC_RELAXED);
    return found;
}

void gcp_world_stop(struct gcp_world *world)
{
    uint32_t running;
    world->requested_ns = gcp_now();
    __atomic_store_n(&world->stop, 1, __ATOMIC_SEQ_CST);
    while ((running = load(&world->running)))
        gcp_futex_wait(&world->running, running, 1);
    world->stopped_ns = gcp_now();
}

void gcp_world_start(struct gcp_world *world)
{
    /* Read before the store: after it, or after the system call, a mutator may have taken this processor. */
    world->restarted_ns = gcp_now();
    __atomic_store_n(&world->stop, 0, __ATOMIC_SEQ_CST);
    gcp_futex_wake(&world->stop);
}

void gcp_world_retire(struct gcp_world *world)
{
    for (uint32_t i = 0; i < world->mutators; i++)
        world->mutator[i]->tlab = world->mutator[i]->tlab_end = 0;
}

void gcp_world_slide(struct gcp_world *world, uint64_t from, uint64_t by)
{
    for (uint32_t i = 0; i < world->mutators; i++) {
        struct gcp_mutator *mutator = world->mutator[i];
        if (mutator->tlab_end > from) {
            mutator->tlab -= by;
            mutator->tlab_end -= by;
        }
    }
}

int32_t gcp_world_await(struct gcp_world *world, uint32_t ms)
{
    uint32_t wanted = load(&world->wanted);
    if (wanted <= load(&world->begun))
        gcp_futex_wait(&world->wanted, wanted, ms);
    return load(&world->wanted) > load(&world->begun);
}

void gcp_world_begin(struct gcp_world *world)
{
    __atomic_store_n(&world->collecting, 1, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&world->begun, 1, __ATOMIC_SEQ_CST);
}

void gcp_world_freed(struct gcp_world *world)
{
    __atomic_store_n(&world->room, world->limit - world->top, __ATOMIC_RELEASE);
    __atomic_store_n(&world->freed, load(&world->begun), __ATOMIC_SEQ_CST);
    gcp_futex_wake(&world->freed);
}

void gcp_world_finish(struct gcp_world *world)
{
    __atomic_store_n(&world->collecting, 0, __ATOMIC_SEQ_CST);
}

void gcp_world_close(struct gcp_world *world)
{
    __atomic_store_n(&world->closing, 1, __ATOMIC_SEQ_CST);
    gcp_futex_wake(&world->freed);
}
