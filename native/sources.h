/*
 * Sources on demand: memory in a named state, proven to be in it before anything is measured on it.
 *
 * The recipes are those of the kernel's own selftests where there is one, and were checked on 6.18 for the rest.  No
 * function here changes a setting of the machine: a size that is not enabled or a swap device that is not there is a
 * reason for not making the source, said in `why`.
 */
#ifndef GCP_SOURCES_H
#define GCP_SOURCES_H

#include <stddef.h>
#include <stdint.h>

#include "content.h"
#include "proof.h"

/* cdef:begin */

enum gcp_source_kind {
    GCP_SOURCE_PLAIN = 0,     /* present, exclusive folios of the given order: 0 small, PMD order a PMD-mapped THP */
    GCP_SOURCE_ZERO = 1,      /* the shared zero page, one PTE a page (order 0 only) */
    GCP_SOURCE_HOLE = 2,      /* never touched (order 0 only) */
    GCP_SOURCE_FORKED = 3,    /* as PLAIN, shared with a sleeping forked child: not AnonExclusive */
    GCP_SOURCE_PINNED = 4,    /* as PLAIN, pinned (FOLL_LONGTERM) by io_uring fixed buffers */
    GCP_SOURCE_SWAPPED = 5,   /* swapped out, folio gone from the swap cache (zram) */
    GCP_SOURCE_SWAPCACHE = 6, /* swapped out, folio still in the swap cache */
};

/*
 * start, pages: the range (start is PMD aligned plus the offset asked)
 * view:         the range as it was when the state was reached: the "before" of every proof
 * why:          after a failure, what could not be made and what would help
 */
struct gcp_source {
    uint32_t kind;
    uint32_t order;
    uint64_t start;
    uint64_t pages;
    uint64_t seed;
    struct gcp_view view;
    int32_t child;
    int32_t ring_fd;
    char why[240];
};

/*
 * Make `pages` pages in a state; `offset` bytes behind a PMD boundary (a multiple of the folio size for large folios).
 * Content is gcp_content(seed, page) in every page but those of ZERO and HOLE, which read as zeroes.
 * 0, or -errno with ret->why filled (nothing is left behind then):
 *   EOPNOTSUPP  the machine or its settings can't make it (size not enabled, no swap, no io_uring)
 *   EPERM       privilege is missing
 *   EAGAIN      it came out otherwise this time (memory is fragmented, a race)
 * Destroy it with gcp_source_deinit, which takes an all-zero struct as well.
 */
int gcp_source_init(struct gcp_prover *prover, uint32_t kind, uint32_t order, uint64_t pages, uint64_t offset,
                    uint64_t seed, struct gcp_source *ret);
void gcp_source_deinit(struct gcp_source *source);

/*
 * A sleeping forked child: every page that is present now is shared with it until one side writes.  It dies with its
 * parent.  Returns its process ID or -errno.
 */
int32_t gcp_sharer_start(void);
void gcp_sharer_stop(int32_t child);

/* cdef:end */

#endif
