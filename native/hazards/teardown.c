/* Hazards: a fault that is queued while its range is unregistered, and a page with a hardware fault. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/address.h"
#include "base/clock.h"
#include "hazards/tables.h"

#define RACE_NS (6 * UINT64_C(1000000000))
#define WAKE_NS (2 * UINT64_C(1000000000))
#define STEPS 64 /* of the delay, until it begins again at 0 */
#define STEP_NS 400

/* `turn` counts up when the thread is to read; `done` follows it when the read has ended. */
struct reader {
    volatile const uint64_t *word;
    atomic_uint_fast64_t turn, done;
};

static void *read_at_each_turn(void *arg)
{
    struct reader *reader = arg;
    for (uint64_t turn = 1;; turn++) {
        while (atomic_load(&reader->turn) < turn)
            ;
        (void)*reader->word;
        atomic_store(&reader->done, turn);
    }
    return NULL;
}

/*
 * UFFDIO_UNREGISTER wakes the sleeping threads first and clears the mapping afterwards.  A fault that is queued between
 * the two sleeps forever ("mm/userfaultfd: write-lock the VMA before waking waiters when unregistering", 35f7ecd55ce7).
 */
static void unregister_against_faults(struct gcp_trial *trial)
{
    static struct reader reader;
    pthread_t thread;
    uint64_t dst = gcp_trial_region(trial, 1, 0), turns = 0;
    reader.word = (volatile const uint64_t *)gcp_at(dst);
    gcp_trial_thread(trial, &thread, read_at_each_turn, &reader);
    for (uint64_t begin = gcp_now(); gcp_now() - begin < RACE_NS;) {
        gcp_region_discard(dst, trial->page);
        gcp_trial_register(trial, dst, 1);
        uint64_t wait = turns++ % STEPS * STEP_NS, from = gcp_now();
        atomic_store(&reader.turn, turns);
        while (gcp_now() - from < wait)
            ;
        struct gcp_outcome did = gcp_uffd_unregister(&trial->uffd, dst, trial->page);
        if (did.err)
            gcp_trial_differs(trial, "UFFDIO_UNREGISTER: %s", strerror(did.err));
        for (from = gcp_now(); atomic_load(&reader.done) < turns;)
            if (gcp_now() - from > WAKE_NS)
                gcp_trial_differs(trial,
                                  "hang: a fault that met UFFDIO_UNREGISTER (turn %" PRIu64
                                  ") still sleeps, and nothing is registered any more",
                                  turns);
    }
    gcp_trial_note(trial, "%" PRIu64 " faults met UFFDIO_UNREGISTER, and all ended", turns);
}

static void go_on(int number)
{
    (void)number;
}

/* The frame is lost to the guest for good, so the contract has no such row.  The caller gets a SIGBUS for it. */
static void poisoned_by_hardware(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 2), dst = gcp_trial_target(trial, 2, 0);
    signal(SIGBUS, go_on);
    if (madvise(gcp_at(src), trial->page, MADV_HWPOISON) < 0)
        gcp_trial_skip(trial, "MADV_HWPOISON: %s; CONFIG_MEMORY_FAILURE, root", strerror(errno));
    signal(SIGBUS, SIG_DFL);
    gcp_expect_failed(trial, dst, src, trial->page, 0, EFAULT);
    gcp_expect_failed(trial, dst, src, trial->page, GCP_MOVE_ALLOW_SRC_HOLES, EFAULT);
    gcp_expect_moved(trial, dst + trial->page, src + trial->page, trial->page, 0);
    gcp_expect_content(trial, dst + trial->page, 1, 1);
    gcp_trial_note(trial, "EFAULT, also with ALLOW_SRC_HOLES; its neighbour moves");
}

static const struct gcp_row_entry ROWS[] = {
    {{"hwpoison", "A page that MADV_HWPOISON made faulty gives EFAULT, and its neighbour moves", "", "root"},
     poisoned_by_hardware},
    {{"unregister-race", "A fault that meets UFFDIO_UNREGISTER ends", "", ""}, unregister_against_faults},
};

const struct gcp_row_table gcp_hazards_teardown = GCP_ROW_TABLE(ROWS);
