#define _GNU_SOURCE
#include "base/lru.h"

#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/platform.h"
#include "base/uapi.h"

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
