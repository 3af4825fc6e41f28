#define _GNU_SOURCE
#include "hazards/counters.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trial/kernel_file.h"

#define THP "/sys/kernel/mm/transparent_hugepage/"

#define PAGES_SLACK 64
#define ANON_VMAS_SLACK 256
#define FOLIOS_SLACK 4
#define THPS_SLACK 1

/* The number after the last line's `key`, as two's complement: 18446744073709551615 is -1. */
static int64_t number_in(const char *path, const char *key)
{
    char line[512];
    uint64_t value = 0;
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    while (fgets(line, sizeof(line), file))
        if (strncmp(line, key, strlen(key)) == 0)
            value = strtoull(line + strlen(key), NULL, 10);
    fclose(file);
    return (int64_t)value;
}

static void drain(void)
{
    static const char *const FILES[][2] = {
        {"/proc/sys/vm/drop_caches", "3"}, /* this drains the processors' batches for the LRU lists first */
        {"/proc/sys/vm/stat_refresh", "1"},
    };
    for (int i = 0; i < 2; i++) {
        int err = gcp_kernel_file_write(FILES[i][0], FILES[i][1]);
        if (err)
            fprintf(stderr, "%s: %s\n", FILES[i][0], strerror(-err));
    }
}

static int64_t stat_of(uint64_t kib, const char *name)
{
    char path[160];
    snprintf(path, sizeof(path), THP "hugepages-%" PRIu64 "kB/stats/%s", kib, name);
    return number_in(path, "");
}

int64_t gcp_count_of_vmstat(const char *key)
{
    return number_in("/proc/vmstat", key);
}

int64_t gcp_count_of_folios(uint64_t kib)
{
    drain();
    return stat_of(kib, "nr_anon");
}

/*
 * Pages on the LRU lists of anonymous memory that are neither mapped nor in the swap cache nor of tmpfs.  A folio that is
 * left with a reference too many when it is freed stays there, and no other counter has it.
 */
static int64_t stray_pages(void)
{
    static const char *const ON_LISTS[] = {"nr_inactive_anon ", "nr_active_anon ", "nr_unevictable "};
    static const char *const KNOWN[] = {"nr_anon_pages ", "nr_swapcached ", "nr_shmem "};
    int64_t pages = 0;
    for (int i = 0; i < 3; i++)
        pages += number_in("/proc/vmstat", ON_LISTS[i]) - number_in("/proc/vmstat", KNOWN[i]);
    return pages;
}

struct gcp_counts gcp_counts_read(void)
{
    drain();
    struct gcp_counts counts = {
        .anon_pages = number_in("/proc/vmstat", "nr_anon_pages "),
        .stray_pages = stray_pages(),
        .thps = number_in("/proc/vmstat", "nr_anon_transparent_hugepages "),
        .swap_kib = number_in("/proc/meminfo", "SwapTotal:") - number_in("/proc/meminfo", "SwapFree:"),
        .anon_vmas = number_in("/proc/slabinfo", "anon_vma "),
    };
    for (int i = 0; i < GCP_COUNTED_ORDERS; i++) {
        counts.folios[i] = stat_of(4ULL << i, "nr_anon");
        counts.partial[i] = stat_of(4ULL << i, "nr_anon_partially_mapped");
    }
    return counts;
}

/* Appends to `why` if the value is below zero or further than `slack` from what it was. */
static void check(const char *name, uint64_t kib, int64_t before, int64_t after, int64_t slack, char *why, size_t size)
{
    size_t at = strlen(why);
    char of[48] = "";
    if (after >= 0 && llabs(after - before) <= slack)
        return;
    if (kib)
        snprintf(of, sizeof(of), " of %" PRIu64 " KiB", kib);
    snprintf(why + at, size - at, "%s%s%s was %" PRId64 " and is %" PRId64, at ? ", " : "", name, of, before, after);
}

void gcp_counts_compare(const struct gcp_counts *before, const struct gcp_counts *after, char *why, size_t size)
{
    why[0] = '\0';
    check("nr_anon_pages", 0, before->anon_pages, after->anon_pages, PAGES_SLACK, why, size);
    check("nr_anon_transparent_hugepages", 0, before->thps, after->thps, THPS_SLACK, why, size);
    if (llabs(after->stray_pages - before->stray_pages) > PAGES_SLACK)
        check("pages on LRU lists that nobody uses", 0, before->stray_pages, after->stray_pages, PAGES_SLACK, why,
              size);
    check("anon_vma", 0, before->anon_vmas, after->anon_vmas, ANON_VMAS_SLACK, why, size);
    for (int i = 0; i < GCP_COUNTED_ORDERS; i++) {
        check("nr_anon", 4ULL << i, before->folios[i], after->folios[i], FOLIOS_SLACK, why, size);
        check("nr_anon_partially_mapped", 4ULL << i, before->partial[i], after->partial[i], FOLIOS_SLACK, why, size);
    }
}
