#define _GNU_SOURCE
#include "uffd/ability.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/content.h"
#include "base/pin.h"
#include "base/platform.h"
#include "base/uapi.h"
#include "uffd/answer.h"
#include "uffd/uffd.h"
#include "base/address.h"

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
    void *moved = mremap(area, page, page, MREMAP_MAYMOVE | GCP_MREMAP_DONTUNMAP, NULL);
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
    int32_t ring = gcp_pin(gcp_address_of(area), page);
    gcp_unpin(ring);
    munmap(area, page);
    return ring < 0 ? -ring : 0;
}

struct found {
    uint32_t verdict;
    int32_t err;
};

#define CALLED_NEXT UINT32_MAX /* no verdict yet: MOVE is called next */

static bool tell(int fd, struct found found)
{
    return write(fd, &found, sizeof(found)) == sizeof(found);
}

/*
 * The second page of a pinned THP can't be moved without splitting it, and a pinned folio can't be split.  The reader
 * is told when MOVE is called: what comes before it takes seconds on a busy emulated machine.
 */
static struct found try_pinned_thp(int fd)
{
    struct gcp_platform platform;
    gcp_platform_get(&platform);
    uint64_t page = platform.page_size, pmd = platform.pmd_size;
    char *src = gcp_region_alloc(pmd, 0), *dst = gcp_region_alloc(pmd, 0);
    if (!src || !dst)
        return (struct found){GCP_LIVELOCK_UNKNOWN, ENOMEM};
    for (uint64_t at = 0; at < pmd; at += page)
        src[at] = 1;
    /* MADV_COLLAPSE makes a THP whatever the settings. */
    if (madvise(src, pmd, GCP_MADV_COLLAPSE) < 0)
        return (struct found){GCP_LIVELOCK_UNKNOWN, errno};
    int32_t ring = gcp_pin(gcp_address_of(src), page);
    if (ring < 0)
        return (struct found){GCP_LIVELOCK_UNKNOWN, -ring};
    struct gcp_uffd uffd;
    int err = gcp_uffd_init(0, &uffd);
    if (err)
        return (struct found){GCP_LIVELOCK_UNKNOWN, -err};
    err = gcp_uffd_register(&uffd, gcp_address_of(dst), pmd, NULL).err;
    if (err)
        return (struct found){GCP_LIVELOCK_UNKNOWN, err};
    if (!tell(fd, (struct found){CALLED_NEXT, 0}))
        return (struct found){GCP_LIVELOCK_UNKNOWN, errno};
    struct gcp_outcome did = gcp_uffd_move(&uffd, gcp_address_of(dst) + page, gcp_address_of(src) + page, page, 0);
    bool busy = gcp_answer(GCP_VERB_MOVE, &did) == GCP_ANSWER_BUSY;
    return (struct found){busy ? GCP_LIVELOCK_NO : GCP_LIVELOCK_OTHER, did.err};
}

static void child(int fd, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    _exit(tell(fd, try_pinned_thp(fd)) ? 0 : 1);
}

/* A millisecond on a machine of today, far more on an emulated one: what this process does while it waits. */
#define WORK_LOOPS 300000
#define WAIT_MS 10
#define SETUP_MS 60000

/* Wait for bytes.  false: `ms` have passed, and this process got enough of a processor in them to have moved a page. */
static bool answers(int fd, uint32_t ms)
{
    const uint64_t enough = ms / (2 * WAIT_MS) + 1, until = gcp_now() + (uint64_t)ms * 1000000;
    for (uint64_t worked = 0; worked < enough || gcp_now() < until; worked++) {
        struct pollfd wait_for = {.fd = fd, .events = POLLIN};
        if (poll(&wait_for, 1, WAIT_MS) > 0)
            return true;
        for (volatile uint32_t i = 0; i < WORK_LOOPS; i = i + 1)
            continue;
    }
    return false;
}

/* What the child at the other end of a pipe found. */
static struct found listen_to(int fd, uint32_t timeout_ms)
{
    struct found found;
    if (!answers(fd, SETUP_MS))
        return (struct found){GCP_LIVELOCK_UNKNOWN, ETIMEDOUT};
    if (read(fd, &found, sizeof(found)) != sizeof(found))
        return (struct found){GCP_LIVELOCK_UNKNOWN, EIO};
    if (found.verdict != CALLED_NEXT)
        return found;
    if (!answers(fd, timeout_ms))
        return (struct found){GCP_LIVELOCK_YES, 0};
    if (read(fd, &found, sizeof(found)) != sizeof(found))
        return (struct found){GCP_LIVELOCK_UNKNOWN, EIO};
    return found;
}

uint32_t gcp_ability_livelock(uint32_t timeout_ms, int32_t *ret_err)
{
    int ends[2];
    if (pipe(ends) < 0) {
        *ret_err = errno;
        return GCP_LIVELOCK_UNKNOWN;
    }
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        close(ends[0]);
        child(ends[1], parent);
    }
    struct found found = {GCP_LIVELOCK_UNKNOWN, pid < 0 ? errno : 0};
    close(ends[1]);
    if (pid > 0) {
        found = listen_to(ends[0], timeout_ms);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    close(ends[0]);
    *ret_err = found.err;
    return found.verdict;
}

/* A range whose accessed bits change all the time. */
struct unrest {
    char *start;
    uint64_t bytes;
    uint64_t page;
    atomic_int over;
};

static void *clear_accessed(void *arg)
{
    struct unrest *unrest = arg;
    while (!atomic_load_explicit(&unrest->over, memory_order_relaxed))
        madvise(unrest->start, unrest->bytes, GCP_MADV_COLD);
    return NULL;
}

static void *set_accessed(void *arg)
{
    struct unrest *unrest = arg;
    while (!atomic_load_explicit(&unrest->over, memory_order_relaxed))
        for (uint64_t at = 0; at < unrest->bytes; at += unrest->page)
            (void)*(volatile const char *)(unrest->start + at);
    return NULL;
}

/* An emulated machine would need minutes for all pages; on a real one the bug appears within milliseconds. */
#define RETRY_MS 4000
#define RETRY_PAGES 512
#define RETRY_SEED 0x72657472ULL

/* Move a range while its accessed bits change.  0 or -errno. */
static int32_t move_restless(const struct gcp_uffd *uffd, char *src, char *dst, uint64_t page, uint64_t granule,
                             uint64_t *moved, uint64_t *eexist)
{
    uint64_t bytes = RETRY_PAGES * page;
    struct unrest unrest = {.start = src, .bytes = bytes, .page = page};
    pthread_t clearer, setter;
    int32_t err = -pthread_create(&clearer, NULL, clear_accessed, &unrest);
    if (err)
        return err;
    err = -pthread_create(&setter, NULL, set_accessed, &unrest);
    bool two = !err;
    uint32_t row = 0;
    for (uint64_t at = 0; !err && at < bytes;) {
        uint64_t len = granule < bytes - at ? granule : bytes - at;
        struct gcp_outcome did = gcp_uffd_move(uffd, gcp_address_of(dst) + at, gcp_address_of(src) + at, len, 0);
        enum gcp_answer answer = gcp_answer(GCP_VERB_MOVE, &did);
        if (answer == GCP_ANSWER_DONE) {
            *moved += (uint64_t)did.bytes / page;
            at += (uint64_t)did.bytes;
            row = 0;
        } else if (answer == GCP_ANSWER_THERE) {
            *eexist += 1;
            at += page;
            row = 0;
        } else if (!gcp_answer_repeats(answer, &row, GCP_AGAIN_LIMIT)) {
            err = -gcp_answer_errno(&did);
        }
    }
    atomic_store(&unrest.over, 1);
    pthread_join(clearer, NULL);
    if (two)
        pthread_join(setter, NULL);
    return err;
}

int32_t gcp_ability_retry(uint64_t pages, uint64_t granule, uint64_t *ret_moved, uint64_t *ret_eexist)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), bytes = RETRY_PAGES * page;
    struct gcp_uffd uffd;
    *ret_moved = *ret_eexist = 0;
    uint64_t deadline = gcp_now() + RETRY_MS * 1000000ULL;
    int32_t err = gcp_uffd_init(0, &uffd);
    while (!err && !*ret_eexist && *ret_moved < pages && gcp_now() < deadline) {
        char *src = gcp_region_alloc(bytes, 0), *dst = gcp_region_alloc(bytes, 0);
        err = src && dst ? 0 : -ENOMEM;
        if (!err) {
            madvise(src, bytes, MADV_NOHUGEPAGE);
            madvise(dst, bytes, MADV_NOHUGEPAGE);
            gcp_content_fill(gcp_address_of(src), 0, RETRY_PAGES, RETRY_SEED);
            err = -gcp_uffd_register(&uffd, gcp_address_of(dst), bytes, NULL).err;
        }
        if (!err)
            err = move_restless(&uffd, src, dst, page, granule, ret_moved, ret_eexist);
        if (!err) {
            gcp_uffd_unregister(&uffd, gcp_address_of(dst), bytes);
            if (gcp_content_check(gcp_address_of(dst), 0, RETRY_PAGES, RETRY_SEED) >= 0)
                err = -EIO;
        }
        if (src)
            gcp_region_free(src, bytes);
        if (dst)
            gcp_region_free(dst, bytes);
    }
    gcp_uffd_deinit(&uffd);
    return err;
}
