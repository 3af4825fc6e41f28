/* Rows: read-write protection by userfaultfd (RWP, 7.3): a page that is present and can't be accessed. */
#include <errno.h>
#include <string.h>

#include "base/address.h"
#include "contract/rows.h"

#define GCP_UFFD_FEATURE_RWP (1ULL << 17)
#define GCP_REGISTER_MODE_RWP (1ULL << 3)
#define GCP_PAGEFAULT_FLAG_RWP (1ULL << 3)
#define GCP_UFFDIO_RWPROTECT _IOWR(0xAA, 0x09, struct gcp_uapi_writeprotect)

static void open_rwp(struct gcp_trial *trial, struct gcp_uffd *ret)
{
    gcp_trial_open(trial, GCP_UFFD_FEATURE_RWP, ret);
}

static void register_rwp(struct gcp_trial *trial, const struct gcp_uffd *uffd, uint64_t start)
{
    struct gcp_uapi_register arg = {.range = {start, trial->page}, .mode = GCP_REGISTER_MODE_RWP};
    if (ioctl(uffd->fd, GCP_UFFDIO_REGISTER, &arg) < 0)
        gcp_trial_skip(trial, "registering for RWP: %s; not on this architecture", strerror(errno));
}

/* The source's protection does not come along. */
static void protected_source_moves_accessible(struct gcp_trial *trial)
{
    struct gcp_uffd uffd;
    open_rwp(trial, &uffd);
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    register_rwp(trial, &uffd, src);
    struct gcp_uapi_writeprotect arg = {.range = {src, trial->page}, .mode = 1};
    if (ioctl(uffd.fd, GCP_UFFDIO_RWPROTECT, &arg) < 0)
        gcp_trial_skip(trial, "UFFDIO_RWPROTECT: %s", strerror(errno));
    gcp_expect_moved(trial, dst, src, trial->page, 0);
    if (gcp_trial_entry(trial, dst) & GCP_PM_UFFD_WP)
        gcp_trial_differs(trial, "the moved page is still protected");
    gcp_expect_content(trial, dst, 0, 1);
}

static void *read_byte(void *arg)
{
    return (void *)(uintptr_t)*(volatile unsigned char *)arg;
}

/* At a destination that is registered for it, the moved page is protected: its first access is a fault. */
static void protected_target_protects(struct gcp_trial *trial)
{
    struct gcp_uffd uffd;
    pthread_t thread;
    open_rwp(trial, &uffd);
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_region(trial, 1, 0);
    register_rwp(trial, &uffd, dst);
    gcp_expect_outcome(trial, gcp_trial_move_by(&uffd, dst, src, trial->page, 0), 0, (int64_t)trial->page);
    gcp_trial_thread(trial, &thread, read_byte, gcp_at(dst));
    struct gcp_uapi_msg message = gcp_trial_read_message(trial, &uffd, GCP_UFFD_EVENT_PAGEFAULT);
    if (!(message.arg[0] & GCP_PAGEFAULT_FLAG_RWP))
        gcp_trial_differs(trial, "the fault's flags are %#lx, without RWP", (unsigned long)message.arg[0]);
    struct gcp_uapi_writeprotect arg = {.range = {dst, trial->page}};
    if (ioctl(uffd.fd, GCP_UFFDIO_RWPROTECT, &arg) < 0)
        gcp_trial_differs(trial, "UFFDIO_RWPROTECT can't undo the protection: %s", strerror(errno));
    pthread_join(thread, NULL);
    gcp_expect_content(trial, dst, 0, 1);
}

#define SINCE "RWP came with 7.3"

static const struct gcp_row_entry ROWS[] = {
    {{"rwp-src", "A page protected by RWP moves, and can be accessed at a destination without RWP", SINCE, "rwp"},
     protected_source_moves_accessible},
    {{"rwp-dst", "A page that moves to a destination registered for RWP is protected there", SINCE, "rwp"},
     protected_target_protects},
};

const struct gcp_row_table gcp_rows_rwp = GCP_ROW_TABLE(ROWS);
