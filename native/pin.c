#define _GNU_SOURCE
#include "pin.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* The kernel takes at most 1 GiB a buffer (io_buffer_validate). */
#define MAX_BUFFER (1ULL << 30)

int32_t gcp_pin(uint64_t start, uint64_t bytes)
{
    struct io_uring_params params;
    memset(&params, 0, sizeof(params));
    int fd = (int)syscall(SYS_io_uring_setup, 1, &params);
    if (fd < 0)
        return -errno;

    unsigned n = (unsigned)((bytes + MAX_BUFFER - 1) / MAX_BUFFER);
    struct iovec *buffers = calloc(n, sizeof(*buffers));
    int err = buffers ? 0 : ENOMEM;
    for (unsigned i = 0; !err && i < n; i++) {
        uint64_t done = i * MAX_BUFFER;
        buffers[i].iov_base = (void *)(uintptr_t)(start + done);
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
    /* Closing alone would leave the unpinning to a kernel worker, some time later. */
    syscall(SYS_io_uring_register, ring_fd, IORING_UNREGISTER_BUFFERS, NULL, 0);
    close(ring_fd);
}
