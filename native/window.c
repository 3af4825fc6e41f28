#define _GNU_SOURCE
#include "window.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "content.h"
#include "platform.h"
#include "proof.h"
#include "sigbus.h"
#include "uapi.h"

struct window;

/* One mutator; only its own thread writes it, its handler included. */
struct mutator {
    struct window *window;
    pthread_t thread;
    uint32_t number;
    uint64_t first; /* its share of the permutation */
    uint64_t end;
    uint64_t finished; /* when it was through */
    uint64_t wrong;
    struct gcp_histogram access;
    struct gcp_histogram fault;
    struct gcp_map_account account;
};

struct window {
    const struct gcp_window_config *config;
    struct gcp_window_result *result;
    struct gcp_uffd uffd;
    struct gcp_pages pages;
    uint64_t page;
    uint64_t bytes;
    uint32_t *order;
    struct mutator *mutators;
    pthread_barrier_t start;
    uint64_t started;
};

/* Which mutator this thread is: the handler runs on it.  The model is initial-exec where the linker can have it. */
static _Thread_local struct mutator *self;

static int serve(void *context, uint64_t address, int stage)
{
    struct window *window = context;
    struct mutator *mutator = self;
    (void)stage; /* when it is over, every page is mapped */
    uint64_t begin = gcp_now(), group = window->config->fault_pages;
    uint64_t index = (address - window->pages.to) / window->page, first = index / group * group;
    struct gcp_map_how how = {.by = window->config->fault_by};
    int64_t done = 0;

    if (!mutator)
        return ESRCH; /* nobody but mutators touches to-space while it is registered */
    /*
     * The page that faulted comes first.  Then the rest of its group, as far as it is ready and nobody else was there:
     * upwards from the page, then from the start of the group up to it.
     */
    done = gcp_pages_map(&window->pages, index, first + group - index, &how, &mutator->account);
    if (done > 0 && first < index && gcp_page_state(&window->pages, first) == GCP_PAGE_PROCESSED)
        done = gcp_pages_map(&window->pages, first, index - first, &how, &mutator->account);
    gcp_histogram_record(&mutator->fault, gcp_now() - begin);
    return done < 0 ? (int)-done : 0;
}

static void *mutate(void *arg)
{
    struct mutator *mutator = arg;
    struct window *window = mutator->window;
    const struct gcp_window_config *config = window->config;

    self = mutator;
    if (config->mutator_cpu >= 0)
        gcp_pin_cpu((config->mutator_cpu + (int32_t)mutator->number) % (int32_t)sysconf(_SC_NPROCESSORS_ONLN));
    pthread_barrier_wait(&window->start);
    for (uint64_t i = mutator->first; i < mutator->end; i++) {
        uint64_t index = window->order[i];
        const volatile uint64_t *word = (const volatile uint64_t *)(uintptr_t)(window->pages.to + index * window->page);
        uint64_t begin = gcp_now();
        uint64_t value = *word;
        gcp_histogram_record(&mutator->access, gcp_now() - begin);
        mutator->wrong += value != gcp_content(config->seed, index, 0);
    }
    mutator->finished = gcp_now();
    return NULL;
}

/* From high to low addresses, as ART's collector thread: each group of pages in as few ioctls as others left it. */
static int sweep(struct window *window)
{
    const struct gcp_window_config *config = window->config;
    const struct gcp_map_how how = {.by = config->collector_by};
    uint64_t end = config->pages;
    while (end) {
        uint64_t first = end > config->collector_pages ? end - config->collector_pages : 0;
        for (uint64_t at = first; at < end;) {
            if (gcp_page_state(&window->pages, at) == GCP_PAGE_PROCESSED_AND_MAPPED) {
                at++;
                continue;
            }
            uint64_t calls = window->result->collector.move_calls + window->result->collector.copy_calls;
            int64_t done = gcp_pages_map(&window->pages, at, end - at, &how, &window->result->collector);
            if (done < 0)
                return (int)done;
            if (window->result->collector.move_calls + window->result->collector.copy_calls > calls)
                gcp_histogram_record(&window->result->runs, (uint64_t)done);
            at += (uint64_t)done;
        }
        end = first;
    }
    return 0;
}

static void shuffle(uint32_t *order, uint64_t n, uint64_t seed)
{
    for (uint64_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    for (uint64_t i = n; i > 1; i--) {
        uint64_t other = gcp_content(seed, i, 1) % i;
        uint32_t kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}

static int failed(struct window *window, int err, const char *what)
{
    snprintf(window->result->reason, sizeof(window->result->reason), "%s: %s", what, strerror(-err));
    window->result->err = -err;
    return err;
}

/*
 * Mappings that differ in a flag which nothing here looks at (VM_DONTDUMP) can't share an anon_vma, and MOVE takes that
 * of the source for writing before "mm/userfaultfd: don't lock anon_vma when performing UFFDIO_MOVE" (6.19).
 */
static void cut(struct window *window, char *from)
{
    uint64_t region = window->config->region_pages * window->page;
    for (uint64_t at = region; region && at < window->bytes; at += 2 * region)
        madvise(from + at, at + region < window->bytes ? region : window->bytes - at, MADV_DONTDUMP);
}

static int set_up(struct window *window)
{
    const struct gcp_window_config *config = window->config;
    char *from = gcp_region_alloc(window->bytes, 0), *to = gcp_region_alloc(window->bytes, 0);
    window->pages.from = (uint64_t)(uintptr_t)from;
    window->pages.to = (uint64_t)(uintptr_t)to;
    window->order = malloc(config->pages * sizeof(*window->order));
    window->mutators = calloc(config->mutators, sizeof(*window->mutators));
    if (!from || !to || !window->order || !window->mutators)
        return failed(window, -ENOMEM, "memory for both spaces");
    madvise(from, window->bytes, MADV_NOHUGEPAGE);
    madvise(to, window->bytes, MADV_NOHUGEPAGE);
    cut(window, from);
    gcp_content_fill(window->pages.from, 0, config->pages, config->seed);
    shuffle(window->order, config->pages, config->seed);

    int err = gcp_uffd_init(GCP_UFFD_FEATURE_SIGBUS, &window->uffd);
    if (err)
        return failed(window, err, "userfaultfd");
    if (!(window->uffd.features & GCP_UFFD_FEATURE_SIGBUS))
        return failed(window, -EOPNOTSUPP, "UFFD_FEATURE_SIGBUS");
    err = -gcp_uffd_register(&window->uffd, window->pages.to, window->bytes, NULL).err;
    if (err)
        return failed(window, err, "UFFDIO_REGISTER");
    err = gcp_pages_init(&window->uffd, window->pages.to, window->pages.from, config->pages, &window->pages);
    if (err)
        return failed(window, err, "page states");
    window->pages.region = config->region_pages;
    for (uint64_t i = 0; i < config->pages; i++)
        gcp_pages_publish(&window->pages, i, i);
    return 0;
}

static int start_mutators(struct window *window)
{
    const struct gcp_window_config *config = window->config;
    pthread_barrier_init(&window->start, NULL, config->mutators + 1);
    for (uint32_t i = 0; i < config->mutators; i++) {
        struct mutator *mutator = &window->mutators[i];
        mutator->window = window;
        mutator->number = i;
        mutator->first = config->pages * i / config->mutators;
        mutator->end = config->pages * (i + 1) / config->mutators;
        int err = pthread_create(&mutator->thread, NULL, mutate, mutator);
        if (err) {
            /* Those that wait at the barrier can't be called back: the process that runs windows is ended instead. */
            fprintf(stderr, "gcproto: a thread can't be had: %s\n", strerror(err));
            _exit(118);
        }
    }
    return 0;
}

static void finish(struct window *window)
{
    struct gcp_window_result *result = window->result;
    for (uint32_t i = 0; i < window->config->mutators; i++) {
        struct mutator *mutator = &window->mutators[i];
        pthread_join(mutator->thread, NULL);
        if (mutator->finished - window->started > result->mutator_ns)
            result->mutator_ns = mutator->finished - window->started;
        gcp_histogram_add(&result->access, &mutator->access);
        gcp_histogram_add(&result->fault, &mutator->fault);
        gcp_map_account_add(&result->faults, &mutator->account);
        result->wrong += mutator->wrong;
    }
    pthread_barrier_destroy(&window->start);
}

/* Everything is where it belongs: to-space whole with its contents, from-space empty but for what was copied. */
static void verify(struct window *window)
{
    struct gcp_window_result *result = window->result;
    struct gcp_prover prover;
    struct gcp_view view;
    uint64_t pages = window->config->pages;
    if (gcp_prover_init(&prover) < 0 || gcp_view_init(pages, &view) < 0) {
        failed(window, -ENOMEM, "verification");
        return;
    }
    if (gcp_view_read(&prover, window->pages.to, pages, &view) == 0)
        result->unmapped = pages - view.present - view.swapped;
    if (gcp_view_read(&prover, window->pages.from, pages, &view) == 0)
        result->left = view.present + view.swapped;
    gcp_view_deinit(&view);
    gcp_prover_deinit(&prover);
    /* What is not mapped is no longer registered either: it reads as zeroes and counts as wrong. */
    for (uint64_t i = 0; i < pages; i++)
        result->wrong += gcp_content_check(window->pages.to + i * window->page, i, 1, window->config->seed) >= 0;
}

static int run(struct window *window)
{
    const struct gcp_window_config *config = window->config;
    int err = set_up(window);
    if (err)
        return err;
    struct gcp_service service = {window->pages.to, window->bytes, serve, window};
    err = gcp_service_start(&service);
    if (err)
        return failed(window, err, "the SIGBUS handler");

    gcp_service_open();
    start_mutators(window);
    if (config->collector_cpu >= 0)
        gcp_pin_cpu(config->collector_cpu);
    pthread_barrier_wait(&window->start);
    window->started = gcp_now();
    if (config->collector_pages) {
        err = sweep(window);
        window->result->collector_ns = gcp_now() - window->started;
    }
    finish(window);
    gcp_service_drain(0, NULL);
    gcp_uffd_unregister(&window->uffd, window->pages.to, window->bytes);
    gcp_service_drain(1, NULL);
    gcp_service_stop();
    if (err)
        return failed(window, err, "the collector's sweep");
    verify(window);
    return -window->result->err;
}

int gcp_window_run(const struct gcp_window_config *config, struct gcp_window_result *ret)
{
    struct window window = {.config = config, .result = ret};
    memset(ret, 0, sizeof(*ret));
    window.page = (uint64_t)sysconf(_SC_PAGESIZE);
    window.bytes = config->pages * window.page;
    if (!config->pages || config->pages > GCP_PAGES_MAX || !config->mutators || config->mutators > GCP_MAX_MUTATORS ||
        !config->fault_pages || config->collector_by > GCP_MAP_COPY || config->fault_by > GCP_MAP_COPY)
        return failed(&window, -EINVAL, "no such window");
    int err = run(&window);
    gcp_uffd_deinit(&window.uffd);
    gcp_pages_deinit(&window.pages);
    if (window.pages.from)
        gcp_region_free((void *)(uintptr_t)window.pages.from, window.bytes);
    if (window.pages.to)
        gcp_region_free((void *)(uintptr_t)window.pages.to, window.bytes);
    free(window.order);
    free(window.mutators);
    return err;
}
