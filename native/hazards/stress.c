#define _GNU_SOURCE
#include "hazards/stress.h"

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
#include "hazards/stress_disturb.h"
#include "hazards/stress_state.h"
#include "hazards/stress_work.h"

#define THP "/sys/kernel/mm/transparent_hugepage/"
#define ROUND_SECONDS 6
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
};

static void set(const char *name, const char *value)
{
    char path[160];
    snprintf(path, sizeof(path), THP "%s", name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return; /* this kernel lacks the size */
    if (write(fd, value, strlen(value)) < 0)
        fprintf(stderr, "stress: %s: %s\n", path, strerror(errno));
    close(fd);
}

/* Enable folios of that many KiB for the next touches, 0: small ones. */
static void enable(unsigned kib)
{
    for (unsigned size = 16; size <= 2048; size *= 2) {
        char name[64];
        snprintf(name, sizeof(name), "hugepages-%ukB/enabled", size);
        set(name, size == kib ? "always" : "never");
    }
}

/* Fill one side with folios of all sizes, half a MiB of each; leave the other empty, at a random alignment. */
static int fill(struct gcp_stress *stress, struct gcp_stress_thread *thread)
{
    static const unsigned SIZES[] = {0, 16, 32, 64, 64, 128, 256, 512, 1024, 2048};
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
            enable(SIZES[gcp_stress_random(thread, 10)]);
        volatile uint64_t *words = (volatile uint64_t *)gcp_at(gcp_stress_at(stress, 0, i));
        words[0] = words[stress->page / sizeof(*words) - 1] = gcp_stress_word(stress, i);
    }
    enable(64);
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
        if (words[0] != gcp_stress_word(stress, i) || words[511] != gcp_stress_word(stress, i))
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
        gcp_stress_move, gcp_stress_move,   gcp_stress_read, gcp_stress_read,    gcp_stress_heal,    gcp_stress_heal,
        gcp_stress_pin,  gcp_stress_splice, gcp_stress_fork, gcp_stress_reclaim, gcp_stress_compact,
    };
    enum { N = sizeof(WORK) / sizeof(WORK[0]) };
    static struct gcp_stress_thread threads[N + 1];
    pthread_t ids[N + 1];
    int pipe_fds[2];
    const struct timespec time = {.tv_sec = (time_t)seconds};

    stress->pagemap_fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (stress->pagemap_fd < 0 || pipe2(pipe_fds, O_CLOEXEC) < 0)
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
static int run_round(struct gcp_stress *stress, uint64_t seconds)
{
    const struct timespec tick = {.tv_nsec = 20000000};
    pid_t child = fork();
    if (child < 0)
        return -errno;
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(-round_in_child(stress, seconds));
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

/* Counters that must return to their levels when all memory is freed. */
struct levels {
    int64_t anon_pages, swap_kib, anon_vmas, folios_64k;
};

static int64_t number_in(const char *path, const char *key)
{
    char line[512];
    int64_t value = 0;
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    while (fgets(line, sizeof(line), file))
        if (strncmp(line, key, strlen(key)) == 0)
            value = strtoll(line + strlen(key), NULL, 10);
    fclose(file);
    return value;
}

static struct levels levels(void)
{
    /* First drain the caches of processors and of the allocator, as far as possible. */
    int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (write(fd, "3", 1) != 1)
            fprintf(stderr, "stress: drop_caches: %s\n", strerror(errno));
        close(fd);
    }
    return (struct levels){
        .anon_pages = number_in("/proc/vmstat", "nr_anon_pages "),
        .swap_kib = number_in("/proc/meminfo", "SwapTotal:") - number_in("/proc/meminfo", "SwapFree:"),
        .anon_vmas = number_in("/proc/slabinfo", "anon_vma "),
        .folios_64k = number_in(THP "hugepages-64kB/stats/nr_anon", ""),
    };
}

static void print(FILE *out, uint64_t seed, const char *verdict, const char *text, double seconds)
{
    fprintf(out,
            "{\"verdict\":{\"subject\":{\"kind\":\"hazard\",\"name\":\"stress\",\"seed\":%" PRIu64 "},"
            "\"verdict\":\"%s\",\"text\":\"%s\",\"seconds\":%.1f}}\n",
            seed, verdict, text, seconds);
    fflush(out);
}

int gcp_stress(FILE *out, uint64_t seconds, uint64_t seed)
{
    struct timespec begin, now;
    if (access("/gcproto.guest", F_OK) != 0)
        return -EPERM;
    struct gcp_stress *stress = mmap(NULL, sizeof(*stress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (stress == MAP_FAILED)
        return -errno;
    set("enabled", "always");
    set("defrag", "always");
    set("khugepaged/scan_sleep_millisecs", "10");
    set("khugepaged/alloc_sleep_millisecs", "10");
    set("khugepaged/pages_to_scan", "8192");
    uint64_t total[GCP_STRESS_COUNTS] = {0}, rounds = 0;
    struct levels before = {0}, after;
    int err = 0;
    char text[1024], why[240] = "";
    clock_gettime(CLOCK_MONOTONIC, &begin);
    now = begin;
    while ((uint64_t)(now.tv_sec - begin.tv_sec) < seconds && !err && !why[0]) {
        memset(stress, 0, sizeof(*stress));
        stress->page = (uint64_t)sysconf(_SC_PAGESIZE);
        stress->seed = seed * 100003 + rounds++;
        err = run_round(stress, ROUND_SECONDS);
        for (int i = 0; i < GCP_STRESS_COUNTS; i++)
            total[i] += atomic_load(&stress->counts[i]);
        memcpy(why, stress->why, sizeof(why));
        if (rounds == 1)
            before = levels(); /* after the first round: a one-time setup is not a leak */
        clock_gettime(CLOCK_MONOTONIC, &now);
    }
    after = levels();
    double took = (double)(now.tv_sec - begin.tv_sec);
    size_t at = 0;
    if (why[0])
        at += (size_t)snprintf(text, sizeof(text), "round %" PRIu64 ": %s; ", rounds, why);
    else if (err)
        at += (size_t)snprintf(text, sizeof(text), "round %" PRIu64 ": %s; ", rounds,
                               err == -ETIMEDOUT ? "did not end"
                               : err == -EINTR   ? "died of a signal"
                                                 : strerror(-err));
    at += (size_t)snprintf(text + at, sizeof(text) - at, "%" PRIu64 " rounds", rounds);
    for (int i = 0; i < GCP_STRESS_COUNTS; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, ", %" PRIu64 " %s", total[i], NAMES[i]);
    snprintf(text + at, sizeof(text) - at,
             "; growth since the first round: %" PRId64 " anon pages, %" PRId64 " KiB swap, %" PRId64
             " anon_vmas, %" PRId64 " folios of 64 KiB",
             after.anon_pages - before.anon_pages, after.swap_kib - before.swap_kib, after.anon_vmas - before.anon_vmas,
             after.folios_64k - before.folios_64k);
    bool leak = after.anon_pages - before.anon_pages > 64 || after.anon_vmas - before.anon_vmas > 256 ||
                after.folios_64k - before.folios_64k > 4;
    const char *verdict = why[0]                             ? "corruption"
                          : err == -ETIMEDOUT                ? "hang"
                          : err                              ? "differs"
                          : leak || !total[GCP_STRESS_MOVED] ? "differs"
                                                             : "fine";
    print(out, seed, verdict, text, took);
    munmap(stress, sizeof(*stress));
    return 0;
}
