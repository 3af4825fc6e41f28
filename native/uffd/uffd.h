/*
 * userfaultfd: open, handshake, register, and one function for each ioctl.
 *
 * What an ioctl did is a value (struct gcp_outcome): short results of UFFDIO_MOVE are normal.
 */
#ifndef GCP_UFFD_H
#define GCP_UFFD_H

#include <stddef.h>
#include <stdint.h>

/* cdef:begin */

/* How the descriptor was opened, newest and most capable way first. */
enum gcp_uffd_via {
    GCP_VIA_NONE = 0,
    GCP_VIA_DEVICE = 1,    /* /dev/userfaultfd: needs only permission on the node */
    GCP_VIA_SYSCALL = 2,   /* userfaultfd(2): CAP_SYS_PTRACE or vm.unprivileged_userfaultfd=1 */
    GCP_VIA_USER_MODE = 3, /* userfaultfd(2), UFFD_USER_MODE_ONLY: faults of the kernel itself are not served */
};

struct gcp_uffd {
    int32_t fd;
    int32_t via;       /* enum gcp_uffd_via */
    uint64_t features; /* granted by the handshake */
    uint64_t api_ioctls;
};

/* What the kernel offers; filled by gcp_uffd_probe(). */
struct gcp_uffd_offer {
    int32_t via;          /* how a descriptor can be opened, GCP_VIA_NONE if it can't */
    int32_t device_err;   /* errno of opening the device node, 0 if it worked */
    int32_t syscall_err;  /* errno of userfaultfd(2) without flags, 0 if it worked */
    int32_t user_err;     /* errno of userfaultfd(2) with UFFD_USER_MODE_ONLY, 0 if it worked */
    int32_t api_err;      /* errno of UFFDIO_API, 0 if it worked */
    int32_t register_err; /* errno of registering an anonymous page for missing faults */
    uint64_t features;    /* all features that the kernel supports */
    uint64_t api_ioctls;
    uint64_t range_ioctls; /* of a MISSING registration of anonymous memory; bit 5 is MOVE */
    int32_t move_err;      /* errno of a real one-page MOVE, 0 if it worked, ENOTTY if the kernel lacks it */
};

/*
 * What one ioctl did.
 * bytes:   bytes done, also when err is not 0 (a short move: err EAGAIN, bytes > 0)
 * err:     errno, 0 if everything was done; for a short result EAGAIN hides the real errno, which appears when the rest
 *          is asked
 * calls:   ioctls issued (always 1 here; sums are kept by the callers)
 * touched: 0 if the kernel did not write the out-field, that is, refused the arguments before any work; the field is
 *          preset to a value that the kernel never writes
 */
struct gcp_outcome {
    int64_t bytes;
    int32_t err;
    uint32_t calls;
    uint32_t touched;
};

enum gcp_move_mode {
    GCP_MOVE_DONTWAKE = 1,
    GCP_MOVE_ALLOW_SRC_HOLES = 2,
};

/*
 * Open without a handshake, in the first way that works (*ret_via, enum gcp_uffd_via).  Returns the descriptor or
 * -errno.
 */
int gcp_uffd_open(int32_t *ret_via);

/*
 * Open, and do the handshake.  `features` are requested as far as the kernel has them; ret->features says which were
 * granted.  Returns 0, or -errno of the last way tried (gcp_uffd_probe has each way's).  gcp_uffd_deinit closes the
 * descriptor; it accepts an all-zero or failed struct too.
 */
int gcp_uffd_init(uint64_t features, struct gcp_uffd *ret);
void gcp_uffd_deinit(struct gcp_uffd *uffd);
void gcp_uffd_probe(struct gcp_uffd_offer *ret);

/* Register [start, start + len) for missing faults; *ret_ioctls (may be NULL) is the kernel's mask of range ioctls. */
struct gcp_outcome gcp_uffd_register(const struct gcp_uffd *uffd, uint64_t start, uint64_t len, uint64_t *ret_ioctls);
struct gcp_outcome gcp_uffd_unregister(const struct gcp_uffd *uffd, uint64_t start, uint64_t len);
struct gcp_outcome gcp_uffd_move(const struct gcp_uffd *uffd, uint64_t dst, uint64_t src, uint64_t len, uint64_t mode);
struct gcp_outcome gcp_uffd_copy(const struct gcp_uffd *uffd, uint64_t dst, uint64_t src, uint64_t len, uint64_t mode);
struct gcp_outcome gcp_uffd_zeropage(const struct gcp_uffd *uffd, uint64_t start, uint64_t len, uint64_t mode);
struct gcp_outcome gcp_uffd_poison(const struct gcp_uffd *uffd, uint64_t start, uint64_t len, uint64_t mode);
struct gcp_outcome gcp_uffd_wake(const struct gcp_uffd *uffd, uint64_t start, uint64_t len);

/* cdef:end */

#endif
