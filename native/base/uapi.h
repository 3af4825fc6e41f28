/*
 * UAPI shim: structures and constants that the distribution's headers may lack.
 *
 * <linux/userfaultfd.h> of Debian 12 (6.1) lacks UFFDIO_MOVE (6.8) and UFFDIO_POISON (6.6).  Every entry is defined
 * here under a name of its own, so the program does not depend on the headers that it was built with.  The running
 * kernel is asked for each feature (see uffd.h); its presence is never inferred from headers.
 *
 * Source: include/uapi/linux/userfaultfd.h of Linux 7.3; MOVE came with "userfaultfd: UFFDIO_MOVE uABI" (adef440691ba,
 * 6.8), POISON with "mm: userfaultfd: add new UFFDIO_POISON ioctl" (fc71884a5f59, 6.6).
 */
#ifndef GCP_UAPI_H
#define GCP_UAPI_H

#include <stdint.h>
#include <sys/ioctl.h>

#define GCP_UFFD_API 0xAAULL

/* Features (UFFDIO_API). */
#define GCP_UFFD_FEATURE_PAGEFAULT_FLAG_WP (1ULL << 0)
#define GCP_UFFD_FEATURE_EVENT_FORK (1ULL << 1)
#define GCP_UFFD_FEATURE_EVENT_REMAP (1ULL << 2)
#define GCP_UFFD_FEATURE_EVENT_REMOVE (1ULL << 3)
#define GCP_UFFD_FEATURE_EVENT_UNMAP (1ULL << 6)
#define GCP_UFFD_FEATURE_SIGBUS (1ULL << 7)
#define GCP_UFFD_FEATURE_THREAD_ID (1ULL << 8)
#define GCP_UFFD_FEATURE_WP_UNPOPULATED (1ULL << 13)
#define GCP_UFFD_FEATURE_POISON (1ULL << 14)
#define GCP_UFFD_FEATURE_MOVE (1ULL << 16)

/* Flags of userfaultfd(2). */
#define GCP_UFFD_USER_MODE_ONLY 1

struct gcp_uapi_api {
    uint64_t api;
    uint64_t features;
    uint64_t ioctls;
};

struct gcp_uapi_range {
    uint64_t start;
    uint64_t len;
};

#define GCP_UFFDIO_REGISTER_MODE_MISSING (1ULL << 0)
#define GCP_UFFDIO_REGISTER_MODE_WP (1ULL << 1)

struct gcp_uapi_register {
    struct gcp_uapi_range range;
    uint64_t mode;
    uint64_t ioctls;
};

struct gcp_uapi_copy {
    uint64_t dst;
    uint64_t src;
    uint64_t len;
    uint64_t mode;
    int64_t copy;
};

struct gcp_uapi_zeropage {
    struct gcp_uapi_range range;
    uint64_t mode;
    int64_t zeropage;
};

struct gcp_uapi_poison {
    struct gcp_uapi_range range;
    uint64_t mode;
    int64_t updated;
};

struct gcp_uapi_move {
    uint64_t dst;
    uint64_t src;
    uint64_t len;
    uint64_t mode;
    int64_t move;
};

struct gcp_uapi_writeprotect {
    struct gcp_uapi_range range;
    uint64_t mode;
};

#define GCP_UAPI_WRITEPROTECT_MODE_WP (1ULL << 0)

/*
 * A message of read(2) on the descriptor.  arg: page fault: flags, address; fork: descriptor of the child's
 * userfaultfd; remap: from, to, length; remove and unmap: start, end.
 */
struct gcp_uapi_msg {
    uint8_t event;
    uint8_t reserved[7];
    uint64_t arg[3];
};

#define GCP_UFFD_EVENT_PAGEFAULT 0x12
#define GCP_UFFD_EVENT_FORK 0x13
#define GCP_UFFD_EVENT_REMAP 0x14
#define GCP_UFFD_EVENT_REMOVE 0x15
#define GCP_UFFD_EVENT_UNMAP 0x16

#define GCP_UAPI_MOVE_DONTWAKE (1ULL << 0)
#define GCP_UAPI_MOVE_ALLOW_SRC_HOLES (1ULL << 1)

/* Numbers of the range ioctls; bit n of register's `ioctls` says that number n is available. */
#define GCP_NR_REGISTER 0x00
#define GCP_NR_UNREGISTER 0x01
#define GCP_NR_WAKE 0x02
#define GCP_NR_COPY 0x03
#define GCP_NR_ZEROPAGE 0x04
#define GCP_NR_MOVE 0x05
#define GCP_NR_WRITEPROTECT 0x06
#define GCP_NR_POISON 0x08
#define GCP_NR_API 0x3F

#define GCP_UFFDIO_API _IOWR(0xAA, GCP_NR_API, struct gcp_uapi_api)
#define GCP_UFFDIO_REGISTER _IOWR(0xAA, GCP_NR_REGISTER, struct gcp_uapi_register)
#define GCP_UFFDIO_UNREGISTER _IOR(0xAA, GCP_NR_UNREGISTER, struct gcp_uapi_range)
#define GCP_UFFDIO_WAKE _IOR(0xAA, GCP_NR_WAKE, struct gcp_uapi_range)
#define GCP_UFFDIO_COPY _IOWR(0xAA, GCP_NR_COPY, struct gcp_uapi_copy)
#define GCP_UFFDIO_ZEROPAGE _IOWR(0xAA, GCP_NR_ZEROPAGE, struct gcp_uapi_zeropage)
#define GCP_UFFDIO_MOVE _IOWR(0xAA, GCP_NR_MOVE, struct gcp_uapi_move)
#define GCP_UFFDIO_WRITEPROTECT _IOWR(0xAA, GCP_NR_WRITEPROTECT, struct gcp_uapi_writeprotect)
#define GCP_UFFDIO_POISON _IOWR(0xAA, GCP_NR_POISON, struct gcp_uapi_poison)

/* /dev/userfaultfd (6.1). */
#define GCP_USERFAULTFD_IOC_NEW _IO(0xAA, 0x00)

/* madvise(2) and mremap(2). */
#define GCP_MADV_COLD 20
#define GCP_MADV_PAGEOUT 21
#define GCP_MADV_POPULATE_READ 22
#define GCP_MADV_POPULATE_WRITE 23
#define GCP_MADV_COLLAPSE 25
#define GCP_MADV_SOFT_OFFLINE 101
#define GCP_MADV_GUARD_INSTALL 102
#define GCP_MADV_GUARD_REMOVE 103
#define GCP_MREMAP_DONTUNMAP 4

/* mseal(2) (6.10), which an older C library has no name for; the number is the same on x86-64 and arm64. */
#define GCP_SYS_MSEAL 462L

/* /proc/PID/pagemap. */
#define GCP_PM_PRESENT (1ULL << 63)
#define GCP_PM_SWAP (1ULL << 62)
#define GCP_PM_UFFD_WP (1ULL << 57)
#define GCP_PM_EXCLUSIVE (1ULL << 56)
#define GCP_PM_SOFT_DIRTY (1ULL << 55)
#define GCP_PM_PFN(entry) ((entry) & ((1ULL << 55) - 1))

/* /proc/kpageflags. */
#define GCP_KPF_LRU (1ULL << 5)
#define GCP_KPF_COMPOUND_HEAD (1ULL << 15)
#define GCP_KPF_COMPOUND_TAIL (1ULL << 16)
#define GCP_KPF_KSM (1ULL << 21)
#define GCP_KPF_THP (1ULL << 22)
#define GCP_KPF_ZERO_PAGE (1ULL << 24)

#endif
