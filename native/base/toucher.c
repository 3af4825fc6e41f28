#define _GNU_SOURCE
#include "base/toucher.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/platform.h"
#include "base/address.h"

#define TOUCHED_PAGES 64
#define AWAITED_NS 100000000ULL
#define SOON_NS 20000

static uint64_t cpu_of(pthread_t thread)
{
    clockid_t clock;
    struct timespec time;
    if (pthread_getcpuclockid(thread, &clock) || clock_gettime(clock, &time))
        return 0;
    return (uint64_t)time.tv_sec * 1000000000ULL + (uint64_t)time.tv_nsec;
}

static void *sweep(void *arg)
{
    struct gcp_toucher *toucher = arg;
    int err = gcp_pin_cpu(toucher->cpu);
    if (err)
        toucher->err = -err;
    while (!atomic_load_explicit(&toucher->stop, memory_order_relaxed)) {
        for (uint64_t at = 0; at < toucher->bytes; at += toucher->page)
            toucher->pages[at]++;
        atomic_fetch_add_explicit(&toucher->sweeps, 1, memory_order_release);
        uint64_t asked = atomic_load_explicit(&toucher->asked, memory_order_relaxed);
        if (asked != atomic_load_explicit(&toucher->answered, memory_order_relaxed)) {
            /* To read a thread's clock the kernel updates its share, and may find the share used up.  This thread is
             * then preempted on return to user space, and answers when it runs again. */
            atomic_store(&toucher->had, cpu_of(pthread_self()));
            atomic_store(&toucher->answered, asked);
        }
    }
    return NULL;
}

int gcp_toucher_start(int32_t cpu, struct gcp_toucher *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->cpu = cpu;
    ret->page = (uint64_t)sysconf(_SC_PAGESIZE);
    ret->bytes = TOUCHED_PAGES * ret->page;
    ret->pages = gcp_region_alloc(ret->bytes, 0);
    if (!ret->pages)
        return -ENOMEM;

    /* The main thread handles signals. */
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int err = pthread_create(&ret->thread, NULL, sweep, ret);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (err) {
        gcp_region_free((void *)ret->pages, ret->bytes);
        return -err;
    }
    ret->running = true;
    while (atomic_load_explicit(&ret->sweeps, memory_order_acquire) == 0)
        sched_yield();
    return -ret->err;
}

uint64_t gcp_toucher_cpu(const struct gcp_toucher *toucher)
{
    return toucher->running ? cpu_of(toucher->thread) : 0;
}

/* Ask for its CPU time.  Returns whether the answer came soon enough to show that both threads run. */
static bool asks(struct gcp_toucher *toucher, uint64_t until)
{
    uint64_t start = gcp_now();
    uint64_t asked = atomic_fetch_add(&toucher->asked, 1) + 1;
    while (atomic_load(&toucher->answered) < asked)
        if (gcp_now() >= until)
            return false;
    return gcp_now() < start + SOON_NS;
}

uint64_t gcp_toucher_await(struct gcp_toucher *toucher)
{
    uint64_t until = gcp_now() + AWAITED_NS;
    while (toucher->running && gcp_now() < until)
        if (asks(toucher, until))
            return atomic_load(&toucher->had);
    return gcp_toucher_cpu(toucher);
}

uint64_t gcp_toucher_stop(struct gcp_toucher *toucher)
{
    if (!toucher->running)
        return 0;
    atomic_store(&toucher->stop, true);
    pthread_join(toucher->thread, NULL);
    gcp_region_free((void *)toucher->pages, toucher->bytes);
    toucher->running = false;
    return atomic_load(&toucher->sweeps);
}

int gcp_toucher_create(int32_t cpu, struct gcp_toucher **ret)
{
    struct gcp_toucher *made = malloc(sizeof(*made));
    *ret = NULL;
    if (!made)
        return -ENOMEM;
    int err = gcp_toucher_start(cpu, made);
    if (err) {
        gcp_toucher_destroy(made);
        return err;
    }
    *ret = made;
    return 0;
}

uint64_t gcp_toucher_sweeps(struct gcp_toucher *toucher)
{
    return atomic_load_explicit(&toucher->sweeps, memory_order_acquire);
}

void gcp_toucher_destroy(struct gcp_toucher *toucher)
{
    gcp_toucher_stop(toucher);
    free(toucher);
}
