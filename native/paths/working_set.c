#define _GNU_SOURCE
#include "paths/working_set.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/platform.h"
#include "base/address.h"

/* Size of the buffer in last-level caches, and number of reads.  See the header. */
#define EVICT_CACHES 2
#define EVICT_PASSES 4
#define CACHE_LINE 64

static const char *const NAMES[] = {
    [GCP_WORKING_SET_ANY] = "any",
    [GCP_WORKING_SET_CACHE] = "cache",
    [GCP_WORKING_SET_MEMORY] = "memory",
};

const char *gcp_working_set_name(uint32_t working_set)
{
    return working_set < sizeof(NAMES) / sizeof(NAMES[0]) ? NAMES[working_set] : NULL;
}

int gcp_working_set_check(uint32_t working_set, uint64_t pages, char *why, size_t why_size)
{
    struct gcp_platform platform;
    gcp_platform_get(&platform);
    uint64_t bytes = pages * platform.page_size;

    if (working_set == GCP_WORKING_SET_ANY)
        return 0;
    if (!gcp_working_set_name(working_set)) {
        snprintf(why, why_size, "there is no working set %u", working_set);
        return -EINVAL;
    }
    if (!platform.llc_bytes) {
        snprintf(why, why_size, "the size of the last-level cache is unknown: neither sysfs nor sysconf(3) tells it");
        return -EOPNOTSUPP;
    }
    if (working_set == GCP_WORKING_SET_CACHE && bytes > platform.llc_bytes / 2) {
        snprintf(why, why_size, "a range of %" PRIu64 " KiB is more than half the last-level cache of %" PRIu64 " KiB",
                 bytes / 1024, platform.llc_bytes / 1024);
        return -EINVAL;
    }
    if (working_set == GCP_WORKING_SET_MEMORY && pages < GCP_MEMORY_MIN_PAGES) {
        snprintf(why, why_size,
                 "a range of %" PRIu64 " pages is too small to be measured from memory: the cold first call would show "
                 "below %u pages",
                 pages, GCP_MEMORY_MIN_PAGES);
        return -EINVAL;
    }
    return 0;
}

/* MemAvailable of /proc/meminfo in bytes; UINT64_MAX if it is missing. */
static uint64_t available_bytes(void)
{
    char line[128];
    uint64_t kib, found = UINT64_MAX;
    FILE *file = fopen("/proc/meminfo", "re");
    if (!file)
        return found;
    while (fgets(line, sizeof(line), file))
        if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1)
            found = kib * 1024;
    fclose(file);
    return found;
}

/*
 * Every page is written: reading the zero page would evict nothing.  Forked children of a source don't need it, and
 * copying its page tables for them would cost more than the source.
 */
static unsigned char *make_buffer(uint64_t bytes)
{
    unsigned char *made = gcp_region_alloc(bytes, 0);
    if (!made)
        return NULL;
    madvise(made, bytes, MADV_DONTFORK);
    gcp_region_small(gcp_address_of(made), bytes);
    memset(made, 1, bytes);
    return made;
}

/* Use page frames and free them: the page allocator hands out first what was freed last. */
static int use_frames(uint64_t frames, uint64_t page_size)
{
    unsigned char *scratch = gcp_region_alloc(frames * page_size, 0);
    if (!scratch)
        return -ENOMEM;
    int err = gcp_region_small(gcp_address_of(scratch), frames * page_size);
    for (uint64_t page = 0; !err && page < frames; page++)
        scratch[page * page_size] = 1;
    int free_err = gcp_region_free(scratch, frames * page_size);
    return err ? err : free_err;
}

int gcp_working_set_reach(uint32_t working_set, uint64_t frames, uint64_t *ret_streamed, char *why, size_t why_size)
{
    static unsigned char *buffer;
    static uint64_t size;
    struct gcp_platform platform;

    *ret_streamed = 0;
    if (working_set != GCP_WORKING_SET_MEMORY)
        return 0;
    gcp_platform_get(&platform);
    if (!buffer) {
        uint64_t wanted = EVICT_CACHES * platform.llc_bytes;
        if (available_bytes() < 2 * wanted || !(buffer = make_buffer(wanted))) {
            snprintf(why, why_size, "no memory for %" PRIu64 " KiB to evict the last-level cache with", wanted / 1024);
            return -ENOMEM;
        }
        size = wanted;
    }
    int err = frames ? use_frames(frames, platform.page_size) : 0;
    if (err) {
        snprintf(why, why_size, "no memory for a destination of %" PRIu64 " pages: %s", frames, strerror(-err));
        return err;
    }
    uint64_t streamed = 0;
    for (int pass = 0; pass < EVICT_PASSES; pass++)
        for (uint64_t at = 0; at < size; at += CACHE_LINE, streamed += CACHE_LINE)
            (void)*(volatile const unsigned char *)(buffer + at);
    *ret_streamed = streamed;
    return 0;
}
