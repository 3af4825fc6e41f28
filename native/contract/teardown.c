/*
 * Rows: a thread that sleeps in a fault when its range is unregistered or its userfaultfd closed.  It wakes and faults
 * again, on memory that is no longer registered: it gets a zero page, and no error tells it.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/address.h"
#include "contract/rows.h"

#define WAKE_MS 5000

static void expect_zero_page(struct gcp_trial *trial, struct gcp_waiter *waiter, const char *after_what)
{
    const struct timespec tick = {.tv_nsec = 1000000};
    for (int i = 0; i < WAKE_MS && !atomic_load(&waiter->awake); i++)
        nanosleep(&tick, NULL);
    if (!atomic_load(&waiter->awake))
        gcp_trial_differs(trial, "hang: the faulting thread still sleeps %d ms after %s", WAKE_MS, after_what);
    pthread_join(waiter->thread, NULL);
    if (waiter->value)
        gcp_trial_differs(trial, "the faulting thread did not read a zero page");
}

static void closing_gives_a_zero_page(struct gcp_trial *trial)
{
    struct gcp_waiter waiter;
    uint64_t dst = gcp_trial_target(trial, 1, 0);
    gcp_waiter_start(trial, dst, &waiter);
    gcp_uffd_deinit(&trial->uffd);
    expect_zero_page(trial, &waiter, "closing the userfaultfd");
}

static void unregistering_gives_a_zero_page(struct gcp_trial *trial)
{
    struct gcp_waiter waiter;
    uint64_t dst = gcp_trial_target(trial, 1, 0);
    gcp_waiter_start(trial, dst, &waiter);
    int err = gcp_uffd_unregister(&trial->uffd, dst, trial->page).err;
    if (err)
        gcp_trial_differs(trial, "UFFDIO_UNREGISTER: %s", strerror(err));
    expect_zero_page(trial, &waiter, "UFFDIO_UNREGISTER");
}

/* What a runtime does instead: fill first, then end. */
static void filled_first_it_reads_the_page(struct gcp_trial *trial)
{
    struct gcp_waiter waiter;
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    gcp_waiter_start(trial, dst, &waiter);
    gcp_expect_moved(trial, dst, src, trial->page, GCP_MOVE_DONTWAKE);
    gcp_uffd_deinit(&trial->uffd);
    gcp_expect_awake(trial, &waiter, "closing the userfaultfd");
}

static const struct gcp_row_entry ROWS[] = {
    {{"close-in-fault", "A thread in a fault when the userfaultfd is closed reads a zero page", "", ""},
     closing_gives_a_zero_page},
    {{"unregister-in-fault", "A thread in a fault when its range is unregistered reads a zero page",
      "a fault that is queued meanwhile may sleep forever before 'mm/userfaultfd: write-lock the VMA before waking "
      "waiters when unregistering' (CVE-2026-99660); not in 7.3.4",
      ""},
     unregistering_gives_a_zero_page},
    {{"close-after-fill", "If its page is filled before the userfaultfd is closed, it reads the page", "", ""},
     filled_first_it_reads_the_page},
};

const struct gcp_row_table gcp_rows_teardown = GCP_ROW_TABLE(ROWS);
