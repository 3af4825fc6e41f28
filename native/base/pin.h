/* Long-term pins by io_uring fixed buffers, through two bare system calls, without a library. */
#ifndef GCP_PIN_H
#define GCP_PIN_H

#include <stdint.h>

/* cdef:begin */

/*
 * Pin [start, start + bytes) (FOLL_PIN | FOLL_LONGTERM) until gcp_unpin.  Returns the ring's descriptor or -errno:
 * ENOSYS no io_uring, EPERM switched off (kernel.io_uring_disabled), ENOMEM beyond RLIMIT_MEMLOCK.
 */
int32_t gcp_pin(uint64_t start, uint64_t bytes);
void gcp_unpin(int32_t ring_fd);

/* cdef:end */

#endif
