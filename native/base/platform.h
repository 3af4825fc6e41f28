/*
 * Properties of this machine's memory, as the system reports them; and address space in the shape that experiments
 * need.
 */
#ifndef GCP_PLATFORM_H
#define GCP_PLATFORM_H

#include <stddef.h>
#include <stdint.h>

/* cdef:begin */

/*
 * page_size:   bytes of a base page
 * pmd_size:    bytes mapped by one page table (the size of a THP); set also if the kernel has no THP
 * pmd_order:   log2(pmd_size / page_size)
 * has_thp:     1 if the kernel was built with transparent huge pages
 * anon_orders: bit n set: anonymous folios of 2^n base pages can be enabled (hugepages-*kB/enabled exists)
 * cpus:        processors this process may run on
 * llc_bytes:   size of the last-level cache of the first of these processors; 0 if unknown.  From sysfs
 *              (cpu/cpuN/cache), which gives the cache that one processor can fill; otherwise from sysconf(3).  On AMD
 *              sysconf adds up all such caches of the package (384 MiB instead of 32 on an EPYC of family 26)
 */
struct gcp_platform {
    uint64_t page_size;
    uint64_t pmd_size;
    uint32_t pmd_order;
    uint32_t has_thp;
    uint64_t anon_orders;
    uint32_t cpus;
    uint64_t llc_bytes;
};

void gcp_platform_get(struct gcp_platform *ret);

/*
 * Private anonymous memory of `bytes`, starting at a PMD boundary plus `offset` bytes; readable, writable and
 * untouched.  It is a mapping of its own, so the page table layout is the same for every round and every arm.  NULL and
 * errno on failure.  Free it with gcp_region_free(region, bytes).
 */
void *gcp_region_alloc(uint64_t bytes, uint64_t offset);
int gcp_region_free(void *region, uint64_t bytes);

/* Discard the whole pages within [start, start + bytes): they read as zeroes again and use no memory.  0 or -errno. */
int gcp_region_discard(uint64_t start, uint64_t bytes);

/* Write pages out to swap, if there is any (MADV_PAGEOUT).  0 or -errno. */
int gcp_region_page_out(uint64_t start, uint64_t bytes);

/*
 * Only small folios, whatever the system's settings (MADV_NOHUGEPAGE; a kernel without THP needs none).  0 or -errno.
 */
int gcp_region_small(uint64_t start, uint64_t bytes);

/* Large folios, if the system's settings allow them on request (MADV_HUGEPAGE).  0 or -errno. */
int gcp_region_large(uint64_t start, uint64_t bytes);

/*
 * Split the large folios of a range, by MADV_COLD of the first page of each (see run_split_move in paths/arms.c). start
 * and bytes are multiples of folio_bytes.  Only the counters show whether they were split.  0 or -errno.
 */
int gcp_region_split(uint64_t start, uint64_t bytes, uint64_t folio_bytes);

/* Allocate memory for an empty range, in folios of the advised size.  0 or -errno. */
int gcp_region_populate(uint64_t start, uint64_t bytes);

/* Make a THP of each aligned block of PMD size that has a page (MADV_COLLAPSE, 6.1).  0 or -errno. */
int gcp_region_collapse(uint64_t start, uint64_t bytes);

/* Bind the calling thread to a processor; -1 leaves it.  0 or -errno. */
int gcp_pin_cpu(int32_t cpu);

/*
 * Drain the batches of pages for the LRU lists of each processor: the calling thread visits them and calls MADV_COLD on a
 * page of its own there.  Its affinity is restored.  Needs no rights.  Returns how many it visited, or -errno.
 *
 * A new small page waits in a batch of the processor that made it, up to 31 pages.  A page in a batch is on no LRU list,
 * so MADV_PAGEOUT passes over it, and drains only the batches of its own processor (lru_add_drain in mm/madvise.c).  So
 * "this page can't be swapped out" says nothing of its reverse map until all batches were drained.
 */
int32_t gcp_lru_drain(void);

/*
 * Where a thread ran, as sampled by itself.
 * asked:       the processor that it was bound to, -1 for none
 * first, last: processor at the first sample, and at the last; -1: no sample
 * moves:       number of samples on another processor than the sample before
 */
struct gcp_ran {
    int32_t asked;
    int32_t first;
    int32_t last;
    uint32_t moves;
};

/* Bind the calling thread (-1: don't) and begin a record of where it runs.  0 or -errno. */
int gcp_ran_begin(int32_t cpu, struct gcp_ran *ret);

/* Sample the processor of the calling thread. */
void gcp_ran_look(struct gcp_ran *ran);

/*
 * Bring the kernel into the same state before every measurement, for a machine whose instructions are counted.  Drain
 * this processor's batch of pages for the LRU lists: the kernel drains it every 31 pages, at 500 instructions each.
 * Then let kernel threads run for a moment, and wait until just after a timer interrupt.
 */
void gcp_settle(void);

/* cdef:end */

#endif
