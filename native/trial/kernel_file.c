#define _GNU_SOURCE
#include "trial/kernel_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int gcp_kernel_file_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int err = write(fd, text, strlen(text)) < 0 ? -errno : 0;
    close(fd);
    return err;
}

int gcp_kernel_file_clear_soft_dirty(void)
{
    return gcp_kernel_file_write("/proc/self/clear_refs", "4");
}
