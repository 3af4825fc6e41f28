/* Faults are served and counted: on the thread that faulted, or on a handler thread. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "heap/compaction/fault.h"
#include "heap/sigbus.h"

/* Pages that its faults have produced so far. */
static uint64_t produced(const struct gcp_mutator *m)
{
    return m->built + m->slid + m->updated + m->fresh;
}

static void serve(struct gcp_compaction *c, struct gcp_mutator *m, uint64_t address, int stage)
{
    uint64_t begin = gcp_now(), index = (address - c->plan.to) / c->pages.page, before = produced(m);
    const struct gcp_fault fault = {.c = c,
                                    .m = m,
                                    .index = index,
                                    .stage = stage,
                                    .timed = m->faults % GCP_WORK_SAMPLE == 0,
                                    .arm = c->policy.adapt ? gcp_contest_arm(&c->adapt.contest, index) : 0};
    enum gcp_event_kind kind = gcp_fault_resolve(&fault);
    uint64_t end = gcp_now(), pages = produced(m) - before;
    m->faults++;
    gcp_tally_add(&m->stalls[kind], pages, end - begin);
    /* A page without objects costs the same in any arm. */
    if (c->policy.adapt && index < c->plan.used_end) {
        __atomic_fetch_add(&c->seen.faults[fault.arm], 1, __ATOMIC_RELAXED);
        __atomic_fetch_add(&c->seen.ns[fault.arm], end - begin, __ATOMIC_RELAXED);
        __atomic_fetch_add(&c->seen.pages[fault.arm], pages, __ATOMIC_RELAXED);
    }
    gcp_histogram_record(&m->fault, end - begin);
    gcp_timeline_record(&m->timeline, kind, begin, end, 1);
}

int gcp_fault_serve(void *context, uint64_t address, int stage)
{
    struct gcp_mutator *m = gcp_mutator_self();
    if (!m)
        return ESRCH; /* only mutators touch to-space while it is registered */
    serve(context, m, address, stage);
    return 0;
}

/* The same on the handler thread.  Another thread may map the page, so its waiters are always woken. */
static int help(void *context, uint64_t address)
{
    struct gcp_compaction *c = context;
    serve(c, &c->helper, address, 1);
    return GCP_SERVED_WAKE;
}

/* Threads that sleep in the kernel can't be stopped, so without the thread that wakes them there is no recovery. */
static void help_failed(void *context, int err)
{
    struct gcp_compaction *c = context;
    gcp_compaction_fail(c, err, "reading faults from the userfaultfd");
    gcp_compaction_die(c);
}

int gcp_helper_start(struct gcp_compaction *c)
{
    const struct gcp_fault_thread_how how = {
        .uffd = &c->uffd, .page = c->pages.page, .serve = help, .failed = help_failed, .context = c};
    return gcp_fault_thread_start(&how, &c->thread);
}
