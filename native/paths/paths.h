/*
 * The path lab's one move: a round.  Make the source, do the timed work of one arm, prove what happened, check the
 * contents, take everything down again.
 *
 * What is modelled: the evacuation of a range by a compacting collector, from a from-space that holds live data to a
 * to-space that holds nothing.  What is not: deciding what to evacuate, updating references, faulting mutators.
 * Where contents, page tables and struct pages are when the work begins is the scenario's `working_set`
 * (working_set.h); how the source's page frames lie in memory is its `frames` (frames.h).  If neither is asked, the
 * source's pages were written and looked at just before: small ranges, and what MOVE touches of large ones, are warm in
 * the caches.
 */
#ifndef GCP_PATHS_H
#define GCP_PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "paths/evacuate.h"
#include "base/proof.h"
#include "paths/sources.h"
#include "paths/working_set.h"

/* cdef:begin */

enum gcp_arm {
    GCP_ARM_MOVE = 0, /* UFFDIO_MOVE; busy pages stay, holes are answered with ZEROPAGE */
    GCP_ARM_COPY = 1, /* UFFDIO_COPY */
    GCP_ARM_COPY_DISCARD =
        2, /* UFFDIO_COPY, then MADV_DONTNEED of the source in lumps of at least 8 MiB, as ART does */
    GCP_ARM_MOVE_FALLBACK = 3,    /* UFFDIO_MOVE; a busy page is copied, the batch goes on behind it */
    GCP_ARM_MOVE_HOLES = 4,       /* UFFDIO_MOVE with ALLOW_SRC_HOLES */
    GCP_ARM_SPLIT_MOVE = 5,       /* split each folio (MADV_COLD on its first page), then UFFDIO_MOVE */
    GCP_ARM_MREMAP = 6,           /* mremap(MREMAP_DONTUNMAP | MREMAP_FIXED) */
    GCP_ARM_MEMCPY_TOUCHED = 7,   /* memcpy into memory that is populated */
    GCP_ARM_MEMCPY_UNTOUCHED = 8, /* memcpy into memory that is not: page faults included */
    GCP_ARM_ZEROPAGE = 9,         /* UFFDIO_ZEROPAGE; the source is not used */
    GCP_ARM_TAO = 10,             /* emulated TAO: allocate small pages, memcpy into them, then UFFDIO_MOVE those */
    GCP_ARM_CANARY = 11,          /* getppid and a first touch of a page, for each page: must not change between runs */
    GCP_ARM_MOVE_BARE = 12,       /* UFFDIO_MOVE in a bare loop without the engine: what the engine itself costs */
    GCP_ARM_SWAPIN = 13,          /* read each page where it was swapped out: nothing is moved */
    GCP_ARM_MOVE_SWAPIN = 14,     /* UFFDIO_MOVE, end the registration of the destination, read each page there */
};

/*
 * source, order: see sources.h
 * skew_pages:    the destination is that many pages further behind a PMD boundary than the source
 * granule:       bytes asked of one call at most; 0 means the whole range
 * pages:         of the range
 * touch_cpu:     processor of a second thread that touches memory of this address space all the time; -1: no such
 *                thread
 * cpu:           processor of the working thread, -1: leave it
 * slow_permille: test aid: the timed work is drawn out to (1000 + n) thousandths of its time
 * settle:        1: gcp_settle before the timed work
 * frames:        enum gcp_frames, of the source
 * working_set:   enum gcp_working_set, of source and destination
 */
struct gcp_scenario {
    uint32_t source;
    uint32_t order;
    uint32_t arm;
    uint32_t skew_pages;
    uint64_t granule;
    uint64_t pages;
    int32_t cpu;
    int32_t touch_cpu;
    uint32_t slow_permille;
    uint32_t settle;
    uint32_t frames;
    uint32_t working_set;
    uint64_t seed;
};

enum gcp_round_status {
    GCP_ROUND_VALID = 0,
    GCP_ROUND_INVALID = 1,   /* measured, but the proof failed: `reason` says how */
    GCP_ROUND_UNABLE = 2,    /* the source or the arm can't be had here: `reason`, `err` */
    GCP_ROUND_FAILED = 3,    /* the work stopped at an error: `reason`, `err` */
    GCP_ROUND_DISTURBED = 4, /* proven, but the second thread was kept from running: to be done again */
};

/*
 * ns:        the work;  split_ns: of that, the part spent on splitting first;  swapin_ns: of that, the first reads that
 *            swap pages in again
 * calls:     system calls of the work
 * frames_pairs, frames_adjacent, frames_blocks: of the source when it was ready (struct gcp_frame_order); no pairs: the
 *            order of frames is not proven, as this user can't read them
 * target_pairs, target_adjacent, target_blocks: of the destination's pages afterwards; for arms that copy, the order
 *            that the page allocator happened to give
 * range_bytes: of the source;  streamed_bytes: read between making the source and the work, to evict it
 * path:      the path in a word: moved, moved-whole, split-and-moved, moved-swapped-in-whole, ...
 * The rest: see gcproto.results.schema, Proof and Outcome.
 */
struct gcp_round {
    uint32_t status; /* enum gcp_round_status */
    int32_t err;
    uint64_t ns;
    uint64_t split_ns;
    uint64_t swapin_ns;
    uint64_t calls;
    struct gcp_account account;
    uint32_t have; /* enum gcp_proof_access */
    uint64_t pfn_kept;
    uint64_t pfn_changed;
    uint64_t contents;
    uint64_t source_gone;
    uint64_t folios;
    uint64_t folios_split;
    uint64_t pmd_splits;
    uint64_t order_after[GCP_MAX_ORDER + 1];
    uint64_t swapped_before;
    uint64_t swapped_after;
    uint64_t cached_before;
    uint64_t frames_pairs;
    uint64_t frames_adjacent;
    uint64_t frames_blocks;
    uint64_t target_pairs;
    uint64_t target_adjacent;
    uint64_t target_blocks;
    uint64_t range_bytes;
    uint64_t streamed_bytes;
    char path[32];
    char reason[320];
};

/* One round.  Returns 0; what went wrong is in *ret. */
int gcp_round_run(struct gcp_prover *prover, const struct gcp_scenario *scenario, struct gcp_round *ret);

/* Names as in results; NULL beyond the last. */
const char *gcp_arm_name(uint32_t arm);

/* cdef:end */

/* Between the files of the path lab. */

struct gcp_uffd;

/*
 * One round while it runs.
 * target:  start of the destination; staging: of the small pages of the TAO arm
 * ready:   counters when the source is ready;  after: when the work is done
 */
struct gcp_work {
    struct gcp_prover *prover;
    const struct gcp_scenario *scenario;
    struct gcp_source source;
    struct gcp_uffd *uffd;
    uint64_t page;
    uint64_t bytes;
    uint64_t granule;
    uint64_t target;
    uint64_t staging;
    struct gcp_counters ready;
    struct gcp_counters after;
    struct gcp_view view_after;
    struct gcp_view source_after;
};

bool gcp_arm_needs_uffd(uint32_t arm);

/* Whether an arm needs UFFDIO_MOVE. */
bool gcp_arm_moves(uint32_t arm);

/* Whether an arm takes page frames for what it makes, from the page allocator. */
bool gcp_arm_takes_frames(uint32_t arm);

/* Whether an arm swaps pages in again by reading them. */
bool gcp_arm_swaps_in(uint32_t arm);

/* Where the pages are to be when the work is done. */
uint64_t gcp_arm_destination(const struct gcp_work *work);

/* The timed work; 0 or -errno with ret->reason. */
int gcp_arm_run(struct gcp_work *work, struct gcp_round *ret);

/* Everything read after the work, and the verdict on it. */
void gcp_round_check(struct gcp_work *work, struct gcp_round *ret);

#endif
