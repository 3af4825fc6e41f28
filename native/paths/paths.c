#define _GNU_SOURCE
#include "paths/paths.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/address.h"
#include "base/platform.h"
#include "base/toucher.h"
#include "base/uapi.h"
#include "paths/arms.h"
#include "paths/sources.h"
#include "paths/verdict.h"
#include "paths/working_set.h"
#include "uffd/uffd.h"

static void unable(struct gcp_round *ret, int err, const char *what, const char *why)
{
    ret->status = GCP_ROUND_UNABLE;
    ret->err = err;
    snprintf(ret->reason, sizeof(ret->reason), "%s: %s", what, why);
}

/* Small pages, untouched.  A destination of a whole THP must not have a page table: it has none. */
static uint64_t small_region(uint64_t bytes, uint64_t offset)
{
    void *area = gcp_region_alloc(bytes, offset);
    if (area)
        madvise(area, bytes, MADV_NOHUGEPAGE);
    return gcp_address_of(area);
}

/*
 * A swapped folio is swapped in whole only if the mapping allows folios of its size, as a heap's does.  The source's no
 * longer does, to keep khugepaged away while pages are present (gcp_source_populate); khugepaged ignores swap entries.
 */
static int allow_folios(struct gcp_work *work, struct gcp_round *ret)
{
    if (!gcp_arm_is(work, GCP_ARM_SWAPS_IN) || work->scenario->order == 0)
        return 0;
    int err = gcp_region_large(gcp_arm_destination(work), work->bytes);
    if (err)
        unable(ret, -err, "madvise(MADV_HUGEPAGE)", strerror(-err));
    return err;
}

static int make_target(struct gcp_work *work, struct gcp_round *ret)
{
    work->target = small_region(work->bytes, work->scenario->skew_pages * work->page);
    if (gcp_arm_is(work, GCP_ARM_STAGES))
        work->staging = small_region(work->bytes, 0);
    if (!work->target || (gcp_arm_is(work, GCP_ARM_STAGES) && !work->staging)) {
        unable(ret, ENOMEM, "destination", "no address space");
        return -ENOMEM;
    }
    int err = allow_folios(work, ret);
    if (err || !gcp_arm_is(work, GCP_ARM_REGISTERS))
        return err;
    uint64_t ioctls = 0;
    err = gcp_uffd_register(work->uffd, work->target, work->bytes, &ioctls).err;
    if (err)
        unable(ret, err, "UFFDIO_REGISTER", strerror(err));
    else if (gcp_arm_is(work, GCP_ARM_MOVES) && !(ioctls & (1ULL << GCP_NR_MOVE)))
        unable(ret, err = ENOTTY, "UFFDIO_MOVE", "this kernel does not have it; it came with 6.8");
    return -err;
}

/* Test aid: what a round looks like whose work lost a page. */
static int lose_page(const struct gcp_work *work, struct gcp_round *ret)
{
    uint64_t last = gcp_arm_destination(work) + work->bytes - work->page;
    if (madvise(gcp_at(last), work->page, MADV_DONTNEED) == 0)
        return 0;
    unable(ret, errno, "losing a page", strerror(errno));
    return -errno;
}

static int run_watched(struct gcp_work *work, struct gcp_round *ret)
{
    struct gcp_watch *watch = work->watch;
    const struct gcp_contpte_ranges ranges = {work->source.start, gcp_arm_destination(work), work->bytes};
    int err = gcp_contpte_begin(watch->contpte);
    if (err) {
        snprintf(ret->reason, sizeof(ret->reason), "contpte blocks can't be watched: %s", strerror(-err));
        return err;
    }
    err = work->arm->run(work, ret);
    int lost = gcp_contpte_end(watch->contpte, &ranges, &watch->seen);
    if (lost && !err)
        snprintf(ret->reason, sizeof(ret->reason), "contpte blocks were not all seen: %s", strerror(-lost));
    return err ? err : lost;
}

static void run_in(struct gcp_work *work, struct gcp_round *ret)
{
    const struct gcp_scenario *scenario = work->scenario;

    int err = gcp_source_init(work->prover, scenario->source, scenario->order, scenario->frames, scenario->pages, 0,
                              scenario->seed, &work->source);
    if (err) {
        unable(ret, -err, "source", work->source.why);
        return;
    }
    ret->frames_pairs = work->source.frame_order.pairs;
    ret->frames_adjacent = work->source.frame_order.adjacent;
    ret->frames_blocks = work->source.frame_order.blocks;
    ret->range_bytes = work->bytes;
    if (make_target(work, ret))
        return;
    if (gcp_view_init(scenario->pages, &work->view_after) || gcp_view_init(scenario->pages, &work->source_after)) {
        unable(ret, ENOMEM, "proof", "no memory");
        return;
    }

    struct gcp_toucher toucher = {0};
    if (scenario->touch_cpu >= 0) {
        err = gcp_toucher_start(scenario->touch_cpu, &toucher);
        if (err) {
            gcp_toucher_stop(&toucher);
            unable(ret, -err, "second thread", strerror(-err));
            return;
        }
    }
    char why[160];
    uint64_t frames = gcp_arm_is(work, GCP_ARM_TAKES_FRAMES) ? scenario->pages : 0;
    err = gcp_working_set_reach(scenario->working_set, frames, &ret->streamed_bytes, why, sizeof(why));
    if (err) {
        gcp_toucher_stop(&toucher);
        unable(ret, -err, "working set", why);
        return;
    }
    gcp_counters_read(work->prover, &work->ready);
    if (scenario->settle)
        gcp_settle();
    uint64_t live = gcp_toucher_await(&toucher);
    err = work->watch ? run_watched(work, ret) : work->arm->run(work, ret);
    live = gcp_toucher_cpu(&toucher) - live;
    gcp_counters_read(work->prover, &work->after);
    gcp_toucher_stop(&toucher);
    if (err)
        ret->status = GCP_ROUND_FAILED;
    else if (!scenario->lose_page || !(err = lose_page(work, ret)))
        gcp_round_check(work, ret);
    /*
     * If another process used its processor, nothing was flushed there: that is the single-threaded case, not this one.
     */
    if (!err && ret->status == GCP_ROUND_VALID && scenario->touch_cpu >= 0 && live < ret->ns / 2) {
        ret->status = GCP_ROUND_DISTURBED;
        snprintf(ret->reason, sizeof(ret->reason),
                 "the second thread ran for %" PRIu64 " of %" PRIu64 " ns: it was not live beside the work", live,
                 ret->ns);
    }
}

int gcp_round_run(struct gcp_prover *prover, const struct gcp_scenario *scenario, struct gcp_round *ret)
{
    return gcp_round_watched(prover, scenario, NULL, ret);
}

int gcp_round_watched(struct gcp_prover *prover, const struct gcp_scenario *scenario, struct gcp_watch *watch,
                      struct gcp_round *ret)
{
    struct gcp_uffd uffd = {.fd = -1};
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    struct gcp_work work = {
        .prover = prover,
        .scenario = scenario,
        .arm = gcp_arm_at(scenario->arm),
        .uffd = &uffd,
        .watch = watch,
        .page = page,
        .bytes = scenario->pages * page,
        .granule = scenario->granule ? scenario->granule : scenario->pages * page,
    };

    memset(ret, 0, sizeof(*ret));
    ret->have = prover->have;
    if (!scenario->pages || work.granule % page || !work.arm) {
        unable(ret, EINVAL, "scenario", "no pages, a granule that is no multiple of the page size, or an unknown arm");
        return 0;
    }
    if (gcp_arm_is(&work, GCP_ARM_SPLITS) && scenario->order == 0) {
        unable(ret, EINVAL, "scenario", "small folios can't be split");
        return 0;
    }
    if (gcp_arm_is(&work, GCP_ARM_SWAPS_IN) && scenario->source != GCP_SOURCE_SWAPPED) {
        unable(ret, EINVAL, "scenario", "only pages that are swapped out can be swapped in");
        return 0;
    }
    work.policy = work.arm->policy;
    work.policy.granule = work.granule;
    char why[160];
    int err = gcp_working_set_check(scenario->working_set, scenario->pages, why, sizeof(why));
    if (err) {
        unable(ret, -err, "working set", why);
        return 0;
    }
    err = gcp_pin_cpu(scenario->cpu);
    if (err) {
        unable(ret, -err, "pinning the thread", strerror(-err));
        return 0;
    }
    if (gcp_arm_is(&work, GCP_ARM_REGISTERS))
        err = gcp_uffd_init(0, &uffd);
    if (err)
        unable(ret, -err, "userfaultfd", strerror(-err));
    else
        run_in(&work, ret);

    gcp_uffd_deinit(&uffd);
    if (work.target)
        gcp_region_free(gcp_at(work.target), work.bytes);
    if (work.staging)
        gcp_region_free(gcp_at(work.staging), work.bytes);
    gcp_source_deinit(&work.source);
    gcp_view_deinit(&work.view_after);
    gcp_view_deinit(&work.source_after);
    return 0;
}
