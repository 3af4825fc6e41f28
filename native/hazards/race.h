/*
 * A race: pages move back and forth between two ranges while another thread disturbs them; contents are checked all the
 * time, and no page may be lost.
 */
#ifndef GCP_RACE_H
#define GCP_RACE_H

#include <stdatomic.h>

#include "trial/trial.h"

#define GCP_RACE_PAGES 512
#define GCP_RACE_MAX_PAGES 2048 /* a THP on pages of 16 KiB */

/*
 * What the last call of a mover looked like, if its error ended the race: its pages, and the pagemap words of the first at
 * both ends right after it.
 */
struct gcp_race_end {
    uint64_t first, pages, src_word, dst_word;
    unsigned from;
};

/*
 * pages:     that move: GCP_RACE_PAGES, or those of a THP
 * at:        of page i, which of the two ranges it is in (only its mover writes this)
 * stop:      set when the time is over
 * disturbed: work of the disturber, in its own unit
 * end:       set before `err`
 * uncounted: pages that moved although MOVE did not count them;  lost: pages in neither range
 */
struct gcp_race {
    struct gcp_trial *trial;
    uint64_t range[2];
    uint64_t pages;
    atomic_uchar at[GCP_RACE_MAX_PAGES];
    atomic_int stop;
    atomic_uint_fast64_t disturbed;
    atomic_uint_fast64_t moved;
    atomic_uint_fast64_t ebusy;
    atomic_uint_fast64_t eagain;
    atomic_uint_fast64_t uncounted;
    atomic_uint_fast64_t lost;
    atomic_uint_fast64_t wrong;
    atomic_int err;
    struct gcp_race_end end;
};

/*
 * Run `movers` threads, each of which moves its share of the pages, `granule` at a time, and one `disturb`er, which
 * returns when race->stop is set.  `huge`: the pages begin as a THP.  Ends the row unless all contents are
 * right; leaves a note with the counts.
 */
void gcp_race_run(struct gcp_trial *trial, unsigned movers, uint64_t granule, uint64_t ms, int huge,
                  void *(*disturb)(void *race), const char *unit);

#endif
