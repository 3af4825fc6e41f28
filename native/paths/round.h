/* A round as data: the request, and the result. */
#ifndef GCP_ROUND_H
#define GCP_ROUND_H

#include <stdint.h>

#include "base/proof.h"
#include "uffd/answer.h"

/* cdef:begin */

/*
 * source, order: see sources.h
 * skew_pages:    added to the destination's offset from a PMD boundary
 * granule:       most bytes per call; 0 means the whole range
 * pages:         of the range
 * touch_cpu:     processor of a second thread that constantly touches memory of this address space; -1: no such thread
 * cpu:           processor of the working thread, -1: not bound
 * slow_permille: test aid: the timed work is prolonged to (1000 + n) thousandths of its time
 * lose_page:     test aid, 1: the destination's last page is discarded after the work, so the check of any arm must fail
 * settle:        1: gcp_settle before the timed work
 * frames:        enum gcp_frames, of the source
 * working_set:   enum gcp_working_set, of source and destination
 */
struct gcp_scenario {
    uint32_t source;
    uint32_t order;
    uint32_t arm;
    uint32_t skew_pages;
    uint64_t granule;
    uint64_t pages;
    int32_t cpu;
    int32_t touch_cpu;
    uint32_t slow_permille;
    uint32_t lose_page;
    uint32_t settle;
    uint32_t frames;
    uint32_t working_set;
    uint64_t seed;
};

enum gcp_round_status {
    GCP_ROUND_VALID = 0,
    GCP_ROUND_INVALID = 1,   /* measured, but the proof failed: see `reason` */
    GCP_ROUND_UNABLE = 2,    /* the source or the arm is unavailable here: `reason`, `err` */
    GCP_ROUND_FAILED = 3,    /* the work stopped at an error: `reason`, `err` */
    GCP_ROUND_DISTURBED = 4, /* proven, but the second thread was kept from running: must be repeated */
};

/*
 * ns:        time of the work;  split_ns: part of it, spent on splitting first;  swapin_ns: part of it, the first reads
 *            that swap pages in
 * calls:     system calls of the work
 * frames_pairs, frames_adjacent, frames_blocks: of the source when it was ready (struct gcp_frame_order); without pairs
 *            the order of frames is unproven, since this user can't read frames
 * target_pairs, target_adjacent, target_blocks: of the destination's pages afterwards; for arms that copy, the page
 *            allocator's order
 * range_bytes: of the source;  streamed_bytes: read between the making of the source and the work, to evict the caches
 * path:      the path in a word: moved, moved-whole, split-and-moved, moved-swapped-in-whole, ...
 * The rest: see gcproto.results.schema, Proof and Outcome.
 */
struct gcp_round {
    uint32_t status; /* enum gcp_round_status */
    int32_t err;
    uint64_t ns;
    uint64_t split_ns;
    uint64_t swapin_ns;
    uint64_t calls;
    struct gcp_account account;
    uint32_t have; /* enum gcp_proof_access */
    uint64_t pfn_kept;
    uint64_t pfn_changed;
    uint64_t contents;
    uint64_t source_gone;
    uint64_t folios;
    uint64_t folios_split;
    uint64_t pmd_splits;
    uint64_t order_after[GCP_MAX_ORDER + 1];
    uint64_t swapped_before;
    uint64_t swapped_after;
    uint64_t cached_before;
    uint64_t frames_pairs;
    uint64_t frames_adjacent;
    uint64_t frames_blocks;
    uint64_t target_pairs;
    uint64_t target_adjacent;
    uint64_t target_blocks;
    uint64_t range_bytes;
    uint64_t streamed_bytes;
    char path[32];
    char reason[320];
};

/* cdef:end */

#endif
