/* Rows: what a second thread sees that uses the source while MOVE runs. */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "uffd/ability.h"
#include "base/clock.h"
#include "contract/rows.h"
#include "base/address.h"

#define PAGES 256
#define ROUNDS 40

/* On an emulated machine a round takes seconds: fewer rounds are run. */
#define FEW_ROUNDS 3
#define ROUNDS_MS 3000

static bool enough(int rounds, uint64_t begun)
{
    return rounds == ROUNDS || (rounds >= FEW_ROUNDS && gcp_now() - begun > ROUNDS_MS * 1000000ULL);
}

/*
 * A thread that hammers the first word of each source page; each round has its own region.
 * wrong:  words that are neither the old contents nor zero
 * risen:  words that were zero, and later the old contents again
 * sweeps: passes over all pages
 */
struct hammer {
    uint64_t page;
    _Atomic uint64_t *words;
    atomic_int stop;
    atomic_uint_fast64_t sweeps;
    uint64_t wrong;
    uint64_t risen;
};

static _Atomic uint64_t *word_of(const struct hammer *hammer, uint64_t page)
{
    return (_Atomic uint64_t *)gcp_at(gcp_address_of(hammer->words) + page * hammer->page);
}

static void *read_words(void *arg)
{
    struct hammer *hammer = arg;
    unsigned char gone[PAGES] = {0};
    while (!atomic_load(&hammer->stop)) {
        for (uint64_t i = 0; i < PAGES; i++) {
            uint64_t word = atomic_load_explicit(word_of(hammer, i), memory_order_relaxed);
            if (word == 0)
                gone[i] = 1;
            else if (word != gcp_content(GCP_TRIAL_SEED, i, 0))
                hammer->wrong++;
            else if (gone[i])
                hammer->risen++;
        }
        atomic_fetch_add(&hammer->sweeps, 1);
    }
    return NULL;
}

static void *add_words(void *arg)
{
    struct hammer *hammer = arg;
    while (!atomic_load(&hammer->stop)) {
        for (uint64_t i = 0; i < PAGES; i++)
            atomic_fetch_add_explicit(word_of(hammer, i), 2, memory_order_relaxed);
        atomic_fetch_add(&hammer->sweeps, 1);
    }
    return NULL;
}

/* Move all pages, 16 at a time, while the thread runs; it makes at least one sweep before and one after. */
static void move_under_fire(struct gcp_trial *trial, uint64_t dst, uint64_t src, void *(*run)(void *),
                            struct hammer *ret)
{
    pthread_t thread;
    memset(ret, 0, sizeof(*ret));
    ret->page = trial->page;
    ret->words = (_Atomic uint64_t *)gcp_at(src);
    gcp_trial_thread(trial, &thread, run, ret);
    while (atomic_load(&ret->sweeps) == 0)
        ;
    for (uint64_t i = 0; i < PAGES; i += 16)
        gcp_expect_moved(trial, dst + i * trial->page, src + i * trial->page, 16 * trial->page, 0);
    uint64_t sweeps = atomic_load(&ret->sweeps);
    while (atomic_load(&ret->sweeps) < sweeps + 2)
        ;
    atomic_store(&ret->stop, 1);
    pthread_join(thread, NULL);
}

static void reader_sees_old_contents_or_zeroes(struct gcp_trial *trial)
{
    uint64_t begun = gcp_now();
    for (int round = 0; !enough(round, begun); round++) {
        struct hammer hammer;
        uint64_t src = gcp_trial_small(trial, PAGES), dst = gcp_trial_target(trial, PAGES, 0);
        move_under_fire(trial, dst, src, read_words, &hammer);
        if (hammer.wrong || hammer.risen)
            gcp_trial_differs(trial, "%" PRIu64 " reads were neither old contents nor zero, %" PRIu64 " old after zero",
                              hammer.wrong, hammer.risen);
        gcp_expect_content(trial, dst, 0, PAGES);
        gcp_expect_zeroes(trial, src, PAGES);
    }
}

static void no_write_is_lost(struct gcp_trial *trial)
{
    uint64_t begun = gcp_now();
    for (int round = 0; !enough(round, begun); round++) {
        struct hammer hammer;
        uint64_t src = gcp_trial_small(trial, PAGES), dst = gcp_trial_target(trial, PAGES, 0);
        move_under_fire(trial, dst, src, add_words, &hammer);
        for (uint64_t i = 0; i < PAGES; i++) {
            uint64_t at = i * trial->page;
            uint64_t before = *(uint64_t *)gcp_at(dst + at) - gcp_content(GCP_TRIAL_SEED, i, 0);
            uint64_t behind = *(uint64_t *)gcp_at(src + at);
            if (before + behind != 2 * hammer.sweeps)
                gcp_trial_differs(trial,
                                  "of %" PRIu64 " writes to page %" PRIu64 " %" PRIu64 " are in the moved page and "
                                  "%" PRIu64 " in the new one at the source",
                                  (uint64_t)hammer.sweeps, i, before / 2, behind / 2);
        }
    }
}

#define RETRY_PAGES 30000

/*
 * One mover; no other thread touches the destination.  One thread clears accessed bits, another sets them by reading.
 */
static void repeated_step_is_counted(struct gcp_trial *trial)
{
    uint64_t moved, refused;
    int32_t err = gcp_ability_retry(RETRY_PAGES, trial->page, &moved, &refused);
    if (err)
        gcp_trial_differs(trial, "moving pages whose accessed bits change: %s", strerror(-err));
    bool known = gcp_trial_release_in(GCP_RELEASE(6, 18, 0), GCP_RELEASE(6, 18, 51)) ||
                 gcp_trial_release_in(GCP_RELEASE(6, 19, 0), GCP_RELEASE(7, 2, 5));
    if (refused && !known)
        gcp_trial_differs(trial, "EEXIST for a page that had moved, after %" PRIu64 " others", moved);
    if (refused)
        gcp_trial_note(trial, "EEXIST for a page that had moved, after %" PRIu64 " others: the bug of 6.18 to 7.2.4",
                       moved);
    else
        gcp_trial_note(trial, "all of %" PRIu64 " pages were counted", moved);
}

static const struct gcp_row_entry ROWS[] = {
    {{"concurrent-reader", "A thread that reads the source sees the old contents, then zeroes, and nothing else", "",
      ""},
     reader_sees_old_contents_or_zeroes},
    {{"concurrent-writer",
      "A write to the source is in the moved page or in a new page at the source: none is lost, none is in both", "",
      ""},
     no_write_is_lost},
    {{"concurrent-retry", "Pages are counted as moved even if an entry changed during MOVE and it retried the step",
      "since 6.18 MOVE may return EEXIST for pages that it moved itself: move_pages() keeps -EAGAIN of the step before "
      "(userfaultfd: opportunistic TLB-flush batching for present pages in MOVE); fixed by 'userfaultfd: reset err to "
      "be 0 "
      "when move_pages_ptes succeeded' (7.3, 7.2.5, 6.18.51)",
      ""},
     repeated_step_is_counted},
};

const struct gcp_row_table gcp_rows_concurrent = GCP_ROW_TABLE(ROWS);
