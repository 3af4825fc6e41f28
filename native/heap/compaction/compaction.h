/*
 * Concurrent compaction.  One collector thread produces to-space pages from high to low addresses.  Faulting mutators
 * produce the pages that they need at once.  The kernel arbitrates which thread maps a page.  Other compacting threads
 * may produce pages below those of the collector (compactors.c).
 *
 * Follows ART's CMC (art/runtime/gc/collector/mark_compact.cc: CompactMovingSpace, ConcurrentlyProcessMovingPage,
 * MapMovingSpacePages, FreeFromSpacePages).  Departures:
 * - a recycled page is taken after its to-space page has been claimed, not before, so a lost claim wastes no page and
 *   does not break the run;
 * - an error that has no answer ends the cycle (gcp_compaction_recover), where ART aborts the process;
 * - a fault may evacuate the pages of its group (fault_pages), where ART evacuates one;
 * - several threads may compact, where ART has one (compactors);
 * - dense regions after the prefix are moved as they are (plan.h, GCP_KEPT), where ART rebuilds their pages.
 * This code does not know what a page holds: the producer, compiled code of the collector, builds it.
 */
#ifndef GCP_COMPACTION_H
#define GCP_COMPACTION_H

#include <stdint.h>

#include "heap/compaction/adapt.h"
#include "heap/fault_thread.h"
#include "heap/pages.h"
#include "heap/plan.h"
#include "heap/timeline.h"
#include "uffd/uffd.h"
#include "heap/world.h"

/* cdef:begin */

#define GCP_COMPACTORS 4

/* Advice on the folio sizes of memory. */
enum gcp_advice {
    GCP_ADVICE_NONE = 0,  /* the system's choice */
    GCP_ADVICE_SMALL = 1, /* small ones */
    GCP_ADVICE_LARGE = 2, /* large ones, if settings allow them on request */
};

/*
 * map_by:           enum gcp_verb: MOVE with its fallback, COPY alone (ART before MOVE), or REMAP, which needs
 *                   fault_by COPY, fault_pages 1 and register_whole 0
 * fault_by:         how a fault maps a compacted page that it builds: MOVE from a recycled page (ART), or COPY from its
 *                   own buffer of GCP_BUFFER_PAGES
 * ready_by:         MOVE mode: how a fault maps a ready page: MOVE, with its group (ART), or COPY of that page alone
 * early_by:         the same if there is no recycled page, and for slid pages (ART: COPY, 3ea872cadc)
 * fault_pages:      most pages that a fault evacuates, from the aligned group of that size around its own, by one MOVE
 *                   if possible (ART: 1, or any number of ready ones)
 * run_pages:        most pages per ioctl of the collector, 0: no limit (ART)
 * collector_ebusy, mutator_ebusy: enum gcp_on_ebusy, except LEAVE
 * register_whole:   1: register the whole moving space before the flip (ART in move mode), so faults on fresh pages are
 *                   served too.  0: register the part in use after the flip (ART in copy mode), so the kernel provides
 *                   fresh pages
 * fresh_by_recycled: 1: a page without objects becomes a zeroed recycled page, if one is available; 0: always ZEROPAGE
 * handler:          enum gcp_handler
 * flush_bytes:      map what is ready when this much of from-space can be reclaimed (ART: 8 MiB)
 * hold_bytes:       from-space that may be kept beyond that until the drain.  Freeing it earlier costs time and shoot-downs
 *                   while mutators fault (ART: 0)
 * reserve_pages:    recycled pages that are then kept (ART: 128, later 2 MiB)
 * remap_pages:      REMAP: shorter runs are copied
 * advice:           enum gcp_advice for REMAP, where the moving space is a new mapping in each collection
 * granule:          MOVE: pages that are evacuated at once, a power of two.  An aligned granule of the dense prefix, or
 *                   of a later dense region, is claimed, updated and mapped as one; compacted pages are built in
 *                   congruent recycled ones.  1: single pages (ART)
 * large_by:         MOVE: how pages in large folios (gcp_compaction_orders) are mapped: GCP_VERB_MOVE, for which the
 *                   kernel splits the folios, or GCP_VERB_COPY
 * folio:            pages of the heap's folios, 1 for small ones.  A move of a whole folio counts as gcp_account.whole;
 *                   if the granule is larger, a move of a whole granule counts instead
 * whole:            pages of a folio that the kernel moves whole; aligned ones are then moved whatever large_by says;
 *                   0: the kernel moves no large folio whole
 * renew:            1: before pages are built in a granule of recycled pages in small folios, discard it and populate
 *                   it again, in folios of the advised size
 * cut_at_tables:    1: the collector's runs end at the ends of to-space's page tables; 0: anywhere (ART)
 * compactors:       threads that compact, the collector's included: 1 (ART) to GCP_COMPACTORS
 * batch_pages:      the collector builds this many pages in a few recycled ones, which stay in its cache.  It copies them
 *                   at once and builds the next ones there.  0: it builds in other recycled pages and maps them later
 *                   (ART)
 * spin:             times that a fault polls a page of another thread before it first yields (ART: 0)
 * dense_first:      1: the dense prefix is mapped before compacted pages are built; 0: after them (ART)
 * adapt:            MOVE: 1: the measured costs of calls and faults (adapt.h) choose how each run is mapped, whether
 *                   compacted pages are built for COPY, and how many pages a fault evacuates.  They replace fault_by,
 *                   ready_by, early_by, fault_pages and large_by
 * delivery_ns:      adapt: cost of a fault for a mutator, without its handler
 * interrupt_ns:     adapt: cost of a MOVE for mutators on other processors, which it interrupts
 */
struct gcp_compaction_policy {
    uint32_t map_by;
    uint32_t fault_by;
    uint32_t ready_by;
    uint32_t early_by;
    uint32_t fault_pages;
    uint32_t run_pages;
    uint32_t collector_ebusy;
    uint32_t mutator_ebusy;
    uint32_t register_whole;
    uint32_t fresh_by_recycled;
    uint32_t handler;
    uint64_t flush_bytes;
    uint64_t hold_bytes;
    uint64_t reserve_pages;
    uint64_t remap_pages;
    uint64_t granule;
    uint64_t folio;
    uint64_t whole;
    uint32_t large_by;
    uint32_t advice;
    uint32_t renew;
    uint32_t cut_at_tables;
    uint32_t compactors;
    uint32_t batch_pages;
    uint32_t spin;
    uint32_t dense_first;
    uint32_t adapt;
    uint64_t delivery_ns;
    uint64_t interrupt_ns;
};

/*
 * What the collector thread, and compacting threads beside it, did in one cycle.
 * account: pages and ioctls;  updated, built, slid, empty: pages that it produced, by kind
 * recycled, discarded: pages taken from the window, and pages discarded
 * renewed: recycled pages that were populated again; renew_ns: the time for it
 * runs:    pages per ioctl;  flushes: times that it mapped what was ready;  map_ns: time of the ioctls that mapped
 * queued_ns: time that the collector's thread waited for a processor during the sweep, 0 if the kernel does not report it
 * helped:  pages that other compacting threads than the collector's produced
 * work:    by enum gcp_work_kind, of the collector's thread; the work of the other threads is not counted
 */
struct gcp_swept {
    struct gcp_account account;
    uint64_t updated;
    uint64_t built;
    uint64_t slid;
    uint64_t empty;
    uint64_t recycled;
    uint64_t discarded;
    uint64_t renewed;
    uint64_t renew_ns;
    uint64_t flushes;
    uint64_t recovered;
    uint64_t map_ns;
    uint64_t queued_ns;
    uint64_t helped;
    struct gcp_histogram runs;
    struct gcp_tally work[GCP_WORK_COUNT];
};

/*
 * Builds the contents of to-space page `index` at `destination`; a dense-prefix page is updated in place in from-space.
 */
typedef void (*gcp_producer)(struct gcp_plan *plan, uint64_t index, uint64_t destination);

struct gcp_compaction;

/*
 * For spaces of `bytes` at `to` and `from`.  Opens a userfaultfd and installs the fault service.  On failure returns
 * NULL and an errno in *ret_err; gcp_compaction_reason(NULL) says what failed.
 */
struct gcp_compaction *gcp_compaction_create(uint64_t to, uint64_t from, uint64_t bytes,
                                             const struct gcp_compaction_policy *policy, int32_t *ret_err);
void gcp_compaction_destroy(struct gcp_compaction *compaction);

/* The plan to fill in before the flip. */
struct gcp_plan *gcp_compaction_plan(struct gcp_compaction *compaction);

/*
 * The flip, with the world stopped: register and mremap, in the order that the mode needs.  0, or -errno; after an
 * error nothing has moved, and nothing is registered.
 */
int32_t gcp_compaction_flip(struct gcp_compaction *compaction);

/*
 * The order of each page's folio, as far as known, to be filled in before each flip; initially all zero.
 */
uint8_t *gcp_compaction_orders(struct gcp_compaction *compaction);

/*
 * Serve faults from now on; call before the world is started.
 * produce: builds a page that a mutator waits for
 * ahead:   the same for the collector thread, which sweeps from high pages to low ones
 */
void gcp_compaction_open(struct gcp_compaction *compaction, gcp_producer produce, gcp_producer ahead);

/* The collector thread's part.  Returns 0 when every page with objects is mapped, or -errno. */
int32_t gcp_compaction_sweep(struct gcp_compaction *compaction, struct gcp_swept *ret);

/* After the sweep: drain, unregister, drain.  0, or -errno of the unregistration or of a handler that can't go on. */
int32_t gcp_compaction_close(struct gcp_compaction *compaction);

/*
 * After an error, with the world stopped (handlers that can't go on count as stopped): unregister, and write every
 * unmapped page by plain stores.  0, or -errno if unregistering fails too.
 */
int32_t gcp_compaction_recover(struct gcp_compaction *compaction, struct gcp_swept *ret);

/*
 * Without userfaultfd, after the flip, with the world stopped: write every page by plain stores (ART's fallback mode).
 */
void gcp_compaction_store_all(struct gcp_compaction *compaction, gcp_producer produce, struct gcp_swept *ret);

/* Discard all of from-space, and reset the page states.  0 or -errno. */
int32_t gcp_compaction_release(struct gcp_compaction *compaction);

/* Only mremap(DONTUNMAP), for stop-the-world compaction.  0 or -errno. */
int32_t gcp_compaction_remap(struct gcp_compaction *compaction);

/* How each page of to-space was mapped in the last collection: enum gcp_fate. */
const uint8_t *gcp_compaction_fates(const struct gcp_compaction *compaction);

/* What failed, in words; "" if nothing did. */
const char *gcp_compaction_reason(const struct gcp_compaction *compaction);

/* What it has learned, if its policy adapts. */
const struct gcp_adapt *gcp_compaction_adapt(const struct gcp_compaction *compaction);

/* Events of the collector thread: runs mapped, memory discarded. */
struct gcp_timeline *gcp_compaction_timeline(struct gcp_compaction *compaction);

/*
 * The handler thread, if the policy has one.  _helper: the account of the faults that it answered.  _helper_cpu: its
 * CPU time so far and that of compacting threads beside the collector's, in ns.  _helper_pin: bind it to a processor, before the first collection (-1: don't); 0, or -errno,
 * -ESRCH if there is no thread.  _helper_ran: where it ran; ask between collections.
 */
struct gcp_mutator *gcp_compaction_helper(struct gcp_compaction *compaction);
uint64_t gcp_compaction_helper_cpu(const struct gcp_compaction *compaction);
int32_t gcp_compaction_helper_pin(struct gcp_compaction *compaction, int32_t cpu);
struct gcp_ran gcp_compaction_helper_ran(const struct gcp_compaction *compaction);

/*
 * Bind the compacting thread `number`, from 0 on beside the collector's own, to a processor from the next collection on
 * (-1: don't).  0, or -ESRCH if the policy has no such thread.
 */
int32_t gcp_compaction_compactor_pin(struct gcp_compaction *compaction, uint32_t number, int32_t cpu);

/* cdef:end */

#endif
