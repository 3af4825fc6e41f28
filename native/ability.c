#define _GNU_SOURCE
#include "ability.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pin.h"
#include "platform.h"
#include "uffd.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

int32_t gcp_ability_cycles(void)
{
    struct perf_event_attr attr;
    memset(&attr, 0, sizeof(attr));
    attr.type = PERF_TYPE_HARDWARE;
    attr.size = sizeof(attr);
    attr.config = PERF_COUNT_HW_CPU_CYCLES;
    attr.exclude_kernel = 1;
    attr.exclude_hv = 1;
    int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

int32_t gcp_ability_dontunmap(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *area = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED)
        return errno;
    void *moved = mremap(area, page, page, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
    int err = moved == MAP_FAILED ? errno : 0;
    if (!err)
        munmap(moved, page);
    munmap(area, page);
    return err;
}

int32_t gcp_ability_pin(void)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    void *area = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED)
        return errno;
    int32_t ring = gcp_pin((uint64_t)(uintptr_t)area, page);
    gcp_unpin(ring);
    munmap(area, page);
    return ring < 0 ? -ring : 0;
}

struct answer {
    uint32_t verdict;
    int32_t err;
};

/* The second page of a pinned THP can't be moved without splitting it, and a pinned folio can't be split. */
static struct answer try_pinned_thp(void)
{
    struct gcp_platform platform;
    gcp_platform_get(&platform);
    uint64_t page = platform.page_size, pmd = platform.pmd_size;
    char *src = gcp_region_alloc(pmd, 0), *dst = gcp_region_alloc(pmd, 0);
    if (!src || !dst)
        return (struct answer){GCP_LIVELOCK_UNKNOWN, ENOMEM};
    for (uint64_t at = 0; at < pmd; at += page)
        src[at] = 1;
    /* MADV_COLLAPSE makes a THP whatever the settings say. */
    if (madvise(src, pmd, MADV_COLLAPSE) < 0)
        return (struct answer){GCP_LIVELOCK_UNKNOWN, errno};
    int32_t ring = gcp_pin((uint64_t)(uintptr_t)src, page);
    if (ring < 0)
        return (struct answer){GCP_LIVELOCK_UNKNOWN, -ring};
    struct gcp_uffd uffd;
    int err = gcp_uffd_init(0, &uffd);
    if (err)
        return (struct answer){GCP_LIVELOCK_UNKNOWN, -err};
    err = gcp_uffd_register(&uffd, (uint64_t)(uintptr_t)dst, pmd, NULL).err;
    if (err)
        return (struct answer){GCP_LIVELOCK_UNKNOWN, err};
    struct gcp_outcome did =
        gcp_uffd_move(&uffd, (uint64_t)(uintptr_t)dst + page, (uint64_t)(uintptr_t)src + page, page, 0);
    return (struct answer){did.err == EBUSY ? GCP_LIVELOCK_NO : GCP_LIVELOCK_OTHER, did.err};
}

static void child(int fd, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    struct answer answer = try_pinned_thp();
    _exit(write(fd, &answer, sizeof(answer)) == sizeof(answer) ? 0 : 1);
}

uint32_t gcp_ability_livelock(uint32_t timeout_ms, int32_t *ret_err)
{
    int ends[2];
    struct answer answer = {GCP_LIVELOCK_UNKNOWN, 0};
    if (pipe(ends) < 0) {
        *ret_err = errno;
        return GCP_LIVELOCK_UNKNOWN;
    }
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        close(ends[0]);
        child(ends[1], parent);
    }
    if (pid < 0) {
        answer.err = errno;
        close(ends[1]);
    } else {
        close(ends[1]);
        struct pollfd wait_for = {.fd = ends[0], .events = POLLIN};
        int ready;
        do
            ready = poll(&wait_for, 1, (int)timeout_ms);
        while (ready < 0 && errno == EINTR);
        bool hung = ready == 0;
        if (!hung && read(ends[0], &answer, sizeof(answer)) != sizeof(answer))
            answer = (struct answer){GCP_LIVELOCK_UNKNOWN, EIO};
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        if (hung)
            answer = (struct answer){GCP_LIVELOCK_YES, 0};
    }
    close(ends[0]);
    *ret_err = answer.err;
    return answer.verdict;
}
