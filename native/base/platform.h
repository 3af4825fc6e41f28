/* What this machine's memory is made of, asked of the system; and address space in the shape that the experiments need.
 */
#ifndef GCP_PLATFORM_H
#define GCP_PLATFORM_H

#include <stddef.h>
#include <stdint.h>

/* cdef:begin */

/*
 * page_size:   bytes of a base page
 * pmd_size:    bytes mapped by one page table (the size of a THP); known also where the kernel has no THP
 * pmd_order:   log2(pmd_size / page_size)
 * has_thp:     1 if the kernel was built with transparent huge pages
 * anon_orders: bit n set: anonymous folios of 2^n base pages can be enabled (hugepages-*kB/enabled is there)
 * cpus:        processors this process may run on
 * llc_bytes:   of the last-level cache that the first of these processors has or shares; 0 where nothing tells.  From
 *              sysfs (cpu/cpuN/cache), which knows what one processor can fill; else from sysconf(3), which on AMD adds
 *              up all such caches of the package (384 MiB instead of 32 on an EPYC of family 26).
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
 * Private anonymous memory of `bytes`, starting at a PMD boundary plus `offset` bytes, readable and writable, nothing
 * touched, in a mapping of its own: the page table layout is then the same for every round and every arm.  NULL and
 * errno on failure.  Give it back with gcp_region_free(region, bytes).
 */
void *gcp_region_alloc(uint64_t bytes, uint64_t offset);
int gcp_region_free(void *region, uint64_t bytes);

/* Whole pages within [start, start + bytes) read as zeroes again and cost no memory.  0 or -errno. */
int gcp_region_discard(uint64_t start, uint64_t bytes);

/* Have pages written out to swap where there is any (MADV_PAGEOUT).  0 or -errno. */
int gcp_region_page_out(uint64_t start, uint64_t bytes);

/* Small folios only, whatever the system's setting is.  0 or -errno (a kernel without THP has nothing to refuse). */
int gcp_region_small(uint64_t start, uint64_t bytes);

/* Large folios where the system's settings allow them where they are asked for.  0 or -errno. */
int gcp_region_large(uint64_t start, uint64_t bytes);

/*
 * Have the large folios of a range split, by MADV_COLD of the first page of each (see run_split_move in paths/arms.c).
 * start and bytes are multiples of folio_bytes.  Whether they were split, the counters say.  0 or -errno.
 */
int gcp_region_split(uint64_t start, uint64_t bytes, uint64_t folio_bytes);

/* Memory for a range that has none, in the folios that it was advised to have.  0 or -errno. */
int gcp_region_populate(uint64_t start, uint64_t bytes);

/* Make a THP of each aligned stretch of its size that has a page (MADV_COLLAPSE, 6.1).  0 or -errno. */
int gcp_region_collapse(uint64_t start, uint64_t bytes);

/* Bind the calling thread to a processor; -1 leaves it.  0 or -errno. */
int gcp_pin_cpu(int32_t cpu);

/*
 * Where a thread ran, as far as it looked.
 * asked:       the processor that it was bound to, -1 for none
 * first, last: where it was found when it looked for the first time, and for the last; -1: it never looked
 * moves:       times that it found itself on another processor than the time before
 */
struct gcp_ran {
    int32_t asked;
    int32_t first;
    int32_t last;
    uint32_t moves;
};

/* Bind the calling thread (-1 leaves it) and begin a record of where it runs.  0 or -errno. */
int gcp_ran_begin(int32_t cpu, struct gcp_ran *ret);

/* Look where the calling thread is. */
void gcp_ran_look(struct gcp_ran *ran);

/*
 * Bring the kernel into the same state before every measurement, for a machine whose instructions are counted: empty
 * this processor's batch of pages for the LRU lists (it is emptied every 31 pages, at 500 instructions each), let the
 * kernel's own threads run for a moment, and wait until a timer interrupt has just been.
 */
void gcp_settle(void);

/* cdef:end */

#endif
