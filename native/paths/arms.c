/* The arms: the timed part of a round, and nothing else. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "paths/paths.h"
#include "base/platform.h"
#include "base/uapi.h"
#include "uffd/uffd.h"

/* ART gives from-space back in lumps of at least 8 MiB (kMinFromSpaceMadviseSize). */
#define DISCARD_LUMP (8ULL << 20)

struct timer {
    uint64_t started;
    uint64_t total;
};

static void timer_start(struct timer *timer)
{
    timer->started = gcp_now();
}

static void timer_stop(struct timer *timer)
{
    timer->total += gcp_now() - timer->started;
}

/* The test aid: really spend the time, inside the timed region, so that everything behind it sees a slower arm. */
static void draw_out(const struct timer *timer, uint32_t permille)
{
    uint64_t spent = timer->total + gcp_now() - timer->started;
    uint64_t end = gcp_now() + spent * permille / 1000;
    while (permille && gcp_now() < end)
        ;
}

static void finish(struct timer *timer, const struct gcp_work *work, struct gcp_round *ret)
{
    draw_out(timer, work->scenario->slow_permille);
    timer_stop(timer);
    ret->ns = timer->total;
}

static int stopped(struct gcp_round *ret, const char *what, int err)
{
    ret->err = err;
    snprintf(ret->reason, sizeof(ret->reason), "%s stopped: %s", what, strerror(err));
    return -err;
}

static int by_engine(struct gcp_work *work, const struct gcp_policy *policy, uint64_t src, struct timer *timer,
                     struct gcp_round *ret)
{
    struct gcp_run run = {.dst = work->target, .src = src, .pages = work->scenario->pages};
    timer_start(timer);
    int err = gcp_evacuate(work->uffd, &run, 1, policy, &ret->account, NULL);
    ret->calls += ret->account.move_calls + ret->account.copy_calls + ret->account.zeropage_calls;
    if (!err)
        return 0;
    timer_stop(timer);
    ret->ns = timer->total;
    return stopped(ret, "the engine", -err);
}

static int run_engine(struct gcp_work *work, const struct gcp_policy *policy, struct gcp_round *ret)
{
    struct timer timer = {0};
    int err = by_engine(work, policy, work->source.start, &timer, ret);
    if (!err)
        finish(&timer, work, ret);
    return err;
}

static int run_copy_discard(struct gcp_work *work, const struct gcp_policy *policy, struct gcp_round *ret)
{
    struct timer timer = {0};
    uint64_t lump = work->granule > DISCARD_LUMP ? work->granule : DISCARD_LUMP / work->granule * work->granule;

    timer_start(&timer);
    for (uint64_t done = 0; done < work->bytes; done += lump) {
        uint64_t bytes = work->bytes - done < lump ? work->bytes - done : lump;
        struct gcp_run run = {work->target + done, work->source.start + done, bytes / work->page};
        int err = gcp_evacuate(work->uffd, &run, 1, policy, &ret->account, NULL);
        if (err)
            return stopped(ret, "the engine", -err);
        if (madvise((void *)(uintptr_t)(work->source.start + done), bytes, MADV_DONTNEED) < 0)
            return stopped(ret, "MADV_DONTNEED", errno);
        ret->calls++;
    }
    finish(&timer, work, ret);
    ret->calls += ret->account.copy_calls;
    return 0;
}

/*
 * MADV_COLD ("mm: introduce MADV_COLD", 5.4) that covers a large folio only in part splits it, and does little else:
 * the nearest thing to "split this now" that user space has.  It stands for a collector that splits before it must;
 * whether it did is read from the counters, outside the timed parts.
 */
static int run_split_move(struct gcp_work *work, const struct gcp_policy *policy, struct gcp_round *ret)
{
    struct timer timer = {0};
    uint64_t folio = work->page << work->scenario->order;
    uint64_t before = work->ready.split[work->scenario->order];

    timer_start(&timer);
    int err = gcp_region_split(work->source.start, work->bytes, folio);
    timer_stop(&timer);
    if (err < 0)
        return stopped(ret, "MADV_COLD", -err);
    ret->calls += work->bytes / folio;
    ret->split_ns = timer.total;

    struct gcp_counters split;
    gcp_counters_read(work->prover, &split);
    uint64_t folios = work->scenario->pages >> work->scenario->order;
    if ((split.have & GCP_PROOF_MTHP) && split.split[work->scenario->order] - before != folios) {
        snprintf(ret->reason, sizeof(ret->reason),
                 "MADV_COLD split %" PRIu64 " of %" PRIu64 " folios ahead of the move",
                 split.split[work->scenario->order] - before, folios);
        ret->status = GCP_ROUND_INVALID;
    }
    err = by_engine(work, policy, work->source.start, &timer, ret);
    if (!err)
        finish(&timer, work, ret);
    return err;
}

static int run_mremap(struct gcp_work *work, struct gcp_round *ret)
{
    struct timer timer = {0};
    timer_start(&timer);
    for (uint64_t done = 0; done < work->bytes; done += work->granule) {
        uint64_t bytes = work->bytes - done < work->granule ? work->bytes - done : work->granule;
        void *moved =
            mremap((void *)(uintptr_t)(work->source.start + done), bytes, bytes,
                   MREMAP_MAYMOVE | MREMAP_FIXED | GCP_MREMAP_DONTUNMAP, (void *)(uintptr_t)(work->target + done));
        if (moved == MAP_FAILED)
            return stopped(ret, "mremap(MREMAP_DONTUNMAP)", errno);
        ret->calls++;
    }
    finish(&timer, work, ret);
    ret->account.asked = ret->account.moved = work->scenario->pages;
    return 0;
}

static int run_memcpy(struct gcp_work *work, struct gcp_round *ret)
{
    struct timer timer = {0};
    if (work->scenario->arm == GCP_ARM_MEMCPY_TOUCHED)
        memset((void *)(uintptr_t)work->target, 0x5a, work->bytes);
    timer_start(&timer);
    for (uint64_t done = 0; done < work->bytes; done += work->granule) {
        uint64_t bytes = work->bytes - done < work->granule ? work->bytes - done : work->granule;
        memcpy((void *)(uintptr_t)(work->target + done), (const void *)(uintptr_t)(work->source.start + done), bytes);
    }
    finish(&timer, work, ret);
    ret->account.asked = ret->account.copied = work->scenario->pages;
    return 0;
}

static int run_tao(struct gcp_work *work, const struct gcp_policy *policy, struct gcp_round *ret)
{
    struct timer timer = {0};
    timer_start(&timer);
    memcpy((void *)(uintptr_t)work->staging, (const void *)(uintptr_t)work->source.start, work->bytes);
    timer_stop(&timer);
    ret->split_ns = timer.total;
    int err = by_engine(work, policy, work->staging, &timer, ret);
    if (!err)
        finish(&timer, work, ret);
    return err;
}

static int run_canary(struct gcp_work *work, struct gcp_round *ret)
{
    struct timer timer = {0};
    timer_start(&timer);
    for (uint64_t done = 0; done < work->bytes; done += work->page) {
        syscall(SYS_getppid);
        *(volatile unsigned char *)(uintptr_t)(work->target + done) = 1;
    }
    finish(&timer, work, ret);
    ret->calls = work->scenario->pages;
    ret->account.asked = ret->account.zeroed = work->scenario->pages;
    return 0;
}

static int run_move_bare(struct gcp_work *work, struct gcp_round *ret)
{
    struct timer timer = {0};
    timer_start(&timer);
    for (uint64_t done = 0; done < work->bytes; done += work->granule) {
        uint64_t bytes = work->bytes - done < work->granule ? work->bytes - done : work->granule;
        struct gcp_uapi_move arg = {
            .dst = work->target + done, .src = work->source.start + done, .len = bytes, .mode = 0};
        if (ioctl(work->uffd->fd, GCP_UFFDIO_MOVE, &arg) < 0)
            return stopped(ret, "UFFDIO_MOVE", errno);
        ret->calls++;
    }
    finish(&timer, work, ret);
    ret->account.asked = ret->account.moved = work->scenario->pages;
    ret->account.move_calls = ret->calls;
    return 0;
}

/*
 * As a mutator's first loads.  A folio that comes back whole is mapped by the fault of its first page, and the other
 * reads find it there.
 */
static void read_each(struct gcp_work *work, struct timer *timer, struct gcp_round *ret)
{
    uint64_t at = gcp_arm_destination(work), before = gcp_now();
    for (uint64_t done = 0; done < work->bytes; done += work->page)
        (void)*(volatile const unsigned char *)(uintptr_t)(at + done);
    ret->swapin_ns = gcp_now() - before;
    finish(timer, work, ret);
}

static int run_swapin(struct gcp_work *work, struct gcp_round *ret)
{
    struct timer timer = {0};
    timer_start(&timer);
    read_each(work, &timer, ret);
    ret->account.asked = ret->account.left = work->scenario->pages;
    return 0;
}

/*
 * While the destination is registered the kernel brings pages back one by one (alloc_swap_folio() in mm/memory.c), and
 * a page that the move left behind would fault for ever: so the registration ends first, as at the end of a collection.
 */
static int run_move_swapin(struct gcp_work *work, const struct gcp_policy *policy, struct gcp_round *ret)
{
    struct timer timer = {0};
    int err = by_engine(work, policy, work->source.start, &timer, ret);
    if (err)
        return err;
    if (ret->account.moved != work->scenario->pages)
        return stopped(ret, "moving all swap entries", EBUSY);
    err = gcp_uffd_unregister(work->uffd, work->target, work->bytes).err;
    if (err)
        return stopped(ret, "UFFDIO_UNREGISTER", err);
    ret->calls++;
    read_each(work, &timer, ret);
    return 0;
}

bool gcp_arm_swaps_in(uint32_t arm)
{
    return arm == GCP_ARM_SWAPIN || arm == GCP_ARM_MOVE_SWAPIN;
}

uint64_t gcp_arm_destination(const struct gcp_work *work)
{
    return work->scenario->arm == GCP_ARM_SWAPIN ? work->source.start : work->target;
}

bool gcp_arm_moves(uint32_t arm)
{
    return arm == GCP_ARM_MOVE || arm == GCP_ARM_MOVE_FALLBACK || arm == GCP_ARM_MOVE_HOLES ||
           arm == GCP_ARM_SPLIT_MOVE || arm == GCP_ARM_TAO || arm == GCP_ARM_MOVE_BARE || arm == GCP_ARM_MOVE_SWAPIN;
}

bool gcp_arm_takes_frames(uint32_t arm)
{
    switch (arm) {
    case GCP_ARM_COPY:
    case GCP_ARM_COPY_DISCARD:
    case GCP_ARM_MOVE_FALLBACK: /* where pages are busy */
    case GCP_ARM_MEMCPY_UNTOUCHED:
    case GCP_ARM_TAO:
    case GCP_ARM_CANARY:
    case GCP_ARM_SWAPIN:
    case GCP_ARM_MOVE_SWAPIN:
        return true;
    default:
        return false;
    }
}

bool gcp_arm_needs_uffd(uint32_t arm)
{
    switch (arm) {
    case GCP_ARM_MREMAP:
    case GCP_ARM_MEMCPY_TOUCHED:
    case GCP_ARM_MEMCPY_UNTOUCHED:
    case GCP_ARM_CANARY:
    case GCP_ARM_SWAPIN:
        return false;
    default:
        return true;
    }
}

int gcp_arm_run(struct gcp_work *work, struct gcp_round *ret)
{
    struct gcp_policy policy = {.granule = work->granule, .on_ebusy = GCP_EBUSY_LEAVE};
    switch (work->scenario->arm) {
    case GCP_ARM_MOVE:
        return run_engine(work, &policy, ret);
    case GCP_ARM_MOVE_FALLBACK:
        policy.on_ebusy = GCP_EBUSY_COPY;
        return run_engine(work, &policy, ret);
    case GCP_ARM_MOVE_HOLES:
        policy.mode = GCP_MOVE_ALLOW_SRC_HOLES;
        return run_engine(work, &policy, ret);
    case GCP_ARM_COPY:
        policy.first = GCP_VERB_COPY;
        return run_engine(work, &policy, ret);
    case GCP_ARM_ZEROPAGE:
        policy.first = GCP_VERB_ZEROPAGE;
        return run_engine(work, &policy, ret);
    case GCP_ARM_COPY_DISCARD:
        policy.first = GCP_VERB_COPY;
        return run_copy_discard(work, &policy, ret);
    case GCP_ARM_SPLIT_MOVE:
        return run_split_move(work, &policy, ret);
    case GCP_ARM_MREMAP:
        return run_mremap(work, ret);
    case GCP_ARM_MEMCPY_TOUCHED:
    case GCP_ARM_MEMCPY_UNTOUCHED:
        return run_memcpy(work, ret);
    case GCP_ARM_TAO:
        return run_tao(work, &policy, ret);
    case GCP_ARM_CANARY:
        return run_canary(work, ret);
    case GCP_ARM_MOVE_BARE:
        return run_move_bare(work, ret);
    case GCP_ARM_SWAPIN:
        return run_swapin(work, ret);
    case GCP_ARM_MOVE_SWAPIN:
        return run_move_swapin(work, &policy, ret);
    default:
        return stopped(ret, "unknown arm", EINVAL);
    }
}
