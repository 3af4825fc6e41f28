/*
 * The working set: whether the data that the work touches is in the last-level cache or in memory when the work begins.
 *
 * CACHE:  the range is at most half the last-level cache, so range and destination fit together, and its pages were
 *         written just before.  If others share the cache (in a guest: other guests), no program can prove more.
 * MEMORY: between the making of the source and the work, a buffer of twice the last-level cache is read four times.
 *         That evicts the range's contents, page tables and struct pages, the struct pages of free page frames, and
 *         kernel code.  This is a collector's case: its mutators have touched other memory since the pages were
 *         written.
 *
 * A large range alone does not ensure it for MOVE, which does not touch contents.  Its working set is 72 bytes a page
 * (a struct page and a PTE), 4.5 MiB for 256 MiB.  The proof has just read pagemap and kpageflags, which fetches them.
 * Measured on 6.18 on an EPYC of family 26 with 32 MiB of last-level cache.  The table is in ns/page of small folios
 * at 2 MiB a call, medians of 7 runs beside other work, with consecutive / shuffled frames:
 *
 *                           move       copy        copy_discard
 *     8 MiB, cache        81 /  81   768 / 790   1054 / 1062
 *    16 MiB, memory       84 / 118   913 / 932   1202 / 1210
 *    64 MiB, memory       81 / 111   914 / 924   1152 / 1229
 *   256 MiB, memory       81 / 113   900 / 916   1158 / 1351
 *   256 MiB, not evicted  80 / 110   923 / 914   1159 / 1427
 *
 * An evicted range of 16 MiB costs what one of 256 MiB costs, to within 4 %, in a tenth of the time.  Only discarding
 * 256 MiB of shuffled frames costs more, as the page allocator merges them into blocks again.  Smaller ranges show the
 * code of the first call, which is cold too: some 20 us, whatever the range.  Hence GCP_MEMORY_MIN_PAGES; and THPs,
 * whose MOVE costs 1 us each, want 64 MiB.  Reading more than eight times the cache in total changed nothing.  Reading
 * a buffer of four times the cache once left a part of it: the cache does not replace the least recently used line.
 *
 * The table also shows that page tables, the TLB and refills of the per-CPU free lists add nothing to COPY from 16 to
 * 256 MiB.  A guest's first use of a page frame does add to it, because the hypervisor then provides memory: it takes
 * 10.8 us a page.  Touching a frame that was used before takes 1.2 us.  COPY of 128 MiB cost 10,302 ns/page in the
 * first round on frames that the guest had never used, and 880 to 950 in all later rounds.  If only some of the free
 * frames have been used, any value in between is measured.  COPY of a large range at twice the cost of a small one is
 * such a mixture.  MEMORY therefore uses as many free frames as the destination may take, and frees them, before it
 * evicts.
 */
#ifndef GCP_WORKING_SET_H
#define GCP_WORKING_SET_H

#include <stddef.h>
#include <stdint.h>

/* cdef:begin */

enum gcp_working_set {
    GCP_WORKING_SET_ANY = 0,    /* as large as asked, nothing evicted */
    GCP_WORKING_SET_CACHE = 1,  /* at most half of the last-level cache */
    GCP_WORKING_SET_MEMORY = 2, /* at least GCP_MEMORY_MIN_PAGES, evicted before the work */
};

#define GCP_MEMORY_MIN_PAGES 4096

/* Names as in results; NULL beyond the last. */
const char *gcp_working_set_name(uint32_t working_set);

/* cdef:end */

/*
 * Whether a range of `pages` can have this working set.  0, or -errno with `why`: EINVAL (too large, too small,
 * unknown), EOPNOTSUPP (the size of the last-level cache is unknown).
 */
int gcp_working_set_check(uint32_t working_set, uint64_t pages, char *why, size_t why_size);

/*
 * For MEMORY: evict the caches.  Otherwise do nothing.  Call it right before the work, on its processor.  `frames`:
 * page frames that the work will take from the page allocator.  The buffer is kept for the next call, so only one
 * thread may call this.  Returns 0 with the bytes read in *ret_streamed, or -errno with `why`: ENOMEM (less than twice
 * the buffer is available).
 */
int gcp_working_set_reach(uint32_t working_set, uint64_t frames, uint64_t *ret_streamed, char *why, size_t why_size);

#endif
