/*
 * Stress: pages move back and forth between two ranges while everything else that can happen to them happens, and no
 * page may get lost, be in both ranges, or lose a byte that was written to it.
 *
 * It changes settings of the machine (folio sizes, khugepaged) and asks for compaction: for guests only.
 */
#ifndef GCP_STRESS_H
#define GCP_STRESS_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

#include "uffd/answer.h"

#define GCP_STRESS_PAGES 1024 /* that are accounted for */
#define GCP_STRESS_LOOSE 64   /* behind them, also thrown away: their contents are right or zero */
#define GCP_STRESS_READERS 2

enum gcp_stress_count {
    GCP_STRESS_MOVES, /* ioctls that moved all that they were asked */
    GCP_STRESS_SHORT, /* ... a part */
    GCP_STRESS_MOVED, /* pages */
    GCP_STRESS_EBUSY,
    GCP_STRESS_OTHER,  /* EEXIST, ENOENT, EAGAIN, and EINVAL that may pass */
    GCP_STRESS_FAULTS, /* of readers, served */
    GCP_STRESS_READS,
    GCP_STRESS_PINS,
    GCP_STRESS_SPLICES,
    GCP_STRESS_FORKS,
    GCP_STRESS_PAGEOUTS,
    GCP_STRESS_LARGE, /* pages that are in large folios when a round is over */
    GCP_STRESS_COLLAPSES,
    GCP_STRESS_COMPACTIONS,
    GCP_STRESS_REPLACED, /* pages that had to be copied before they moved again */
    GCP_STRESS_COUNTS,
};

/*
 * side:  the two ranges; page i is at side[k] + i * page
 * why:   the first thing that was wrong, "" as long as nothing was
 * tally: what each reader added to a word of each page that is its own
 * busy:  a fault on the page got EBUSY: somebody should write to it where it is
 * stubborn: how often that did not help
 */
struct gcp_stress {
    uint64_t page;
    uint64_t seed;
    uint64_t side[2];
    struct gcp_uffd uffd;
    int pagemap_fd;
    int wake_fd; /* readable when the handler is to end */
    atomic_int stop;
    atomic_int calm; /* movers and readers wait: somebody gathers pages for a THP */
    atomic_int failed;
    char why[240];
    atomic_uint_fast64_t counts[GCP_STRESS_COUNTS];
    uint64_t tally[GCP_STRESS_READERS][GCP_STRESS_PAGES];
    atomic_uchar busy[GCP_STRESS_PAGES + GCP_STRESS_LOOSE];
    atomic_uint stubborn[GCP_STRESS_PAGES + GCP_STRESS_LOOSE];
};

struct gcp_stress_thread {
    struct gcp_stress *stress;
    uint64_t random;
    uint32_t number;
};

/* Random numbers of a thread's own: below `limit`. */
uint64_t gcp_stress_random(struct gcp_stress_thread *thread, uint64_t limit);

uint64_t gcp_stress_at(const struct gcp_stress *stress, uint64_t side, uint64_t i);

/* Content of a page's first and last word. */
uint64_t gcp_stress_word(const struct gcp_stress *stress, uint64_t i);

__attribute__((format(printf, 2, 3))) void gcp_stress_fail(struct gcp_stress *stress, const char *format, ...);

/* Let the others be calm for a while, if somebody asks for it. */
void gcp_stress_be_calm(struct gcp_stress *stress);

/* The pagemap word of a page. */
uint64_t gcp_stress_entry(struct gcp_stress *stress, uint64_t side, uint64_t i);

/* Threads: what they do is in their names; each ends when stress->stop is set. */
void *gcp_stress_serve(void *thread);
void *gcp_stress_move(void *thread);
void *gcp_stress_read(void *thread);
void *gcp_stress_heal(void *thread);
void *gcp_stress_pin(void *thread);
void *gcp_stress_splice(void *thread);
void *gcp_stress_fork(void *thread);
void *gcp_stress_reclaim(void *thread);
void *gcp_stress_compact(void *thread);

/* Write to each page on which a fault got EBUSY, where it is; waits for ever if it is somewhere else by then. */
void gcp_stress_heal_all(struct gcp_stress_thread *thread);

/*
 * Run rounds for that many seconds and print one verdict as a line of JSON, with the counts and what the machine has
 * afterwards that it had not before.  0, -EPERM where this is no guest, or -errno.
 */
int gcp_stress(FILE *out, uint64_t seconds, uint64_t seed);

#endif
