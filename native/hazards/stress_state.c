#include "hazards/stress_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

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

void gcp_stress_be_calm(struct gcp_stress *stress)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    while (atomic_load(&stress->calm) && !atomic_load(&stress->stop))
        nanosleep(&moment, NULL);
}

uint64_t gcp_stress_entry(struct gcp_stress *stress, uint64_t side, uint64_t i)
{
    uint64_t entry = 0;
    off_t at = (off_t)(gcp_stress_at(stress, side, i) / stress->page * sizeof(entry));
    if (pread(stress->pagemap_fd, &entry, sizeof(entry), at) != (ssize_t)sizeof(entry))
        return 0;
    return entry;
}
