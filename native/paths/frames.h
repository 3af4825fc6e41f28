/*
 * The order of page frames: how folios that are neighbours in a range lie in memory.  It is made on demand, read back
 * from pagemap and checked.
 *
 * Why it is a parameter: MOVE touches the struct page (64 bytes) of each small folio, and so does freeing it.
 * Neighbours in memory have neighbouring struct pages, which the processor prefetches; any other costs a cache miss,
 * unless it is cached.
 *
 * Why it must be made: the page allocator gives frames in no order.  A fresh process touched 8 MiB page by page,
 * on a machine that had been up for 10 minutes (6.18): 0 to 75 % of neighbours were next to each other.  Free pages
 * come from per-CPU lists that are last in, first out.  A range gets the frames of the range freed before it, in
 * reverse, then those of the smallest free blocks.  After one shuffled range every later one is shuffled too.  The
 * frames are also spread: 4,096 pages lay in 200 to 2,700 blocks of 2 MiB, more with every run.  Their MOVE from memory
 * cost 121 to 167 ns/page, more with every block.  Each block has its own page of the memory map, whose translation
 * must be walked, in a guest twice.  From 8, 32 and 128 blocks it cost 118, 120 and 123.
 *
 * Small folios are therefore made of blocks: THPs are collapsed (MADV_COLLAPSE, which needs no setting), filled, and
 * split by MADV_COLD of their first pages.  Their frames stay the same.  They are filled first, because a split
 * replaces pages of zeroes by the zero page ("mm: remap unused subpages to shared zeropage when splitting isolated
 * thp", b1f202060afe, 6.12).
 *   CONSECUTIVE: these blocks are the range.
 *   SHUFFLED:    these blocks are another range of the same size, and UFFDIO_MOVE moves each page of it to a place that
 *                follows from the seed.  All orders are equally likely.
 * In both cases the frames are those of whole blocks, as many as the range has, on every machine and in every round.
 * All pages are written when they are in place, so each PTE is young and dirty, as after any write.
 *
 * Large folios are touched in ascending order for CONSECUTIVE, and in an order that follows from the seed for SHUFFLED.
 * The allocator decides where they lie: CONSECUTIVE is seldom reached.  It matters little: MOVE of 64 KiB folios, which
 * 6.18 splits, cost 820 to 850 ns/page in any order, from the cache or from memory.
 */
#ifndef GCP_FRAMES_H
#define GCP_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/proof.h"

/* cdef:begin */

enum gcp_frames {
    GCP_FRAMES_ANY = 0,         /* as the page allocator gives them to a thread that touches in ascending order */
    GCP_FRAMES_CONSECUTIVE = 1, /* neighbours in the range are neighbours in memory */
    GCP_FRAMES_SHUFFLED = 2,    /* neighbours in the range lie anywhere in its memory */
};

/* With fewer folios, orders can't be told apart. */
#define GCP_FRAMES_MIN_FOLIOS 32

/*
 * pairs:    present folios that are neighbours in the range; 0: frames can't be read (CAP_SYS_ADMIN)
 * adjacent: of those, pairs whose frames are neighbours in memory, in either direction: a freed range comes back in
 *           reverse, and the processor prefetches in both directions
 * blocks:   aligned blocks of the PMD size that the frames lie in; 0: frames can't be read
 */
struct gcp_frame_order {
    uint64_t pairs;
    uint64_t adjacent;
    uint64_t blocks;
};

/* Names as in results; NULL beyond the last. */
const char *gcp_frames_name(uint32_t frames);

/*
 * The order of the folios of `order` in a range that was read.  A folio begins at each multiple of its size.  0 or
 * -ENOMEM.
 */
int gcp_frames_look(const struct gcp_view *view, uint32_t order, struct gcp_frame_order *ret);

/*
 * Whether a range is in the order asked.  Limits, by measurement (6.18, x86-64, 8 to 256 MiB of small folios):
 *   CONSECUTIVE: at least 99 % of the pairs are adjacent (made so: 99.8 to 100 %, the seams are those between blocks)
 *   SHUFFLED:    at most 1 % of the pairs and 8 more are adjacent (made so: 0 to 0.3 %).  A random order has 2 adjacent
 *                pairs on average, whatever its length, and more than 8 in 2 of 10,000
 * ANY is always reached; the others are not if no pair is known.
 */
bool gcp_frames_reached(uint32_t frames, const struct gcp_frame_order *seen);

/*
 * Write gcp_content(seed, page) into all pages of an empty range, so that its folios get their frames in this order.
 * The caller has advised large folios for `order` above 0, and nothing for order 0.  Small folios of either order of
 * frames come in whole blocks of the PMD size; the range is then advised to have only small folios.
 *
 * 0 or -errno with *ret_what, the step that failed: MADV_COLLAPSE (EINVAL: this kernel lacks it; ENOMEM, EAGAIN, EBUSY:
 * no THP this time), userfaultfd, UFFDIO_MOVE (EAGAIN: some pages were busy).
 */
int gcp_frames_fill(uint64_t start, uint64_t pages, uint32_t order, uint32_t frames, uint64_t seed,
                    const char **ret_what);

/* cdef:end */

#endif
