/* Wait for a word to change, and wake its waiters; private to this process. */
#ifndef GCP_FUTEX_H
#define GCP_FUTEX_H

#include <linux/futex.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Sleep while *word is `value`, at most `ms` milliseconds (0: no limit).  May wake spuriously. */
static inline void gcp_futex_wait(const uint32_t *word, uint32_t value, uint32_t ms)
{
    struct timespec limit = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, ms ? &limit : NULL, NULL, 0);
}

static inline void gcp_futex_wake(const uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

#endif
