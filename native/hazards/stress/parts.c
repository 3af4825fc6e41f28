#define _GNU_SOURCE
#include "hazards/stress/parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/platform.h"
#include "base/uapi.h"
#include "hazards/counters.h"
#include "trial/kernel_file.h"

#define ZSWAP "/sys/module/zswap/parameters/enabled"
#define KSM "/sys/kernel/mm/ksm/"
#define BALANCING "/proc/sys/kernel/numa_balancing"
#define BALANCING_DEBUG "/sys/kernel/debug/sched/numa_balancing/"

static const char *const NAMES[GCP_STRESS_PARTS] = {
    "zswap", "merging by KSM", "migration between nodes", "NUMA balancing", "memory failure", "swapoff",
};

__attribute__((format(printf, 3, 4))) static void lacks(struct gcp_stress_parts *parts, enum gcp_stress_part part,
                                                        const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(parts->missing[part], sizeof(parts->missing[part]), format, args);
    va_end(args);
}

/* One half of the seeds of each swap device has it. */
static void set_up_zswap(uint64_t seed, struct gcp_stress_parts *parts)
{
    int err = access(ZSWAP, F_OK) ? -errno : 0;
    parts->zswap = !err && parts->swap[0] && seed / 2 % 2;
    if (parts->zswap)
        err = gcp_kernel_file_write(ZSWAP, "Y");
    if (err || !parts->swap[0])
        lacks(parts, GCP_STRESS_ZSWAP, "%s", err ? strerror(-err) : "no swap device");
    parts->zswap = parts->zswap && !err;
}

static void set_up_ksm(struct gcp_stress_parts *parts)
{
    int err = gcp_kernel_file_write(KSM "run", "1");
    if (err)
        lacks(parts, GCP_STRESS_KSM, "%s", strerror(-err));
    gcp_kernel_file_write(KSM "smart_scan", "0"); /* it passes over pages that were not merged at once */
    gcp_kernel_file_write(KSM "pages_to_scan", "4096");
    gcp_kernel_file_write(KSM "sleep_millisecs", "10");
}

static void set_up_numa(struct gcp_stress_parts *parts)
{
    static const char *const QUICK[][2] = {
        {BALANCING_DEBUG "scan_delay_ms", "10"},
        {BALANCING_DEBUG "scan_period_min_ms", "20"},
        {BALANCING_DEBUG "scan_period_max_ms", "100"},
        {BALANCING_DEBUG "scan_size_mb", "16"},
    };
    bool nodes = access("/sys/devices/system/node/node1", F_OK) == 0;
    int err = gcp_kernel_file_write(BALANCING, "1");
    if (!nodes)
        lacks(parts, GCP_STRESS_NODES, "one NUMA node");
    if (err || !nodes)
        lacks(parts, GCP_STRESS_BALANCING, "%s", nodes ? strerror(-err) : "one NUMA node");
    for (size_t i = 0; i < sizeof(QUICK) / sizeof(QUICK[0]); i++)
        gcp_kernel_file_write(QUICK[i][0], QUICK[i][1]);
}

/* Tried with a page: the advice alone says whether the kernel has it. */
static void set_up_failure(struct gcp_stress_parts *parts)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *at = gcp_region_alloc(page, 0);
    if (!at)
        return;
    at[0] = 1;
    if (madvise(at, page, GCP_MADV_SOFT_OFFLINE) < 0 && errno != EBUSY)
        lacks(parts, GCP_STRESS_FAILURE, "%s", strerror(errno));
    gcp_region_free(at, page);
}

static void find_swap(struct gcp_stress_parts *parts)
{
    char line[256];
    FILE *file = fopen("/proc/swaps", "re");
    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "%63s", parts->swap) != 1 || parts->swap[0] != '/')
            parts->swap[0] = '\0'; /* the title */
    if (file)
        fclose(file);
    if (!parts->swap[0])
        lacks(parts, GCP_STRESS_SWAPOFF, "no swap device");
}

void gcp_stress_parts_init(uint64_t seed, struct gcp_stress_parts *ret)
{
    *ret = (struct gcp_stress_parts){.zswap = 0};
    find_swap(ret);
    set_up_zswap(seed, ret);
    set_up_ksm(ret);
    set_up_numa(ret);
    set_up_failure(ret);
    ret->zswap_before = gcp_count_of_vmstat("zswpout ");
    ret->hints_before = gcp_count_of_vmstat("numa_hint_faults ");
    ret->balanced_before = gcp_count_of_vmstat("numa_pages_migrated ");
}

void gcp_stress_balance(const struct gcp_stress_parts *parts, int on)
{
    if (!parts->missing[GCP_STRESS_BALANCING][0])
        gcp_kernel_file_write(BALANCING, on ? "1" : "0");
}

void gcp_stress_parts_print(const struct gcp_stress_parts *parts, char *text, size_t size)
{
    size_t at = 0;
    text[0] = '\0';
    if (parts->zswap)
        at += (size_t)snprintf(text + at, size - at, ", %" PRId64 " pages in zswap",
                               gcp_count_of_vmstat("zswpout ") - parts->zswap_before);
    if (!parts->missing[GCP_STRESS_BALANCING][0])
        at += (size_t)snprintf(text + at, size - at,
                               ", %" PRId64 " hinting faults of NUMA balancing, %" PRId64 " pages migrated by it",
                               gcp_count_of_vmstat("numa_hint_faults ") - parts->hints_before,
                               gcp_count_of_vmstat("numa_pages_migrated ") - parts->balanced_before);
    if (!parts->zswap && !parts->missing[GCP_STRESS_ZSWAP][0])
        at += (size_t)snprintf(text + at, size - at, "; this seed is without zswap");
    for (int i = 0; i < GCP_STRESS_PARTS; i++)
        if (parts->missing[i][0])
            at += (size_t)snprintf(text + at, size - at, "; %s: unavailable (%s)", NAMES[i], parts->missing[i]);
}
