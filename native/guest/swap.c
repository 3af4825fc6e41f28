/*
 * Swap in the guest.  zram is synchronous and empties the swap cache at once.  A loop device on a file in memory is not
 * synchronous, so folios stay in the swap cache.
 */
#define _GNU_SOURCE
#include "guest/swap.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <unistd.h>

#include "guest/say.h"

/* The largest page size that there is. */
#define MAX_PAGE 65536

static const char *active;

/* The swap area's first page, as mkswap writes it: version 1, no bad pages, the signature in its last ten bytes. */
static int make_swap(const char *device, uint64_t bytes)
{
    static unsigned char page[MAX_PAGE];
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    uint32_t head[2] = {1, (uint32_t)(bytes / size - 1)};
    memset(page, 0, sizeof(page));
    memcpy(page + 1024, head, sizeof(head));
    memcpy(page + size - 10, "SWAPSPACE2", 10);
    int fd = open(device, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int err = write(fd, page, size) == (ssize_t)size && fsync(fd) == 0 ? 0 : -errno;
    close(fd);
    return err;
}

static void swap_on(const char *device, uint64_t bytes)
{
    int err = make_swap(device, bytes);
    if (!err && swapon(device, 0) < 0)
        err = -errno;
    if (err)
        gcp_guest_note("swap on %s: %s", device, strerror(-err));
    else
        active = device;
}

void gcp_guest_swap_on_zram(uint64_t bytes)
{
    char text[32];
    snprintf(text, sizeof(text), "%" PRIu64, bytes);
    int err = gcp_guest_write("/sys/block/zram0/disksize", text);
    if (err)
        gcp_guest_note("zram: disksize: %s", strerror(-err));
    else
        swap_on("/dev/zram0", bytes);
}

/*
 * A file on ramfs, whose pages can't be swapped out, and written in advance: a swap area that must allocate memory when
 * it is written would wait for itself.  Returns the file or -errno.
 */
static int open_swap_file(uint64_t bytes)
{
    static const char ZEROES[1 << 16];
    mkdir("/ram", 0700);
    if (mount("ramfs", "/ram", "ramfs", 0, NULL) < 0)
        return -errno;
    int file = open("/ram/swap", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
        return -errno;
    for (uint64_t at = 0; at < bytes; at += sizeof(ZEROES))
        if (write(file, ZEROES, sizeof(ZEROES)) != (ssize_t)sizeof(ZEROES)) {
            int err = -errno;
            close(file);
            return err;
        }
    return file;
}

void gcp_guest_swap_on_loop(uint64_t bytes)
{
    int file = open_swap_file(bytes), loop = open("/dev/loop0", O_RDWR | O_CLOEXEC);
    int err = file < 0 ? file : loop < 0 || ioctl(loop, LOOP_SET_FD, file) < 0 ? -errno : 0;
    if (err)
        gcp_guest_note("loop device: %s", strerror(-err));
    else
        swap_on("/dev/loop0", bytes);
    if (file >= 0)
        close(file);
    if (loop >= 0)
        close(loop);
}

void gcp_guest_swap_off(void)
{
    if (active && swapoff(active) < 0)
        gcp_guest_note("swapoff %s: %s", active, strerror(errno));
    if (active && strcmp(active, "/dev/zram0") == 0)
        gcp_guest_write("/sys/block/zram0/reset", "1");
    active = NULL;
}
