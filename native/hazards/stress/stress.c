#define _GNU_SOURCE
#include "hazards/stress/stress.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/address.h"
#include "base/platform.h"
#include "base/proof.h"
#include "base/uapi.h"
#include "hazards/counters.h"
#include "hazards/stress/disturb.h"
#include "hazards/stress/machine.h"
#include "hazards/stress/merge.h"
#include "hazards/stress/parts.h"
#include "hazards/stress/sequence.h"
#include "hazards/stress/state.h"
#include "hazards/stress/swapin.h"
#include "hazards/stress/work.h"
#include "uffd/ability.h"

#define ROUND_SECONDS 6
#define SEQUENCES_SECONDS 3 /* after each round */
#define LIVELOCK_MS 4000
#define MAX_HELPERS 200
#define PATIENCE_SECONDS 120 /* for a round to end after its time: a debugging kernel in an emulator is slow */

static const char *const NAMES[GCP_STRESS_COUNTS] = {
    "moves",
    "short",
    "pages moved",
    "EBUSY",
    "EEXIST/ENOENT/EAGAIN",
    "faults served",
    "reads",
    "pins",
    "splices",
    "forks",
    "pageouts",
    "pages in large folios at a round's end",
    "collapses",
    "compactions",
    "pages that were exclusive and still busy",
    "turns of arming and swap-in",
    "moves during a swap-in",
    "pages copied for good",
    "random sequences",
    "steps of them",
    "pages from ranges that are not armed",
    "times swapoff and swapon",
    "pages migrated between nodes",
    "pages taken off their frames by soft offline",
    "pages lost by memory failure",
    "looks at merged pages",
    "moves of pages that KSM merges",
    "EBUSY for pages that were exclusive again",
};

/* Fill one side with folios of all sizes, 128 pages of each; leave the other empty, at a random alignment. */
static int fill(struct gcp_stress *stress, struct gcp_stress_thread *thread)
{
    static const unsigned ORDERS[] = {0, 2, 3, 4, 4, 5, 6, 7, 8, 9};
    static const uint64_t SKEWS[] = {0, 0, 1, 3, 16, 100, 511};
    uint64_t bytes = (GCP_STRESS_PAGES + GCP_STRESS_LOOSE) * stress->page, i = 0;
    for (int side = 0; side < 2; side++) {
        stress->side[side] =
            gcp_address_of(gcp_region_alloc(bytes, SKEWS[gcp_stress_random(thread, 7)] * stress->page));
        if (!stress->side[side])
            return -ENOMEM;
    }
    for (; i < GCP_STRESS_PAGES + GCP_STRESS_LOOSE; i++) {
        if (i % 128 == 0)
            gcp_stress_enable(ORDERS[gcp_stress_random(thread, 10)]);
        gcp_stress_mark(stress, gcp_stress_at(stress, 0, i), gcp_stress_word(stress, i));
    }
    gcp_stress_enable(4);
    for (int side = 0; side < 2; side++) {
        struct gcp_outcome seen = gcp_uffd_register(&stress->uffd, stress->side[side], bytes, NULL);
        if (seen.err)
            return -seen.err;
    }
    return 0;
}

/* Check that each page is in one place, with everything that was written to it. */
static void look_back(struct gcp_stress *stress)
{
    for (uint64_t i = 0; i < GCP_STRESS_PAGES && !atomic_load(&stress->failed); i++) {
        uint64_t there[2];
        for (uint64_t side = 0; side < 2; side++)
            there[side] = (gcp_stress_entry(stress, side, i) & (GCP_PM_PRESENT | GCP_PM_SWAP)) != 0;
        if (there[0] == there[1]) {
            gcp_stress_fail(stress, "page %" PRIu64 " is %s", i, there[0] ? "in both ranges" : "lost");
            return;
        }
        const uint64_t *words = (const uint64_t *)gcp_at(gcp_stress_at(stress, there[1], i));
        if (words[0] != gcp_stress_word(stress, i) || words[gcp_stress_last(stress)] != gcp_stress_word(stress, i))
            gcp_stress_fail(stress, "page %" PRIu64 " ends with wrong contents", i);
        for (int reader = 0; reader < GCP_STRESS_READERS; reader++)
            if (words[8 + reader] != stress->tally[reader][i])
                gcp_stress_fail(stress, "page %" PRIu64 " lost writes: %" PRIu64 " instead of %" PRIu64, i,
                                words[8 + reader], stress->tally[reader][i]);
    }
}

static void count_large(struct gcp_stress *stress)
{
    struct gcp_prover prover;
    struct gcp_view view;
    if (gcp_prover_init(&prover) < 0)
        return;
    for (int side = 0; side < 2; side++) {
        if (gcp_view_init(GCP_STRESS_PAGES, &view) < 0)
            break;
        if (gcp_view_read(&prover, stress->side[side], GCP_STRESS_PAGES, &view) == 0)
            atomic_fetch_add(&stress->counts[GCP_STRESS_LARGE],
                             view.present - view.order_histogram[0] - view.zero_pages);
        gcp_view_deinit(&view);
    }
    gcp_prover_deinit(&prover);
}

static void *help_once(void *thread)
{
    gcp_stress_heal_all(thread);
    return NULL;
}

/*
 * A thread that waits for a shared page needs another thread that writes to it.  A helper may have to wait too: the
 * page may move away and be pinned there by a thread that itself waits for a page.  So there are several helpers.
 */
static void help_until_all_ended(struct gcp_stress *stress, pthread_t *ids, size_t n)
{
    static struct gcp_stress_thread helpers[MAX_HELPERS];
    static pthread_t helper_ids[MAX_HELPERS];
    const struct timespec tick = {.tv_nsec = 50000000};
    size_t started = 0;
    for (size_t i = 0; i < n + started; i++)
        while (pthread_tryjoin_np(i < n ? ids[i] : helper_ids[i - n], NULL) == EBUSY) {
            helpers[started % MAX_HELPERS] = (struct gcp_stress_thread){.stress = stress, .number = 2};
            if (started < MAX_HELPERS && pthread_create(&helper_ids[started], NULL, help_once, &helpers[started]) == 0)
                started++;
            nanosleep(&tick, NULL);
        }
}

/* One round, in a process of its own; its findings are in *stress, which is shared with the parent. */
static int round_in_child(struct gcp_stress *stress, uint64_t seconds)
{
    static void *(*const WORK[])(void *) = {
        gcp_stress_move,  gcp_stress_move,    gcp_stress_read,    gcp_stress_read,
        gcp_stress_heal,  gcp_stress_heal,    gcp_stress_pin,     gcp_stress_splice,
        gcp_stress_fork,  gcp_stress_reclaim, gcp_stress_compact, gcp_stress_swap_in,
        gcp_stress_touch, gcp_stress_touch,   gcp_stress_machine, gcp_stress_merge,
    };
    enum { N = sizeof(WORK) / sizeof(WORK[0]) };
    static struct gcp_stress_thread threads[N + 1];
    pthread_t ids[N + 1];
    int pipe_fds[2];
    const struct timespec time = {.tv_sec = (time_t)seconds};

    stress->pagemap_fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    stress->kpageflags_fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
    if (stress->pagemap_fd < 0 || stress->kpageflags_fd < 0 || pipe2(pipe_fds, O_CLOEXEC) < 0)
        return -errno;
    stress->wake_fd = pipe_fds[0];
    for (uint32_t i = 0; i <= N; i++)
        threads[i] = (struct gcp_stress_thread){stress, stress->seed * 1000 + i, i};
    int err = gcp_uffd_init(0, &stress->uffd);
    if (!err)
        err = fill(stress, &threads[N]);
    if (err)
        return err;
    if (pthread_create(&ids[N], NULL, gcp_stress_serve, &threads[N]))
        return -EAGAIN;
    for (uint32_t i = 0, reader = 0, healer = 0; i < N; i++) {
        if (WORK[i] == gcp_stress_read)
            threads[i].number = reader++;
        else if (WORK[i] == gcp_stress_heal)
            threads[i].number = healer++;
        if (pthread_create(&ids[i], NULL, WORK[i], &threads[i]))
            return -EAGAIN;
    }
    nanosleep(&time, NULL);
    atomic_store(&stress->stop, 1);
    help_until_all_ended(stress, ids, N);
    look_back(stress);
    count_large(stress);
    if (write(pipe_fds[1], "", 1) == 1)
        pthread_join(ids[N], NULL);
    return 0;
}

/* 0; -ETIMEDOUT if it had to be killed; -EINTR if a signal ended it; or the -errno that kept it from running. */
static int run_round(struct gcp_stress *stress, int (*work)(struct gcp_stress *, uint64_t), uint64_t seconds)
{
    const struct timespec tick = {.tv_nsec = 20000000};
    pid_t child = fork();
    if (child < 0)
        return -errno;
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
        _exit(-work(stress, seconds));
    }
    for (uint64_t waited = 0; waited < (seconds + PATIENCE_SECONDS) * 50; waited++) {
        int status;
        if (waitpid(child, &status, WNOHANG) == child)
            return WIFSIGNALED(status) ? -EINTR : -WEXITSTATUS(status);
        nanosleep(&tick, NULL);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return -ETIMEDOUT;
}

static void print(FILE *out, uint64_t seed, const char *verdict, const char *text, double seconds)
{
    fprintf(out,
            "{\"verdict\":{\"subject\":{\"kind\":\"hazard\",\"name\":\"stress\",\"seed\":%" PRIu64 "},"
            "\"verdict\":\"%s\",\"text\":\"%s\",\"seconds\":%.1f}}\n",
            seed, verdict, text, seconds);
    fflush(out);
}

int gcp_stress(FILE *out, uint64_t seconds, uint64_t seed, bool alone)
{
    struct timespec begin, now;
    if (access("/gcproto.guest", F_OK) != 0)
        return -EPERM;
    struct gcp_stress *stress = mmap(NULL, sizeof(*stress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (stress == MAP_FAILED)
        return -errno;
    int32_t ability_err;
    const uint32_t livelock = gcp_ability_livelock(LIVELOCK_MS, &ability_err);
    const bool held_spins = livelock != GCP_LIVELOCK_NO;
    /* This process outlives the rounds: none of the large folios that are counted is its own. */
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    gcp_stress_set("enabled", "always");
    gcp_stress_set("defrag", "always");
    gcp_stress_set("khugepaged/scan_sleep_millisecs", "10");
    gcp_stress_set("khugepaged/alloc_sleep_millisecs", "10");
    gcp_stress_set("khugepaged/pages_to_scan", "8192");
    static struct gcp_stress_parts parts;
    gcp_stress_parts_init(seed, &parts);
    uint64_t total[GCP_STRESS_COUNTS] = {0}, rounds = 0;
    struct gcp_counts before = {0}, after;
    int err = 0;
    char text[4096], kernel[1024], why[240] = "", wrong[400];
    clock_gettime(CLOCK_MONOTONIC, &begin);
    now = begin;
    while ((uint64_t)(now.tv_sec - begin.tv_sec) < seconds && !err && !why[0]) {
        memset(stress, 0, sizeof(*stress));
        stress->page = (uint64_t)sysconf(_SC_PAGESIZE);
        stress->seed = seed * 100003 + rounds++;
        stress->held_spins = held_spins;
        stress->parts = &parts;
        if (!alone)
            err = run_round(stress, round_in_child, ROUND_SECONDS);
        if (!err && !atomic_load(&stress->failed))
            err = run_round(stress, gcp_stress_sequences, SEQUENCES_SECONDS);
        for (int i = 0; i < GCP_STRESS_COUNTS; i++)
            total[i] += atomic_load(&stress->counts[i]);
        memcpy(why, stress->why, sizeof(why));
        if (rounds == 1)
            before = gcp_counts_read(); /* after the first round: a one-time setup is not a leak */
        clock_gettime(CLOCK_MONOTONIC, &now);
    }
    after = gcp_counts_read();
    gcp_counts_compare(&before, &after, wrong, sizeof(wrong));
    double took = (double)(now.tv_sec - begin.tv_sec);
    size_t at = 0;
    if (why[0])
        at += (size_t)snprintf(text, sizeof(text), "round %" PRIu64 ": %s; ", rounds, why);
    else if (err)
        at += (size_t)snprintf(text, sizeof(text), "round %" PRIu64 ": %s; ", rounds,
                               err == -ETIMEDOUT ? "did not end"
                               : err == -EINTR   ? "died of a signal"
                                                 : strerror(-err));
    at += (size_t)snprintf(text + at, sizeof(text) - at, "%" PRIu64 " round%s%s", rounds, rounds == 1 ? "" : "s",
                           alone ? " of random sequences alone" : "");
    for (int i = 0; i < GCP_STRESS_COUNTS; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, ", %" PRIu64 " %s", total[i], NAMES[i]);
    gcp_stress_parts_print(&parts, kernel, sizeof(kernel));
    at += (size_t)snprintf(text + at, sizeof(text) - at, "%s; counters since the first round: %s", kernel,
                           wrong[0] ? wrong : "as before");
    if (held_spins)
        at +=
            (size_t)snprintf(text + at, sizeof(text) - at,
                             "; pins of small folios only: UFFDIO_MOVE of a held large folio %s (livelock-references)",
                             livelock == GCP_LIVELOCK_YES ? "does not return here" : "could not be tried here");
    const char *verdict =
        why[0]              ? "corruption"
        : err == -ETIMEDOUT ? "hang"
        : err               ? "differs"
        : wrong[0] || !total[GCP_STRESS_MOVED] || (!total[GCP_STRESS_TURNS] && !alone) || !total[GCP_STRESS_STEPS]
            ? "differs"
        : total[GCP_STRESS_UNDUE] ? "ebusy"
                                  : "fine";
    print(out, seed, verdict, text, took);
    munmap(stress, sizeof(*stress));
    return 0;
}
