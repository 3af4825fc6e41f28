#define _GNU_SOURCE
#include "paths/sources.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/address.h"
#include "base/pin.h"
#include "base/platform.h"
#include "base/uapi.h"
#include "paths/source/folios.h"

/* Tries of MADV_PAGEOUT.  Pages may wait in a batch of any processor the first time: all are drained before the next. */
#define PAGEOUT_TRIES 4

/* Read every page without writing it. */
static void read_touch(uint64_t start, uint64_t pages, uint64_t page)
{
    for (uint64_t i = 0; i < pages; i++)
        (void)*(volatile const unsigned char *)gcp_at(start + i * page);
}

static int make_zero(struct gcp_prover *prover, struct gcp_source *source, const struct gcp_platform *platform)
{
    madvise(gcp_at(source->start), source->pages * platform->page_size, MADV_NOHUGEPAGE);
    read_touch(source->start, source->pages, platform->page_size);
    int err = gcp_source_look(prover, source);
    if (err)
        return err;
    if (source->view.present != source->pages)
        return gcp_source_fail(source, EAGAIN, "reading did not map the zero page everywhere");
    if ((source->view.have & GCP_PROOF_KPF) && source->view.zero_pages != source->pages)
        return gcp_source_fail(source, EAGAIN, "%" PRIu64 " of %" PRIu64 " pages are the zero page",
                               source->view.zero_pages, source->pages);
    return 0;
}

static int make_hole(struct gcp_prover *prover, struct gcp_source *source, const struct gcp_platform *platform)
{
    madvise(gcp_at(source->start), source->pages * platform->page_size, MADV_NOHUGEPAGE);
    int err = gcp_source_look(prover, source);
    if (err)
        return err;
    return source->view.present || source->view.swapped ? gcp_source_fail(source, EAGAIN, "the range is not empty") : 0;
}

int32_t gcp_sharer_start(void)
{
    pid_t parent = getpid();
    pid_t child = fork();
    if (child < 0)
        return -errno;
    if (child == 0) {
        /* Lives as long as the source, and never longer than its parent. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(0);
        for (;;)
            pause();
    }
    return child;
}

void gcp_sharer_stop(int32_t child)
{
    if (child <= 0)
        return;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static int share_with_child(struct gcp_prover *prover, struct gcp_source *source, const struct gcp_platform *platform)
{
    (void)platform;
    int32_t child = gcp_sharer_start();
    if (child < 0)
        return gcp_source_fail(source, -child, "fork: %s", strerror(-child));
    source->child = child;
    int err = gcp_source_look(prover, source);
    if (err)
        return err;
    for (uint64_t i = 0; i < source->pages; i++)
        if (!(source->view.entries[i] & GCP_PM_PRESENT) || (source->view.entries[i] & GCP_PM_EXCLUSIVE))
            return gcp_source_fail(source, EAGAIN, "page %" PRIu64 " is not shared with the child", i);
    return 0;
}

/* VmPin of /proc/self/status in KiB: the sum of long-term pins of this address space. */
static uint64_t pinned_kib(void)
{
    char line[128];
    uint64_t kib = 0;
    FILE *file = fopen("/proc/self/status", "re");
    if (!file)
        return 0;
    while (fgets(line, sizeof(line), file))
        if (sscanf(line, "VmPin: %" SCNu64, &kib) == 1)
            break;
    fclose(file);
    return kib;
}

static int pin_pages(struct gcp_prover *prover, struct gcp_source *source, const struct gcp_platform *platform)
{
    uint64_t bytes = source->pages * platform->page_size;
    uint64_t before = pinned_kib();
    int32_t fd = gcp_pin(source->start, bytes);
    if (fd == -ENOSYS || fd == -EPERM)
        return gcp_source_fail(source, EOPNOTSUPP, "io_uring is %s",
                               fd == -ENOSYS ? "not in this kernel" : "switched off (sysctl kernel.io_uring_disabled)");
    if (fd == -ENOMEM)
        return gcp_source_fail(source, EPERM, "pinning %" PRIu64 " KiB exceeds RLIMIT_MEMLOCK (ulimit -l)",
                               bytes / 1024);
    if (fd < 0)
        return gcp_source_fail(source, -fd, "io_uring fixed buffers: %s", strerror(-fd));
    source->ring_fd = fd;
    uint64_t pinned = pinned_kib() - before;
    if (pinned < bytes / 1024)
        return gcp_source_fail(source, EAGAIN, "VmPin grew by %" PRIu64 " of %" PRIu64 " KiB", pinned, bytes / 1024);
    return gcp_source_look(prover, source);
}

static int swap_out(struct gcp_prover *prover, struct gcp_source *source, const struct gcp_platform *platform)
{
    void *area = gcp_at(source->start);
    uint64_t bytes = source->pages * platform->page_size;
    struct gcp_counters before, after;

    gcp_counters_read(prover, &before);
    for (int i = 0; i < PAGEOUT_TRIES; i++) {
        if (i)
            gcp_lru_drain();
        if (madvise(area, bytes, GCP_MADV_PAGEOUT) < 0)
            return gcp_source_fail(source, EOPNOTSUPP, "madvise(MADV_PAGEOUT): %s", strerror(errno));
        int err = gcp_source_look(prover, source);
        if (err)
            return err;
        if (source->view.swapped == source->pages)
            break;
    }
    gcp_counters_read(prover, &after);
    if (source->view.swapped != source->pages)
        return gcp_source_fail(source, EOPNOTSUPP,
                               "%" PRIu64 " of %" PRIu64 " pages went to swap; is a swap device active?",
                               source->view.swapped, source->pages);
    if (source->order && (after.have & GCP_PROOF_MTHP)) {
        uint64_t whole = after.swpout[source->order] - before.swpout[source->order];
        if (whole != source->pages >> source->order)
            return gcp_source_fail(source, EOPNOTSUPP,
                                   "%" PRIu64 " of %" PRIu64
                                   " folios were swapped out whole (that needs CONFIG_THP_SWAP, which arm64 has "
                                   "with pages of 4 KiB only, and a block device instead of a swap file)",
                                   whole, source->pages >> source->order);
    }
    return 0;
}

static int make_swapped(struct gcp_prover *prover, struct gcp_source *source, const struct gcp_platform *platform)
{
    int err = swap_out(prover, source, platform);
    if (err)
        return err;
    if (source->view.swapped_cached)
        return gcp_source_fail(source, EOPNOTSUPP,
                               "%" PRIu64 " of %" PRIu64
                               " pages stay in the swap cache; a synchronous device (zram) empties it",
                               source->view.swapped_cached, source->pages);
    return 0;
}

static int make_swapcache(struct gcp_prover *prover, struct gcp_source *source, const struct gcp_platform *platform)
{
    int err = swap_out(prover, source, platform);
    if (err)
        return err;
    if (source->view.swapped_cached == source->pages)
        return 0;
    if (source->order)
        return gcp_source_fail(source, EOPNOTSUPP,
                               "%" PRIu64 " of %" PRIu64
                               " pages are in the swap cache; a device that is not synchronous (a loop "
                               "device) leaves large folios there",
                               source->view.swapped_cached, source->pages);
    /* WILLNEED reads small folios back into the swap cache without mapping them. */
    if (madvise(gcp_at(source->start), source->pages * platform->page_size, MADV_WILLNEED) < 0)
        return gcp_source_fail(source, errno, "madvise(MADV_WILLNEED): %s", strerror(errno));
    err = gcp_source_look(prover, source);
    if (err)
        return err;
    if (source->view.swapped != source->pages || source->view.swapped_cached != source->pages)
        return gcp_source_fail(source, EAGAIN, "%" PRIu64 " of %" PRIu64 " swapped pages are in the swap cache",
                               source->view.swapped_cached, source->pages);
    return 0;
}

#define FOLIOS (GCP_SOURCE_FOLIOS | GCP_SOURCE_LARGE)
#define PRESENT (GCP_SOURCE_FOLIOS | GCP_SOURCE_FREE)
#define SWAPPED (GCP_SOURCE_SWAPS | GCP_SOURCE_LARGE)
#define HOLES (GCP_SOURCE_HOLES | GCP_SOURCE_ZEROES)

/* make: bring a range into the state, after its folios were made, if it has any; NULL: nothing more to do. */
static const struct {
    const char *name;
    uint32_t flags;
    int (*make)(struct gcp_prover *prover, struct gcp_source *source, const struct gcp_platform *platform);
} SOURCES[] = {
    [GCP_SOURCE_PLAIN] = {"small", PRESENT, NULL},
    [GCP_SOURCE_ZERO] = {"zero", GCP_SOURCE_ZEROES | GCP_SOURCE_FREE, make_zero},
    [GCP_SOURCE_HOLE] = {"hole", HOLES, make_hole},
    [GCP_SOURCE_FORKED] = {"forked", FOLIOS, share_with_child},
    [GCP_SOURCE_PINNED] = {"pinned", FOLIOS, pin_pages},
    [GCP_SOURCE_SWAPPED] = {"swapped", SWAPPED | GCP_SOURCE_FREE, make_swapped},
    [GCP_SOURCE_SWAPCACHE] = {"swapcache", SWAPPED, make_swapcache},
    {"mthp", PRESENT | GCP_SOURCE_LARGE | GCP_SOURCE_SIZED, NULL},
    {"thp", PRESENT | GCP_SOURCE_PMD, NULL},
    {"none", HOLES | GCP_SOURCE_UNUSED, make_hole},
};

#define COUNT (sizeof(SOURCES) / sizeof(SOURCES[0]))

const char *gcp_source_name(uint32_t kind)
{
    return kind < COUNT ? SOURCES[kind].name : NULL;
}

uint32_t gcp_source_flags(uint32_t kind)
{
    return kind < COUNT ? SOURCES[kind].flags : 0;
}

static int make(struct gcp_prover *prover, struct gcp_source *source, const struct gcp_platform *platform)
{
    bool zeroes = source->flags & GCP_SOURCE_ZEROES;
    int err = zeroes ? 0 : gcp_source_populate(prover, source, platform);
    return err || !SOURCES[source->kind].make ? err : SOURCES[source->kind].make(prover, source, platform);
}

int gcp_source_init(struct gcp_prover *prover, uint32_t kind, uint32_t order, uint32_t frames, uint64_t pages,
                    uint64_t offset, uint64_t seed, struct gcp_source *ret)
{
    struct gcp_platform platform;
    gcp_platform_get(&platform);

    memset(ret, 0, sizeof(*ret));
    ret->kind = kind;
    ret->flags = gcp_source_flags(kind);
    ret->order = order;
    ret->frames = frames;
    ret->pages = pages;
    ret->seed = seed;
    bool large_wrong = order && (pages % (1ULL << order) || offset % (platform.page_size << order));
    if (kind >= COUNT || !pages || order > platform.pmd_order || offset % platform.page_size || large_wrong ||
        (order && (ret->flags & GCP_SOURCE_ZEROES)))
        return gcp_source_fail(ret, EINVAL, "no such source: kind %u, order %u, %" PRIu64 " pages at offset %" PRIu64,
                               kind, order, pages, offset);
    int err = gcp_source_frames_fit(prover, ret, offset, &platform);
    if (err)
        return err;

    err = gcp_view_init(pages, &ret->view);
    if (err)
        return gcp_source_fail(ret, -err, "no memory");
    void *area = gcp_region_alloc(pages * platform.page_size, offset);
    if (!area) {
        gcp_source_deinit(ret);
        return gcp_source_fail(ret, ENOMEM, "no address space for %" PRIu64 " pages", pages);
    }
    ret->start = gcp_address_of(area);
    err = make(prover, ret, &platform);
    if (!err)
        err = gcp_source_frames_prove(ret);
    if (err)
        gcp_source_deinit(ret);
    return err;
}

void gcp_source_deinit(struct gcp_source *source)
{
    gcp_sharer_stop(source->child);
    source->child = 0;
    gcp_unpin(source->ring_fd);
    source->ring_fd = 0;
    if (source->start)
        gcp_region_free(gcp_at(source->start), source->pages * (uint64_t)sysconf(_SC_PAGESIZE));
    source->start = 0;
    gcp_view_deinit(&source->view);
}
