/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A model of three levels of data caches: set-associative, lines of 64 bytes, the least recently used line is evicted.
 *
 * It is not a machine: it has data only, and one processor.  Nothing is prefetched, and no page table is walked.
 * Lines are found by their physical addresses, since the kernel and programs map a page in different places.
 */
#ifndef GCP_PROFILE_CACHES_H
#define GCP_PROFILE_CACHES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { GCP_CACHE_LEVELS = 3, GCP_CACHE_LINE_SHIFT = 6 };

/* sets: a power of two;  lines: of each set its lines, the last used first; 0: none, else the line plus 1. */
struct gcp_cache {
    uint64_t sets;
    unsigned ways;
    uint64_t *lines;
};

/* "BYTES:WAYS" as a cache; false if it is not one, or there is no memory. */
static inline bool gcp_cache_init(struct gcp_cache *ret, const char *text)
{
    unsigned long long bytes;
    unsigned ways;
    char end;
    if (sscanf(text, "%llu:%u%c", &bytes, &ways, &end) != 2 || ways == 0 || bytes > 1ULL << 40)
        return false;
    ret->ways = ways;
    ret->sets = (bytes >> GCP_CACHE_LINE_SHIFT) / ways;
    if (ret->sets == 0 || ret->sets & (ret->sets - 1) || ret->sets * ways << GCP_CACHE_LINE_SHIFT != bytes)
        return false;
    ret->lines = calloc(ret->sets * ways, sizeof(*ret->lines));
    return ret->lines != NULL;
}

/* Uses a line, and brings it in if it is missing.  Returns whether it was there. */
static inline bool gcp_cache_use(struct gcp_cache *cache, uint64_t line)
{
    uint64_t *set = cache->lines + (line & (cache->sets - 1)) * cache->ways, last = line + 1;
    for (unsigned way = 0; way < cache->ways; way++) {
        uint64_t next = set[way];
        set[way] = last;
        if (next == line + 1)
            return true;
        last = next;
    }
    return false;
}

/* Uses a line in the first level, and in each further one that the level before it missed.  Returns how many missed. */
static inline unsigned gcp_caches_use(struct gcp_cache *levels, uint64_t line)
{
    unsigned missed = 0;
    while (missed < GCP_CACHE_LEVELS && !gcp_cache_use(&levels[missed], line))
        missed++;
    return missed;
}

#endif
