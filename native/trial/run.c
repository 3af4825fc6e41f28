/*
 * Runs each row in a child process of its own, under a watchdog.
 *
 * SIGKILL suffices: if MOVE spins in the kernel (before "userfaultfd: fix UFFDIO_MOVE livelock on large folio with
 * extra references", 7.3.4), the loop ends at a fatal signal.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "trial/trial.h"

/* Tries of a row that fails only by a counter that other processes change too. */
#define NOISE_TRIES 3

/*
 * Time of a row from where a documented bug may make it spin (gcp_trial_if_killed).  Without the bug that takes
 * milliseconds.
 */
#define DOCUMENTED_MS 3000

/* A killed process may have to free memory first. */
#define REAP_MS 5000

/* Undo what the caller's runtime set up: a handler of Python or of a sanitizer would hide how the row died. */
static void become_plain(pid_t parent)
{
    static const int SIGNALS[] = {SIGINT, SIGTERM, SIGHUP, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    const struct rlimit no_core = {0, 0};
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    for (size_t i = 0; i < sizeof(SIGNALS) / sizeof(SIGNALS[0]); i++)
        signal(SIGNALS[i], SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setrlimit(RLIMIT_CORE, &no_core);
}

/* What every row except those of the drill needs: a kernel with MOVE, and a user who may use it. */
static void prepare(struct gcp_trial *trial)
{
    struct gcp_uffd_offer offer;
    int err = gcp_prover_init(&trial->prover);
    if (err)
        gcp_trial_skip(trial, "/proc/self/pagemap can't be opened: %s; is /proc mounted?", strerror(-err));
    gcp_uffd_probe(&offer);
    if (offer.via == GCP_VIA_NONE)
        gcp_trial_skip(trial, "userfaultfd can't be opened: %s; run as root, or set vm.unprivileged_userfaultfd=1",
                       strerror(offer.user_err));
    if (offer.move_err == ENOTTY)
        gcp_trial_skip(trial, "this kernel has no UFFDIO_MOVE; it came with 6.8");
    err = gcp_uffd_init(0, &trial->uffd);
    if (err)
        gcp_trial_skip(trial, "userfaultfd: %s", strerror(-err));
}

__attribute__((noreturn)) static void run_row(const struct gcp_row_entry *entry, bool drill, int report_fd)
{
    struct gcp_trial trial = {.report_fd = report_fd};
    gcp_platform_get(&trial.platform);
    trial.page = trial.platform.page_size;
    if (!drill)
        prepare(&trial);
    entry->check(&trial);
    gcp_trial_end(&trial, GCP_VERDICT_OK);
}

static int start(const struct gcp_row_entry *entry, bool drill, pid_t *ret_child, int *ret_fd)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    pid_t parent = getpid();
    pid_t child = fork();
    if (child < 0) {
        int err = errno;
        close(ends[0]);
        close(ends[1]);
        return -err;
    }
    if (child == 0) {
        become_plain(parent);
        close(ends[0]);
        run_row(entry, drill, ends[1]);
    }
    close(ends[1]);
    *ret_child = child;
    *ret_fd = ends[0];
    return 0;
}

enum ending { ENDED_WITH_REPORT, ENDED_WITHOUT, ENDED_BY_TIME, ENDED_BY_SIGNAL };

/* Read reports until the final one, the child's end, a signal, or the deadline.  `last` is the last report read. */
static enum ending watch(int fd, uint64_t deadline, struct gcp_report *last, bool *ret_any)
{
    *ret_any = false;
    for (;;) {
        uint64_t now = gcp_now();
        if (now >= deadline)
            return ENDED_BY_TIME;
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        int n = poll(&ready, 1, (int)((deadline - now + 999999) / 1000000));
        if (n < 0)
            return errno == EINTR ? ENDED_BY_SIGNAL : ENDED_WITHOUT;
        if (n == 0)
            continue;
        ssize_t got = read(fd, last, sizeof(*last));
        if (got != (ssize_t)sizeof(*last))
            return ENDED_WITHOUT;
        *ret_any = true;
        if (last->kind != GCP_REPORT_IF_KILLED)
            return ENDED_WITH_REPORT;
        uint64_t sooner = gcp_now() + DOCUMENTED_MS * 1000000ULL;
        deadline = sooner < deadline ? sooner : deadline;
    }
}

/* Wait for the child's end, for a limited time.  Returns whether it ended. */
static bool reap(pid_t child, int *ret_status)
{
    const struct timespec tick = {.tv_nsec = 200000};
    uint64_t deadline = gcp_now() + REAP_MS * 1000000ULL;
    *ret_status = 0;
    for (;;) {
        pid_t got = waitpid(child, ret_status, WNOHANG);
        if (got == child || (got < 0 && errno != EINTR))
            return true;
        if (gcp_now() > deadline)
            return false;
        nanosleep(&tick, NULL);
    }
}

static void describe_crash(int status, struct gcp_row_result *ret)
{
    ret->verdict = GCP_VERDICT_CRASH;
    if (WIFSIGNALED(status))
        snprintf(ret->text, sizeof(ret->text), "the row's process died of signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(ret->text, sizeof(ret->text), "the row's process ended with exit code %d and no verdict",
                 WEXITSTATUS(status));
}

static int run_once(const struct gcp_row_entry *entry, bool drill, uint32_t timeout_ms, bool *ret_noise,
                    struct gcp_row_result *ret)
{
    pid_t child = -1;
    int fd = -1, status;
    struct gcp_report last = {0};
    bool any;

    uint64_t begin = gcp_now();
    int err = start(entry, drill, &child, &fd);
    if (err)
        return err;
    enum ending ending = watch(fd, begin + timeout_ms * 1000000ULL, &last, &any);
    if (ending == ENDED_BY_TIME || ending == ENDED_BY_SIGNAL)
        kill(child, SIGKILL);
    bool ended = reap(child, &status);
    if (!ended && ending != ENDED_BY_TIME) {
        kill(child, SIGKILL);
        ended = reap(child, &status);
    }
    close(fd);
    ret->ns = gcp_now() - begin;
    ret->text[0] = 0;
    *ret_noise = false;
    if (ending == ENDED_BY_SIGNAL)
        return -EINTR;

    if (ending == ENDED_WITHOUT) {
        describe_crash(status, ret);
    } else if (ending == ENDED_BY_TIME && !(any && ended)) {
        ret->verdict = GCP_VERDICT_HANG;
        snprintf(ret->text, sizeof(ret->text), "killed after %u ms%s", timeout_ms,
                 ended ? "" : "; its process does not die: it hangs in the kernel");
    } else {
        ret->verdict = last.verdict;
        memcpy(ret->text, last.text, sizeof(ret->text));
        *ret_noise = last.kind == GCP_REPORT_NOISE;
    }
    return 0;
}

static int run(const struct gcp_row_entry *entry, bool drill, uint32_t timeout_ms, struct gcp_row_result *ret)
{
    memset(ret, 0, sizeof(*ret));
    for (;;) {
        bool noise;
        ret->attempts++;
        int err = run_once(entry, drill, timeout_ms, &noise, ret);
        if (err || !noise || ret->attempts == NOISE_TRIES)
            return err;
    }
}

int gcp_row_run(const struct gcp_row_entry *entry, uint32_t timeout_ms, struct gcp_row_result *ret)
{
    return run(entry, false, timeout_ms, ret);
}

int gcp_drill_run(const char *name, uint32_t timeout_ms, struct gcp_row_result *ret)
{
    for (size_t i = 0; i < gcp_rows_drill.n; i++)
        if (strcmp(gcp_rows_drill.rows[i].row.name, name) == 0)
            return run(&gcp_rows_drill.rows[i], true, timeout_ms, ret);
    return -ENOENT;
}
