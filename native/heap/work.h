/*
 * Work of a thread with pages in one collection: counts and times by kind.  With them the difference of two ways to
 * collect is a sum of counts times costs (gcproto/results/heaps/explanation.py).
 *
 * All ioctls of the collector are timed.  Of work shorter than a microsecond only each GCP_WORK_SAMPLE-th piece is, since
 * reading the clock costs some 25 ns.  `timed` is the number of timed pieces; the others are taken to cost their mean.
 */
#ifndef GCP_HEAP_WORK_H
#define GCP_HEAP_WORK_H

#include <stdbool.h>
#include <stdint.h>

/* cdef:begin */

/*
 * BUILD, UPDATE, SLIDE: a page's contents were produced: from live words; in place; from objects younger than marking.
 * MOVE_*, COPY_*:       an ioctl that mapped 1, 2 to 16, 17 to 128, and more pages.
 * REMAP, ZERO:          mremap of a run; UFFDIO_ZEROPAGE.
 * WAIT:                 another thread had the page.
 * DISCARD, RENEW:       from-space was discarded; granules of it were populated again.
 */
enum gcp_work_kind {
    GCP_WORK_BUILD = 0,
    GCP_WORK_UPDATE = 1,
    GCP_WORK_SLIDE = 2,
    GCP_WORK_MOVE_1 = 3,
    GCP_WORK_MOVE_16 = 4,
    GCP_WORK_MOVE_128 = 5,
    GCP_WORK_MOVE_MORE = 6,
    GCP_WORK_COPY_1 = 7,
    GCP_WORK_COPY_16 = 8,
    GCP_WORK_COPY_128 = 9,
    GCP_WORK_COPY_MORE = 10,
    GCP_WORK_REMAP = 11,
    GCP_WORK_ZERO = 12,
    GCP_WORK_WAIT = 13,
    GCP_WORK_DISCARD = 14,
    GCP_WORK_RENEW = 15,
    GCP_WORK_COUNT = 16,
};

#define GCP_WORK_SAMPLE 16
#define GCP_WORK_PREEMPTED 50000 /* ns: producing a page takes no more than a few thousand */

/* n: times that it was done;  pages: in all of them;  timed: of the n, those that took `ns` together */
struct gcp_tally {
    uint64_t n;
    uint64_t pages;
    uint64_t timed;
    uint64_t ns;
};

/* cdef:end */

/* Whether the next piece of this kind is to be timed. */
static inline bool gcp_tally_samples(const struct gcp_tally *tally)
{
    return tally->n % GCP_WORK_SAMPLE == 0;
}

static inline void gcp_tally_count(struct gcp_tally *tally, uint64_t pages)
{
    tally->n++;
    tally->pages += pages;
}

static inline void gcp_tally_add(struct gcp_tally *tally, uint64_t pages, uint64_t ns)
{
    gcp_tally_count(tally, pages);
    tally->timed++;
    tally->ns += ns;
}

/*
 * A sample took `ns`, of which the clock took `clock_ns`.  One in which its thread was preempted says nothing of the
 * others, for which it would stand: it is not counted, and its time is in no term.
 */
static inline void gcp_tally_sample(struct gcp_tally *tally, uint64_t ns, uint64_t clock_ns)
{
    if (ns > GCP_WORK_PREEMPTED)
        return;
    tally->timed++;
    tally->ns += ns > clock_ns ? ns - clock_ns : 0;
}

/* The kind of an ioctl; `one` is MOVE_1 or COPY_1. */
static inline enum gcp_work_kind gcp_work_of(enum gcp_work_kind one, uint64_t pages)
{
    return (enum gcp_work_kind)(one + (pages > 1) + (pages > 16) + (pages > 128));
}

#endif
