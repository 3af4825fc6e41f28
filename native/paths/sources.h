/*
 * Sources on demand: memory in a named state, proven before anything is measured on it.
 *
 * The recipes follow the kernel's own selftests where there is one; the others were checked on 6.18.  No function here
 * changes a setting of the machine: if a size is not enabled or a swap device is missing, the source is not made, and
 * `why` says so.
 */
#ifndef GCP_SOURCES_H
#define GCP_SOURCES_H

#include <stdint.h>

#include "base/content.h"
#include "paths/source/source.h"

/* cdef:begin */

/* Numbers of the sources that C uses: places in the table of sources.c. */
enum gcp_source_kind {
    GCP_SOURCE_PLAIN = 0,     /* present, exclusive folios of the given order: 0 small, PMD order a PMD-mapped THP */
    GCP_SOURCE_ZERO = 1,      /* the shared zero page, one PTE a page (order 0 only) */
    GCP_SOURCE_HOLE = 2,      /* never touched (order 0 only) */
    GCP_SOURCE_FORKED = 3,    /* as PLAIN, shared with a sleeping forked child: not AnonExclusive */
    GCP_SOURCE_PINNED = 4,    /* as PLAIN, pinned (FOLL_LONGTERM) by io_uring fixed buffers */
    GCP_SOURCE_SWAPPED = 5,   /* swapped out, folio gone from the swap cache (zram) */
    GCP_SOURCE_SWAPCACHE = 6, /* swapped out, folio still in the swap cache */
};

/* Names as in results, NULL beyond the last;  enum gcp_source_flag bits, 0 beyond the last. */
const char *gcp_source_name(uint32_t kind);
uint32_t gcp_source_flags(uint32_t kind);

/*
 * Make `pages` pages in a state, `offset` bytes after a PMD boundary (a multiple of the folio size for large folios).
 * Contents are gcp_content(seed, page), except for ZERO and HOLE, which read as zeroes.
 *
 * PLAIN, FORKED and PINNED, the states that keep their frames, can have an order of frames (frames.h), from
 * GCP_FRAMES_MIN_FOLIOS folios on.  Small folios then come in blocks of the PMD size, at offset 0.  Small folios, and
 * shuffled ones of any size, are made in the requested order.  Large ones are consecutive only if the page allocator
 * makes them so, which only a user who may read frames can tell.
 *
 * 0, or -errno with ret->why filled and everything undone:
 *   EINVAL      no such source
 *   EOPNOTSUPP  the machine or its settings can't make it (size not enabled, no swap, no io_uring, no MADV_COLLAPSE
 *               or UFFDIO_MOVE)
 *   EPERM       privilege is missing
 *   EAGAIN      not as requested this time (memory is fragmented, frames are in another order, a race)
 * Destroy it with gcp_source_deinit, which also accepts an all-zero struct.
 */
int gcp_source_init(struct gcp_prover *prover, uint32_t kind, uint32_t order, uint32_t frames, uint64_t pages,
                    uint64_t offset, uint64_t seed, struct gcp_source *ret);
void gcp_source_deinit(struct gcp_source *source);

/*
 * A sleeping forked child: every page that is present now is shared with it until one side writes.  It dies with its
 * parent.  Returns its process ID or -errno.
 */
int32_t gcp_sharer_start(void);
void gcp_sharer_stop(int32_t child);

/* cdef:end */

#endif
