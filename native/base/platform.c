#define _GNU_SOURCE
#include "base/platform.h"
#include "base/uapi.h"
#include "base/address.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define THP_DIR "/sys/kernel/mm/transparent_hugepage"

static uint32_t log2_of(uint64_t power_of_two)
{
    return (uint32_t)__builtin_ctzll(power_of_two);
}

/* One word of a sysfs file; false if it is missing. */
static bool read_word(const char *folder, const char *name, char ret[32])
{
    char path[192];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool found = fscanf(file, "%31s", ret) == 1;
    fclose(file);
    return found;
}

/* Size of the highest-level data cache of one processor; 0 if sysfs has none. */
static uint64_t llc_from_sysfs(int cpu)
{
    unsigned highest = 0;
    uint64_t found = 0;
    for (unsigned index = 0;; index++) {
        char folder[128], level[32], type[32], size[32];
        snprintf(folder, sizeof(folder), "/sys/devices/system/cpu/cpu%d/cache/index%u", cpu, index);
        if (!read_word(folder, "level", level))
            return found;
        if (!read_word(folder, "type", type) || !read_word(folder, "size", size) || strcmp(type, "Instruction") == 0)
            continue;
        unsigned number = 0;
        uint64_t kib = 0;
        /* The kernel prints KiB, whatever the size (cacheinfo.c, size_show()). */
        if (sscanf(level, "%u", &number) == 1 && sscanf(size, "%" SCNu64 "K", &kib) == 1 && number > highest && kib) {
            highest = number;
            found = kib * 1024;
        }
    }
}

static uint64_t llc_from_sysconf(void)
{
    const int names[] = {_SC_LEVEL4_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE, _SC_LEVEL2_CACHE_SIZE};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        long bytes = sysconf(names[i]);
        if (bytes > 0)
            return (uint64_t)bytes;
    }
    return 0;
}

/* Read once in a process: it takes some twenty files, and thousands of regions are made. */
static pthread_once_t llc_once = PTHREAD_ONCE_INIT;
static uint64_t llc_bytes;

static void find_llc(void)
{
    cpu_set_t set;
    int first = 0;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        while (first < CPU_SETSIZE - 1 && !CPU_ISSET((size_t)first, &set))
            first++;
    llc_bytes = llc_from_sysfs(first);
    if (!llc_bytes)
        llc_bytes = llc_from_sysconf();
}

void gcp_platform_get(struct gcp_platform *ret)
{
    *ret = (struct gcp_platform){.page_size = (uint64_t)sysconf(_SC_PAGESIZE)};

    /* One page table is one page of 8-byte entries on every 64-bit architecture that has UFFDIO_MOVE. */
    ret->pmd_size = ret->page_size / 8 * ret->page_size;
    FILE *file = fopen(THP_DIR "/hpage_pmd_size", "re");
    if (file) {
        uint64_t size;
        if (fscanf(file, "%" SCNu64, &size) == 1 && size > ret->page_size)
            ret->pmd_size = size;
        ret->has_thp = 1;
        fclose(file);
    }
    ret->pmd_order = log2_of(ret->pmd_size / ret->page_size);

    for (uint32_t order = 1; order <= ret->pmd_order; order++) {
        char path[128];
        snprintf(path, sizeof(path), THP_DIR "/hugepages-%" PRIu64 "kB/enabled", (ret->page_size << order) / 1024);
        if (access(path, F_OK) == 0)
            ret->anon_orders |= 1ULL << order;
    }
    /* Before 6.8 there are no per-size folders, but a kernel with THP has the PMD size. */
    if (ret->has_thp)
        ret->anon_orders |= 1ULL << ret->pmd_order;

    cpu_set_t set;
    CPU_ZERO(&set);
    ret->cpus = sched_getaffinity(0, sizeof(set), &set) == 0 ? (uint32_t)CPU_COUNT(&set) : 1;

    pthread_once(&llc_once, find_llc);
    ret->llc_bytes = llc_bytes;
}

void *gcp_region_alloc(uint64_t bytes, uint64_t offset)
{
    struct gcp_platform platform;
    gcp_platform_get(&platform);
    uint64_t page = platform.page_size, pmd = platform.pmd_size;

    /* A guard page on each side stays PROT_NONE, so the kernel can't merge this mapping with a neighbour. */
    uint64_t span = bytes + offset + pmd + 2 * page;
    char *area = mmap(NULL, span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (area == MAP_FAILED)
        return NULL;
    uint64_t first = (gcp_address_of(area) + page + pmd - 1) / pmd * pmd;
    char *region = area + (first - gcp_address_of(area)) + offset;
    if (mprotect(region, bytes, PROT_READ | PROT_WRITE) < 0) {
        int err = errno;
        munmap(area, span);
        errno = err;
        return NULL;
    }
    /* Keep only the region and its guard pages. */
    char *low = region - page, *high = region + bytes + page, *end = area + span;
    if (low > area)
        munmap(area, (size_t)(low - area));
    if (end > high)
        munmap(high, (size_t)(end - high));
    return region;
}

int gcp_region_free(void *region, uint64_t bytes)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    if (!region)
        return 0;
    return munmap((char *)region - page, bytes + 2 * page) < 0 ? -errno : 0;
}

int gcp_region_discard(uint64_t start, uint64_t bytes)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t first = (start + page - 1) / page * page, end = (start + bytes) / page * page;
    if (first >= end)
        return 0;
    return madvise(gcp_at(first), end - first, MADV_DONTNEED) < 0 ? -errno : 0;
}

int gcp_region_page_out(uint64_t start, uint64_t bytes)
{
    return madvise(gcp_at(start), bytes, GCP_MADV_PAGEOUT) < 0 ? -errno : 0;
}

int gcp_region_small(uint64_t start, uint64_t bytes)
{
    if (madvise(gcp_at(start), bytes, MADV_NOHUGEPAGE) == 0 || errno == EINVAL)
        return 0;
    return -errno;
}

int gcp_region_large(uint64_t start, uint64_t bytes)
{
    return madvise(gcp_at(start), bytes, MADV_HUGEPAGE) == 0 ? 0 : -errno;
}

int gcp_region_populate(uint64_t start, uint64_t bytes)
{
    return madvise(gcp_at(start), bytes, GCP_MADV_POPULATE_WRITE) < 0 ? -errno : 0;
}

int gcp_region_collapse(uint64_t start, uint64_t bytes)
{
    return madvise(gcp_at(start), bytes, GCP_MADV_COLLAPSE) < 0 ? -errno : 0;
}

int gcp_region_split(uint64_t start, uint64_t bytes, uint64_t folio_bytes)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    for (uint64_t at = start; at < start + bytes; at += folio_bytes)
        if (madvise(gcp_at(at), page, GCP_MADV_COLD) < 0)
            return -errno;
    return 0;
}

int gcp_pin_cpu(int32_t cpu)
{
    if (cpu < 0)
        return 0;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    return sched_setaffinity(0, sizeof(set), &set) < 0 ? -errno : 0;
}

int32_t gcp_lru_drain(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    long cpus = sysconf(_SC_NPROCESSORS_CONF);
    int32_t visited = 0;
    cpu_set_t before;
    if (sched_getaffinity(0, sizeof(before), &before) < 0)
        return -errno;
    void *scratch = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (scratch == MAP_FAILED)
        return -errno;
    /* A bound thread visits the others too: the process may have made pages before it was bound. */
    for (int32_t cpu = 0; cpu < cpus; cpu++)
        if (gcp_pin_cpu(cpu) == 0 && madvise(scratch, page, GCP_MADV_COLD) == 0)
            visited++;
    munmap(scratch, page);
    return sched_setaffinity(0, sizeof(before), &before) < 0 ? -errno : visited;
}

int gcp_ran_begin(int32_t cpu, struct gcp_ran *ret)
{
    *ret = (struct gcp_ran){.asked = cpu, .first = -1, .last = -1};
    return gcp_pin_cpu(cpu);
}

void gcp_ran_look(struct gcp_ran *ran)
{
    int32_t cpu = sched_getcpu();
    if (ran->first < 0)
        ran->first = cpu;
    else if (cpu != ran->last)
        ran->moves++;
    ran->last = cpu;
}

void gcp_settle(void)
{
    const struct timespec moment = {.tv_nsec = 8000000};
    struct timespec first, now;
    long page = sysconf(_SC_PAGESIZE);
    void *scratch = mmap(NULL, (size_t)page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    nanosleep(&moment, NULL);
    if (scratch != MAP_FAILED) {
        madvise(scratch, (size_t)page, GCP_MADV_COLD); /* drains the batch (lru_add_drain) */
        munmap(scratch, (size_t)page);
    }
    /* The coarse clock advances only at a timer interrupt. */
    clock_gettime(CLOCK_MONOTONIC_COARSE, &first);
    do
        clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    while (now.tv_sec == first.tv_sec && now.tv_nsec == first.tv_nsec);
}
