/*
 * Mutators and the world that they can be stopped in: safepoints, thread-local allocation buffers, waiting for memory.
 *
 * Fields that compiled mutator code reads and writes (tlab, tlab_end, stop, ...) are plain integers at fixed offsets;
 * everything that takes more than a few instructions is a function here.  Threads wait in futexes; none of this runs in
 * the fault handler but gcp_mutator_block and gcp_mutator_unblock, when a collection has failed.
 */
#ifndef GCP_WORLD_H
#define GCP_WORLD_H

#include <stdint.h>

#include "base/histogram.h"
#include "heap/pages.h"
#include "heap/timeline.h"
#include "heap/work.h"

/* cdef:begin */

#define GCP_WORLD_MUTATORS 64
#define GCP_BUFFER_PAGES 16

/*
 * stop:       mutators park at their next safepoint while this is not 0
 * running:    mutators that are not parked (futex of the one who stops the world)
 * wanted:     number of the collection that somebody waits for (futex of the collector)
 * begun, freed: collections so far, and those that have made room (futex of those who wait for memory): the flip does,
 *             long before the last page has been evacuated;  collecting: 1 from the begin to the end of one
 * closing:    nobody waits for a collection any more: allocation fails
 * begin, limit, top: addresses of the moving space: all of it, and where the next buffer is cut
 * room:       bytes that were free right after the last collection, before anybody could allocate again
 * trigger:    a collection is wanted once top is beyond this address
 * tlab_bytes: size of an allocation buffer; what is larger than a quarter of it is allocated by itself
 * cards:      address of the card table, a byte for each GCP_CARD_BYTES of the space
 * written:    address of a bitmap of words that mutators have stored to, 0 while nobody verifies
 * requested_ns, stopped_ns, restarted_ns: of the last pause, when mutators were asked to stop, when the one who stops
 *             them saw that they had, and the last moment before they could run again
 */
struct gcp_world {
    uint32_t stop;
    uint32_t running;
    uint32_t wanted;
    uint32_t begun;
    uint32_t freed;
    uint32_t collecting;
    uint32_t closing;
    uint32_t mutators;
    uint32_t oom;
    uint64_t begin;
    uint64_t limit;
    uint64_t top;
    uint64_t room;
    uint64_t trigger;
    uint64_t tlab_bytes;
    uint64_t cards;
    uint64_t written;
    uint64_t requested_ns;
    uint64_t stopped_ns;
    uint64_t restarted_ns;
    uint64_t mutator[GCP_WORLD_MUTATORS];
};

/*
 * One mutator; only its own thread writes it, but for the slide of its buffer while the world is stopped.
 * world:      address of the world
 * tlab, tlab_end: free part of its allocation buffer
 * roots, root_count: its root slots, of 8 bytes
 * inside:     1 between gcp_mutator_enter and gcp_mutator_leave
 * allocated_bytes, allocated_objects, digest: of what it allocated, in order
 * buffer:     GCP_BUFFER_PAGES pages in which its faults build contents
 * ended_ns:   when its workload was through (gcp_mutator_ended), by a clock that is read before anything else
 * faults:     that it had so far
 * fault, pause, wait: how long its faults, its stops at safepoints and its waits for memory took, since
 *             gcp_mutator_measure
 * account:    of its faults
 * built, slid, updated, fresh: pages that its faults produced or gave it
 * waited:     faults that found the page in somebody else's hands
 * stalls:     by enum gcp_event_kind, all that kept it from running: its pauses, waits for memory and faults; pages are
 *             those that the fault produced
 * work:       by enum gcp_work_kind, what its faults did
 */
struct gcp_mutator {
    uint64_t world;
    uint64_t number;
    uint64_t tlab;
    uint64_t tlab_end;
    uint64_t roots;
    uint64_t root_count;
    uint64_t inside;
    uint64_t allocated_bytes;
    uint64_t allocated_objects;
    uint64_t digest;
    uint64_t operations;
    uint64_t buffer;
    uint64_t ended_ns;
    uint64_t cpu_ns;
    struct gcp_histogram fault;
    struct gcp_histogram pause;
    struct gcp_histogram wait;
    struct gcp_account account;
    uint64_t built;
    uint64_t slid;
    uint64_t updated;
    uint64_t fresh;
    uint64_t waited;
    uint64_t faults;
    struct gcp_tally stalls[GCP_EVENT_COUNT];
    struct gcp_tally work[GCP_WORK_COUNT];
    struct gcp_timeline timeline;
};

/* All zero but for the numbers given; the spaces are the caller's.  NULL without memory. */
struct gcp_world *gcp_world_create(uint64_t begin, uint64_t limit, uint64_t tlab_bytes, uint64_t cards);
void gcp_world_destroy(struct gcp_world *world);

/* Another mutator with `roots` slots and room for `events` events; NULL without memory or beyond GCP_WORLD_MUTATORS. */
struct gcp_mutator *gcp_mutator_create(struct gcp_world *world, uint64_t roots, uint64_t events);

/* The calling thread is this mutator from here on.  It waits while the world is stopped: a pause like any other. */
void gcp_mutator_enter(struct gcp_mutator *mutator);
void gcp_mutator_leave(struct gcp_mutator *mutator);

/* Its histograms begin anew, while it is not inside. */
void gcp_mutator_measure(struct gcp_mutator *mutator);

/*
 * Its workload is through: the time of that, and its CPU time so far.  Compiled code calls it as the last thing, as
 * Python comes to read a clock when it has got the GIL back.
 */
void gcp_mutator_ended(struct gcp_mutator *mutator);

/* The safepoint, once `stop` has been seen: waits until the world is started again. */
void gcp_mutator_park(struct gcp_mutator *mutator);

/*
 * Room for `bytes` (a multiple of 8): from a new buffer, or by itself.  Waits for a collection if there is none; the
 * address, or 0 if collections that began after the first try have not made room either.
 */
uint64_t gcp_mutator_refill(struct gcp_mutator *mutator, uint64_t bytes);

/* Stop all mutators; returns when none runs.  Start them again.  Both note the time in the world. */
void gcp_world_stop(struct gcp_world *world);
void gcp_world_start(struct gcp_world *world);

/* With the world stopped: mutators give their buffers back. */
void gcp_world_retire(struct gcp_world *world);

/* With the world stopped: buffers from `from` on slide down by `by` bytes. */
void gcp_world_slide(struct gcp_world *world, uint64_t from, uint64_t by);

/*
 * The collector: wait until a collection is wanted, at most `ms`; 1 if one is.  It has begun.  It has made room, with
 * the world stopped and `top` as it is to be.  It has ended.
 */
int32_t gcp_world_await(struct gcp_world *world, uint32_t ms);
void gcp_world_begin(struct gcp_world *world);
void gcp_world_freed(struct gcp_world *world);
void gcp_world_finish(struct gcp_world *world);

/* Ask for a collection without waiting.  No more collections: who waits for memory fails. */
void gcp_world_ask(struct gcp_world *world);
void gcp_world_close(struct gcp_world *world);

/* cdef:end */

/* Which mutator this thread is; NULL for other threads. */
struct gcp_mutator *gcp_mutator_self(void);

/* This thread is not running any more, as far as stopping the world goes, and must touch nothing; it is again. */
void gcp_mutator_block(struct gcp_mutator *mutator);
void gcp_mutator_unblock(struct gcp_mutator *mutator);

#endif
