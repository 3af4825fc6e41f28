#define _GNU_SOURCE
#include "hazards/stress/state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/address.h"
#include "base/platform.h"
#include "base/uapi.h"
#include "trial/kernel_file.h"

uint64_t gcp_stress_random(struct gcp_stress_thread *thread, uint64_t limit)
{
    thread->random = thread->random * 6364136223846793005ULL + 1442695040888963407ULL;
    return (thread->random >> 33) % limit;
}

uint64_t gcp_stress_at(const struct gcp_stress *stress, uint64_t side, uint64_t i)
{
    return stress->side[side] + i * stress->page;
}

uint64_t gcp_stress_word(const struct gcp_stress *stress, uint64_t i)
{
    return (stress->seed ^ (i + 1)) * 0x9E3779B97F4A7C15ULL | 1;
}

void gcp_stress_mark(const struct gcp_stress *stress, uint64_t address, uint64_t word)
{
    volatile uint64_t *words = (volatile uint64_t *)gcp_at(address);
    words[0] = words[gcp_stress_last(stress)] = word;
}

void gcp_stress_fail(struct gcp_stress *stress, const char *format, ...)
{
    if (atomic_exchange(&stress->failed, 1))
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(stress->why, sizeof(stress->why), format, args);
    va_end(args);
    atomic_store(&stress->stop, 1);
}

void gcp_stress_set(const char *name, const char *value)
{
    char path[160];
    snprintf(path, sizeof(path), "/sys/kernel/mm/transparent_hugepage/%s", name);
    int err = gcp_kernel_file_write(path, value);
    if (err && err != -ENOENT) /* this kernel lacks the size */
        fprintf(stderr, "stress: %s: %s\n", path, strerror(-err));
}

void gcp_stress_enable(unsigned order)
{
    struct gcp_platform platform;
    gcp_platform_get(&platform);
    for (unsigned each = 2; each <= platform.pmd_order; each++) {
        char name[64];
        snprintf(name, sizeof(name), "hugepages-%" PRIu64 "kB/enabled", (platform.page_size << each) / 1024);
        gcp_stress_set(name, each == order ? "always" : "never");
    }
}

void gcp_stress_sleep_us(uint64_t us)
{
    const struct timespec time = {.tv_nsec = (long)us * 1000};
    nanosleep(&time, NULL);
}

void gcp_stress_be_calm(struct gcp_stress *stress)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    while (atomic_load(&stress->calm) && !atomic_load(&stress->stop))
        nanosleep(&moment, NULL);
}

uint64_t gcp_stress_entry_at(struct gcp_stress *stress, uint64_t address)
{
    uint64_t entry = 0;
    off_t at = (off_t)(address / stress->page * sizeof(entry));
    if (pread(stress->pagemap_fd, &entry, sizeof(entry), at) != (ssize_t)sizeof(entry))
        return 0;
    return entry;
}

uint64_t gcp_stress_entry(struct gcp_stress *stress, uint64_t side, uint64_t i)
{
    return gcp_stress_entry_at(stress, gcp_stress_at(stress, side, i));
}

uint64_t gcp_stress_flags_at(struct gcp_stress *stress, uint64_t address)
{
    uint64_t entry = gcp_stress_entry_at(stress, address), flags = 0;
    off_t at = (off_t)(GCP_PM_PFN(entry) * sizeof(flags));
    if (!(entry & GCP_PM_PRESENT) || pread(stress->kpageflags_fd, &flags, sizeof(flags), at) != (ssize_t)sizeof(flags))
        return 0;
    return flags;
}

bool gcp_stress_is_small(struct gcp_stress *stress, uint64_t side, uint64_t i)
{
    uint64_t flags = gcp_stress_flags_at(stress, gcp_stress_at(stress, side, i));
    return flags && !(flags & (GCP_KPF_COMPOUND_HEAD | GCP_KPF_COMPOUND_TAIL));
}
