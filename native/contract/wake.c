/* Rows: which sleeping faults a MOVE wakes. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "contract/rows.h"

static void progress_wakes(struct gcp_trial *trial)
{
    struct gcp_waiter waiter;
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    gcp_waiter_start(trial, dst, &waiter);
    gcp_expect_moved(trial, dst, src, trial->page, 0);
    gcp_expect_awake(trial, &waiter, "MOVE");
}

static void dontwake_lets_sleep(struct gcp_trial *trial)
{
    struct gcp_waiter waiter;
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    gcp_waiter_start(trial, dst, &waiter);
    gcp_expect_moved(trial, dst, src, trial->page, GCP_MOVE_DONTWAKE);
    gcp_expect_asleep(trial, &waiter, "MOVE with DONTWAKE");
    gcp_uffd_wake(&trial->uffd, dst, trial->page);
    gcp_expect_awake(trial, &waiter, "UFFDIO_WAKE");
}

static void short_move_wakes_what_it_moved(struct gcp_trial *trial)
{
    struct gcp_waiter waiter;
    uint64_t src = gcp_trial_small(trial, 2), dst = gcp_trial_target(trial, 2, 0);
    gcp_trial_madvise(trial, src + trial->page, 1, MADV_DONTNEED, "MADV_DONTNEED");
    gcp_waiter_start(trial, dst, &waiter);
    gcp_expect_short(trial, dst, src, 2 * trial->page, 0, trial->page);
    gcp_expect_awake(trial, &waiter, "a short MOVE");
}

static void other_pages_sleep_on(struct gcp_trial *trial)
{
    struct gcp_waiter waiter;
    uint64_t src = gcp_trial_small(trial, 3), dst = gcp_trial_target(trial, 3, 0), page = trial->page;
    gcp_waiter_start(trial, dst + 2 * page, &waiter);
    gcp_expect_moved(trial, dst, src + page, 2 * page, 0);
    gcp_expect_asleep(trial, &waiter, "MOVE of its neighbours");
    gcp_expect_moved(trial, dst + 2 * page, src, page, 0);
    gcp_expect_awake(trial, &waiter, "MOVE of its page");
}

static void failure_lets_sleep(struct gcp_trial *trial)
{
    struct gcp_waiter waiter;
    struct gcp_source hole;
    uint64_t src = gcp_trial_source(trial, GCP_SOURCE_HOLE, 0, 1, &hole), dst = gcp_trial_target(trial, 1, 0);
    gcp_waiter_start(trial, dst, &waiter);
    gcp_expect_failed(trial, dst, src, trial->page, 0, ENOENT);
    gcp_expect_asleep(trial, &waiter, "a MOVE that failed");
}

/*
 * The pitfall: another thread filled the page with DONTWAKE, or did not wake; EEXIST alone leaves its waiters asleep.
 */
static void eexist_lets_sleep(struct gcp_trial *trial)
{
    struct gcp_waiter waiter;
    uint64_t src = gcp_trial_small(trial, 2), dst = gcp_trial_target(trial, 1, 0);
    gcp_waiter_start(trial, dst, &waiter);
    gcp_expect_moved(trial, dst, src, trial->page, GCP_MOVE_DONTWAKE);
    gcp_expect_failed(trial, dst, src + trial->page, trial->page, 0, EEXIST);
    gcp_expect_asleep(trial, &waiter, "a MOVE that gave EEXIST");
    gcp_uffd_wake(&trial->uffd, dst, trial->page);
    gcp_expect_awake(trial, &waiter, "UFFDIO_WAKE");
}

/* A hole counts as moved, so its waiters are woken; they fault again and are reported again. */
static void hole_wakes_into_the_next_fault(struct gcp_trial *trial)
{
    struct gcp_waiter waiter;
    struct gcp_source hole;
    uint64_t src = gcp_trial_source(trial, GCP_SOURCE_HOLE, 0, 1, &hole), dst = gcp_trial_target(trial, 1, 0);
    gcp_waiter_start(trial, dst, &waiter);
    gcp_expect_moved(trial, dst, src, trial->page, GCP_MOVE_ALLOW_SRC_HOLES);
    gcp_trial_read_message(trial, &trial->uffd, GCP_UFFD_EVENT_PAGEFAULT);
    gcp_expect_asleep(trial, &waiter, "MOVE of a hole");
}

static const struct gcp_row_entry ROWS[] = {
    {{"wake-progress", "MOVE wakes a thread that faulted on a page that it filled", "", ""}, progress_wakes},
    {{"wake-dontwake", "With DONTWAKE it sleeps until UFFDIO_WAKE", "", ""}, dontwake_lets_sleep},
    {{"wake-short", "A short move wakes threads in the part that it moved", "", ""}, short_move_wakes_what_it_moved},
    {{"wake-elsewhere", "A thread that faulted outside the moved range stays asleep", "", ""}, other_pages_sleep_on},
    {{"wake-failed", "A MOVE that moved nothing wakes no thread", "", ""}, failure_lets_sleep},
    {{"wake-eexist", "EEXIST wakes no thread, although the page is there", "", ""}, eexist_lets_sleep},
    {{"wake-hole", "Moving a hole wakes its waiters, and they fault again", "", ""}, hole_wakes_into_the_next_fault},
};

const struct gcp_row_table gcp_rows_wake = GCP_ROW_TABLE(ROWS);
