#define _GNU_SOURCE
#include "hazards/stress/work.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/address.h"
#include "base/platform.h"
#include "base/uapi.h"

#define STUBBORN 40
#define SLOT 64 /* byte of a page at which the readers' words begin */

static void count(struct gcp_stress *stress, enum gcp_stress_count what, uint64_t n)
{
    atomic_fetch_add_explicit(&stress->counts[what], n, memory_order_relaxed);
}

/* EINVAL may mean that a page table changed during the call: khugepaged and the collapser are active. */
enum gcp_answer gcp_stress_account(struct gcp_stress *stress, struct gcp_outcome seen)
{
    enum gcp_answer answer = gcp_answer(GCP_VERB_MOVE, &seen);
    uint64_t pages = seen.bytes > 0 ? (uint64_t)seen.bytes / stress->page : 0;
    count(stress, GCP_STRESS_MOVED, pages);
    if (!seen.err)
        count(stress, GCP_STRESS_MOVES, 1);
    else if (pages)
        count(stress, GCP_STRESS_SHORT, 1);
    else
        count(stress, answer == GCP_ANSWER_BUSY ? GCP_STRESS_EBUSY : GCP_STRESS_OTHER, 1);
    if (answer == GCP_ANSWER_FATAL)
        gcp_stress_fail(stress, "UFFDIO_MOVE: %s", strerror(gcp_answer_errno(&seen)));
    return answer;
}

/* Runs of various lengths, often a folio's; from either side; with and without holes allowed. */
void *gcp_stress_move(void *arg)
{
    struct gcp_stress_thread *thread = arg;
    struct gcp_stress *stress = thread->stress;
    static const uint64_t LENGTHS[] = {1, 2, 4, 16, 16, 64, 256, 512};
    while (!atomic_load(&stress->stop)) {
        gcp_stress_be_calm(stress);
        uint64_t all = GCP_STRESS_PAGES + GCP_STRESS_LOOSE;
        uint64_t n = LENGTHS[gcp_stress_random(thread, 8)], first = gcp_stress_random(thread, all);
        if (gcp_stress_random(thread, 4))
            first -= first % n;
        if (first + n > all)
            n = all - first;
        uint64_t from = gcp_stress_random(thread, 2);
        uint64_t mode = gcp_stress_random(thread, 2) ? GCP_MOVE_ALLOW_SRC_HOLES : 0;
        gcp_stress_account(stress, gcp_uffd_move(&stress->uffd, gcp_stress_at(stress, !from, first),
                                                 gcp_stress_at(stress, from, first), n * stress->page, mode));
    }
    return NULL;
}

static void serve_page(struct gcp_stress *stress, uint64_t side, uint64_t i)
{
    const struct timespec moment = {.tv_nsec = 200000};
    uint64_t dst = gcp_stress_at(stress, side, i), src = gcp_stress_at(stress, !side, i);
    struct gcp_outcome seen = gcp_uffd_move(&stress->uffd, dst, src, stress->page, 0);
    enum gcp_answer answer = gcp_stress_account(stress, seen);
    count(stress, GCP_STRESS_FAULTS, 1);
    if (answer == GCP_ANSWER_HOLE && i >= GCP_STRESS_PAGES)
        seen = gcp_uffd_zeropage(&stress->uffd, dst, stress->page, 0);
    if (answer == GCP_ANSWER_BUSY) {
        atomic_store(&stress->busy[i], 1);
        nanosleep(&moment, NULL);
    }
    /* In any case the thread retries the access, and faults again if it must. */
    if (seen.err)
        gcp_uffd_wake(&stress->uffd, dst, stress->page);
}

void *gcp_stress_serve(void *arg)
{
    struct gcp_stress_thread *thread = arg;
    struct gcp_stress *stress = thread->stress;
    struct pollfd fds[2] = {{.fd = stress->uffd.fd, .events = POLLIN}, {.fd = stress->wake_fd, .events = POLLIN}};
    uint64_t bytes = (GCP_STRESS_PAGES + GCP_STRESS_LOOSE) * stress->page;
    for (;;) {
        struct gcp_uapi_msg message;
        if (poll(fds, 2, -1) < 0)
            continue;
        if (fds[1].revents)
            return NULL;
        if (read(stress->uffd.fd, &message, sizeof(message)) != (ssize_t)sizeof(message))
            continue;
        uint64_t address = message.arg[1] & ~(stress->page - 1);
        uint64_t side = address - stress->side[1] < bytes;
        if (message.event == GCP_UFFD_EVENT_PAGEFAULT)
            serve_page(stress, side, (address - stress->side[side]) / stress->page);
    }
}

static void check_page(struct gcp_stress *stress, uint64_t side, uint64_t i)
{
    volatile uint64_t *words = (volatile uint64_t *)gcp_at(gcp_stress_at(stress, side, i));
    uint64_t first = words[0], last = words[gcp_stress_last(stress)], right = gcp_stress_word(stress, i);
    bool loose = i >= GCP_STRESS_PAGES;
    if ((first != right && !(loose && first == 0)) || (last != right && !(loose && last == 0)))
        gcp_stress_fail(stress, "page %" PRIu64 " reads %#" PRIx64 " and %#" PRIx64 ", right is %#" PRIx64, i, first,
                        last, right);
}

/* A mutator: reads a page on either side, and adds to its own word of the page. */
void *gcp_stress_read(void *arg)
{
    struct gcp_stress_thread *thread = arg;
    struct gcp_stress *stress = thread->stress;
    while (!atomic_load(&stress->stop)) {
        gcp_stress_be_calm(stress);
        uint64_t i = gcp_stress_random(thread, GCP_STRESS_PAGES + GCP_STRESS_LOOSE),
                 side = gcp_stress_random(thread, 2);
        check_page(stress, side, i);
        count(stress, GCP_STRESS_READS, 1);
        if (i < GCP_STRESS_PAGES && gcp_stress_random(thread, 2)) {
            /* The other mutator never writes this word, and it moves with the page. */
            volatile uint64_t *word =
                (volatile uint64_t *)gcp_at(gcp_stress_at(stress, side, i) + SLOT + 8 * thread->number);
            uint64_t value = *word;
            if (value != stress->tally[thread->number][i])
                gcp_stress_fail(stress, "page %" PRIu64 ": a mutator's word is %" PRIu64 ", it wrote %" PRIu64, i,
                                value, stress->tally[thread->number][i]);
            *word = ++stress->tally[thread->number][i];
        }
    }
    return NULL;
}

/*
 * UFFDIO_MOVE checks whether the first page of a large folio is exclusive, whichever page it moves (7.3.4).  If that
 * page was copied on a write, the others stay busy, exclusive or not, and writing to them does not help.  A write while
 * a child shares the page copies it into a small folio.
 */
static void replace(struct gcp_stress *stress, volatile uint64_t *word, uint64_t i)
{
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    *word = i;
    if (child < 0)
        return;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    count(stress, GCP_STRESS_REPLACED, 1);
}

void gcp_stress_heal_all(struct gcp_stress_thread *thread)
{
    struct gcp_stress *stress = thread->stress;
    for (uint64_t i = 0; i < GCP_STRESS_PAGES + GCP_STRESS_LOOSE; i++) {
        if (!atomic_exchange(&stress->busy[i], 0))
            continue;
        uint64_t side = (gcp_stress_entry(stress, 1, i) & (GCP_PM_PRESENT | GCP_PM_SWAP)) != 0;
        volatile uint64_t *word = (volatile uint64_t *)gcp_at(gcp_stress_at(stress, side, i) + SLOT +
                                                              8 * (GCP_STRESS_READERS + thread->number));
        if (atomic_fetch_add(&stress->stubborn[i], 1) < STUBBORN) {
            *word = i;
            continue;
        }
        replace(stress, word, i);
        atomic_store(&stress->stubborn[i], 0);
    }
}

/* A page that was shared by fork moves again after a write, as the mailing list advises. */
void *gcp_stress_heal(void *arg)
{
    struct gcp_stress_thread *thread = arg;
    const struct timespec moment = {.tv_nsec = 1000000};
    while (!atomic_load(&thread->stress->stop)) {
        gcp_stress_heal_all(thread);
        nanosleep(&moment, NULL);
    }
    return NULL;
}
