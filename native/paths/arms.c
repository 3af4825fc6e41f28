/*
 * The arms: the timed part of each, and the table.  To add an arm, write its work and a row of the table
 * (docs/guide/extend.md); everything else reads the table.
 */
#define _GNU_SOURCE
#include "paths/arms.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/mark.h"
#include "base/platform.h"
#include "base/uapi.h"
#include "paths/check.h"
#include "uffd/uffd.h"

/* ART discards from-space in pieces of at least 8 MiB (kMinFromSpaceMadviseSize). */
#define DISCARD_LUMP (8ULL << 20)

struct timer {
    uint64_t started;
    uint64_t total;
};

static void timer_start(struct timer *timer)
{
    GCP_MARK(GCP_MARK_START);
    timer->started = gcp_now();
    GCP_MARK(GCP_MARK_STARTED);
}

static void timer_stop(struct timer *timer)
{
    GCP_MARK(GCP_MARK_STOP);
    timer->total += gcp_now() - timer->started;
    GCP_MARK(GCP_MARK_STOPPED);
}

/* Test aid: spend real time inside the timed region, so that everything later sees a slower arm. */
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

static int by_engine(struct gcp_work *work, uint64_t src, struct timer *timer, struct gcp_round *ret)
{
    struct gcp_run run = {.dst = work->target, .src = src, .pages = work->scenario->pages};
    timer_start(timer);
    int err = gcp_evacuate(work->uffd, &run, 1, &work->policy, &ret->account, NULL);
    ret->calls += ret->account.move_calls + ret->account.copy_calls + ret->account.zeropage_calls;
    if (!err)
        return 0;
    timer_stop(timer);
    ret->ns = timer->total;
    return stopped(ret, "the engine", -err);
}

static int run_engine(struct gcp_work *work, struct gcp_round *ret)
{
    struct timer timer = {0};
    int err = by_engine(work, work->source.start, &timer, ret);
    if (!err)
        finish(&timer, work, ret);
    return err;
}

static int run_copy_discard(struct gcp_work *work, struct gcp_round *ret)
{
    struct timer timer = {0};
    uint64_t lump = work->granule > DISCARD_LUMP ? work->granule : DISCARD_LUMP / work->granule * work->granule;

    timer_start(&timer);
    for (uint64_t done = 0; done < work->bytes; done += lump) {
        uint64_t bytes = work->bytes - done < lump ? work->bytes - done : lump;
        struct gcp_run run = {work->target + done, work->source.start + done, bytes / work->page};
        int err = gcp_evacuate(work->uffd, &run, 1, &work->policy, &ret->account, NULL);
        if (err)
            return stopped(ret, "the engine", -err);
        if (madvise(gcp_at(work->source.start + done), bytes, MADV_DONTNEED) < 0)
            return stopped(ret, "MADV_DONTNEED", errno);
        ret->calls++;
    }
    finish(&timer, work, ret);
    ret->calls += ret->account.copy_calls;
    return 0;
}

/*
 * MADV_COLD ("mm: introduce MADV_COLD", 5.4) that covers only a part of a large folio splits it, and does little else:
 * user space has nothing closer to "split this now".  It models a collector that splits in advance.  The counters,
 * read outside the timed parts, show whether it did.
 */
static int run_split_move(struct gcp_work *work, struct gcp_round *ret)
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
    err = by_engine(work, work->source.start, &timer, ret);
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
        void *moved = mremap(gcp_at(work->source.start + done), bytes, bytes,
                             MREMAP_MAYMOVE | MREMAP_FIXED | GCP_MREMAP_DONTUNMAP, gcp_at(work->target + done));
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
    timer_start(&timer);
    for (uint64_t done = 0; done < work->bytes; done += work->granule) {
        uint64_t bytes = work->bytes - done < work->granule ? work->bytes - done : work->granule;
        memcpy(gcp_at(work->target + done), gcp_at(work->source.start + done), bytes);
    }
    finish(&timer, work, ret);
    ret->account.asked = ret->account.copied = work->scenario->pages;
    return 0;
}

static int run_memcpy_touched(struct gcp_work *work, struct gcp_round *ret)
{
    memset(gcp_at(work->target), 0x5a, work->bytes);
    return run_memcpy(work, ret);
}

static int run_tao(struct gcp_work *work, struct gcp_round *ret)
{
    struct timer timer = {0};
    timer_start(&timer);
    memcpy(gcp_at(work->staging), gcp_at(work->source.start), work->bytes);
    timer_stop(&timer);
    ret->split_ns = timer.total;
    int err = by_engine(work, work->staging, &timer, ret);
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
        *(volatile unsigned char *)gcp_at(work->target + done) = 1;
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
 * Like a mutator's first loads.  The fault on the first page of a folio that is swapped in whole maps all of it; the
 * other reads don't fault.
 */
static void read_each(struct gcp_work *work, struct timer *timer, struct gcp_round *ret)
{
    uint64_t at = gcp_arm_destination(work), before = gcp_now();
    for (uint64_t done = 0; done < work->bytes; done += work->page)
        (void)*(volatile const unsigned char *)gcp_at(at + done);
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
 * While the destination is registered, the kernel swaps pages in singly (alloc_swap_folio() in mm/memory.c), and a page
 * that the move left would fault forever.  So the registration ends first, as at the end of a collection.
 */
static int run_move_swapin(struct gcp_work *work, struct gcp_round *ret)
{
    struct timer timer = {0};
    int err = by_engine(work, work->source.start, &timer, ret);
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

#define MOVE (GCP_ARM_REGISTERS | GCP_ARM_MOVES)
#define COPY (GCP_ARM_REGISTERS | GCP_ARM_READS_CONTENTS | GCP_ARM_TAKES_FRAMES)
#define LEAVE_BUSY .on_ebusy = GCP_EBUSY_LEAVE
#define FIRST(verb) LEAVE_BUSY, .first = GCP_VERB_##verb

static const struct gcp_arm ARMS[] = {
    /* UFFDIO_MOVE; busy pages stay, holes are filled by ZEROPAGE */
    {"move", MOVE, {LEAVE_BUSY}, run_engine, gcp_check_moved, NULL},
    /* UFFDIO_COPY */
    {"copy", COPY, {FIRST(COPY)}, run_engine, gcp_check_copied, NULL},
    /* UFFDIO_COPY, then MADV_DONTNEED of the source in pieces of at least 8 MiB, as in ART */
    {"copy_discard", COPY | GCP_ARM_DISCARDS, {FIRST(COPY)}, run_copy_discard, gcp_check_copied, NULL},
    /* UFFDIO_MOVE; a busy page is copied, and the batch goes on after it */
    {"move_fallback", MOVE | GCP_ARM_TAKES_FRAMES, {.on_ebusy = GCP_EBUSY_COPY}, run_engine, gcp_check_moved, NULL},
    /* UFFDIO_MOVE with ALLOW_SRC_HOLES */
    {"move_holes",
     MOVE | GCP_ARM_HOLES,
     {LEAVE_BUSY, .mode = GCP_MOVE_ALLOW_SRC_HOLES},
     run_engine,
     gcp_check_moved,
     NULL},
    /* split each folio (MADV_COLD on its first page), then UFFDIO_MOVE */
    {"split_move", MOVE | GCP_ARM_SPLITS, {LEAVE_BUSY}, run_split_move, gcp_check_moved, NULL},
    /* mremap(MREMAP_DONTUNMAP | MREMAP_FIXED) */
    {"mremap", 0, {0}, run_mremap, gcp_check_moved, "remapped"},
    /* memcpy into populated memory */
    {"memcpy_touched",
     GCP_ARM_BY_USER | GCP_ARM_GAUGE | GCP_ARM_NO_GRANULE,
     {0},
     run_memcpy_touched,
     gcp_check_copied,
     NULL},
    /* memcpy into unpopulated memory: page faults included */
    {"memcpy_untouched",
     GCP_ARM_BY_USER | GCP_ARM_READS_CONTENTS | GCP_ARM_TAKES_FRAMES | GCP_ARM_NO_GRANULE,
     {0},
     run_memcpy,
     gcp_check_copied,
     NULL},
    /* UFFDIO_ZEROPAGE */
    {"zeropage",
     GCP_ARM_REGISTERS | GCP_ARM_HOLES | GCP_ARM_NO_SOURCE | GCP_ARM_ZEROES,
     {FIRST(ZEROPAGE)},
     run_engine,
     gcp_check_zeroed,
     NULL},
    /* emulated TAO: allocate small pages, memcpy into them, then UFFDIO_MOVE those */
    {"tao",
     MOVE | GCP_ARM_BY_USER | GCP_ARM_READS_CONTENTS | GCP_ARM_TAKES_FRAMES | GCP_ARM_STAGES,
     {LEAVE_BUSY},
     run_tao,
     gcp_check_staged,
     "copied-and-moved"},
    /* getppid and a first touch of a page, for each page: its time must not change between runs */
    {"canary", GCP_ARM_NO_SOURCE | GCP_ARM_TAKES_FRAMES, {0}, run_canary, gcp_check_touched, "touched"},
    /* UFFDIO_MOVE in a bare loop, without the engine: shows the cost of the engine */
    {"move_bare", MOVE, {0}, run_move_bare, gcp_check_moved, NULL},
    /* read each page where it was swapped out; nothing is moved */
    {"swapin",
     GCP_ARM_SWAPS_IN | GCP_ARM_STAYS | GCP_ARM_TAKES_FRAMES | GCP_ARM_NO_GRANULE,
     {0},
     run_swapin,
     gcp_check_swapped_in,
     "swapped-in"},
    /* UFFDIO_MOVE, unregister the destination, read each page there */
    {"move_swapin",
     MOVE | GCP_ARM_SWAPS_IN | GCP_ARM_TAKES_FRAMES,
     {LEAVE_BUSY},
     run_move_swapin,
     gcp_check_swapped_in,
     "moved-swapped-in"},
};

const struct gcp_arm *gcp_arm_at(uint32_t arm)
{
    return arm < sizeof(ARMS) / sizeof(ARMS[0]) ? &ARMS[arm] : NULL;
}

const char *gcp_arm_name(uint32_t arm)
{
    return gcp_arm_at(arm) ? gcp_arm_at(arm)->name : NULL;
}

uint32_t gcp_arm_flags(uint32_t arm)
{
    return gcp_arm_at(arm) ? gcp_arm_at(arm)->flags : 0;
}

int32_t gcp_arm_find(const char *name)
{
    for (uint32_t arm = 0; gcp_arm_at(arm); arm++)
        if (strcmp(gcp_arm_at(arm)->name, name) == 0)
            return (int32_t)arm;
    return -1;
}
