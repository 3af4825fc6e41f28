/* Files of /proc and /sys that take a text. */
#ifndef GCP_KERNEL_FILE_H
#define GCP_KERNEL_FILE_H

/* Write a text.  0 or -errno. */
int gcp_kernel_file_write(const char *path, const char *text);

/* For the next accesses, all pages of this process are clean again for soft-dirty tracking.  0 or -errno. */
int gcp_kernel_file_clear_soft_dirty(void);

#endif
