#define _GNU_SOURCE
#include "heap/costs.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/platform.h"
#include "base/uapi.h"
#include "heap/sigbus.h"
#include "uffd/uffd.h"

#define PAGES 512
#define FLUSHES 400
#define SPANS 9

static int ascending(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static uint64_t median(uint64_t *values, uint64_t n)
{
    qsort(values, n, sizeof(*values), ascending);
    return values[n / 2];
}

struct served {
    const struct gcp_uffd *uffd;
    uint64_t page;
    uint64_t ns;
};

static int serve(void *context, uint64_t address, int stage)
{
    struct served *served = context;
    uint64_t begin = gcp_now();
    struct gcp_outcome did = gcp_uffd_zeropage(served->uffd, address & ~(served->page - 1), served->page, 0);
    served->ns = gcp_now() - begin;
    (void)stage;
    return did.err;
}

/* Reads of pages that are missing (a write to the zero page would be a second fault), less what the handler took. */
static int touch_missing(char *region, struct served *served, uint64_t *ret)
{
    uint64_t spans[PAGES];
    for (uint64_t i = 0; i < PAGES; i++) {
        uint64_t begin = gcp_now();
        (void)*(volatile char *)(region + i * served->page);
        uint64_t ns = gcp_now() - begin;
        spans[i] = ns > served->ns ? ns - served->ns : 0;
    }
    *ret = median(spans, PAGES);
    return 0;
}

static int measure_delivery(uint64_t page, uint64_t *ret)
{
    struct gcp_uffd uffd;
    int err = gcp_uffd_init(GCP_UFFD_FEATURE_SIGBUS, &uffd);
    if (err)
        return err;
    char *region = gcp_region_alloc(PAGES * page, 0);
    struct served served = {&uffd, page, 0};
    struct gcp_service service = {gcp_address_of(region), PAGES * page, serve, &served};
    err = region ? -gcp_uffd_register(&uffd, gcp_address_of(region), PAGES * page, NULL).err : -ENOMEM;
    if (!err)
        err = gcp_service_start(&service);
    if (!err) {
        gcp_service_open();
        err = touch_missing(region, &served, ret);
        gcp_service_drain(0, NULL);
        gcp_service_drain(1, NULL);
        gcp_service_stop();
    }
    if (region)
        gcp_region_free(region, PAGES * page);
    gcp_uffd_deinit(&uffd);
    return err;
}

static int measure_minor(uint64_t page, uint64_t *ret)
{
    uint64_t spans[PAGES];
    char *region = gcp_region_alloc(PAGES * page, 0);
    if (!region)
        return -ENOMEM;
    gcp_region_small(gcp_address_of(region), PAGES * page);
    for (uint64_t i = 0; i < PAGES; i++) {
        uint64_t begin = gcp_now();
        *(volatile char *)(region + i * page) = 1;
        spans[i] = gcp_now() - begin;
    }
    *ret = median(spans, PAGES);
    gcp_region_free(region, PAGES * page);
    return 0;
}

struct flusher {
    pthread_t thread;
    int32_t cpu;
    char *page;
    _Atomic uint32_t go;
    uint64_t bytes;
};

/* Unmaps a page of its own again and again: each time all processors that run this address space are told. */
static void *flush(void *context)
{
    struct flusher *f = context;
    gcp_pin_cpu(f->cpu);
    while (!atomic_load(&f->go))
        sched_yield();
    for (int i = 0; i < FLUSHES; i++) {
        *(volatile char *)f->page = 1;
        madvise(f->page, f->bytes, MADV_DONTNEED);
    }
    atomic_store(&f->go, 0);
    return NULL;
}

static uint64_t work(uint64_t steps)
{
    uint64_t begin = gcp_now();
    for (volatile uint64_t i = 0; i < steps; i++)
        ;
    return gcp_now() - begin;
}

/* The same work beside the flusher until it is through, and alone: what it took longer, for each flush. */
static uint64_t lost_beside(struct flusher *f)
{
    enum { STEPS = 2000 };
    uint64_t alone[SPANS], beside = 0, rounds = 0;
    for (int i = 0; i < SPANS; i++)
        alone[i] = work(STEPS);
    atomic_store(&f->go, 1);
    while (atomic_load(&f->go)) {
        beside += work(STEPS);
        rounds++;
    }
    uint64_t least = rounds * median(alone, SPANS);
    return beside > least ? (beside - least) / FLUSHES : 0;
}

static int measure_shoot_down(uint64_t page, int32_t other, uint64_t *ret)
{
    struct flusher f = {.cpu = other, .page = gcp_region_alloc(page, 0), .bytes = page};
    if (!f.page)
        return -ENOMEM;
    int err = pthread_create(&f.thread, NULL, flush, &f);
    if (!err) {
        *ret = lost_beside(&f);
        pthread_join(f.thread, NULL);
    }
    gcp_region_free(f.page, page);
    return -err;
}

int32_t gcp_fault_costs_measure(int32_t worker, int32_t other, struct gcp_fault_costs *ret)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    cpu_set_t before;
    *ret = (struct gcp_fault_costs){0};
    if (sched_getaffinity(0, sizeof(before), &before) < 0)
        return -errno;
    int err = gcp_pin_cpu(worker);
    if (!err)
        err = measure_delivery(page, &ret->delivery);
    if (!err)
        err = measure_minor(page, &ret->minor_fault);
    if (!err && worker >= 0 && other >= 0 && worker != other)
        err = measure_shoot_down(page, other, &ret->shoot_down);
    sched_setaffinity(0, sizeof(before), &before);
    return err;
}
