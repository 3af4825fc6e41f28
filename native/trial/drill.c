/* The drill: rows that end in every possible way, to test the runner itself. */
#define _GNU_SOURCE
#include <signal.h>
#include <unistd.h>

#include "trial/trial.h"

static void passes(struct gcp_trial *trial)
{
    gcp_trial_note(trial, "one of two ways");
}

static void differs(struct gcp_trial *trial)
{
    gcp_trial_differs(trial, "seen %d, expected %d", 1, 2);
}

static void skips(struct gcp_trial *trial)
{
    gcp_trial_skip(trial, "nothing here");
}

static void hangs(struct gcp_trial *trial)
{
    (void)trial;
    for (;;)
        pause();
}

/* Neither a blocked signal nor a child that holds the pipe open may delay the watchdog. */
static void hangs_stubbornly(struct gcp_trial *trial)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    gcp_sharer_start();
    hangs(trial);
}

static void hangs_as_documented(struct gcp_trial *trial)
{
    gcp_trial_if_killed(trial, "a documented bug");
    hangs(trial);
}

static void crashes(struct gcp_trial *trial)
{
    (void)trial;
    gcp_sharer_start();
    raise(SIGSEGV);
}

static void crashes_after_a_warning(struct gcp_trial *trial)
{
    gcp_trial_if_killed(trial, "only a hang would be documented");
    raise(SIGBUS);
}

static void leaves(struct gcp_trial *trial)
{
    (void)trial;
    _exit(7);
}

static void is_disturbed(struct gcp_trial *trial)
{
    gcp_trial_noise(trial, "a counter ran ahead");
}

/* Rows of the drill otherwise need nothing of the kernel. */
static void can_move(struct gcp_trial *trial)
{
    if (gcp_prover_init(&trial->prover) || gcp_uffd_init(0, &trial->uffd))
        gcp_trial_skip(trial, "no userfaultfd here");
}

/* As a kernel that retries the step after it moved the page: the source is empty, and the destination is not. */
static void finds_its_own_page(struct gcp_trial *trial)
{
    can_move(trial);
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    gcp_expect_moved(trial, dst, src, trial->page, 0);
    gcp_expect_moved(trial, dst, src, trial->page, 0);
}

static void finds_another_page(struct gcp_trial *trial)
{
    can_move(trial);
    uint64_t src = gcp_trial_small(trial, 2), dst = gcp_trial_target(trial, 1, 0);
    gcp_expect_moved(trial, dst, src, trial->page, 0);
    gcp_expect_moved(trial, dst, src + trial->page, trial->page, 0);
}

static const struct gcp_row_entry ROWS[] = {
    {{"passes", "A row that returns is OK", "", ""}, passes},
    {{"differs", "A row can say that the kernel differs", "", ""}, differs},
    {{"skips", "A row can say why it is unavailable", "", ""}, skips},
    {{"hangs", "A row that does not end is killed", "", ""}, hangs},
    {{"hangs-stubbornly", "A row that blocks its signals is killed", "", ""}, hangs_stubbornly},
    {{"hangs-as-documented", "Being killed is OK where a documented bug spins", "", ""}, hangs_as_documented},
    {{"crashes", "A signal is a crash", "", ""}, crashes},
    {{"crashes-after-a-warning", "A signal is a crash also where a hang would be OK", "", ""}, crashes_after_a_warning},
    {{"leaves", "No verdict is a crash", "", ""}, leaves},
    {{"finds-its-own-page", "EEXIST for a page that was moved is told from others", "", ""}, finds_its_own_page},
    {{"finds-another-page", "EEXIST for a page that was not moved is not", "", ""}, finds_another_page},
    {{"is-disturbed", "A counter that ran ahead is looked at again", "", ""}, is_disturbed},
};

const struct gcp_row_table gcp_rows_drill = GCP_ROW_TABLE(ROWS);
