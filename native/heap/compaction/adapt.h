/*
 * What a heap learns of its own collections, and what it chooses by that: how a run of ready pages is mapped, and how
 * many pages a fault evacuates.
 *
 * Two things are learned.  A line through the collector's calls gives the cost of MOVE and COPY for each number of pages.
 * The fixed part of MOVE is mostly the shoot-down of other processors' TLBs, which COPY does not need.  On kernels before
 * 6.19 the lock of the source's anon_vma adds to it; the line holds for either cause.
 *
 * A trial shows how many pages a fault should evacuate.  In each collection another quarter of the regions of to-space is
 * served with another number.  The time that mutators lost in each arm is compared.
 *
 * ART has neither: its faults evacuate one page, and what is moved is fixed when the process starts.
 */
#ifndef GCP_ADAPT_H
#define GCP_ADAPT_H

#include <stdint.h>

/* cdef:begin */

#define GCP_CONTEST_REGION 16  /* pages of a region that is served by one arm, and at most those of a fault */
#define GCP_CONTEST_SHARE 4    /* one region in so many is the challenger's */
#define GCP_CONTEST_FAULTS 128 /* faults that each arm must have had */
#define GCP_CONTEST_REST 8     /* collections without a trial after all neighbours have lost, twice as many each time */

/*
 * What calls cost: fixed_ns + pages * page_ps / 1000, fitted by least squares of the relative error; a call counts less
 * the more came after it.  Only one thread adds; fixed_ns and page_ps may be read by others meanwhile.
 */
struct gcp_line {
    double weight;
    double pages;
    double squares;
    double ns;
    double products;
    uint64_t fixed_ns;
    uint64_t page_ps;
};

/* Begin with what is likely: it weighs as much as a few calls. */
void gcp_line_init(struct gcp_line *line, uint64_t fixed_ns, uint64_t page_ps);

/* A call of `pages` pages took `ns`.  One that took far longer than was expected (it was preempted) counts less. */
void gcp_line_add(struct gcp_line *line, uint64_t pages, uint64_t ns);

/* What a call of `pages` pages costs, ns. */
uint64_t gcp_line_ns(const struct gcp_line *line, uint64_t pages);

/*
 * One arm is how many pages a fault evacuates: group[0] in use, group[1] tried beside it, 0: none is.
 * turn: which of GCP_CONTEST_SHARE regions are the challenger's;  rest: collections until the next trial
 * rests: how often all neighbours have lost;  lost: bits, neighbours that have lost to group[0]: 1 the smaller, 2 the
 *        larger
 * faults, ns, pages: of each arm so far: served, lost by mutators, evacuated by faults
 * share: pages of each arm, evacuated by any thread
 */
struct gcp_contest {
    uint32_t group[2];
    uint32_t turn;
    uint32_t rest;
    uint32_t rests;
    uint32_t lost;
    uint64_t faults[2];
    uint64_t ns[2];
    uint64_t pages[2];
    uint64_t share[2];
};

/*
 * What a collection has shown.
 * faults, ns, pages: of each arm: as above, of this collection
 * evacuated:   pages of the whole collection
 * delivery_ns: what a fault costs a mutator before and after its handler
 * page_ns:     what a page costs the collector
 * weight:      per mille of the collector's time that mutators pay for: 1000 where they wait for its processor
 */
struct gcp_shown {
    uint64_t faults[2];
    uint64_t ns[2];
    uint64_t pages[2];
    uint64_t evacuated;
    uint64_t delivery_ns;
    uint64_t page_ns;
    uint64_t weight;
};

void gcp_contest_init(struct gcp_contest *contest, uint32_t group);

/* The arm that serves a page, and how many pages of its group a fault evacuates. */
uint32_t gcp_contest_arm(const struct gcp_contest *contest, uint64_t index);

/* At the end of a collection: add its counts, and decide on the next trial if enough is known. */
void gcp_contest_end(struct gcp_contest *contest, const struct gcp_shown *seen);

#define GCP_ADAPT_LEAST 64 /* pages of a dense prefix that are mapped at once */

/*
 * What is known of costs: of pages in small and in large folios, where the kernel may have to split them.
 * update_ns:    of updating a page in place, with its references
 * release_ps:   of giving a page of from-space back, which a MOVE leaves nothing to do for, ps
 * interrupt_ns: what a MOVE costs mutators on other processors
 */
struct gcp_adapt {
    struct gcp_line move;
    struct gcp_line move_large;
    struct gcp_line copy;
    struct gcp_contest contest;
    uint64_t release_ps;
    uint64_t update_ns;
    uint64_t interrupt_ns;
};

void gcp_adapt_init(struct gcp_adapt *adapt, uint64_t interrupt_ns);

/*
 * GCP_VERB_MOVE or GCP_VERB_COPY, whichever costs less for so many pages: a MOVE with the interruption of mutators on
 * other processors, a COPY with giving its source back later.
 */
uint32_t gcp_adapt_verb(const struct gcp_adapt *adapt, uint64_t pages, uint32_t large);

/*
 * How many of `pages` to update before they are mapped by one call, if mutators fault on them meanwhile.  With runs of r
 * pages, calls delay each page by half of pages / r times their fixed cost, and its own run by half of r updates.  The
 * sum is least where r^2 updates take as long as `pages` calls.  The nearest power of two, at least GCP_ADAPT_LEAST.
 */
uint64_t gcp_adapt_run(const struct gcp_adapt *adapt, uint64_t pages);

/* Updating a page in place took `ns`, the mean of a collection. */
void gcp_adapt_updated(struct gcp_adapt *adapt, uint64_t ns);

/* `pages` of from-space were discarded, in `ns`. */
void gcp_adapt_released(struct gcp_adapt *adapt, uint64_t pages, uint64_t ns);

/* A call of the collector. */
void gcp_adapt_add(struct gcp_adapt *adapt, uint32_t verb, uint32_t large, uint64_t pages, uint64_t ns);

/* cdef:end */

#endif
