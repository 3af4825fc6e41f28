// SPDX-License-Identifier: 0BSD
/*
 * Fill a range of a userfaultfd by UFFDIO_MOVE, with UFFDIO_COPY where a page can't move: every answer handled.
 *
 * Copy this file into a runtime; it needs Linux headers and nothing else.  docs/guide/answers.md explains each answer.
 * For a test of its own, compile it with -DUFFD_FILL_TEST: see the end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef UFFDIO_MOVE /* headers before 6.8 */
#define UFFDIO_MOVE_MODE_DONTWAKE ((__u64)1 << 0)
struct uffdio_move {
    __u64 dst, src, len, mode;
    __s64 move;
};
#define UFFDIO_MOVE _IOWR(UFFDIO, 0x05, struct uffdio_move)
#endif

#ifdef UFFD_FILL_TEST
static int faulty_ioctl(int fd, unsigned long request, void *arg);
#define UFFD_IOCTL faulty_ioctl
#else
#define UFFD_IOCTL ioctl
#endif

/* Calls without progress in a row.  The thread that reads events must be another one: EAGAIN ends when it has read. */
#define UFFD_FILL_AGAIN 100000
/* EINVAL of MOVE may mean that a page table changed meanwhile: a few calls tell. */
#define UFFD_FILL_UNCLEAR 100

enum { UFFD_FILL_PROTECT = 1 }; /* write-protect the range, also pages that another thread filled */

/* In pages. */
struct uffd_fill_count {
    uint64_t moved, copied, zeroed, already;
};

/* The kernel never writes this into an out-field, so it shows that the field was left alone. */
#define UFFD_FILL_UNTOUCHED INT64_C(0x5555555555555555)

/* done: bytes, 0 if nothing was done;  err: errno of a call that did nothing;  refused: before any work */
struct uffd_fill_answer {
    uint64_t done;
    int err, refused;
};

/* Only a positive out-field is a number of bytes: -EAGAIN, 0 and an untouched field are none. */
static struct uffd_fill_answer uffd_fill_read(int rc, int err, int64_t out)
{
    if (rc == 0 || (err == EAGAIN && out > 0 && out != UFFD_FILL_UNTOUCHED))
        return (struct uffd_fill_answer){.done = (uint64_t)out};
    return (struct uffd_fill_answer){.err = err, .refused = out == UFFD_FILL_UNTOUCHED};
}

static struct uffd_fill_answer uffd_fill_move(int fd, uint64_t dst, uint64_t src, uint64_t len, int quiet)
{
    struct uffdio_move arg = {.dst = dst, .src = src, .len = len, .move = UFFD_FILL_UNTOUCHED};
    arg.mode = quiet ? UFFDIO_MOVE_MODE_DONTWAKE : 0;
    int rc = UFFD_IOCTL(fd, UFFDIO_MOVE, &arg);
    return uffd_fill_read(rc, errno, arg.move);
}

static struct uffd_fill_answer uffd_fill_copy(int fd, uint64_t dst, uint64_t src, uint64_t len, int quiet)
{
    struct uffdio_copy arg = {.dst = dst, .src = src, .len = len, .copy = UFFD_FILL_UNTOUCHED};
    arg.mode = quiet ? UFFDIO_COPY_MODE_DONTWAKE : 0;
    int rc = UFFD_IOCTL(fd, UFFDIO_COPY, &arg);
    return uffd_fill_read(rc, errno, arg.copy);
}

static struct uffd_fill_answer uffd_fill_zero(int fd, uint64_t dst, uint64_t len, int quiet)
{
    struct uffdio_zeropage arg = {.range = {dst, len}, .zeropage = UFFD_FILL_UNTOUCHED};
    arg.mode = quiet ? UFFDIO_ZEROPAGE_MODE_DONTWAKE : 0;
    int rc = UFFD_IOCTL(fd, UFFDIO_ZEROPAGE, &arg);
    return uffd_fill_read(rc, errno, arg.zeropage);
}

/* Protect what is there, if asked for, and then wake: a page that another thread filled is woken and protected too. */
static int uffd_fill_finish(int fd, uint64_t dst, uint64_t len, int flags)
{
    if (flags & UFFD_FILL_PROTECT) {
        struct uffdio_writeprotect arg = {.range = {dst, len}, .mode = UFFDIO_WRITEPROTECT_MODE_WP};
        for (int i = 0; UFFD_IOCTL(fd, UFFDIO_WRITEPROTECT, &arg) < 0; i++) {
            if (errno != EAGAIN || i == UFFD_FILL_AGAIN)
                return -errno;
            sched_yield();
        }
    }
    struct uffdio_range range = {dst, len};
    return UFFD_IOCTL(fd, UFFDIO_WAKE, &range) < 0 ? -errno : 0;
}

/* Of a page for which MOVE gave ENOENT: whether it is a hole (0), not mapped (-ENOENT), or there nevertheless (-EBUSY). */
static int uffd_fill_hole(uint64_t address, uint64_t page)
{
    unsigned char resident;
    if (mincore((void *)(uintptr_t)address, page, &resident) < 0)
        return -ENOENT;
    return resident & 1 ? -EBUSY : 0; /* a THP that is being migrated, before 6.17 on x86: zeroes would lose it */
}

/*
 * Make every page of [dst, dst + len) present with the contents of src.  Both are page-aligned, in one mapping each.  No
 * other thread may use the source.  0, or -errno: then count tells how many pages are done, from the start.
 */
int uffd_fill(int fd, uint64_t dst, uint64_t src, uint64_t len, int flags, struct uffd_fill_count *count)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), at = 0;
    int quiet = flags & UFFD_FILL_PROTECT, again = 0;
    enum { BY_MOVE, BY_COPY, BY_ZERO } verb = BY_MOVE;

    while (at < len) {
        struct uffd_fill_answer answer = verb == BY_MOVE   ? uffd_fill_move(fd, dst + at, src + at, len - at, quiet)
                                         : verb == BY_COPY ? uffd_fill_copy(fd, dst + at, src + at, page, quiet)
                                                           : uffd_fill_zero(fd, dst + at, page, quiet);
        if (answer.done) {
            /* All or a part.  What stopped a part shows when the rest is asked for. */
            *(verb == BY_MOVE   ? &count->moved
              : verb == BY_COPY ? &count->copied
                                : &count->zeroed) += answer.done / page;
            int err = quiet ? uffd_fill_finish(fd, dst + at, answer.done, flags) : 0;
            if (err)
                return err;
            at += answer.done;
            verb = BY_MOVE;
            again = 0;
            continue;
        }
        switch (answer.err) {
        case EAGAIN: /* the address space is changing, or a lock was contended */
            if (++again > UFFD_FILL_AGAIN)
                return -EAGAIN;
            sched_yield();
            break;
        case EEXIST: { /* one page is there.  That it is there does not mean that its waiters were woken */
            int err = uffd_fill_finish(fd, dst + at, page, flags);
            if (err)
                return err;
            count->already++;
            at += page;
            verb = BY_MOVE;
            again = 0;
            break;
        }
        case EBUSY: /* pinned, shared, in the swap cache: this page, not the rest */
            if (verb != BY_MOVE)
                return -EBUSY;
            verb = BY_COPY;
            break;
        case ENOENT: { /* of MOVE: a hole, or no mapping.  Zeroes in place of lost contents would be silent */
            int hole = verb == BY_MOVE ? uffd_fill_hole(src + at, page) : -ENOENT;
            if (hole == -ENOENT)
                return -ENOENT;
            verb = hole ? BY_COPY : BY_ZERO;
            break;
        }
        case EINVAL: /* refused before any work: wrong arguments.  Else a page table may have changed meanwhile */
            if (answer.refused || verb != BY_MOVE || ++again > UFFD_FILL_UNCLEAR)
                return -EINVAL;
            sched_yield();
            break;
        default: /* EFAULT: a marker (guard, poison);  ENOMEM;  EINTR: being killed;  ESRCH: the address space has gone */
            return answer.err ? -answer.err : -EIO;
        }
    }
    return 0;
}

#ifdef UFFD_FILL_TEST
/*
 * RUNS randomised runs against the running kernel, with answers injected: short, EAGAIN in each of its encodings, EEXIST
 * by "another thread" that does not wake, EBUSY, and ENOENT of a page that is there.  Some pages are shared with a child,
 * so that EBUSY is also real.  A thread sleeps in a fault on one page of each run.  Prints what was injected; the exit
 * code is 0 if all is right.
 * With a third argument another thread swaps the pages out and forks all the time; without swap it only forks.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define PAGES 24

static uint64_t seed, page_size, injected[6]; /* short, EAGAIN, EEXIST, EBUSY, real EBUSY, ENOENT */
static atomic_uint_fast64_t ranges[2], forks; /* of the run */
static atomic_int stop;

static uint64_t random_below(uint64_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % n;
}

static int refuse(int64_t *out, int err, int64_t value)
{
    *out = value;
    errno = err;
    return -1;
}

static int64_t *out_of(unsigned long request, void *arg)
{
    if (request == UFFDIO_MOVE)
        return (int64_t *)&((struct uffdio_move *)arg)->move;
    if (request == UFFDIO_COPY)
        return (int64_t *)&((struct uffdio_copy *)arg)->copy;
    return (int64_t *)&((struct uffdio_zeropage *)arg)->zeropage;
}

/* The first page is filled by another thread, which does not wake: EEXIST. */
static int overtaken(int fd, const struct uffdio_move *move, int64_t *out)
{
    struct uffdio_copy copy = {.dst = move->dst, .src = move->src, .len = page_size, .mode = UFFDIO_COPY_MODE_DONTWAKE};
    unsigned char resident;
    if (mincore((void *)(uintptr_t)move->src, page_size, &resident) < 0 || !(resident & 1) ||
        ioctl(fd, UFFDIO_COPY, &copy) < 0)
        return 0;
    injected[2]++;
    return refuse(out, EEXIST, -EEXIST);
}

static int faulty_ioctl(int fd, unsigned long request, void *arg)
{
    if (request != UFFDIO_MOVE && request != UFFDIO_COPY && request != UFFDIO_ZEROPAGE)
        return ioctl(fd, request, arg);
    int64_t *out = out_of(request, arg);
    uint64_t kind = random_below(10);
    if (kind == 0) {
        const int64_t ways[] = {-EAGAIN, 0, UFFD_FILL_UNTOUCHED};
        injected[1]++;
        return refuse(out, EAGAIN, ways[random_below(3)]);
    }
    if (request == UFFDIO_MOVE) {
        struct uffdio_move *move = arg;
        if (kind == 1) {
            injected[3]++;
            return refuse(out, EBUSY, -EBUSY);
        }
        if (kind == 2 && overtaken(fd, move, out))
            return -1;
        if (kind == 4 && uffd_fill_hole(move->src, page_size) == -EBUSY) {
            injected[5]++;
            return refuse(out, ENOENT, -ENOENT);
        }
        if (kind == 3 && move->len > page_size) {
            uint64_t len = move->len;
            move->len = page_size * (1 + random_below(len / page_size - 1));
            int rc = ioctl(fd, request, arg);
            move->len = len;
            injected[0] += rc == 0;
            return rc < 0 ? rc : refuse(out, EAGAIN, *out);
        }
    }
    int rc = ioctl(fd, request, arg);
    injected[4] += rc < 0 && errno == EBUSY;
    return rc;
}

struct waiter {
    const volatile uint64_t *word;
    uint64_t value;
};

static void *touch(void *arg)
{
    struct waiter *waiter = arg;
    waiter->value = *waiter->word;
    return NULL;
}

static void fail(const char *what, int err)
{
    fprintf(stderr, "%s: %s\n", what, strerror(err));
    exit(1);
}

static uint64_t map(void)
{
    void *area = mmap(NULL, PAGES * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED)
        fail("mmap", errno);
    madvise(area, PAGES * page_size, MADV_NOHUGEPAGE);
    return (uint64_t)(uintptr_t)area;
}

static int open_uffd(void)
{
    struct uffdio_api api = {.api = UFFD_API};
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | 1 /* UFFD_USER_MODE_ONLY */);
    if (fd < 0 || ioctl(fd, UFFDIO_API, &api) < 0)
        fail("userfaultfd", errno);
    return fd;
}

/* While a page is being swapped out, or a child shares it, MOVE gives EBUSY. */
static void *disturb(void *arg)
{
    while (!atomic_load(&stop)) {
        for (int i = 0; i < 2; i++)
            madvise((void *)(uintptr_t)atomic_load(&ranges[i]), PAGES * page_size, MADV_PAGEOUT);
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        if (child > 0)
            waitpid(child, NULL, 0);
        atomic_fetch_add(&forks, child > 0);
    }
    return arg;
}

static uint64_t word_of(uint64_t run, uint64_t i)
{
    return run * 1000 + i + 1;
}

static void one_run(uint64_t run, struct uffd_fill_count *count)
{
    uint64_t src = map(), dst = map(), bytes = PAGES * page_size, holes = 0;
    int fd = open_uffd();
    struct uffdio_register registered = {.range = {dst, bytes}, .mode = UFFDIO_REGISTER_MODE_MISSING};
    int flags = run % 4 == 0 ? UFFD_FILL_PROTECT : 0;
    atomic_store(&ranges[0], src);
    atomic_store(&ranges[1], dst);
    if (flags)
        registered.mode |= UFFDIO_REGISTER_MODE_WP;
    if (ioctl(fd, UFFDIO_REGISTER, &registered) < 0)
        fail("UFFDIO_REGISTER", errno);
    for (uint64_t i = 0; i < PAGES; i++)
        if (random_below(8))
            *(uint64_t *)(uintptr_t)(src + i * page_size) = word_of(run, i);
        else
            holes |= 1u << i;
    pid_t child = run % 50 == 0 ? fork() : -1; /* until it ends, and pages are written, they are shared: EBUSY */
    if (child == 0)
        _exit(0);
    if (child > 0)
        waitpid(child, NULL, 0);

    uint64_t touched = run % 4 == 1 ? 0 : random_below(PAGES);
    struct waiter waiter = {.word = (uint64_t *)(uintptr_t)(dst + touched * page_size)};
    pthread_t thread;
    if (pthread_create(&thread, NULL, touch, &waiter))
        fail("pthread_create", EAGAIN);
    struct pollfd fault = {.fd = fd, .events = POLLIN};
    if (run % 2 && poll(&fault, 1, 10000) != 1) /* in every second run it sleeps already */
        fail("no fault", ETIMEDOUT);
    int err = uffd_fill(fd, dst, src, bytes, flags, count);
    if (err)
        fail("uffd_fill", -err);
    pthread_join(thread, NULL); /* a lost wake-up hangs here; the test has a time limit */

    for (uint64_t i = 0; i < PAGES; i++) {
        uint64_t seen = *(volatile uint64_t *)(uintptr_t)(dst + i * page_size);
        if (seen != (holes >> i & 1 ? 0 : word_of(run, i))) {
            fprintf(stderr, "run %llu: page %llu has the wrong contents\n", (unsigned long long)run,
                    (unsigned long long)i);
            exit(1);
        }
    }
    close(fd);
    munmap((void *)(uintptr_t)src, bytes);
    munmap((void *)(uintptr_t)dst, bytes);
}

int main(int argc, char **argv)
{
    struct uffd_fill_count count = {0};
    uint64_t runs = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000;
    seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    page_size = (uint64_t)sysconf(_SC_PAGESIZE);
    pthread_t disturber;
    if (argc > 3 && pthread_create(&disturber, NULL, disturb, NULL))
        fail("pthread_create", EAGAIN);
    for (uint64_t run = 0; run < runs; run++)
        one_run(run, &count);
    atomic_store(&stop, 1);
    if (argc > 3)
        pthread_join(disturber, NULL);
    printf("runs %llu short %llu eagain %llu eexist %llu ebusy %llu real_ebusy %llu enoent %llu "
           "moved %llu copied %llu zeroed %llu already %llu forks %llu\n",
           (unsigned long long)runs, (unsigned long long)injected[0], (unsigned long long)injected[1],
           (unsigned long long)injected[2], (unsigned long long)injected[3], (unsigned long long)injected[4],
           (unsigned long long)injected[5], (unsigned long long)count.moved, (unsigned long long)count.copied,
           (unsigned long long)count.zeroed, (unsigned long long)count.already, (unsigned long long)forks);
    return count.moved + count.copied + count.zeroed + count.already == runs * PAGES ? 0 : 1;
}
#endif
