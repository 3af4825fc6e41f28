/*
 * Concurrent compaction: one collector thread produces to-space pages from high to low addresses, faulting mutators
 * produce those that they need first, and the kernel arbitrates who maps a page.
 *
 * Follows ART's CMC (art/runtime/gc/collector/mark_compact.cc: CompactMovingSpace, ConcurrentlyProcessMovingPage,
 * MapMovingSpacePages, FreeFromSpacePages).  Departures:
 * - a recycled page is taken after its to-space page has been claimed, not before, so that a lost claim wastes none and
 *   does not break the run;
 * - an error that has no answer ends the cycle (gcp_compaction_recover) where ART aborts the process;
 * - a fault may evacuate the pages of its group (fault_pages), where ART evacuates one;
 * - dense regions behind the prefix are moved as they are (plan.h, GCP_KEPT), where ART builds their pages anew.
 * What a page holds is not known here: the producer, compiled code of the collector's, builds it.
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

/* Which folios memory is to be made of. */
enum gcp_advice {
    GCP_ADVICE_NONE = 0,  /* what the system gives */
    GCP_ADVICE_SMALL = 1, /* small ones */
    GCP_ADVICE_LARGE = 2, /* large ones where settings allow them on request */
};

/*
 * map_by:           enum gcp_verb: MOVE with its fallback, COPY alone (ART before MOVE), or REMAP, which needs
 *                   fault_by COPY, fault_pages 1 and register_whole 0
 * fault_by:         how a fault maps pages that it produces: MOVE, compacted ones out of recycled pages (ART), or COPY,
 *                   compacted ones out of its own buffer, which holds GCP_BUFFER_PAGES
 * ready_by:         MOVE mode: how a fault maps a page that is ready: MOVE, with its group (ART), or COPY of it alone
 * early_by:         the same where there is no recycled page, and for slid pages (ART: COPY, 3ea872cadc)
 * fault_pages:      pages of the aligned group around it that a fault evacuates at most, by one MOVE where it can be
 *                   (ART: 1, or any number of ready ones)
 * run_pages:        pages per ioctl of the collector at most, 0: no limit (ART)
 * collector_ebusy, mutator_ebusy: enum gcp_on_ebusy, all but LEAVE
 * register_whole:   1: all of the moving space, before the flip (ART in move mode): fresh pages are faults that are
 *                   served as well; 0: the part in use, after it (ART in copy mode): fresh pages are the kernel's
 * fresh_by_recycled: 1: a page without objects is a zeroed recycled page where there is one; 0: ZEROPAGE always
 * handler:          enum gcp_handler
 * flush_bytes:      map what is ready once so much of from-space can be reclaimed (ART: 8 MiB)
 * hold_bytes:       so much of from-space may be kept beyond that until the drain: giving it back earlier costs time and
 *                   shoot-downs while mutators fault (ART: 0)
 * reserve_pages:    recycled pages that are kept then (ART: 128, later 2 MiB)
 * remap_pages:      REMAP: shorter runs are copied
 * advice:           enum gcp_advice: REMAP: the moving space is a new mapping in each collection, and advised so
 * granule:          MOVE: pages that are evacuated at once, a power of two: an aligned granule of the dense prefix, or
 *                   of a dense region behind it, is claimed, updated and mapped as one, and compacted pages are built
 *                   in recycled ones that are congruent with them; 1: pages (ART)
 * large_by:         MOVE: how pages that lie in large folios are mapped, see gcp_compaction_orders: GCP_VERB_MOVE,
 *                   for which the kernel splits them, or GCP_VERB_COPY
 * folio:            pages of the folios that the heap's memory is made of, 1 for small ones: a move that takes all of
 *                   one counts as gcp_account.whole; unless the granule is larger, which counts then
 * whole:            pages of a folio that the kernel moves whole, so that aligned ones are moved whatever large_by
 *                   says; 0: it has none
 * renew:            1: granules of recycled pages in small folios are given back and populated anew, in the folios
 *                   that from-space has been advised to have, before pages are built in them
 * cut_at_tables:    1: the collector's runs end where a page table of to-space does; 0: wherever they end (ART)
 * batch_pages:      the collector builds so many pages in a few recycled ones, which stay in its cache, copies them at
 *                   once and builds the next ones there; 0: it builds in ever new ones and maps them later (ART)
 * spin:             times that a fault looks at a page in another thread's hands before it first yields (ART: 0)
 * dense_first:      1: the dense prefix is mapped before compacted pages are built; 0: after them (ART)
 * adapt:            MOVE: 1: by what calls and faults have cost so far (adapt.h) it is chosen how each run is mapped,
 *                   whether compacted pages are built for COPY, and how many pages a fault evacuates, in place of
 *                   fault_by, ready_by, early_by, fault_pages and large_by
 * delivery_ns:      adapt: what a fault costs a mutator besides its handler
 * interrupt_ns:     adapt: what a MOVE costs mutators on other processors, by interrupting them
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
    uint32_t batch_pages;
    uint32_t spin;
    uint32_t dense_first;
    uint32_t adapt;
    uint64_t delivery_ns;
    uint64_t interrupt_ns;
};

/*
 * What the collector thread did in one cycle.
 * account: pages and ioctls;  updated, built, slid, empty: pages that it produced, by kind
 * recycled, discarded: pages taken from the window, and given back to the system
 * renewed: recycled pages that were populated anew, and renew_ns: the time for it
 * runs:    pages per ioctl;  flushes: times that it mapped what was ready;  map_ns: the ioctls that mapped
 * queued_ns: that it waited for a processor during the sweep, 0 where the kernel does not say
 * work:    by enum gcp_work_kind
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
    struct gcp_histogram runs;
    struct gcp_tally work[GCP_WORK_COUNT];
};

/* Builds the contents of to-space page `index` at `destination`; of a dense-prefix page, in place in from-space. */
typedef void (*gcp_producer)(struct gcp_plan *plan, uint64_t index, uint64_t destination);

struct gcp_compaction;

/*
 * For spaces of `bytes` at `to` and `from`.  Opens a userfaultfd and installs the fault service.  NULL and *ret_err
 * (errno): what failed is in gcp_compaction_reason(NULL).
 */
struct gcp_compaction *gcp_compaction_create(uint64_t to, uint64_t from, uint64_t bytes,
                                             const struct gcp_compaction_policy *policy, int32_t *ret_err);
void gcp_compaction_destroy(struct gcp_compaction *compaction);

/* The plan to fill in before the flip. */
struct gcp_plan *gcp_compaction_plan(struct gcp_compaction *compaction);

/*
 * The flip, with the world stopped: register and mremap, in the order that the mode needs.  0, or -errno: then nothing
 * has moved, and nothing is registered.
 */
int32_t gcp_compaction_flip(struct gcp_compaction *compaction);

/*
 * What is known of the folios of the space, to be filled in before each flip: of each page, log2 of the pages of the
 * folio that it lies in; all are zero at first.
 */
uint8_t *gcp_compaction_orders(struct gcp_compaction *compaction);

/* Faults are served from here on; call before the world is started. */
void gcp_compaction_open(struct gcp_compaction *compaction, gcp_producer produce);

/* The collector thread's part.  0 when every page with objects is mapped, or -errno. */
int32_t gcp_compaction_sweep(struct gcp_compaction *compaction, struct gcp_swept *ret);

/* After the sweep: drain, unregister, drain.  0, or -errno of the unregistration or of a handler that can't go on. */
int32_t gcp_compaction_close(struct gcp_compaction *compaction);

/*
 * After an error, with the world stopped (handlers that can't go on count as stopped): unregister, and put every page
 * that is not mapped yet into its place by plain stores.  0, or -errno if the range can't even be unregistered.
 */
int32_t gcp_compaction_recover(struct gcp_compaction *compaction, struct gcp_swept *ret);

/* Without userfaultfd, with the world stopped: every page by plain stores (ART's fallback mode).  After the flip. */
void gcp_compaction_store_all(struct gcp_compaction *compaction, gcp_producer produce, struct gcp_swept *ret);

/* Give all of from-space back to the system, and forget the page states.  0 or -errno. */
int32_t gcp_compaction_release(struct gcp_compaction *compaction);

/* mremap(DONTUNMAP) alone, for stop-the-world compaction.  0 or -errno. */
int32_t gcp_compaction_remap(struct gcp_compaction *compaction);

/* How each page of to-space was mapped in the last collection: enum gcp_fate. */
const uint8_t *gcp_compaction_fates(const struct gcp_compaction *compaction);

/* What failed, in words, "" if nothing did. */
const char *gcp_compaction_reason(const struct gcp_compaction *compaction);

/* What it has learned, where its policy adapts. */
const struct gcp_adapt *gcp_compaction_adapt(const struct gcp_compaction *compaction);

/* What happened on the collector thread: runs mapped, memory given back. */
struct gcp_timeline *gcp_compaction_timeline(struct gcp_compaction *compaction);

/*
 * The handler thread, where the policy has one.  Whose account the faults are in that it answered; CPU time that it has
 * used so far, ns; bind it to a processor before the first collection (-1 leaves it): 0, or -errno, -ESRCH if there is
 * none; and where it ran, to be asked between collections.
 */
struct gcp_mutator *gcp_compaction_helper(struct gcp_compaction *compaction);
uint64_t gcp_compaction_helper_cpu(const struct gcp_compaction *compaction);
int32_t gcp_compaction_helper_pin(struct gcp_compaction *compaction, int32_t cpu);
struct gcp_ran gcp_compaction_helper_ran(const struct gcp_compaction *compaction);

/* cdef:end */

#endif
