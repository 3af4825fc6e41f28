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

#include "base/proof.h"
#include "paths/evacuate.h"
#include "paths/sources.h"
#include "paths/working_set.h"

/* cdef:begin */

/*
 * Properties of an arm that the grid, the checks and comparisons of results ask for.
 * An arm is a row of the table in arms.c.  Its number is its place there and may change; results have names.
 */
enum gcp_arm_flag {
    GCP_ARM_REGISTERS = 1 << 0,      /* the destination is registered with a userfaultfd */
    GCP_ARM_MOVES = 1 << 1,          /* needs UFFDIO_MOVE */
    GCP_ARM_TAKES_FRAMES = 1 << 2,   /* takes page frames from the page allocator */
    GCP_ARM_READS_CONTENTS = 1 << 3, /* reads and writes contents; others rewrite page tables */
    GCP_ARM_GAUGE = 1 << 4,          /* the kernel takes no part: it tells what caches and memory give */
    GCP_ARM_BY_USER = 1 << 5,        /* user space copies, so pages must be there, and no alignment matters */
    GCP_ARM_NO_GRANULE = 1 << 6,     /* all of the range at once, whatever granule is asked */
    GCP_ARM_SPLITS = 1 << 7,         /* splits large folios first: none can be made of small ones */
    GCP_ARM_SWAPS_IN = 1 << 8,       /* ends with swapped pages in memory again */
    GCP_ARM_STAYS = 1 << 9,          /* the pages stay at the source, which is their destination */
    GCP_ARM_HOLES = 1 << 10,         /* has a meaning for holes only */
    GCP_ARM_NO_SOURCE = 1 << 11,     /* does not use the source */
    GCP_ARM_ZEROES = 1 << 12,        /* the destination reads as zeroes, whatever the source is */
    GCP_ARM_STAGES = 1 << 13,        /* needs a range between source and destination */
    GCP_ARM_DISCARDS = 1 << 14,      /* gives the source back */
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

/* Names as in results, NULL beyond the last;  enum gcp_arm_flag bits, 0 beyond the last. */
const char *gcp_arm_name(uint32_t arm);
uint32_t gcp_arm_flags(uint32_t arm);

/* The number of an arm, -1 if there is none of that name. */
int32_t gcp_arm_find(const char *name);

/* cdef:end */

/* Between the files of the path lab. */

struct gcp_uffd;

struct gcp_arm;

/*
 * One round while it runs.
 * arm:     of the scenario;  policy: the arm's, with the granule of the scenario
 * target:  start of the destination; staging: of the small pages of the TAO arm
 * ready:   counters when the source is ready;  after: when the work is done
 */
struct gcp_work {
    struct gcp_prover *prover;
    const struct gcp_scenario *scenario;
    const struct gcp_arm *arm;
    struct gcp_policy policy;
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

/* Pages by what the page tables say became of them. */
struct gcp_seen {
    uint64_t kept;       /* present before and after, same frame */
    uint64_t changed;    /* present before and after, another frame */
    uint64_t still_out;  /* swapped before and after, same swap entry */
    uint64_t brought_in; /* swapped before, present after */
    uint64_t filled;     /* nothing before, present after */
    uint64_t empty;      /* nothing after */
    uint64_t odd;        /* anything else */
};

/*
 * One way of doing the work.
 * flags:  enum gcp_arm_flag
 * policy: of the engine, for arms that use it; the granule is the scenario's
 * run:    the timed work; 0 or -errno with ret->reason
 * check:  whether page tables, counters and account tell the same story; what does not is gcp_round_contradicts
 * word:   the path in the result;  NULL: as the account says;  of an arm that swaps in: how it begins
 */
struct gcp_arm {
    const char *name;
    uint32_t flags;
    struct gcp_policy policy;
    int (*run)(struct gcp_work *work, struct gcp_round *ret);
    void (*check)(struct gcp_work *work, struct gcp_round *ret, const struct gcp_seen *seen);
    const char *word;
};

/* NULL beyond the last. */
const struct gcp_arm *gcp_arm_at(uint32_t arm);

static inline bool gcp_arm_is(const struct gcp_work *work, uint32_t flags)
{
    return (work->arm->flags & flags) != 0;
}

/* Where the pages are to be when the work is done. */
static inline uint64_t gcp_arm_destination(const struct gcp_work *work)
{
    return gcp_arm_is(work, GCP_ARM_STAYS) ? work->source.start : work->target;
}

/* Everything read after the work, and the verdict on it. */
void gcp_round_check(struct gcp_work *work, struct gcp_round *ret);

/* A contradiction that makes the round invalid; the first one is reported. */
void gcp_round_contradicts(struct gcp_round *ret, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Checks of arms: pages were taken along, copied, staged and moved, zero-filled, touched, swapped in. */
void gcp_check_moved(struct gcp_work *work, struct gcp_round *ret, const struct gcp_seen *seen);
void gcp_check_copied(struct gcp_work *work, struct gcp_round *ret, const struct gcp_seen *seen);
void gcp_check_staged(struct gcp_work *work, struct gcp_round *ret, const struct gcp_seen *seen);
void gcp_check_zeroed(struct gcp_work *work, struct gcp_round *ret, const struct gcp_seen *seen);
void gcp_check_touched(struct gcp_work *work, struct gcp_round *ret, const struct gcp_seen *seen);
void gcp_check_swapped_in(struct gcp_work *work, struct gcp_round *ret, const struct gcp_seen *seen);

#endif
