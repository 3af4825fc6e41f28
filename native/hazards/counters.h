/* Counters of the kernel that must be as before when all memory is freed. */
#ifndef GCP_HAZARD_COUNTERS_H
#define GCP_HAZARD_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

#define GCP_COUNTED_ORDERS 20 /* folio sizes, from 4 KiB on */

/*
 * Signed: the kernel prints these unsigned, and one that fell below zero is huge there.  Those that this kernel lacks
 * are 0.
 *
 * stray_pages: of anonymous memory, on LRU lists, but neither mapped nor in the swap cache.  A folio with a reference too
 *              many stays there for good
 * swap_kib:  used swap
 * folios:    nr_anon of each size, by log2(KiB) - 2
 * partial:   nr_anon_partially_mapped of each size
 */
struct gcp_counts {
    int64_t anon_pages, stray_pages, thps, swap_kib, anon_vmas;
    int64_t folios[GCP_COUNTED_ORDERS], partial[GCP_COUNTED_ORDERS];
};

/* Drain the caches of processors and of the allocator, as far as possible, and read all counters. */
struct gcp_counts gcp_counts_read(void);

/* nr_anon of folios of that many KiB, after draining. */
int64_t gcp_count_of_folios(uint64_t kib);

/* The number after the key of /proc/vmstat, which ends with a space; 0 without it. */
int64_t gcp_count_of_vmstat(const char *key);

/*
 * Compare both ways.  Writes what is wrong into `why`, "" if all is right.  A counter below zero is always wrong, for
 * others small differences are accepted: folios under writeback outlive their process, and slabs are counted roughly.
 */
void gcp_counts_compare(const struct gcp_counts *before, const struct gcp_counts *after, char *why, size_t size);

#endif
