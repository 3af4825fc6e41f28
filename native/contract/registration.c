/* Rows: what must be registered, and with which userfaultfd. */
#include <errno.h>
#include <string.h>

#include "contract/rows.h"

static void unregistered_dst_is_einval(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_region(trial, 1, 0);
    gcp_expect_failed(trial, dst, src, trial->page, 0, EINVAL);
}

static void registering_only_src_is_einval(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_region(trial, 1, 0);
    gcp_trial_register(trial, src, 1);
    gcp_expect_failed(trial, dst, src, trial->page, 0, EINVAL);
}

static void register_with(struct gcp_trial *trial, const struct gcp_uffd *uffd, uint64_t start)
{
    int err = gcp_uffd_register(uffd, start, trial->page, NULL).err;
    if (err)
        gcp_trial_differs(trial, "UFFDIO_REGISTER with another userfaultfd: %s", strerror(err));
}

static void dst_of_another_userfaultfd_is_einval(struct gcp_trial *trial)
{
    struct gcp_uffd other;
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_region(trial, 1, 0);
    gcp_trial_open(trial, 0, &other);
    register_with(trial, &other, dst);
    gcp_expect_failed(trial, dst, src, trial->page, 0, EINVAL);
    gcp_expect_outcome(trial, gcp_trial_move_by(&other, dst, src, trial->page, 0), 0, (int64_t)trial->page);
}

static void unregistering_ends_it(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    int err = gcp_uffd_unregister(&trial->uffd, dst, trial->page).err;
    if (err)
        gcp_trial_differs(trial, "UFFDIO_UNREGISTER: %s", strerror(err));
    gcp_expect_failed(trial, dst, src, trial->page, 0, EINVAL);
}

static void src_may_be_registered_too(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    gcp_trial_register(trial, src, 1);
    gcp_expect_moved(trial, dst, src, trial->page, 0);
    gcp_expect_content(trial, dst, 0, 1);
    gcp_expect_empty(trial, src, 1);
}

static void src_may_be_registered_elsewhere(struct gcp_trial *trial)
{
    struct gcp_uffd other;
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    gcp_trial_open(trial, 0, &other);
    register_with(trial, &other, src);
    gcp_expect_moved(trial, dst, src, trial->page, 0);
    gcp_expect_content(trial, dst, 0, 1);
    gcp_expect_empty(trial, src, 1);
}

static void mode_of_registration_is_not_checked(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_region(trial, 1, 0);
    struct gcp_uapi_register arg = {.range = {dst, trial->page}, .mode = GCP_UFFDIO_REGISTER_MODE_WP};
    if (ioctl(trial->uffd.fd, GCP_UFFDIO_REGISTER, &arg) < 0)
        gcp_trial_skip(trial, "registering for write protection: %s; not on this architecture", strerror(errno));
    gcp_expect_moved(trial, dst, src, trial->page, 0);
    gcp_expect_content(trial, dst, 0, 1);
    gcp_expect_empty(trial, src, 1);
}

static void one_mapping_may_be_both(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_region(trial, 4, 0), dst = src + 2 * trial->page;
    gcp_content_fill(src, 0, 2, GCP_TRIAL_SEED);
    gcp_trial_register(trial, src, 4);
    gcp_expect_moved(trial, dst, src, 2 * trial->page, 0);
    gcp_expect_content(trial, dst, 0, 2);
    gcp_expect_empty(trial, src, 2);
}

static const struct gcp_row_entry ROWS[] = {
    {{"dst-unregistered", "A destination that is not registered gives EINVAL", "", ""}, unregistered_dst_is_einval},
    {{"src-registered-only", "Registering the source instead of the destination gives EINVAL", "", ""},
     registering_only_src_is_einval},
    {{"dst-other-uffd", "A destination registered with another userfaultfd gives EINVAL; that one can move", "", ""},
     dst_of_another_userfaultfd_is_einval},
    {{"dst-unregistered-again", "After UFFDIO_UNREGISTER the destination gives EINVAL", "", ""}, unregistering_ends_it},
    {{"src-registered-too", "The source may be registered with the same userfaultfd", "", ""},
     src_may_be_registered_too},
    {{"src-other-uffd", "The source may be registered with another userfaultfd", "", ""},
     src_may_be_registered_elsewhere},
    {{"dst-registered-wp", "The destination may be registered only for write protection", "", "uffd_wp"},
     mode_of_registration_is_not_checked},
    {{"one-mapping", "Source and destination may lie in one mapping", "", ""}, one_mapping_may_be_both},
};

const struct gcp_row_table gcp_rows_registration = GCP_ROW_TABLE(ROWS);
