/* Hazards: faults that meet the end of their registration or of the userfaultfd, and a page with a hardware fault. */
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

#define RACE_NS (4 * UINT64_C(1000000000))
#define WAKE_NS (2 * UINT64_C(1000000000))
#define STEPS 64 /* of the delay, until it begins again at 0 */
#define STEP_NS 400

/* `turn` counts up when the thread is to read; `done` follows it when the read has ended, with `value`. */
struct reader {
    volatile const uint64_t *word;
    atomic_uint_fast64_t turn, done, value;
};

static void *read_at_each_turn(void *arg)
{
    struct reader *reader = arg;
    for (uint64_t turn = 1;; turn++) {
        while (atomic_load(&reader->turn) < turn)
            ;
        atomic_store(&reader->value, *reader->word);
        atomic_store(&reader->done, turn);
    }
    return NULL;
}

/* Begin a turn; the reader then has so long, from 0 to STEPS - 1 steps, to get into its fault. */
static void let_it_read(struct reader *reader, uint64_t turn)
{
    uint64_t from = gcp_now();
    atomic_store(&reader->turn, turn);
    while (gcp_now() - from < turn % STEPS * STEP_NS)
        ;
}

static void expect_done(struct gcp_trial *trial, struct reader *reader, uint64_t turn, const char *what)
{
    for (uint64_t from = gcp_now(); atomic_load(&reader->done) < turn;)
        if (gcp_now() - from > WAKE_NS)
            gcp_trial_differs(trial, "hang: a fault that met %s (turn %" PRIu64 ") still sleeps", what, turn);
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
        let_it_read(&reader, ++turns);
        struct gcp_outcome did = gcp_uffd_unregister(&trial->uffd, dst, trial->page);
        if (did.err)
            gcp_trial_differs(trial, "UFFDIO_UNREGISTER: %s", strerror(did.err));
        expect_done(trial, &reader, turns, "UFFDIO_UNREGISTER");
    }
    gcp_trial_note(trial, "%" PRIu64 " faults met UFFDIO_UNREGISTER, and all ended", turns);
}

/*
 * What a runtime must do at its end: fill the page, then close.  A fault that meets the closing without this reads a zero
 * page, and no error tells it.  Every second turn fills first.
 */
static void closing_against_faults(struct gcp_trial *trial)
{
    static struct reader reader;
    pthread_t thread;
    struct gcp_source source;
    uint64_t dst = gcp_trial_region(trial, 1, 0), turns = 0, zeroes = 0;
    uint64_t src = gcp_trial_source(trial, GCP_SOURCE_PLAIN, 0, 1, &source);
    reader.word = (volatile const uint64_t *)gcp_at(dst);
    gcp_trial_thread(trial, &thread, read_at_each_turn, &reader);
    for (uint64_t begin = gcp_now(); gcp_now() - begin < RACE_NS;) {
        struct gcp_uffd uffd;
        int fill = ++turns % 2;
        gcp_region_discard(dst, trial->page);
        gcp_trial_open(trial, 0, &uffd);
        struct gcp_outcome did = gcp_uffd_register(&uffd, dst, trial->page, NULL);
        if (did.err)
            gcp_trial_differs(trial, "UFFDIO_REGISTER: %s", strerror(did.err));
        if (fill)
            gcp_content_fill(src, 0, 1, GCP_TRIAL_SEED);
        let_it_read(&reader, turns);
        do
            did = fill ? gcp_uffd_move(&uffd, dst, src, trial->page, GCP_MOVE_DONTWAKE) : did;
        while (did.err == EAGAIN);
        if (did.err)
            gcp_trial_differs(trial, "MOVE: %s", strerror(did.err));
        gcp_uffd_deinit(&uffd);
        expect_done(trial, &reader, turns, "the closing of the userfaultfd");
        uint64_t value = atomic_load(&reader.value);
        if (value != (fill ? gcp_content(GCP_TRIAL_SEED, 0, 0) : 0))
            gcp_trial_differs(trial, "corruption: a page that was %s reads as %#" PRIx64,
                              fill ? "filled" : "not filled", value);
        zeroes += !fill;
    }
    gcp_trial_note(trial,
                   "%" PRIu64 " faults met the closing, and all ended; %" PRIu64 " of them read a zero page, none of "
                   "those whose page was filled first",
                   turns, zeroes);
}

struct writer {
    volatile uint64_t *word;
    atomic_int awake;
};

static void *write_once(void *arg)
{
    struct writer *writer = arg;
    *writer->word = 1;
    atomic_store(&writer->awake, 1);
    return NULL;
}

static int wakes(struct writer *writer)
{
    for (uint64_t from = gcp_now(); gcp_now() - from < WAKE_NS;)
        if (atomic_load(&writer->awake))
            return 1;
    return 0;
}

/*
 * UFFDIO_UNREGISTER wakes only the faults of ranges that are registered for missing pages, before "userfaultfd: wake all
 * waiters on unregister" (3afb19d68cc5).
 */
static void unregistered_while_protected(struct gcp_trial *trial)
{
    static struct writer writer;
    struct gcp_uffd wp;
    pthread_t thread;
    uint64_t page = gcp_trial_small(trial, 1), bytes = trial->page;
    struct gcp_uapi_register reg = {.range = {page, bytes}, .mode = GCP_UFFDIO_REGISTER_MODE_WP};
    struct gcp_uapi_writeprotect protect = {.range = {page, bytes}, .mode = GCP_UAPI_WRITEPROTECT_MODE_WP};
    gcp_trial_open(trial, GCP_UFFD_FEATURE_PAGEFAULT_FLAG_WP, &wp);
    if (ioctl(wp.fd, GCP_UFFDIO_REGISTER, &reg) < 0 || ioctl(wp.fd, GCP_UFFDIO_WRITEPROTECT, &protect) < 0)
        gcp_trial_skip(trial, "write protection by userfaultfd: %s", strerror(errno));
    writer.word = (volatile uint64_t *)gcp_at(page);
    gcp_trial_thread(trial, &thread, write_once, &writer);
    gcp_trial_read_message(trial, &wp, GCP_UFFD_EVENT_PAGEFAULT);
    struct gcp_outcome did = gcp_uffd_unregister(&wp, page, bytes);
    if (did.err)
        gcp_trial_differs(trial, "UFFDIO_UNREGISTER: %s", strerror(did.err));
    if (!wakes(&writer)) {
        gcp_uffd_wake(&wp, page, bytes);
        gcp_trial_differs(trial,
                          "hang: a thread that wrote to a protected page still sleeps after UFFDIO_UNREGISTER, and "
                          "nothing is registered any more; UFFDIO_WAKE %s",
                          wakes(&writer) ? "wakes it" : "does not wake it");
    }
    gcp_trial_note(trial, "the thread that wrote to a protected page woke");
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
    {{"close-race", "A fault that meets the closing of the userfaultfd ends, and reads what was filled before", "", ""},
     closing_against_faults},
    {{"unregister-protected", "A thread that wrote to a protected page wakes at UFFDIO_UNREGISTER", "", "uffd_wp"},
     unregistered_while_protected},
    {{"unregister-race", "A fault that meets UFFDIO_UNREGISTER ends", "", ""}, unregister_against_faults},
};

const struct gcp_row_table gcp_hazards_teardown = GCP_ROW_TABLE(ROWS);
