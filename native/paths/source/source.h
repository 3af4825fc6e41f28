/* One source: memory in a state, or the reason why it could not be made. */
#ifndef GCP_SOURCE_H
#define GCP_SOURCE_H

#include <stdint.h>

#include "base/proof.h"
#include "paths/frames.h"

/* cdef:begin */

/* Properties of a source that the grid and the checks ask for. */
enum gcp_source_flag {
    GCP_SOURCE_FOLIOS = 1 << 0, /* has folios with frames of its own, whose order can be chosen */
    GCP_SOURCE_LARGE = 1 << 1,  /* can be made of folios of any size */
    GCP_SOURCE_SIZED = 1 << 2,  /* has no default size: one must be given */
    GCP_SOURCE_PMD = 1 << 3,    /* always of folios of the PMD size */
    GCP_SOURCE_SWAPS = 1 << 4,  /* swapped out: needs a swap device, and has no frames */
    GCP_SOURCE_ZEROES = 1 << 5, /* reads as zeroes */
    GCP_SOURCE_HOLES = 1 << 6,  /* has no pages */
    GCP_SOURCE_FREE = 1 << 7,   /* this process holds no page: EBUSY shows a temporary reference */
    GCP_SOURCE_UNUSED = 1 << 8, /* a placeholder for arms that use no source */
};

/*
 * kind, flags:  place in the table of sources, and enum gcp_source_flag of its row
 * start, pages: the range (start is PMD aligned plus the offset asked)
 * frames:       the requested order of page frames (enum gcp_frames)
 * view:         the range when the state was reached: the "before" of every proof
 * frame_order:  read from the view; without pairs the user may not read frames: `frames` is then made, but not proven
 * why:          after a failure, what could not be made, and the remedy
 */
struct gcp_source {
    uint32_t kind;
    uint32_t flags;
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

/* cdef:end */

/* Say why a source could not be made; returns -err. */
int gcp_source_fail(struct gcp_source *source, int err, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Read the view.  0, or what gcp_source_fail returned. */
int gcp_source_look(struct gcp_prover *prover, struct gcp_source *source);

#endif
