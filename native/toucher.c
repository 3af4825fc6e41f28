#define _GNU_SOURCE
#include "toucher.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "platform.h"

#define TOUCHED_PAGES 64

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

    /* Signals are the main thread's business. */
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int err = pthread_create(&ret->thread, NULL, sweep, ret);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (err) {
        gcp_region_free((void *)(uintptr_t)ret->pages, ret->bytes);
        return -err;
    }
    ret->running = true;
    while (atomic_load_explicit(&ret->sweeps, memory_order_acquire) == 0)
        sched_yield();
    return -ret->err;
}

uint64_t gcp_toucher_cpu(const struct gcp_toucher *toucher)
{
    clockid_t clock;
    struct timespec time;
    if (!toucher->running || pthread_getcpuclockid(toucher->thread, &clock) || clock_gettime(clock, &time))
        return 0;
    return (uint64_t)time.tv_sec * 1000000000ULL + (uint64_t)time.tv_nsec;
}

uint64_t gcp_toucher_stop(struct gcp_toucher *toucher)
{
    if (!toucher->running)
        return 0;
    atomic_store(&toucher->stop, true);
    pthread_join(toucher->thread, NULL);
    gcp_region_free((void *)(uintptr_t)toucher->pages, toucher->bytes);
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
