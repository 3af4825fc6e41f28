/* Private to compaction: its state, and the transitions between page states. */
#ifndef GCP_COMPACTION_STATE_H
#define GCP_COMPACTION_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/clock.h"
#include "heap/compaction/compaction.h"
#include "heap/recycle.h"

/* How far recovery from an error has come; a futex of the handlers that wait for it. */
enum gcp_recovery {
    GCP_RECOVERY_NONE = 0,
    GCP_RECOVERY_UNREGISTERED = 1, /* plain stores work; handlers write their own pages */
    GCP_RECOVERY_LOST = 2,         /* it failed, and the heap is given up: compacting threads that wait only end */
};

/* Pages that a compacting thread beside the collector's claims at once. */
#define GCP_COMPACTOR_RUN 32

/*
 * A compacting thread beside the collector's, for as long as a sweep takes.
 * buffer: GCP_COMPACTOR_RUN pages
 * cpu:    processor to bind it to, -1: that of the thread that starts it
 * swept:  what it did in this collection;  cpu_ns: CPU time in all of them
 */
struct gcp_compactor {
    struct gcp_compaction *c;
    pthread_t thread;
    bool running;
    int32_t cpu;
    uint64_t buffer;
    uint64_t cpu_ns;
    struct gcp_swept swept;
};

/*
 * at:     the page that the collector's sweep has come to
 * cursor: pages from here on have been given to a helper, or were passed by the collector before
 */
struct gcp_compactors {
    uint32_t count;
    _Atomic uint64_t at;
    _Atomic uint64_t cursor;
    struct gcp_compactor helper[GCP_COMPACTORS - 1];
};

struct gcp_compaction {
    struct gcp_uffd uffd;
    struct gcp_compaction_policy policy;
    struct gcp_plan plan;
    struct gcp_pages pages;
    struct gcp_recycle recycle;
    gcp_producer produce; /* pages that are waited for */
    gcp_producer ahead;   /* pages of the collector's sweep */
    uint64_t bytes;
    uint64_t table;      /* pages that a page table maps */
    uint64_t buffer;     /* a page of contents that the collector maps at once */
    uint64_t clock_ns;   /* time that one reading of the clock adds to a timed interval */
    uint64_t registered; /* bytes of to-space */
    /* The collector's sweep. */
    uint64_t pending;    /* end of the ready pages that are not mapped yet */
    uint64_t settled;    /* no page from here on is being built by a mutator */
    uint64_t reclaimed;  /* from-pages from here on were reclaimable at the last mapping */
    uint64_t given_back; /* copy mode: from-pages from here on have been discarded */
    uint64_t group;      /* recycled pages for the group of to-space pages being built, and that group */
    uint64_t group_of;
    uint64_t batch;       /* the first of batch_pages recycled pages that are used repeatedly; or GCP_NO_PAGE */
    uint64_t batch_first; /* to-space pages [batch_first, batch_end) are built there and not mapped yet */
    uint64_t batch_end;
    uint64_t streak;    /* adapt: pages that the collector claimed one after the other, on average */
    uint64_t claimed;   /* and since the last page that another thread had claimed */
    uint64_t sweep_ns;  /* duration of the last sweep */
    uint64_t queued_ns; /* the part of it that the collector's thread waited for a processor */
    uint64_t dense_run; /* pages of a dense prefix that is swept first, to be mapped at once */
    uint64_t gone;      /* pages of from-space that were moved away or discarded in it */
    uint64_t helped;    /* pages that other compacting threads produced in it */
    struct gcp_adapt adapt;
    struct gcp_shown seen; /* of this collection, by faults of all threads */
    uint64_t stuck; /* page whose contents are in `buffer` and could not be mapped; the number of pages if none */
    struct gcp_timeline timeline;
    /* REMAP: a byte for each page, 1 where a mapping of from-space begins, and where one of to-space will begin. */
    uint8_t *from_cuts;
    uint8_t *to_cuts;
    /* Errors. */
    _Atomic int32_t err; /* the first one; 0: none */
    uint32_t recovery;
    char reason[200];
    /* A handler thread, if the policy has one. */
    struct gcp_mutator helper;
    struct gcp_fault_thread thread;
    bool serving;
    struct gcp_compactors compactors;
};

/* Wait until recovery has gone on from `GCP_RECOVERY_NONE`, and say how far. */
enum gcp_recovery gcp_recovery_await(struct gcp_compaction *c);

static inline uint32_t gcp_state_word(uint64_t from_index, enum gcp_page_state state)
{
    return (uint32_t)(from_index << GCP_PAGE_STATE_BITS) | (uint32_t)state;
}

/* Claim the processing of a page: the thread that changes its state from unprocessed owns it. */
static inline bool gcp_claim(struct gcp_compaction *c, uint64_t index, enum gcp_page_state state)
{
    uint32_t none = GCP_PAGE_UNPROCESSED;
    return atomic_compare_exchange_strong_explicit(&c->pages.words[index], &none, (uint32_t)state, memory_order_acq_rel,
                                                   memory_order_acquire);
}

static inline void gcp_state_set(struct gcp_compaction *c, uint64_t index, enum gcp_page_state state)
{
    atomic_store_explicit(&c->pages.words[index], (uint32_t)state, memory_order_release);
}

static inline uint64_t gcp_from_page(const struct gcp_compaction *c, uint64_t page)
{
    return c->plan.from + page * c->pages.page;
}

static inline uint64_t gcp_to_page(const struct gcp_compaction *c, uint64_t page)
{
    return c->plan.to + page * c->pages.page;
}

/* Words of a compacted page's contents, GCP_KEPT for a page of a dense region. */
static inline uint16_t gcp_fill(const struct gcp_compaction *c, uint64_t index)
{
    return c->plan.fill[index];
}

/* Whether a page keeps its layout: it is in the dense prefix, or in a later dense region. */
static inline bool gcp_in_place(const struct gcp_compaction *c, uint64_t index)
{
    return index < c->plan.dense_end || (c->plan.kept && index < c->plan.compact_end && gcp_fill(c, index) == GCP_KEPT);
}

/* The from-page of such a page. */
static inline uint64_t gcp_place_of(const struct gcp_compaction *c, uint64_t index)
{
    if (index < c->plan.dense_end)
        return index;
    return c->plan.first[index] / (c->pages.page / 8);
}

/* Whether a page belongs to a granule of several pages that is claimed, updated and mapped as one. */
static inline bool gcp_in_granule(const struct gcp_compaction *c, uint64_t index)
{
    return c->policy.granule > 1 && gcp_in_place(c, index);
}

/* The page that has the state of its whole granule until the granule is ready. */
static inline uint64_t gcp_granule_leader(const struct gcp_compaction *c, uint64_t index)
{
    return index & ~(c->policy.granule - 1);
}

/* Produce a page by `produce`, one of the two producers.  Some pages are timed. */
static inline void gcp_produce(struct gcp_compaction *c, struct gcp_tally *work, enum gcp_work_kind kind,
                               uint64_t index, uint64_t destination, gcp_producer produce)
{
    struct gcp_tally *tally = &work[kind];
    bool timed = gcp_tally_samples(tally);
    uint64_t begin = timed ? gcp_now() : 0;
    produce(&c->plan, index, destination);
    gcp_tally_count(tally, 1);
    if (timed) {
        gcp_tally_sample(tally, gcp_now() - begin, c->clock_ns);
    }
}

/* Update the pages of a claimed granule.  The leader becomes ready last, so all pages are ready when it is. */
void gcp_granule_produce(struct gcp_compaction *c, struct gcp_tally *work, uint64_t leader, gcp_producer produce);

/* How a run of ready pages is mapped: by enum gcp_verb, `pages` of them, from from-page `from` on. */
struct gcp_choice {
    uint32_t by;
    uint64_t pages;
    uint64_t from;
};

/*
 * Choose for the ready run at `index`, of at most `most` pages.  If it is no longer ready: one page, by the policy.  If
 * there is nothing to choose: `most` pages.  In both cases `from` is the number of pages, which means none.
 */
struct gcp_choice gcp_choose(const struct gcp_compaction *c, uint64_t index, uint64_t most);

/* The same for one page whose contents lie at from-page `from`. */
uint32_t gcp_choose_one(const struct gcp_compaction *c, uint64_t from);

/* Whether a page that keeps its layout has no live word, so it need not be mapped. */
bool gcp_dense_page_empty(const struct gcp_compaction *c, uint64_t index);

/* Record the first error, and what failed. */
void gcp_compaction_fail(struct gcp_compaction *c, int32_t err, const char *what);

/* A thread that serves the faults of others can't go on: print the reason and end the process. */
__attribute__((noreturn)) void gcp_compaction_die(const struct gcp_compaction *c);

static inline bool gcp_compaction_failed(const struct gcp_compaction *c)
{
    return atomic_load_explicit(&c->err, memory_order_acquire) != 0;
}

/*
 * REMAP.  _flip: the flip of a space that consists of many mappings; 0, or -errno with nothing moved.  _flip_back: undo
 * it.  _run: map the run of ready pages at `at`; the number of pages mapped, 0 if a mutator was faster, or a negative
 * errno.
 */
int32_t gcp_remap_init(struct gcp_compaction *c);
void gcp_remap_deinit(struct gcp_compaction *c);
int32_t gcp_remap_flip(struct gcp_compaction *c);
void gcp_remap_flip_back(struct gcp_compaction *c);
int64_t gcp_remap_run(struct gcp_compaction *c, uint64_t at, uint64_t limit, const struct gcp_map_how *how,
                      struct gcp_account *account);

/* Count and time an ioctl of the collector that mapped `pages` pages.  one: MOVE_1, COPY_1 or REMAP. */
void gcp_call_ended(struct gcp_compaction *c, enum gcp_work_kind one, uint64_t begin, uint64_t pages,
                    struct gcp_swept *ret);

/*
 * The batch, if the policy has one.  _open: whether the next page is to be built there.  _build: build a claimed page.
 * _map: map all pages that are built.  0, or -errno.
 */
bool gcp_batch_open(struct gcp_compaction *c);
int32_t gcp_batch_build(struct gcp_compaction *c, uint64_t index, enum gcp_work_kind kind, struct gcp_swept *ret);
int32_t gcp_batch_map(struct gcp_compaction *c, struct gcp_swept *ret);

/*
 * Compacting threads beside the collector's.  0 or -errno; join: wait for those that run, and add what they did.  After
 * an error they put what only they have into its place, once the space is unregistered: join them then.
 */
int gcp_compactors_init(struct gcp_compaction *c);
void gcp_compactors_deinit(struct gcp_compaction *c);
int32_t gcp_compactors_start(struct gcp_compaction *c);
void gcp_compactors_join(struct gcp_compaction *c, struct gcp_swept *ret);
uint64_t gcp_compactors_cpu(const struct gcp_compaction *c);

/* The fault service, and the thread of the handler mode. */
int gcp_fault_serve(void *context, uint64_t address, int stage);
int gcp_helper_start(struct gcp_compaction *c);

#endif
