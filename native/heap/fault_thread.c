#define _GNU_SOURCE
#include "heap/fault_thread.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "heap/pages.h"
#include "base/uapi.h"

static void answer(struct gcp_fault_thread *thread, uint64_t address)
{
    const struct gcp_fault_thread_how *how = &thread->how;
    int served = GCP_SERVED_WAKE;
    atomic_store(&thread->inside, true);
    gcp_ran_look(&thread->ran);
    if (atomic_load(&thread->open))
        served = how->serve(how->context, address);
    if (served < 0) {
        atomic_store(&thread->open, false);
        how->failed(how->context, -served);
    }
    atomic_store(&thread->inside, false);
    if (served != GCP_SERVED_MAPPED) {
        atomic_fetch_add_explicit(&thread->wakes, 1, memory_order_relaxed);
        gcp_uffd_wake(how->uffd, address, how->page);
    }
}

/* Read the next message.  1: there is one; 0: none, or the thread is to end (*ret_end); -errno. */
static int next(struct gcp_fault_thread *thread, struct gcp_uapi_msg *ret, bool *ret_end)
{
    struct pollfd waits[] = {{.fd = thread->how.uffd->fd, .events = POLLIN}, {.fd = thread->quit[0]}};
    if (poll(waits, 2, -1) < 0)
        return errno == EINTR ? 0 : -errno;
    *ret_end = waits[1].revents != 0;
    if (*ret_end)
        return 0;
    if (!(waits[0].revents & POLLIN))
        return -EIO; /* POLLERR or POLLNVAL: poll would report it forever */
    ssize_t got = read(thread->how.uffd->fd, ret, sizeof(*ret));
    /* EAGAIN: the thread was woken before its message was read, and the kernel withdrew the message. */
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    return got == (ssize_t)sizeof(*ret) ? 1 : -EIO;
}

static void *run(void *arg)
{
    struct gcp_fault_thread *thread = arg;
    struct gcp_uapi_msg message;
    bool end = false;
    while (!end) {
        int got = next(thread, &message, &end);
        if (got < 0) {
            thread->how.failed(thread->how.context, -got);
            return NULL;
        }
        /* Other events were not requested. */
        if (got && message.event == GCP_UFFD_EVENT_PAGEFAULT)
            answer(thread, message.arg[1] & ~(thread->how.page - 1));
    }
    return NULL;
}

/* With all signals blocked: the main thread handles them. */
static int create(struct gcp_fault_thread *thread)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&thread->thread, NULL, run, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err;
}

int gcp_fault_thread_start(const struct gcp_fault_thread_how *how, struct gcp_fault_thread *ret)
{
    *ret = (struct gcp_fault_thread){.how = *how, .ran = {.asked = -1, .first = -1, .last = -1}};
    if (pipe2(ret->quit, O_CLOEXEC) < 0)
        return -errno;
    int err = create(ret);
    ret->running = !err;
    if (err) {
        close(ret->quit[0]);
        close(ret->quit[1]);
    }
    return -err;
}

int gcp_fault_thread_pin(struct gcp_fault_thread *thread, int32_t cpu)
{
    cpu_set_t set;
    if (cpu < 0)
        return 0;
    if (!thread->running)
        return -ESRCH;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    int err = pthread_setaffinity_np(thread->thread, sizeof(set), &set);
    if (!err)
        thread->ran.asked = cpu;
    return -err;
}

void gcp_fault_thread_open(struct gcp_fault_thread *thread)
{
    atomic_store(&thread->open, true);
}

void gcp_fault_thread_drain(struct gcp_fault_thread *thread)
{
    atomic_store(&thread->open, false);
    for (uint32_t tries = 0; atomic_load(&thread->inside); tries++)
        gcp_back_off(tries);
}

uint64_t gcp_fault_thread_cpu(const struct gcp_fault_thread *thread)
{
    clockid_t clock;
    struct timespec used;
    if (!thread->running || pthread_getcpuclockid(thread->thread, &clock) || clock_gettime(clock, &used) < 0)
        return 0;
    return (uint64_t)used.tv_sec * 1000000000ULL + (uint64_t)used.tv_nsec;
}

void gcp_fault_thread_stop(struct gcp_fault_thread *thread)
{
    if (!thread->running)
        return;
    close(thread->quit[1]); /* causes POLLHUP, which is always delivered */
    pthread_join(thread->thread, NULL);
    close(thread->quit[0]);
    thread->running = false;
}
