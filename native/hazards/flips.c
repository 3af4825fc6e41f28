/* Hazard: a collector's windows one after the other, with readers that serve their own faults, beside MADV_COLLAPSE. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/platform.h"
#include "hazards/tables.h"
#include "uffd/answer.h"

#define MIN_PAGES UINT64_C(1024)
#define READERS 3
#define RUN UINT64_C(16) /* pages that the sweep moves at once */
#define STRIDE 331       /* odd: each reader visits each page once */
#define RACE_NS (4 * UINT64_C(1000000000))
#define ROUND_NS (20 * UINT64_C(1000000000))

/*
 * pages: of the window: a THP at least; a power of two
 * round: counts up when the readers are to begin; `done` follows it by READERS each time
 * err:   errno of an ioctl that has no other answer;  wrong: pages whose contents were wrong
 */
struct flips {
    struct gcp_trial *trial;
    struct gcp_uffd uffd;
    uint64_t to, from, pages;
    atomic_int stop, err;
    atomic_uint_fast64_t round, done, wrong, faults, copied, collapsed;
};

static struct flips flips;

/* One page, by MOVE or, if it is busy, by COPY.  The access that faulted retries what is temporary. */
static void serve(uint64_t offset)
{
    uint64_t page = flips.trial->page;
    struct gcp_outcome did = gcp_uffd_move(&flips.uffd, flips.to + offset, flips.from + offset, page, 0);
    enum gcp_verb verb = GCP_VERB_MOVE;
    if (gcp_answer(verb, &did) == GCP_ANSWER_BUSY) {
        verb = GCP_VERB_COPY;
        did = gcp_uffd_copy(&flips.uffd, flips.to + offset, flips.from + offset, page, 0);
        atomic_fetch_add(&flips.copied, did.bytes > 0);
    }
    switch (gcp_answer(verb, &did)) {
    case GCP_ANSWER_GONE:
    case GCP_ANSWER_FATAL:
        atomic_store(&flips.err, gcp_answer_errno(&did));
        break;
    default: /* a hole: another thread moved it between the kernel's looks at both ends */
        break;
    }
}

static void on_sigbus(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    uint64_t offset = gcp_address_of(info->si_addr) - flips.to;
    (void)context;
    if (offset >= flips.pages * flips.trial->page) {
        signal(number, SIG_DFL); /* the access is repeated and ends the process */
        return;
    }
    while (atomic_load(&flips.err))
        pause(); /* until the first thread has reported it */
    atomic_fetch_add(&flips.faults, 1);
    serve(offset & ~(flips.trial->page - 1));
    errno = saved;
}

static void *read_each_round(void *arg)
{
    uint64_t first = *(const uint64_t *)arg, page = flips.trial->page;
    for (uint64_t round = 1;; round++) {
        while (atomic_load(&flips.round) < round) {
            if (atomic_load(&flips.stop))
                return NULL;
            sched_yield();
        }
        for (uint64_t i = 0; i < flips.pages; i++) {
            uint64_t at = (first + i * STRIDE) % flips.pages, word = i % (page / sizeof(uint64_t));
            volatile const uint64_t *words = gcp_at(flips.to + at * page);
            if (words[word] != gcp_content(GCP_TRIAL_SEED, at, word))
                atomic_fetch_add(&flips.wrong, 1);
        }
        atomic_fetch_add(&flips.done, 1);
    }
}

static void *collapse_both(void *arg)
{
    uint64_t bytes = flips.pages * flips.trial->page;
    (void)arg;
    while (!atomic_load(&flips.stop)) {
        atomic_fetch_add(&flips.collapsed, gcp_region_collapse(flips.from, bytes) == 0);
        atomic_fetch_add(&flips.collapsed, gcp_region_collapse(flips.to, bytes) == 0);
    }
    return NULL;
}

/* Move what no reader has asked for, while they read. */
static void sweep(uint64_t begun)
{
    uint64_t page = flips.trial->page;
    uint32_t row = 0;
    for (uint64_t at = 0; at < flips.pages && !atomic_load(&flips.err);) {
        uint64_t run = flips.pages - at < RUN ? flips.pages - at : RUN;
        struct gcp_outcome did =
            gcp_uffd_move(&flips.uffd, flips.to + at * page, flips.from + at * page, run * page, 0);
        if (did.bytes > 0) {
            at += (uint64_t)did.bytes / page;
        } else if (did.err == EEXIST) {
            at++;
        } else {
            serve(at * page); /* this page alone; EEXIST comes next time */
            gcp_answer_repeats(GCP_ANSWER_AGAIN, &row, GCP_AGAIN_LIMIT);
        }
        if (gcp_now() - begun > ROUND_NS)
            gcp_trial_differs(flips.trial, "hang: page %" PRIu64 " did not move within %" PRIu64 " s: %s", at,
                              ROUND_NS / UINT64_C(1000000000), strerror(did.err));
    }
}

/* As the collector does: register, flip, let the readers run and sweep beside them, unregister. */
static void one_window(struct gcp_trial *trial, uint64_t round)
{
    uint64_t bytes = flips.pages * trial->page, begun = gcp_now();
    struct gcp_outcome did = gcp_uffd_register(&flips.uffd, flips.to, bytes, NULL);
    if (did.err)
        gcp_trial_differs(trial, "UFFDIO_REGISTER: %s", strerror(did.err));
    if (mremap(gcp_at(flips.to), bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED | GCP_MREMAP_DONTUNMAP,
               gcp_at(flips.from)) == MAP_FAILED)
        gcp_trial_differs(trial, "mremap of window %" PRIu64 ": %s", round, strerror(errno));
    atomic_store(&flips.round, round);
    sweep(begun);
    while (atomic_load(&flips.done) < round * READERS) {
        if (atomic_load(&flips.err))
            gcp_trial_differs(trial, "a fault: %s", strerror(atomic_load(&flips.err)));
        if (gcp_now() - begun > ROUND_NS)
            gcp_trial_differs(trial, "hang: a reader did not end window %" PRIu64, round);
        sched_yield();
    }
    did = gcp_uffd_unregister(&flips.uffd, flips.to, bytes);
    if (did.err)
        gcp_trial_differs(trial, "UFFDIO_UNREGISTER: %s", strerror(did.err));
    if (atomic_load(&flips.wrong))
        gcp_trial_differs(trial, "corruption: %" PRIu64 " pages were wrong in window %" PRIu64,
                          (uint64_t)atomic_load(&flips.wrong), round);
}

static void windows_beside_collapse(struct gcp_trial *trial)
{
    struct sigaction action = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO};
    uint64_t first[READERS];
    pthread_t readers[READERS], collapser;
    uint64_t rounds = 0;
    flips.trial = trial;
    flips.pages = trial->platform.pmd_size / trial->page;
    if (flips.pages < MIN_PAGES)
        flips.pages = MIN_PAGES;
    gcp_trial_open(trial, GCP_UFFD_FEATURE_SIGBUS, &flips.uffd);
    flips.to = gcp_trial_region(trial, flips.pages, 0);
    flips.from = gcp_trial_region(trial, flips.pages, 0);
    gcp_region_large(flips.to, flips.pages * trial->page);
    gcp_region_large(flips.from, flips.pages * trial->page);
    gcp_content_fill(flips.to, 0, flips.pages, GCP_TRIAL_SEED);
    sigaction(SIGBUS, &action, NULL);
    for (uint64_t i = 0; i < READERS; i++) {
        first[i] = i * flips.pages / READERS;
        gcp_trial_thread(trial, &readers[i], read_each_round, &first[i]);
    }
    gcp_trial_thread(trial, &collapser, collapse_both, NULL);
    for (uint64_t begin = gcp_now(); gcp_now() - begin < RACE_NS;)
        one_window(trial, ++rounds);
    atomic_store(&flips.stop, 1);
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    pthread_join(collapser, NULL);
    if (!atomic_load(&flips.collapsed))
        gcp_trial_skip(trial, "no race: MADV_COLLAPSE made no THP in %" PRIu64 " windows", rounds);
    gcp_trial_note(trial,
                   "%" PRIu64 " windows of %" PRIu64 " pages, %" PRIu64 " faults served by their threads, %" PRIu64
                   " calls of MADV_COLLAPSE done; %" PRIu64 " pages copied as they were busy",
                   rounds, flips.pages, (uint64_t)atomic_load(&flips.faults), (uint64_t)atomic_load(&flips.collapsed),
                   (uint64_t)atomic_load(&flips.copied));
}

static const struct gcp_row_entry ROWS[] = {
    {{"sigbus-flips", "Readers that serve their own faults in windows after mremap, beside MADV_COLLAPSE, go on", "",
      "thp"},
     windows_beside_collapse},
};

const struct gcp_row_table gcp_hazards_flips = GCP_ROW_TABLE(ROWS);
