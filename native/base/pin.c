#define _GNU_SOURCE
#include "base/pin.h"
#include "base/address.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* The kernel takes at most 1 GiB a buffer (io_buffer_validate). */
#define MAX_BUFFER (1ULL << 30)

/* The calling thread's capabilities. */
struct capabilities {
    struct __user_cap_header_struct head;
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
};

static bool set_aside_ipc_lock(struct capabilities *ret_before)
{
    const uint32_t bit = CAP_TO_MASK(CAP_IPC_LOCK);
    *ret_before = (struct capabilities){.head = {.version = _LINUX_CAPABILITY_VERSION_3}};
    if (syscall(SYS_capget, &ret_before->head, ret_before->data) < 0 || !(ret_before->data[0].effective & bit))
        return false;
    struct capabilities without = *ret_before;
    without.data[0].effective &= ~bit;
    return syscall(SYS_capset, &without.head, without.data) == 0;
}

/*
 * A ring whose pins are accounted to this address space (VmPin), which proves them.  The kernel (as of 7.3) accounts
 * nothing for a user with CAP_IPC_LOCK, so the ring is made without it.  RLIMIT_MEMLOCK then applies, and is raised.
 */
static int ring_setup(void)
{
    static const struct rlimit NO_LIMIT = {RLIM_INFINITY, RLIM_INFINITY};
    struct capabilities before;
    struct io_uring_params params;
    memset(&params, 0, sizeof(params));
    bool dropped = set_aside_ipc_lock(&before);
    if (dropped)
        setrlimit(RLIMIT_MEMLOCK, &NO_LIMIT);
    int fd = (int)syscall(SYS_io_uring_setup, 1, &params);
    int err = errno;
    if (dropped)
        syscall(SYS_capset, &before.head, before.data);
    return fd < 0 ? -err : fd;
}

int32_t gcp_pin(uint64_t start, uint64_t bytes)
{
    int fd = ring_setup();
    if (fd < 0)
        return fd;

    unsigned n = (unsigned)((bytes + MAX_BUFFER - 1) / MAX_BUFFER);
    struct iovec *buffers = calloc(n, sizeof(*buffers));
    int err = buffers ? 0 : ENOMEM;
    for (unsigned i = 0; !err && i < n; i++) {
        uint64_t done = i * MAX_BUFFER;
        buffers[i].iov_base = gcp_at(start + done);
        buffers[i].iov_len = bytes - done < MAX_BUFFER ? bytes - done : MAX_BUFFER;
    }
    if (!err && syscall(SYS_io_uring_register, fd, IORING_REGISTER_BUFFERS, buffers, n) < 0)
        err = errno;
    free(buffers);
    if (err) {
        close(fd);
        return -err;
    }
    return fd;
}

void gcp_unpin(int32_t ring_fd)
{
    if (ring_fd <= 0)
        return;
    /* Closing alone would leave the unpinning to a kernel worker, later. */
    syscall(SYS_io_uring_register, ring_fd, IORING_UNREGISTER_BUFFERS, NULL, 0);
    close(ring_fd);
}
