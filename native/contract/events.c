/*
 * Rows: events.  A change of the address space that must be reported stops every MOVE of that userfaultfd until its
 * message has been read (mmap_changing in the kernel).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract/rows.h"
#include "base/address.h"

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
    {{"event-fork", RULE("fork with a registered range"), OUT_FIELD, "root"}, pending_fork_is_eagain},
    {{"event-none", "Unless events were requested, a change elsewhere does not stop MOVE", "", ""},
     unreported_change_does_not_matter},
};

const struct gcp_row_table gcp_rows_events = GCP_ROW_TABLE(ROWS);
