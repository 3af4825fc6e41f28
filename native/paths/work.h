/*
 * A round while it runs, and what an arm is.  The rows of the table (arms.c), their checks (check.c) and the verdict
 * (verdict.c) use it.
 */
#ifndef GCP_WORK_H
#define GCP_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include "paths/contpte.h"
#include "paths/evacuate.h"
#include "paths/round.h"
#include "paths/source/source.h"

/* cdef:begin */

/*
 * Properties of an arm that the grid, the checks and comparisons of results ask for.  An arm is a row of the table in
 * arms.c.  Its number is its place there and may change; results use names.
 */
enum gcp_arm_flag {
    GCP_ARM_REGISTERS = 1 << 0,      /* the destination is registered with a userfaultfd */
    GCP_ARM_MOVES = 1 << 1,          /* needs UFFDIO_MOVE */
    GCP_ARM_TAKES_FRAMES = 1 << 2,   /* takes page frames from the page allocator */
    GCP_ARM_READS_CONTENTS = 1 << 3, /* reads and writes contents; others rewrite page tables */
    GCP_ARM_GAUGE = 1 << 4,          /* without the kernel: it shows the speed of caches and memory */
    GCP_ARM_BY_USER = 1 << 5,        /* user space copies, so pages must be present, and alignment does not matter */
    GCP_ARM_NO_GRANULE = 1 << 6,     /* the whole range at once, whatever granule is asked */
    GCP_ARM_SPLITS = 1 << 7,         /* splits large folios first; has no meaning for small ones */
    GCP_ARM_SWAPS_IN = 1 << 8,       /* swaps pages in */
    GCP_ARM_STAYS = 1 << 9,          /* the pages stay at the source, which is their destination */
    GCP_ARM_HOLES = 1 << 10,         /* has a meaning only for holes */
    GCP_ARM_NO_SOURCE = 1 << 11,     /* does not use the source */
    GCP_ARM_ZEROES = 1 << 12,        /* the destination reads as zeroes, whatever the source is */
    GCP_ARM_STAGES = 1 << 13,        /* needs a range between source and destination */
    GCP_ARM_DISCARDS = 1 << 14,      /* discards the source */
};

/* cdef:end */

struct gcp_uffd;

struct gcp_arm;

/* A watched round: the probes, and the blocks that it folded and unfolded. */
struct gcp_watch {
    struct gcp_contpte *contpte;
    struct gcp_contpte_count seen;
};

/*
 * One round while it runs.
 * arm:     of the scenario;  policy: the arm's, with the granule of the scenario
 * target:  start of the destination; staging: of the small pages of the TAO arm
 * ready:   counters when the source is ready;  after: when the work is done
 * watch:   NULL, or the round is not for measuring
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
    struct gcp_watch *watch;
    struct gcp_view view_after;
    struct gcp_view source_after;
};

/* Pages by the difference between the page tables before and after. */
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
 * check:  whether page tables, counters and account agree; reports a contradiction by gcp_round_contradicts
 * word:   the path in the result;  NULL: the account decides;  of an arm that swaps in: its first part
 */
struct gcp_arm {
    const char *name;
    uint32_t flags;
    struct gcp_policy policy;
    int (*run)(struct gcp_work *work, struct gcp_round *ret);
    void (*check)(struct gcp_work *work, struct gcp_round *ret, const struct gcp_seen *seen);
    const char *word;
};

static inline bool gcp_arm_is(const struct gcp_work *work, uint32_t flags)
{
    return (work->arm->flags & flags) != 0;
}

/* Where the pages must be after the work. */
static inline uint64_t gcp_arm_destination(const struct gcp_work *work)
{
    return gcp_arm_is(work, GCP_ARM_STAYS) ? work->source.start : work->target;
}

/* Whether the source has any of these properties (enum gcp_source_flag). */
static inline bool gcp_source_is(const struct gcp_work *work, uint32_t flags)
{
    return (work->source.flags & flags) != 0;
}

#endif
