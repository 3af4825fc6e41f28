/*
 * Mutators and the world, which can be stopped: safepoints, thread-local allocation buffers, waiting for memory.
 *
 * Fields that compiled mutator code reads and writes (tlab, tlab_end, stop, ...) are plain integers at fixed offsets;
 * every longer operation is a function here.  Threads wait in futexes.  Of these functions, the fault handler calls
 * only gcp_mutator_block and gcp_mutator_unblock, after a collection has failed.
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

struct gcp_mutator;

/*
 * stop:       mutators park at their next safepoint while this is not 0
 * running:    mutators that are not parked (futex of the thread that stops the world)
 * wanted:     number of the collection that was last requested (futex of the collector)
 * begun, freed: collections begun, and collections that have made room (futex of mutators that wait for memory).  The
 *             flip makes room, long before the last page is evacuated.  collecting: 1 from begin to end of one
 * closing:    no more collections: an allocation that finds no room fails
 * partial:    1 if the last collection was of a part of the heap: its room does not say that memory is out
 * vain:       1 once a mutator has found that such a collection made no room for it; the collector sets it to 0
 * begin, limit, top: addresses of the moving space: its bounds, and the start of the next buffer
 * room:       bytes that were free right after the last collection, before the next allocation
 * trigger:    a collection is wanted once top is beyond this address
 * tlab_bytes: size of an allocation buffer; an object larger than a quarter of it gets its own range
 * cards:      address of the card table, a byte for each GCP_CARD_BYTES of the space
 * written:    address of a bitmap of the words that mutators have stored to; 0 unless a verification runs
 * requested_ns, stopped_ns, restarted_ns: of the last pause: when mutators were asked to stop, when the last one had
 *             stopped, and the last moment before they could run again
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
    uint32_t partial;
    uint32_t vain;
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
    struct gcp_mutator *mutator[GCP_WORLD_MUTATORS];
};

/*
 * One mutator; only its own thread writes it, except for the slide of its buffer while the world is stopped.
 * world:      the world it runs in
 * tlab, tlab_end: free part of its allocation buffer
 * roots, root_count: its root slots, of 8 bytes
 * inside:     1 between gcp_mutator_enter and gcp_mutator_leave
 * allocated_bytes, allocated_objects: of what it allocated;  digest: of that in order, and of what its workload noted
 * buffer:     GCP_BUFFER_PAGES pages in which its faults build contents
 * ended_ns:   when its workload ended (gcp_mutator_ended); the clock is read before anything else
 * faults:     number of faults so far
 * fault, pause, wait: durations of its faults, its stops at safepoints and its waits for memory, since
 *             gcp_mutator_measure
 * account:    of its faults
 * built, slid, updated, fresh: pages that its faults produced or gave it
 * waited:     faults that waited for another thread to finish the page
 * stalls:     by enum gcp_event_kind, all that kept it from running: its pauses, waits for memory and faults; pages are
 *             those that the fault produced
 * work:       by enum gcp_work_kind, the work of its faults
 */
struct gcp_mutator {
    struct gcp_world *world;
    uint64_t number;
    uint64_t tlab;
    uint64_t tlab_end;
    uint64_t *roots;
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

/* All zero except the numbers given; the caller owns the spaces.  NULL without memory. */
struct gcp_world *gcp_world_create(uint64_t begin, uint64_t limit, uint64_t tlab_bytes, uint64_t cards);
void gcp_world_destroy(struct gcp_world *world);

/* Another mutator with `roots` slots and room for `events` events; NULL without memory or beyond GCP_WORLD_MUTATORS. */
struct gcp_mutator *gcp_mutator_create(struct gcp_world *world, uint64_t roots, uint64_t events);

/* The calling thread becomes this mutator.  If the world is stopped, it waits; that is a pause like any other. */
void gcp_mutator_enter(struct gcp_mutator *mutator);
void gcp_mutator_leave(struct gcp_mutator *mutator);

/* Clear its histograms; it must not be inside. */
void gcp_mutator_measure(struct gcp_mutator *mutator);

/*
 * Its workload has ended: note the time and its CPU time.  Compiled code calls this last; Python could read a clock
 * only after it has taken the GIL again.
 */
void gcp_mutator_ended(struct gcp_mutator *mutator);

/* The slow path of a safepoint, after `stop` has been seen: wait until the world is started again. */
void gcp_mutator_park(struct gcp_mutator *mutator);

/*
 * Room for `bytes` (a multiple of 8), from a new buffer or as its own range.  Waits for a collection if there is none.
 * Returns the address, or 0 if collections that began after the first try made no room either.
 */
uint64_t gcp_mutator_refill(struct gcp_mutator *mutator, uint64_t bytes);

/* Stop all mutators, and return when none runs; start them again.  Both record the time in the world. */
void gcp_world_stop(struct gcp_world *world);
void gcp_world_start(struct gcp_world *world);

/* With the world stopped: mutators drop their allocation buffers. */
void gcp_world_retire(struct gcp_world *world);

/* With the world stopped: buffers at or above `from` slide down by `by` bytes. */
void gcp_world_slide(struct gcp_world *world, uint64_t from, uint64_t by);

/*
 * For the collector.  _await: wait at most `ms` until a collection is wanted; 1 if one is.  _begin: it has begun.
 * _freed: it has made room; the world is stopped and `top` has its new value.  _finish: it has ended.
 */
int32_t gcp_world_await(struct gcp_world *world, uint32_t ms);
void gcp_world_begin(struct gcp_world *world);
void gcp_world_freed(struct gcp_world *world);
void gcp_world_finish(struct gcp_world *world);

/* _ask: request a collection without waiting.  _close: no more collections; a mutator that waits for memory fails. */
void gcp_world_ask(struct gcp_world *world);
void gcp_world_close(struct gcp_world *world);

/* cdef:end */

/* The calling thread's mutator; NULL for other threads. */
struct gcp_mutator *gcp_mutator_self(void);

/* _block: the thread counts as stopped, and must not touch the heap.  _unblock: it runs again. */
void gcp_mutator_block(struct gcp_mutator *mutator);
void gcp_mutator_unblock(struct gcp_mutator *mutator);

#endif
