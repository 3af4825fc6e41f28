/* Hazard: a brk that the kernel refuses when it has already marked a userfaultfd as changing. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "hazards/tables.h"

#define TRIES_NS (2 * UINT64_C(1000000000)) /* what is temporary ends within milliseconds */
#define POLL_MS 50

/* Reads messages, so that no event stays unread. */
struct listener {
    struct gcp_uffd uffd;
    atomic_int stop;
    atomic_uint_fast64_t read;
};

static void *listen_to_events(void *arg)
{
    struct listener *listener = arg;
    struct pollfd ready = {.fd = listener->uffd.fd, .events = POLLIN};
    while (!atomic_load(&listener->stop)) {
        struct gcp_uapi_msg message;
        if (poll(&ready, 1, POLL_MS) == 1 && read(listener->uffd.fd, &message, sizeof(message)) > 0)
            atomic_fetch_add(&listener->read, 1);
    }
    return NULL;
}

static uint64_t program_break(uint64_t to)
{
    return (uint64_t)syscall(SYS_brk, to);
}

static void register_with(struct gcp_trial *trial, const struct gcp_uffd *uffd, uint64_t start, uint64_t pages)
{
    int err = gcp_uffd_register(uffd, start, pages * trial->page, NULL).err;
    if (err)
        gcp_trial_differs(trial, "UFFDIO_REGISTER with EVENT_UNMAP: %s", strerror(err));
}

/*
 * The kernel unmaps a range mapping by mapping.  For each that is registered with EVENT_UNMAP it marks the userfaultfd as
 * changing; the event takes the mark off later.  If a later mapping of the range is sealed, the call fails.  Then munmap,
 * mmap and mremap send the events nevertheless.  The error path of brk does not (mm/mmap.c of 7.3.4): the mark stays.
 */
static void refused_brk(struct gcp_trial *trial)
{
    static struct listener listener;
    pthread_t thread;
    uint64_t page = trial->page, src = gcp_trial_small(trial, 2), dst = gcp_trial_region(trial, 2, 0), tries = 0;
    gcp_trial_open(trial, GCP_UFFD_FEATURE_EVENT_UNMAP, &listener.uffd);
    register_with(trial, &listener.uffd, dst, 2);
    gcp_trial_thread(trial, &thread, listen_to_events, &listener);
    uint64_t low = (program_break(0) + page - 1) / page * page, high = low + 2 * page;
    if (program_break(high) != high)
        gcp_trial_skip(trial, "brk can't grow by two pages");
    register_with(trial, &listener.uffd, low, 1);
    if (syscall(GCP_SYS_MSEAL, low + page, page, 0UL) < 0)
        gcp_trial_skip(trial, "mseal: %s; it came with 6.10", strerror(errno));
    gcp_expect_outcome(trial, gcp_trial_move_by(&listener.uffd, dst, src, page, 0), 0, (int64_t)page);
    if (program_break(low) != high)
        gcp_trial_skip(trial, "brk unmapped a page that is sealed");
    struct gcp_move_call seen = {.err = EAGAIN};
    for (uint64_t begin = gcp_now(); seen.err == EAGAIN && gcp_now() - begin < TRIES_NS; tries++)
        seen = gcp_trial_move_by(&listener.uffd, dst + page, src + page, page, 0);
    atomic_store(&listener.stop, 1);
    pthread_join(thread, NULL);
    uint64_t events = atomic_load(&listener.read);
    if (seen.err == EAGAIN)
        gcp_trial_differs(trial,
                          "hang: after a brk that was refused MOVE gave EAGAIN %" PRIu64 " times; %" PRIu64
                          " events were read, and none is left",
                          tries, events);
    gcp_expect_outcome(trial, seen, 0, (int64_t)page);
    gcp_expect_content(trial, dst, 0, 2);
    gcp_trial_note(trial, "after a brk that was refused MOVE goes on; %" PRIu64 " events were read", events);
}

static const struct gcp_row_entry ROWS[] = {
    {{"brk-refused", "After a brk that was refused, as a part of its range is sealed, MOVE goes on", "", ""},
     refused_brk},
};

const struct gcp_row_table gcp_hazards_refused = GCP_ROW_TABLE(ROWS);
