/*
 * The order of page frames: how folios that are neighbours in a range lie in memory.  Made on demand, read back from
 * pagemap, judged.
 *
 * Why it is a parameter: MOVE and the giving back of small folios touch the struct page of each (64 bytes).  Neighbours
 * in memory have neighbouring struct pages, which the processor fetches ahead; scattered ones are a miss each, where
 * they are not in a cache.
 *
 * Why it has to be made: what the page allocator gives is no order.  Touching 8 MiB page by page in a fresh process
 * gave 0 to 75 % of neighbours next to each other on a machine that had been up for 10 minutes (6.18): free pages come
 * from lists by processor that are last in, first out, so that a range has the frames of the range freed before it, in
 * reverse, and behind these from the smallest free blocks of the buddy allocator.  After one shuffled range every later
 * one is shuffled too.
 *
 * CONSECUTIVE: small folios are made of blocks: a THP is collapsed (MADV_COLLAPSE, which needs no setting), filled, and
 * split by MADV_COLD of its first page; its pages stay where they are.  It is filled first because a split replaces
 * pages that hold only zeroes by the zero page ("mm: remap unused subpages to shared zeropage when splitting isolated
 * thp", b1f202060afe, 6.12), and written once more when it is split, so that each PTE is young and dirty as after any
 * write.
 *
 * SHUFFLED: folios are touched in a random order that follows from the seed, so that neighbours get frames that were
 * not neighbours in the allocator's lists.  They lie in as much memory as the allocator gave; `span` says how much that
 * is.
 */
#ifndef GCP_FRAMES_H
#define GCP_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "proof.h"

/* cdef:begin */

enum gcp_frames {
    GCP_FRAMES_ANY = 0,         /* as the page allocator gives them to a thread that touches in ascending order */
    GCP_FRAMES_CONSECUTIVE = 1, /* neighbours in the range are neighbours in memory */
    GCP_FRAMES_SHUFFLED = 2,    /* neighbours in the range lie anywhere in the memory that it has */
};

/* An order of fewer folios can't be told from another one. */
#define GCP_FRAMES_MIN_FOLIOS 32

/*
 * pairs:    of folios that follow each other in the range and are present; 0: frames can't be read (CAP_SYS_ADMIN)
 * adjacent: of those, pairs whose frames follow each other in memory.  Upwards or downwards: a freed range comes back
 * in reverse, and the processor fetches ahead in both directions. span:     page frames from the lowest to the highest
 * of the range
 */
struct gcp_frame_order {
    uint64_t pairs;
    uint64_t adjacent;
    uint64_t span;
};

/* Names as in results; NULL beyond the last. */
const char *gcp_frames_name(uint32_t frames);

/* The order of the folios of `order` in a range that was looked at.  A folio begins at each multiple of its size. */
void gcp_frames_look(const struct gcp_view *view, uint32_t order, struct gcp_frame_order *ret);

/*
 * Whether a range is in the order asked.  Limits, by measurement (6.18, x86-64, 8 and 256 MiB of small folios):
 *   CONSECUTIVE: at least 99 % of the pairs are adjacent (made so: 99.8 to 100 %, the seams are those between blocks)
 *   SHUFFLED:    at most 1 % of the pairs and 8 more are adjacent (made so: 0 to 0.3 %; a random order has 2 adjacent
 *                pairs on average, whatever its length, and more than 8 in 2 of 10,000)
 * ANY is always reached; the others are not where no pair is known.
 */
bool gcp_frames_reached(uint32_t frames, const struct gcp_frame_order *seen);

/*
 * Write gcp_content(seed, page) into all pages of a range that has none yet, so that its folios get their frames in
 * this order.  The caller has advised large folios for `order` above 0, and nothing for order 0.  After CONSECUTIVE the
 * range is advised to have small folios only.  0 or -errno: of MADV_COLLAPSE for one (EINVAL: this kernel has none;
 * ENOMEM, EAGAIN, EBUSY: no block this time).
 */
int gcp_frames_fill(uint64_t start, uint64_t pages, uint32_t order, uint32_t frames, uint64_t seed);

/* cdef:end */

#endif
