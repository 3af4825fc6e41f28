/* Hazard: pins by GUP-fast against moves of a whole folio. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/pin.h"
#include "base/platform.h"
#include "base/uapi.h"
#include "hazards/tables.h"

#define PIN_RACE_MS 6000
#define LOOKS 20
#define PINS_OF_A_FOLIO 8

/* On the last processor, where the calling thread stays. */
static uint64_t one_folio(struct gcp_trial *trial, struct gcp_source *ret)
{
    gcp_pin_cpu((int32_t)trial->platform.cpus - 1);
    gcp_trial_need(trial, GCP_PROOF_KPF | GCP_PROOF_MTHP);
    uint32_t order = gcp_trial_mthp_order(trial);
    return gcp_trial_source(trial, GCP_SOURCE_PLAIN, order, 1ULL << order, ret);
}

/*
 * A pinned page must not move.  One thread pins and unpins a folio (io_uring, by GUP-fast), another moves it back and
 * forth: it must stay in place while it is pinned.
 */
struct pin_race {
    struct gcp_trial *trial;
    uint64_t range[2];
    uint64_t pages;
    uint64_t pins, went;
    atomic_int stop;
    atomic_uint_fast64_t moved, busy;
};

/* On another processor than the pinning thread: the window is within a lock, where no thread is preempted. */
static void *move_back_and_forth(void *arg)
{
    struct pin_race *race = arg;
    gcp_pin_cpu(0);
    while (!atomic_load(&race->stop))
        for (int i = 0; i < 2; i++) {
            uint64_t bytes = race->pages * race->trial->page;
            struct gcp_outcome seen = gcp_uffd_move(&race->trial->uffd, race->range[!i], race->range[i], bytes, 0);
            atomic_fetch_add(seen.err ? &race->busy : &race->moved, 1);
        }
    return NULL;
}

/* Pin a page and look whether it stays.  Half of the pins last longer, as the move may be slow after its look for pins. */
static void pin_once(struct pin_race *race)
{
    const struct timespec between = {.tv_nsec = 200000};
    uint64_t at = race->range[race->pins & 1];
    /* Only a present page: a missing one would block the pin forever. */
    if (!(gcp_trial_entry(race->trial, at) & GCP_PM_PRESENT))
        return;
    int32_t ring = gcp_pin(at, race->trial->page);
    if (ring < 0)
        gcp_trial_skip(race->trial, "io_uring fixed buffers: %s", strerror(-ring));
    uint64_t held = gcp_trial_entry(race->trial, at);
    for (int i = 0; i < LOOKS; i++) {
        race->went += gcp_trial_entry(race->trial, at) != held || !(held & GCP_PM_PRESENT);
        if (race->pins & 2)
            nanosleep(&between, NULL);
    }
    gcp_unpin(ring);
    race->pins++;
}

/* A pin may end between the look for pins and the split: then the pages go on as small ones, and a new folio is needed. */
static bool is_whole(struct gcp_trial *trial, const struct pin_race *race, uint32_t order)
{
    for (int i = 0; i < 2; i++) {
        struct gcp_view view = gcp_trial_view(trial, race->range[i], race->pages);
        const bool whole = view.order_histogram[order] != 0;
        gcp_view_deinit(&view);
        if (whole)
            return true;
    }
    return false;
}

static void pins_against_moves(struct gcp_trial *trial)
{
    static struct pin_race race;
    struct timespec begin, now;
    uint64_t folios = 0;
    race = (struct pin_race){.trial = trial};
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (now = begin; now.tv_sec - begin.tv_sec < PIN_RACE_MS / 1000; clock_gettime(CLOCK_MONOTONIC, &now)) {
        struct gcp_source source;
        pthread_t mover;
        race.range[0] = one_folio(trial, &source);
        race.pages = source.pages;
        race.range[1] = gcp_trial_target(trial, source.pages, 0);
        gcp_trial_register(trial, race.range[0], source.pages);
        atomic_store(&race.stop, 0);
        gcp_trial_thread(trial, &mover, move_back_and_forth, &race);
        for (int i = 0; i < PINS_OF_A_FOLIO || (i < 10 * PINS_OF_A_FOLIO && is_whole(trial, &race, source.order)); i++)
            pin_once(&race);
        atomic_store(&race.stop, 1);
        pthread_join(mover, NULL);
        gcp_region_discard(race.range[1], race.pages * trial->page);
        gcp_source_deinit(&source);
        folios++;
    }
    if (race.went)
        gcp_trial_differs(trial, "corruption: a pinned page was moved away (%" PRIu64 " looks in %" PRIu64 " pins)",
                          race.went, race.pins);
    gcp_trial_note(trial,
                   "%" PRIu64 " pins against %" PRIu64 " moves of %" PRIu64 " folios; none moved while it was pinned",
                   race.pins, (uint64_t)atomic_load(&race.moved), folios);
}

static const struct gcp_row_entry ROWS[] = {
    {{"whole-pin-race", "Pins against moves: a pinned page stays", "", "pfn,mthp,io_uring"}, pins_against_moves},
};

const struct gcp_row_table gcp_hazards_pins = GCP_ROW_TABLE(ROWS);
