#define _GNU_SOURCE
#include "uffd/uffd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/platform.h"
#include "uffd/inject.h"
#include "base/uapi.h"
#include "base/address.h"

/* The kernel writes a count or a negative errno into an out-field, so this value means that it was not written. */
#define UNTOUCHED INT64_C(0x7777777777777777)

static int open_device(void)
{
    int node = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
    if (node < 0)
        return -errno;
    int fd = ioctl(node, GCP_USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK);
    int err = errno;
    close(node);
    return fd < 0 ? -err : fd;
}

static int open_syscall(int flags)
{
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | flags);
    return fd < 0 ? -errno : fd;
}

int gcp_uffd_open(int32_t *ret_via)
{
    int fd = open_device();
    *ret_via = GCP_VIA_DEVICE;
    if (fd < 0) {
        fd = open_syscall(0);
        *ret_via = GCP_VIA_SYSCALL;
    }
    if (fd < 0) {
        fd = open_syscall(GCP_UFFD_USER_MODE_ONLY);
        *ret_via = GCP_VIA_USER_MODE;
    }
    if (fd < 0)
        *ret_via = GCP_VIA_NONE;
    return fd;
}

/*
 * UFFDIO_API succeeds once per descriptor, and fails if a requested feature is missing.  Without features it always
 * succeeds and lists the features, but the descriptor is then used up.
 */
static int handshake(int fd, uint64_t features, struct gcp_uapi_api *ret)
{
    *ret = (struct gcp_uapi_api){.api = GCP_UFFD_API, .features = features};
    return ioctl(fd, GCP_UFFDIO_API, ret) < 0 ? -errno : 0;
}

int gcp_uffd_init(uint64_t features, struct gcp_uffd *ret)
{
    *ret = (struct gcp_uffd){.fd = -1};

    struct gcp_uapi_api offered = {0};
    int32_t via;
    if (features) {
        int probe = gcp_uffd_open(&via);
        if (probe < 0)
            return probe;
        int err = handshake(probe, 0, &offered);
        close(probe);
        if (err)
            return err;
    }

    int fd = gcp_uffd_open(&via);
    if (fd < 0)
        return fd;
    struct gcp_uapi_api api;
    uint64_t wanted = features & offered.features;
    int err = handshake(fd, wanted, &api);
    if (err) {
        close(fd);
        return err;
    }
    ret->fd = fd;
    ret->via = via;
    ret->features = wanted;
    ret->api_ioctls = api.ioctls;
    return 0;
}

void gcp_uffd_deinit(struct gcp_uffd *uffd)
{
    /* An all-zero struct is not an open descriptor: 0 is standard input. */
    if (uffd->fd > 0)
        close(uffd->fd);
    uffd->fd = -1;
}

/* Move one page for real: no mask and no version can replace that. */
static int32_t try_move(const struct gcp_uffd *uffd, uint64_t page)
{
    char *src = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *dst = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int32_t err = ENOMEM;
    if (src != MAP_FAILED && dst != MAP_FAILED) {
        src[0] = 42;
        struct gcp_outcome registered = gcp_uffd_register(uffd, gcp_address_of(dst), page, NULL);
        err = registered.err;
        if (!err)
            err = gcp_uffd_move(uffd, gcp_address_of(dst), gcp_address_of(src), page, 0).err;
        if (!err && dst[0] != 42)
            err = EIO;
    }
    if (src != MAP_FAILED)
        munmap(src, page);
    if (dst != MAP_FAILED)
        munmap(dst, page);
    return err;
}

void gcp_uffd_probe(struct gcp_uffd_offer *ret)
{
    *ret = (struct gcp_uffd_offer){.move_err = ENOTTY};

    int device = open_device();
    int plain = open_syscall(0);
    int user = open_syscall(GCP_UFFD_USER_MODE_ONLY);
    ret->device_err = device < 0 ? -device : 0;
    ret->syscall_err = plain < 0 ? -plain : 0;
    ret->user_err = user < 0 ? -user : 0;

    int fd = device >= 0 ? device : plain >= 0 ? plain : user;
    ret->via = device >= 0  ? GCP_VIA_DEVICE
               : plain >= 0 ? GCP_VIA_SYSCALL
               : user >= 0  ? GCP_VIA_USER_MODE
                            : GCP_VIA_NONE;
    if (fd >= 0) {
        struct gcp_uapi_api api;
        int err = handshake(fd, 0, &api);
        ret->api_err = -err;
        if (!err) {
            ret->features = api.features;
            ret->api_ioctls = api.ioctls;
            struct gcp_uffd uffd = {.fd = fd, .via = ret->via};
            uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
            void *area = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (area == MAP_FAILED) {
                ret->register_err = errno;
            } else {
                ret->register_err = gcp_uffd_register(&uffd, gcp_address_of(area), page, &ret->range_ioctls).err;
                munmap(area, page);
            }
            if (!ret->register_err && (ret->range_ioctls & (1ULL << GCP_NR_MOVE)))
                ret->move_err = try_move(&uffd, page);
        }
    } else {
        ret->api_err = -fd;
    }
    if (device >= 0)
        close(device);
    if (plain >= 0)
        close(plain);
    if (user >= 0)
        close(user);
}

/* An ioctl without an out-field of its own does all or nothing. */
static struct gcp_outcome all_or_nothing(int rc, uint64_t len)
{
    if (rc < 0)
        return (struct gcp_outcome){.err = errno, .calls = 1};
    return (struct gcp_outcome){.bytes = (int64_t)len, .calls = 1, .touched = 1};
}

/* MOVE, COPY, ZEROPAGE and POISON share a convention: out is the bytes done if positive, or a negative errno. */
static struct gcp_outcome counted(int rc, int64_t out)
{
    struct gcp_outcome ret = {.err = rc < 0 ? errno : 0, .calls = 1, .touched = out != UNTOUCHED};
    if (ret.touched && out > 0)
        ret.bytes = out;
    return ret;
}

struct gcp_outcome gcp_uffd_register(const struct gcp_uffd *uffd, uint64_t start, uint64_t len, uint64_t *ret_ioctls)
{
    int32_t injected = gcp_injected(GCP_VERB_REGISTER);
    if (injected)
        return (struct gcp_outcome){.err = injected, .calls = 1};
    struct gcp_uapi_register arg = {.range = {start, len}, .mode = GCP_UFFDIO_REGISTER_MODE_MISSING};
    struct gcp_outcome ret = all_or_nothing(ioctl(uffd->fd, GCP_UFFDIO_REGISTER, &arg), len);
    if (ret_ioctls)
        *ret_ioctls = ret.err ? 0 : arg.ioctls;
    return ret;
}

struct gcp_outcome gcp_uffd_unregister(const struct gcp_uffd *uffd, uint64_t start, uint64_t len)
{
    int32_t injected = gcp_injected(GCP_VERB_UNREGISTER);
    if (injected)
        return (struct gcp_outcome){.err = injected, .calls = 1};
    struct gcp_uapi_range arg = {start, len};
    return all_or_nothing(ioctl(uffd->fd, GCP_UFFDIO_UNREGISTER, &arg), len);
}

struct gcp_outcome gcp_uffd_wake(const struct gcp_uffd *uffd, uint64_t start, uint64_t len)
{
    struct gcp_uapi_range arg = {start, len};
    return all_or_nothing(ioctl(uffd->fd, GCP_UFFDIO_WAKE, &arg), len);
}

struct gcp_outcome gcp_uffd_move(const struct gcp_uffd *uffd, uint64_t dst, uint64_t src, uint64_t len, uint64_t mode)
{
    int32_t injected = gcp_injected(GCP_VERB_MOVE);
    if (injected)
        return (struct gcp_outcome){.err = injected, .calls = 1};
    struct gcp_uapi_move arg = {.dst = dst, .src = src, .len = len, .mode = mode, .move = UNTOUCHED};
    int rc = ioctl(uffd->fd, GCP_UFFDIO_MOVE, &arg);
    return counted(rc, arg.move);
}

struct gcp_outcome gcp_uffd_copy(const struct gcp_uffd *uffd, uint64_t dst, uint64_t src, uint64_t len, uint64_t mode)
{
    int32_t injected = gcp_injected(GCP_VERB_COPY);
    if (injected)
        return (struct gcp_outcome){.err = injected, .calls = 1};
    struct gcp_uapi_copy arg = {.dst = dst, .src = src, .len = len, .mode = mode, .copy = UNTOUCHED};
    int rc = ioctl(uffd->fd, GCP_UFFDIO_COPY, &arg);
    return counted(rc, arg.copy);
}

struct gcp_outcome gcp_uffd_zeropage(const struct gcp_uffd *uffd, uint64_t start, uint64_t len, uint64_t mode)
{
    int32_t injected = gcp_injected(GCP_VERB_ZEROPAGE);
    if (injected)
        return (struct gcp_outcome){.err = injected, .calls = 1};
    struct gcp_uapi_zeropage arg = {.range = {start, len}, .mode = mode, .zeropage = UNTOUCHED};
    int rc = ioctl(uffd->fd, GCP_UFFDIO_ZEROPAGE, &arg);
    return counted(rc, arg.zeropage);
}

struct gcp_outcome gcp_uffd_poison(const struct gcp_uffd *uffd, uint64_t start, uint64_t len, uint64_t mode)
{
    struct gcp_uapi_poison arg = {.range = {start, len}, .mode = mode, .updated = UNTOUCHED};
    int rc = ioctl(uffd->fd, GCP_UFFDIO_POISON, &arg);
    return counted(rc, arg.updated);
}
