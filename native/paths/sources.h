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

#include "base/content.h"
#include "paths/frames.h"
#include "base/proof.h"

/* cdef:begin */

/* Numbers of the sources that C asks for; a source is a row of the table in sources.c, and has its place there. */
enum gcp_source_kind {
    GCP_SOURCE_PLAIN = 0,     /* present, exclusive folios of the given order: 0 small, PMD order a PMD-mapped THP */
    GCP_SOURCE_ZERO = 1,      /* the shared zero page, one PTE a page (order 0 only) */
    GCP_SOURCE_HOLE = 2,      /* never touched (order 0 only) */
    GCP_SOURCE_FORKED = 3,    /* as PLAIN, shared with a sleeping forked child: not AnonExclusive */
    GCP_SOURCE_PINNED = 4,    /* as PLAIN, pinned (FOLL_LONGTERM) by io_uring fixed buffers */
    GCP_SOURCE_SWAPPED = 5,   /* swapped out, folio gone from the swap cache (zram) */
    GCP_SOURCE_SWAPCACHE = 6, /* swapped out, folio still in the swap cache */
};

/* Properties of a source that the grid and the checks ask for. */
enum gcp_source_flag {
    GCP_SOURCE_FOLIOS = 1 << 0, /* has folios with frames of its own, whose order can be asked */
    GCP_SOURCE_LARGE = 1 << 1,  /* can be made of folios of any size */
    GCP_SOURCE_SIZED = 1 << 2,  /* has no size of its own: one must be asked */
    GCP_SOURCE_PMD = 1 << 3,    /* always of folios of the PMD size */
    GCP_SOURCE_SWAPS = 1 << 4,  /* swapped out: needs a swap device, and has no frames */
    GCP_SOURCE_ZEROES = 1 << 5, /* reads as zeroes */
    GCP_SOURCE_HOLES = 1 << 6,  /* no page is there */
    GCP_SOURCE_FREE = 1 << 7,   /* nothing of ours holds a page: if one is busy, a passing reference was there */
    GCP_SOURCE_UNUSED = 1 << 8, /* stands for no source, for arms that use none */
};

/* Names as in results, NULL beyond the last;  enum gcp_source_flag bits, 0 beyond the last. */
const char *gcp_source_name(uint32_t kind);
uint32_t gcp_source_flags(uint32_t kind);

/*
 * start, pages: the range (start is PMD aligned plus the offset asked)
 * frames:       the order of page frames that was asked (enum gcp_frames)
 * view:         the range as it was when the state was reached: the "before" of every proof
 * frame_order:  read from the view; no pairs where the user may not read frames: then `frames` is made, but not proven
 * why:          after a failure, what could not be made and what would help
 */
struct gcp_source {
    uint32_t kind;
    uint32_t order;
    uint32_t frames;
    uint64_t start;
    uint64_t pages;
    uint64_t seed;
    struct gcp_view view;
    struct gcp_frame_order frame_order;
    int32_t child;
    int32_t ring_fd;
    char why[240];
};

/*
 * Make `pages` pages in a state; `offset` bytes behind a PMD boundary (a multiple of the folio size for large folios).
 * Content is gcp_content(seed, page) in every page but those of ZERO and HOLE, which read as zeroes.
 *
 * An order of frames (see frames.h) can be asked of PLAIN, FORKED and PINNED, the states that have frames and keep
 * them, from GCP_FRAMES_MIN_FOLIOS folios on.  Small folios then come in blocks of the PMD size, at offset 0.
 * Small folios, and shuffled ones of any size, are made in the order asked; large ones are consecutive only where the
 * page allocator has them so, which only a user who may read frames can tell.
 *
 * 0, or -errno with ret->why filled (nothing is left behind then):
 *   EINVAL      there is no such source
 *   EOPNOTSUPP  the machine or its settings can't make it (size not enabled, no swap, no io_uring, no MADV_COLLAPSE
 *               or UFFDIO_MOVE)
 *   EPERM       privilege is missing
 *   EAGAIN      it came out otherwise this time (memory is fragmented, frames are in another order, a race)
 * Destroy it with gcp_source_deinit, which takes an all-zero struct as well.
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

/* Between the files of the sources.  All but the first return 0, or what gcp_source_fail returned. */

struct gcp_platform;

/* Say why a source could not be made; returns -err. */
int gcp_source_fail(struct gcp_source *source, int err, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Read the view. */
int gcp_source_look(struct gcp_prover *prover, struct gcp_source *source);

/* Folios of the order asked, in the order of frames asked, all of them written.  The view is read. */
int gcp_source_populate(struct gcp_prover *prover, struct gcp_source *source, const struct gcp_platform *platform);

/* Whether the order of frames asked can be made of this source at all, and known or seen to have been made. */
int gcp_source_frames_fit(const struct gcp_prover *prover, struct gcp_source *source, uint64_t offset,
                          const struct gcp_platform *platform);

/* Whether it has come out, from the view, when nothing is left that could migrate a page. */
int gcp_source_frames_prove(struct gcp_source *source);

#endif
