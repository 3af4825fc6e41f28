/* Rows: how COPY reports what it did.  A collector falls back to it, and the out-field has two encodings of EAGAIN. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>

#include "base/address.h"
#include "contract/rows.h"

#define PAGES 4

static struct gcp_move_call copy_by(const struct gcp_uffd *uffd, uint64_t dst, uint64_t src, uint64_t len)
{
    struct gcp_uapi_copy arg = {.dst = dst, .src = src, .len = len, .copy = GCP_OUT_UNTOUCHED};
    int rc = ioctl(uffd->fd, GCP_UFFDIO_COPY, &arg);
    return (struct gcp_move_call){.err = rc < 0 ? errno : 0, .out = arg.copy};
}

static void expect(struct gcp_trial *trial, struct gcp_move_call seen, int err, int64_t out)
{
    if (seen.err != err || seen.out != out)
        gcp_trial_differs(trial, "COPY gave errno %d, copy %" PRId64 "; expected errno %d, copy %" PRId64, seen.err,
                          seen.out, err, out);
}

/* Two pages are free, the third is there. */
static void short_copy_hides_eexist(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, PAGES), dst = gcp_trial_region(trial, PAGES, 0), done = 2 * trial->page;
    gcp_content_fill(dst + done, 7, 1, GCP_TRIAL_SEED);
    gcp_trial_register(trial, dst, PAGES);
    expect(trial, copy_by(&trial->uffd, dst, src, PAGES * trial->page), EAGAIN, (int64_t)done);
    expect(trial, copy_by(&trial->uffd, dst + done, src + done, done), EEXIST, -EEXIST);
    gcp_expect_content(trial, dst, 0, 2);
    gcp_expect_content(trial, dst + done, 7, 1);
    expect(trial, copy_by(&trial->uffd, dst + done + trial->page, src + done + trial->page, trial->page), 0,
           (int64_t)trial->page);
}

static void *remove_page(void *arg)
{
    struct gcp_move_call *where = arg; /* only its number is used: the address */
    madvise(gcp_at((uint64_t)where->out), (size_t)where->err, MADV_DONTNEED);
    return NULL;
}

/* Nothing was done, and the errno is the same as of a short copy: only the out-field tells them apart. */
static void pending_event_is_eagain(struct gcp_trial *trial)
{
    struct gcp_uffd uffd;
    pthread_t thread;
    gcp_trial_open(trial, GCP_UFFD_FEATURE_EVENT_REMOVE, &uffd);
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_region(trial, 1, 0);
    uint64_t bystander = gcp_trial_region(trial, 1, 0);
    if (gcp_uffd_register(&uffd, dst, trial->page, NULL).err ||
        gcp_uffd_register(&uffd, bystander, trial->page, NULL).err)
        gcp_trial_differs(trial, "a userfaultfd with events can't register");
    struct gcp_move_call where = {.err = (int32_t)trial->page, .out = (int64_t)bystander};
    gcp_trial_thread(trial, &thread, remove_page, &where);
    gcp_trial_await_message(trial, &uffd);
    struct gcp_move_call seen = copy_by(&uffd, dst, src, trial->page);
    if (seen.err == EAGAIN && seen.out == GCP_OUT_UNTOUCHED)
        gcp_trial_note(trial, "the out-field is left alone, as before 6.15 and 6.12.29");
    else
        expect(trial, seen, EAGAIN, -EAGAIN);
    gcp_trial_read_message(trial, &uffd, GCP_UFFD_EVENT_REMOVE);
    pthread_join(thread, NULL);
    expect(trial, copy_by(&uffd, dst, src, trial->page), 0, (int64_t)trial->page);
    gcp_expect_content(trial, dst, 0, 1);
}

static const struct gcp_row_entry ROWS[] = {
    {{"copy-short", "A short COPY gives EAGAIN and the bytes copied; asked again, the rest gives EEXIST", "", ""},
     short_copy_hides_eexist},
    {{"copy-event-remove",
      "While an event is unread, COPY gives EAGAIN and out-field -EAGAIN: a negative number, not bytes",
      "before 'mm/userfaultfd: fix uninitialized output field for -EAGAIN race' (6.15, 6.12.29): untouched", ""},
     pending_event_is_eagain},
};

const struct gcp_row_table gcp_rows_copy = GCP_ROW_TABLE(ROWS);
