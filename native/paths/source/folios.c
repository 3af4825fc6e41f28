/*
 * Sources of present folios: written so that page frames get the requested order; size and order are proven.
 */
#define _GNU_SOURCE
#include "paths/source/folios.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "base/address.h"

static int fill(struct gcp_source *source)
{
    const char *what, *needs = "";
    int told = EAGAIN;
    int err = -gcp_frames_fill(source->start, source->pages, source->order, source->frames, source->seed, &what);
    switch (err) {
    case 0:
        return 0;
    case EPERM:
    case EACCES:
        told = EPERM;
        break;
    case EINVAL:
    case ENOTTY:
    case ENOSYS:
        told = EOPNOTSUPP;
        needs = "; MADV_COLLAPSE needs 6.1 with THP, which prctl(PR_SET_THP_DISABLE) must not have switched off, "
                "UFFDIO_MOVE 6.8";
        break;
    default:
        break;
    }
    return gcp_source_fail(source, told, "%s frames: %s: %s%s", gcp_frames_name(source->frames), what, strerror(err),
                           needs);
}

/*
 * Small folios with an order of frames come from split THPs.  If folio sizes can't be read, counters of the whole
 * system show whether at least as many THPs were split.
 */
static int see_split(struct gcp_source *source, const struct gcp_platform *platform, const struct gcp_counters *before,
                     const struct gcp_counters *after)
{
    uint64_t blocks = source->pages >> platform->pmd_order, split;
    if (after->have & GCP_PROOF_MTHP)
        split = after->split[platform->pmd_order] - before->split[platform->pmd_order];
    else if (after->have & GCP_PROOF_VMSTAT)
        split = after->thp_split_page - before->thp_split_page;
    else
        return gcp_source_fail(source, EPERM, "no counter tells whether such folios are small");
    if (split < blocks)
        return gcp_source_fail(source, EAGAIN, "%" PRIu64 " of %" PRIu64 " blocks were split into small folios", split,
                               blocks);
    return 0;
}

int gcp_source_populate(struct gcp_prover *prover, struct gcp_source *source, const struct gcp_platform *platform)
{
    void *area = gcp_at(source->start);
    uint64_t bytes = source->pages * platform->page_size;
    uint64_t size_kib = (platform->page_size << source->order) / 1024;
    struct gcp_counters before, after;

    if (source->order && !(platform->anon_orders >> source->order & 1))
        return gcp_source_fail(source, EOPNOTSUPP, "this kernel has no anonymous folios of %" PRIu64 " KiB", size_kib);
    bool from_blocks = source->frames != GCP_FRAMES_ANY && !source->order;
    int err = 0;
    if (source->order)
        err = gcp_region_large(source->start, bytes);
    else if (!from_blocks)
        err = gcp_region_small(source->start, bytes);
    if (err)
        return gcp_source_fail(source, EOPNOTSUPP, "madvise(MADV_%sHUGEPAGE): %s", source->order ? "" : "NO",
                               strerror(-err));
    gcp_counters_read(prover, &before);
    err = fill(source);
    if (err)
        return err;
    gcp_counters_read(prover, &after);
    /* From now on khugepaged must not touch the range; MOVE does not compare this flag. */
    if (source->order)
        madvise(area, bytes, MADV_NOHUGEPAGE);

    err = gcp_source_look(prover, source);
    if (err)
        return err;
    if (source->view.present != source->pages)
        return gcp_source_fail(source, EAGAIN, "%" PRIu64 " of %" PRIu64 " pages present after writing them all",
                               source->view.present, source->pages);
    if (source->view.have & GCP_PROOF_KPF) {
        uint64_t right = source->view.order_histogram[source->order];
        if (right == source->pages)
            return 0;
        return gcp_source_fail(source, source->order ? EOPNOTSUPP : EAGAIN,
                               "%" PRIu64 " of %" PRIu64 " pages are in folios of %" PRIu64 " KiB; is exactly "
                               "hugepages-%" PRIu64 "kB/enabled set to madvise, and is memory not too fragmented?",
                               right, source->pages, size_kib, size_kib);
    }
    if (from_blocks)
        return see_split(source, platform, &before, &after);
    if (source->order) {
        /* Without kpageflags, the allocation counter shows the size, if the kernel has it. */
        uint64_t made = after.anon_fault_alloc[source->order] - before.anon_fault_alloc[source->order];
        if (!(after.have & GCP_PROOF_MTHP))
            return gcp_source_fail(source, EPERM,
                                   "folio sizes can't be proven: neither /proc/kpageflags nor mTHP counters");
        if (made < source->pages >> source->order)
            return gcp_source_fail(source, EOPNOTSUPP,
                                   "%" PRIu64 " of %" PRIu64 " folios of %" PRIu64 " KiB came; "
                                   "hugepages-%" PRIu64 "kB/enabled must be set to madvise (by root)",
                                   made, source->pages >> source->order, size_kib, size_kib);
    }
    return 0;
}

int gcp_source_frames_fit(const struct gcp_prover *prover, struct gcp_source *source, uint64_t offset,
                          const struct gcp_platform *platform)
{
    const char *what = gcp_frames_name(source->frames);
    uint64_t folios = source->pages >> source->order;
    bool consecutive = source->frames == GCP_FRAMES_CONSECUTIVE;

    if (source->frames == GCP_FRAMES_ANY)
        return 0;
    if (!what)
        return gcp_source_fail(source, EINVAL, "there is no order of page frames %u", source->frames);
    if (!(source->flags & GCP_SOURCE_FOLIOS))
        return gcp_source_fail(source, EINVAL, "%s frames: this source has no page frames of its own", what);
    if (folios < GCP_FRAMES_MIN_FOLIOS)
        return gcp_source_fail(source, EINVAL, "%s frames: %" PRIu64 " folios are too few for an order, %d are needed",
                               what, folios, GCP_FRAMES_MIN_FOLIOS);
    if (!source->order && (source->pages % (1ULL << platform->pmd_order) || offset))
        return gcp_source_fail(source, EINVAL, "%s small folios come in whole blocks of %" PRIu64 " KiB only", what,
                               platform->pmd_size / 1024);
    if (consecutive && source->order && !(prover->have & GCP_PROOF_PFN))
        return gcp_source_fail(source, EPERM, "only root can see whether large folios are consecutive");
    return 0;
}

int gcp_source_frames_prove(struct gcp_source *source)
{
    const struct gcp_frame_order *seen = &source->frame_order;
    int err = gcp_frames_look(&source->view, source->order, &source->frame_order);
    if (err)
        return gcp_source_fail(source, -err, "no memory to look at %" PRIu64 " pages", source->pages);
    if (!(source->view.have & GCP_PROOF_PFN) || gcp_frames_reached(source->frames, seen))
        return 0;
    return gcp_source_fail(
        source, EAGAIN, "%s frames: %" PRIu64 " of %" PRIu64 " neighbouring folios are neighbours in memory; %s",
        gcp_frames_name(source->frames), seen->adjacent, seen->pairs,
        source->frames == GCP_FRAMES_CONSECUTIVE ? "memory is too fragmented" : "the order came out too even");
}
