/* The collector's batch: a few recycled pages in which it builds those that it copies at once. */
#include "heap/compaction/state.h"

void gcp_call_ended(struct gcp_compaction *c, enum gcp_work_kind one, uint64_t begin, uint64_t pages,
                    struct gcp_swept *ret)
{
    uint64_t end = gcp_now();
    ret->map_ns += end - begin;
    gcp_histogram_record(&ret->runs, pages);
    gcp_tally_add(&ret->work[one == GCP_WORK_REMAP ? one : gcp_work_of(one, pages)], pages, end - begin);
    gcp_timeline_record(&c->timeline, GCP_EVENT_MAP, begin, end, pages);
}

/* What is built in the batch and not mapped yet, by COPY; faulting mutators may have been faster. */
int32_t gcp_batch_map(struct gcp_compaction *c, struct gcp_swept *ret)
{
    const struct gcp_map_how how = {.by = GCP_VERB_COPY, .ebusy = c->policy.collector_ebusy};
    while (c->batch_first < c->batch_end) {
        uint64_t begin = gcp_now(), at = c->batch_first;
        int64_t done = gcp_pages_map(&c->pages, at, c->batch_end - at, &how, &ret->account);
        if (done < 0) {
            gcp_compaction_fail(c, (int32_t)-done, "mapping a batch of pages");
            return -gcp_compaction_err(c);
        }
        uint64_t ended = gcp_now();
        gcp_call_ended(c, GCP_WORK_COPY_1, begin, (uint64_t)done, ret);
        if (c->policy.adapt)
            gcp_adapt_add(&c->adapt, GCP_VERB_COPY, 0, (uint64_t)done, ended - begin);
        c->batch_first += (uint64_t)done;
    }
    return 0;
}

/*
 * A claimed page, built in the batch: its recycled pages stay in this processor's cache, and are used again once what
 * was built there is mapped.  A fault that still copies out of one by then finds its page mapped, and what it copied is
 * dropped by the kernel.
 */
int32_t gcp_batch_build(struct gcp_compaction *c, uint64_t index, enum gcp_work_kind kind, struct gcp_swept *ret)
{
    uint64_t size = c->policy.batch_pages;
    if (c->batch_first < c->batch_end && (index + 1 != c->batch_first || c->batch_end - c->batch_first == size)) {
        int32_t err = gcp_batch_map(c, ret);
        if (err)
            return err;
    }
    if (c->batch_first == c->batch_end)
        c->batch_first = c->batch_end = index + 1;
    uint64_t page = c->batch + size - (c->batch_end - index);
    gcp_produce(c, ret->work, kind, index, gcp_from_page(c, page), c->ahead);
    gcp_pages_publish(&c->pages, index, page);
    c->batch_first = index;
    return 0;
}

/* Whether the next page is to be built in the batch: the pages for it are there, and such runs cost less by COPY. */
bool gcp_batch_open(struct gcp_compaction *c)
{
    if (!c->policy.batch_pages)
        return false;
    if (c->batch == GCP_NO_PAGE)
        c->batch = gcp_recycle_take(&c->recycle, c->policy.batch_pages);
    if (c->batch == GCP_NO_PAGE)
        return false;
    if (!c->policy.adapt || c->batch_first < c->batch_end)
        return true;
    return gcp_adapt_verb(&c->adapt, c->streak, 0) == GCP_VERB_COPY;
}
