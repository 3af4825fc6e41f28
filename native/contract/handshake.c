/* Rows: opening, the handshake, and how a program detects MOVE. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "contract/rows.h"

static int open_bare(struct gcp_trial *trial)
{
    int32_t via;
    int fd = gcp_uffd_open(&via);
    if (fd < 0)
        gcp_trial_skip(trial, "userfaultfd can't be opened: %s", strerror(-fd));
    return fd;
}

static void unknown_feature_is_refused(struct gcp_trial *trial)
{
    struct gcp_uapi_api api = {.api = GCP_UFFD_API, .features = 1ULL << 63, .ioctls = 1};
    int rc = ioctl(open_bare(trial), GCP_UFFDIO_API, &api);
    int err = rc < 0 ? errno : 0;
    if (err != EINVAL)
        gcp_trial_differs(trial, "UFFDIO_API gave %s, expected EINVAL", strerror(err));
    if (api.api || api.features || api.ioctls)
        gcp_trial_differs(trial, "the struct was not zeroed: api %#" PRIx64 ", features %#" PRIx64, api.api,
                          api.features);
}

static void every_feature_is_offered_unasked(struct gcp_trial *trial)
{
    struct gcp_uapi_api api = {.api = GCP_UFFD_API};
    if (ioctl(open_bare(trial), GCP_UFFDIO_API, &api) < 0)
        gcp_trial_differs(trial, "UFFDIO_API without features: %s", strerror(errno));
    if (!(api.features & GCP_UFFD_FEATURE_MOVE))
        gcp_trial_differs(trial, "the features offered, %#" PRIx64 ", lack MOVE", api.features);
}

static void move_needs_a_handshake(struct gcp_trial *trial)
{
    struct gcp_uffd bare = {.fd = open_bare(trial)};
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_region(trial, 1, 0);
    gcp_expect_outcome(trial, gcp_trial_move_by(&bare, dst, src, trial->page, 0), EINVAL, GCP_OUT_UNTOUCHED);
}

static void move_needs_no_feature(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    if (trial->uffd.features)
        gcp_trial_differs(trial, "the row itself asked for the features %#" PRIx64, trial->uffd.features);
    gcp_expect_moved(trial, dst, src, trial->page, 0);
    gcp_expect_content(trial, dst, 0, 1);
    gcp_expect_empty(trial, src, 1);
}

static void registration_offers_move(struct gcp_trial *trial)
{
    uint64_t ioctls, start = gcp_trial_region(trial, 1, 0);
    struct gcp_outcome done = gcp_uffd_register(&trial->uffd, start, trial->page, &ioctls);
    if (done.err || !(ioctls & 1ULL << GCP_NR_MOVE))
        gcp_trial_differs(trial, "UFFDIO_REGISTER: %s, ioctls %#" PRIx64 ", expected bit %d", strerror(done.err),
                          ioctls, GCP_NR_MOVE);
}

static const struct gcp_row_entry ROWS[] = {
    {{"feature-unknown", "A handshake that requests an unknown feature gives EINVAL and a zeroed struct", "", ""},
     unknown_feature_is_refused},
    {{"feature-offered", "A handshake without features lists every feature, MOVE among them", "", ""},
     every_feature_is_offered_unasked},
    {{"handshake-missing", "MOVE before the handshake gives EINVAL and leaves the out-field untouched", "", ""},
     move_needs_a_handshake},
    {{"feature-not-asked", "MOVE works although UFFD_FEATURE_MOVE was not requested", "", ""}, move_needs_no_feature},
    {{"register-offers-move", "Registering anonymous memory for missing faults returns ioctl bit 5, MOVE", "", ""},
     registration_offers_move},
};

const struct gcp_row_table gcp_rows_handshake = GCP_ROW_TABLE(ROWS);
