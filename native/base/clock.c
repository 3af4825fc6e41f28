#define _GNU_SOURCE
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static uint64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

uint64_t gcp_now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t gcp_thread_cpu(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t gcp_thread_queued(void)
{
    /* Three numbers: time on a processor, time waiting for one, number of timeslices (CONFIG_SCHED_INFO). */
    char text[96];
    uint64_t ran, waited;
    int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return GCP_UNKNOWN;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n <= 0)
        return GCP_UNKNOWN;
    text[n] = '\0';
    return sscanf(text, "%" SCNu64 " %" SCNu64, &ran, &waited) == 2 ? waited : GCP_UNKNOWN;
}

int gcp_span(uint64_t begin, uint64_t end, uint64_t *ret)
{
    *ret = end < begin ? 0 : end - begin;
    return end < begin ? -ERANGE : 0;
}
