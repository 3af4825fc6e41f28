/*
 * Rows: events.  A change of the address space that must be reported stops every MOVE of that userfaultfd until its
 * message has been read (mmap_changing in the kernel).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract/rows.h"
#include "base/address.h"

#define GROWN 4096 /* pages */

struct change {
    void *area;
    uint64_t bytes;
};

static void *remove_pages(void *arg)
{
    struct change *change = arg;
    madvise(change->area, change->bytes, MADV_DONTNEED);
    return NULL;
}

static void *unmap(void *arg)
{
    struct change *change = arg;
    munmap(change->area, change->bytes);
    return NULL;
}

static void *remap(void *arg)
{
    struct change *change = arg;
    void *to = mmap(NULL, change->bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (to != MAP_FAILED)
        mremap(change->area, change->bytes, change->bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to);
    return NULL;
}

static void *fork_once(void *arg)
{
    (void)arg;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    if (child > 0)
        waitpid(child, NULL, 0);
    return NULL;
}

static void register_with(struct gcp_trial *trial, const struct gcp_uffd *uffd, uint64_t start)
{
    if (gcp_uffd_register(uffd, start, trial->page, NULL).err)
        gcp_trial_differs(trial, "a userfaultfd with events can't register");
}

/*
 * EAGAIN while the change waits for its message to be read; afterwards the page moves.  Wrong arguments get EAGAIN too:
 * they are not checked.
 */
static void expect_eagain(struct gcp_trial *trial, uint64_t feature, uint8_t event, void *(*run)(void *))
{
    struct gcp_uffd uffd;
    pthread_t thread;
    gcp_trial_open(trial, feature, &uffd);
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_region(trial, 1, 0);
    uint64_t bystander = gcp_trial_region(trial, 1, 0);
    gcp_trial_madvise(trial, src, 1, MADV_DONTFORK, "MADV_DONTFORK");
    register_with(trial, &uffd, dst);
    register_with(trial, &uffd, bystander);
    struct change change = {gcp_at(bystander), trial->page};
    gcp_trial_thread(trial, &thread, run, &change);
    gcp_trial_await_message(trial, &uffd);

    struct gcp_move_call first = gcp_trial_move_by(&uffd, dst, src, trial->page, 0);
    if (first.err == EAGAIN && first.out == GCP_OUT_UNTOUCHED)
        gcp_trial_note(trial, "the out-field is left alone, as before 6.15 and 6.12.29");
    else
        gcp_expect_outcome(trial, first, EAGAIN, -EAGAIN);
    struct gcp_move_call second = gcp_trial_move_by(&uffd, dst, src + 1, 0, 1ULL << 40);
    gcp_expect_outcome(trial, second, EAGAIN, first.out);

    gcp_trial_read_message(trial, &uffd, event);
    pthread_join(thread, NULL);
    gcp_expect_outcome(trial, gcp_trial_move_by(&uffd, dst, src, trial->page, 0), 0, (int64_t)trial->page);
    gcp_expect_content(trial, dst, 0, 1);
}

static void pending_remove_is_eagain(struct gcp_trial *trial)
{
    expect_eagain(trial, GCP_UFFD_FEATURE_EVENT_REMOVE, GCP_UFFD_EVENT_REMOVE, remove_pages);
}

static void pending_unmap_is_eagain(struct gcp_trial *trial)
{
    expect_eagain(trial, GCP_UFFD_FEATURE_EVENT_UNMAP, GCP_UFFD_EVENT_UNMAP, unmap);
}

static void pending_remap_is_eagain(struct gcp_trial *trial)
{
    expect_eagain(trial, GCP_UFFD_FEATURE_EVENT_REMAP, GCP_UFFD_EVENT_REMAP, remap);
}

static void pending_fork_is_eagain(struct gcp_trial *trial)
{
    if (geteuid() != 0)
        gcp_trial_skip(trial, "fork events need root (CAP_SYS_PTRACE)");
    expect_eagain(trial, GCP_UFFD_FEATURE_EVENT_FORK, GCP_UFFD_EVENT_FORK, fork_once);
}

/* The address space that this process uses, in bytes. */
static uint64_t used(struct gcp_trial *trial)
{
    uint64_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file || fscanf(file, "%" SCNu64, &pages) != 1)
        gcp_trial_skip(trial, "/proc/self/statm can't be read");
    fclose(file);
    return pages * trial->page;
}

/* `to` is 0 for any place. */
static void expect_refused(struct gcp_trial *trial, uint64_t from, uint64_t pages, uint64_t to, int err)
{
    int flags = MREMAP_MAYMOVE | (to ? MREMAP_FIXED : 0);
    void *done = mremap(gcp_at(from), trial->page, pages * trial->page, flags, gcp_at(to));
    if (done != MAP_FAILED || errno != err)
        gcp_trial_skip(trial, "mremap: %s, expected %s", done == MAP_FAILED ? strerror(errno) : "done", strerror(err));
}

/*
 * mremap marks the userfaultfd as changing only after the pages were moved.  It can't fail any more then, by the sources
 * of 6.16 and 7.3.4: no call leaves the mark behind.  What a user can make it refuse is tried.
 */
static void refused_remap_leaves_nothing(struct gcp_trial *trial)
{
    struct gcp_uffd uffd;
    struct rlimit limit;
    gcp_trial_open(trial, GCP_UFFD_FEATURE_EVENT_REMAP, &uffd);
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_region(trial, 1, 0);
    uint64_t other = gcp_trial_region(trial, 1, 0), to = gcp_trial_region(trial, 1, 0);
    register_with(trial, &uffd, dst);
    register_with(trial, &uffd, other);
    getrlimit(RLIMIT_AS, &limit);
    const struct rlimit full = {.rlim_cur = used(trial), .rlim_max = limit.rlim_max};
    setrlimit(RLIMIT_AS, &full);
    expect_refused(trial, other, GROWN, 0, ENOMEM);
    setrlimit(RLIMIT_AS, &limit);
    expect_refused(trial, other, 1, other, EINVAL);
    if (syscall(GCP_SYS_MSEAL, other, trial->page, 0UL) == 0)
        expect_refused(trial, other, 1, to, EPERM);
    gcp_expect_outcome(trial, gcp_trial_move_by(&uffd, dst, src, trial->page, 0), 0, (int64_t)trial->page);
    gcp_expect_content(trial, dst, 0, 1);
}

/* Without events the same change has no effect. */
static void unreported_change_does_not_matter(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0),
             other = gcp_trial_target(trial, 1, 0);
    struct change change = {gcp_at(other), trial->page};
    remove_pages(&change);
    gcp_expect_moved(trial, dst, src, trial->page, 0);
    gcp_expect_content(trial, dst, 0, 1);
}

#define OUT_FIELD "before 'mm/userfaultfd: fix uninitialized output field for -EAGAIN race' (6.15, 6.12.29): untouched"
#define RULE(what) what ": EAGAIN and out-field -EAGAIN until its event is read, before any argument is checked"

static const struct gcp_row_entry ROWS[] = {
    {{"event-remove", RULE("MADV_DONTNEED of a registered page"), OUT_FIELD, ""}, pending_remove_is_eagain},
    {{"event-unmap", RULE("munmap of a registered range"), OUT_FIELD, ""}, pending_unmap_is_eagain},
    {{"event-remap", RULE("mremap of a registered range"), OUT_FIELD, ""}, pending_remap_is_eagain},
    {{"event-remap-refused", "After an mremap of a registered range that was refused, MOVE goes on", "", ""},
     refused_remap_leaves_nothing},
    {{"event-fork", RULE("fork with a registered range"), OUT_FIELD, "root"}, pending_fork_is_eagain},
    {{"event-none", "Unless events were requested, a change elsewhere does not stop MOVE", "", ""},
     unreported_change_does_not_matter},
};

const struct gcp_row_table gcp_rows_events = GCP_ROW_TABLE(ROWS);
