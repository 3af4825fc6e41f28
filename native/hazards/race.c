#define _GNU_SOURCE
#include "hazards/race.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "uffd/answer.h"
#include "base/address.h"

struct mover {
    struct gcp_race *race;
    uint64_t first, pages, granule;
};

static uint64_t place(const struct gcp_race *race, unsigned range, uint64_t page)
{
    return race->range[range] + page * race->trial->page;
}

static int is_there(struct gcp_race *race, uint64_t address)
{
    return (gcp_trial_entry(race->trial, address) & (GCP_PM_PRESENT | GCP_PM_SWAP)) != 0;
}

/* Read each page where it is, which also swaps it in.  A page in neither range would block the reader. */
static void check(struct gcp_race *race, uint64_t first, uint64_t pages)
{
    for (uint64_t i = first; i < first + pages; i++) {
        uint64_t address = place(race, atomic_load(&race->at[i]), i);
        if (!is_there(race, address))
            atomic_fetch_add(&race->lost, 1);
        else if (gcp_content_check(address, i, 1, GCP_TRIAL_SEED) >= 0)
            atomic_fetch_add(&race->wrong, 1);
    }
}

/* After an error: find pages that moved and were not counted (since 6.18; see the hazard retry-eexist). */
static void find_uncounted(struct gcp_race *race, unsigned from, uint64_t first, uint64_t pages)
{
    for (uint64_t i = first; i < first + pages; i++)
        if (!is_there(race, place(race, from, i)) && is_there(race, place(race, !from, i))) {
            atomic_store(&race->at[i], (unsigned char)!from);
            atomic_fetch_add(&race->uncounted, 1);
        }
}

/* The error of a call that began at page `first` ends the race. */
static void end_with(struct gcp_race *race, int32_t err, unsigned from, uint64_t first, uint64_t pages)
{
    race->end = (struct gcp_race_end){.first = first,
                                      .pages = pages,
                                      .src_word = gcp_trial_entry(race->trial, place(race, from, first)),
                                      .dst_word = gcp_trial_entry(race->trial, place(race, !from, first)),
                                      .from = from};
    atomic_store(&race->err, err);
}

/* *row: temporary answers in a row, without EAGAIN, which a disturber may cause all the time. */
static void move_some(struct gcp_race *race, uint64_t first, uint64_t pages, uint32_t *row)
{
    unsigned from = atomic_load(&race->at[first]);
    uint64_t n = 1;
    while (n < pages && atomic_load(&race->at[first + n]) == from)
        n++;
    uint64_t src = place(race, from, first), dst = place(race, !from, first);
    struct gcp_outcome seen = gcp_uffd_move(&race->trial->uffd, dst, src, n * race->trial->page, 0);
    enum gcp_answer answer = gcp_answer(GCP_VERB_MOVE, &seen);
    uint64_t done = (uint64_t)seen.bytes / race->trial->page;
    atomic_fetch_add(&race->moved, done);
    for (uint64_t i = 0; i < done; i++)
        atomic_store(&race->at[first + i], (unsigned char)!from);
    if (seen.err)
        find_uncounted(race, from, first + done, n - done);
    if (answer == GCP_ANSWER_DONE)
        *row = 0;
    if (seen.err == EAGAIN)
        atomic_fetch_add(&race->eagain, 1);
    else if (answer == GCP_ANSWER_BUSY)
        atomic_fetch_add(&race->ebusy, 1);
    else if (answer != GCP_ANSWER_DONE && answer != GCP_ANSWER_THERE &&
             !gcp_answer_repeats(answer, row, GCP_AGAIN_LIMIT))
        end_with(race, gcp_answer_errno(&seen), from, first, n);
}

static void *keep_moving(void *arg)
{
    struct mover *mover = arg;
    struct gcp_race *race = mover->race;
    uint64_t turns = 0;
    uint32_t row = 0;
    while (!atomic_load(&race->stop) && !atomic_load(&race->err)) {
        for (uint64_t done = 0; done < mover->pages; done += mover->granule) {
            uint64_t left = mover->pages - done;
            move_some(race, mover->first + done, left < mover->granule ? left : mover->granule, &row);
        }
        if (++turns % 8 == 0)
            check(race, mover->first, mover->pages);
    }
    check(race, mover->first, mover->pages);
    return NULL;
}

void gcp_race_run(struct gcp_trial *trial, unsigned movers, uint64_t granule, uint64_t ms, int huge,
                  void *(*disturb)(void *race), const char *unit)
{
    static struct gcp_race race;
    static struct mover mover[4];
    pthread_t threads[4], disturber;
    const struct timespec time = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

    memset(&race, 0, sizeof(race));
    race.trial = trial;
    race.pages = huge ? trial->platform.pmd_size / trial->page : GCP_RACE_PAGES;
    if (race.pages > GCP_RACE_MAX_PAGES)
        gcp_trial_skip(trial, "a THP has %" PRIu64 " pages here, and a race has room for %d", race.pages,
                       GCP_RACE_MAX_PAGES);
    for (int i = 0; i < 2; i++) {
        race.range[i] = gcp_trial_region(trial, race.pages, 0);
        if (huge)
            madvise(gcp_at(race.range[i]), race.pages * trial->page, MADV_HUGEPAGE);
    }
    gcp_content_fill(race.range[0], 0, race.pages, GCP_TRIAL_SEED);
    for (int i = 0; i < 2; i++)
        gcp_trial_register(trial, race.range[i], race.pages);
    if (disturb)
        gcp_trial_thread(trial, &disturber, disturb, &race);
    for (unsigned i = 0; i < movers; i++) {
        uint64_t share = race.pages / movers;
        mover[i] = (struct mover){.race = &race, .first = i * share, .pages = share, .granule = granule};
        gcp_trial_thread(trial, &threads[i], keep_moving, &mover[i]);
    }
    nanosleep(&time, NULL);
    atomic_store(&race.stop, 1);
    for (unsigned i = 0; i < movers; i++)
        pthread_join(threads[i], NULL);
    if (disturb)
        pthread_join(disturber, NULL);

    uint64_t moved = atomic_load(&race.moved), wrong = atomic_load(&race.wrong), lost = atomic_load(&race.lost);
    uint64_t disturbed = atomic_load(&race.disturbed);
    if (wrong || lost)
        gcp_trial_differs(
            trial, "corruption: %" PRIu64 " pages were wrong, %" PRIu64 " lost; %" PRIu64 " moved, %" PRIu64 " %s",
            wrong, lost, moved, disturbed, unit);
    if (atomic_load(&race.err))
        gcp_trial_differs(trial,
                          "a move of %" PRIu64 " pages from page %" PRIu64 " of range %u ended with %s after %" PRIu64
                          " pages and %" PRIu64 " %s; right after it pagemap had %#" PRIx64 " there and %#" PRIx64
                          " at the destination, moved but not counted %" PRIu64,
                          race.end.pages, race.end.first, race.end.from, strerror(atomic_load(&race.err)), moved,
                          disturbed, unit, race.end.src_word, race.end.dst_word,
                          (uint64_t)atomic_load(&race.uncounted));
    if (!moved || (disturb && !disturbed))
        gcp_trial_skip(trial, "no race: %" PRIu64 " pages moved, %" PRIu64 " %s", moved, disturbed, unit);
    gcp_trial_note(trial,
                   "%" PRIu64 " pages moved, %" PRIu64 " %s; EBUSY %" PRIu64 ", EAGAIN %" PRIu64
                   ", moved but not counted %" PRIu64,
                   moved, disturbed, unit, (uint64_t)atomic_load(&race.ebusy), (uint64_t)atomic_load(&race.eagain),
                   (uint64_t)atomic_load(&race.uncounted));
}
