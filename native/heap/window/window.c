/* The life cycle of a window: both spaces, the threads, their times, and the proof. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/content.h"
#include "base/proof.h"
#include "heap/sigbus.h"
#include "base/uapi.h"
#include "heap/window/state.h"
#include "base/address.h"

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

/* Only the first failure is reported. */
static int failed(struct gcp_window *window, int err, const char *what)
{
    if (!window->result->err) {
        snprintf(window->result->reason, sizeof(window->result->reason), "%s: %s", what, strerror(-err));
        window->result->err = -err;
    }
    return err;
}

/*
 * Mappings that differ in a flag (VM_DONTDUMP, which has no effect here) can't share an anon_vma.  Before
 * "mm/userfaultfd: don't lock anon_vma when performing UFFDIO_MOVE" (6.19), MOVE write-locks the anon_vma of the
 * source.
 */
static void cut(struct gcp_window *window, char *from)
{
    uint64_t region = window->config->region_pages * window->page;
    for (uint64_t at = region; region && at < window->bytes; at += 2 * region)
        madvise(from + at, at + region < window->bytes ? region : window->bytes - at, MADV_DONTDUMP);
}

static int set_up(struct gcp_window *window)
{
    const struct gcp_window_config *config = window->config;
    char *from = gcp_region_alloc(window->bytes, 0), *to = gcp_region_alloc(window->bytes, 0);
    window->pages.from = gcp_address_of(from);
    window->pages.to = gcp_address_of(to);
    window->order = malloc(config->pages * sizeof(*window->order));
    window->mutators = calloc(config->mutators, sizeof(*window->mutators));
    window->server = calloc(1, sizeof(*window->server));
    if (!from || !to || !window->order || !window->mutators || !window->server)
        return failed(window, -ENOMEM, "memory for both spaces");
    madvise(from, window->bytes, MADV_NOHUGEPAGE);
    madvise(to, window->bytes, MADV_NOHUGEPAGE);
    cut(window, from);
    gcp_content_fill(window->pages.from, 0, config->pages, config->seed);
    shuffle(window->order, config->pages, config->seed);

    bool by_signal = config->handler == GCP_HANDLER_SIGBUS;
    int err = gcp_uffd_init(by_signal ? GCP_UFFD_FEATURE_SIGBUS : 0, &window->uffd);
    if (err)
        return failed(window, err, "userfaultfd");
    if (by_signal && !(window->uffd.features & GCP_UFFD_FEATURE_SIGBUS))
        return failed(window, -EOPNOTSUPP, "UFFD_FEATURE_SIGBUS");
    err = -gcp_uffd_register(&window->uffd, window->pages.to, window->bytes, NULL).err;
    if (err)
        return failed(window, err, "UFFDIO_REGISTER");
    err = gcp_pages_init(&window->uffd, window->pages.to, window->pages.from, config->pages, &window->pages);
    if (err)
        return failed(window, err, "page states");
    window->pages.region = config->region_pages;
    for (uint64_t i = 0; !config->no_states && i < config->pages; i++)
        gcp_pages_publish(&window->pages, i, i);
    return 0;
}

/* Start the service of faults: on the faulting threads, or on one thread for all. */
static int start_service(struct gcp_window *window)
{
    const struct gcp_window_config *config = window->config;
    if (config->handler == GCP_HANDLER_SIGBUS) {
        const struct gcp_service service = {window->pages.to, window->bytes, gcp_window_serve, window};
        int err = gcp_service_start(&service);
        if (err)
            return failed(window, err, "the SIGBUS handler");
        gcp_service_open();
        return 0;
    }
    const struct gcp_fault_thread_how how = {.uffd = &window->uffd,
                                             .page = window->page,
                                             .serve = gcp_window_answer,
                                             .failed = gcp_window_answer_failed,
                                             .context = window};
    int err = gcp_fault_thread_start(&how, &window->handler);
    if (err)
        return failed(window, err, "the handler thread");
    err = gcp_fault_thread_pin(&window->handler, config->handler_cpu);
    if (err) {
        gcp_fault_thread_stop(&window->handler);
        return failed(window, err, "binding the handler thread to its processor");
    }
    gcp_fault_thread_open(&window->handler);
    return 0;
}

/* Called when no mutator is left, so no fault waits for service. */
static void stop_service(struct gcp_window *window)
{
    struct gcp_window_result *result = window->result;
    if (window->config->handler == GCP_HANDLER_SIGBUS) {
        gcp_service_drain(0, NULL);
        gcp_uffd_unregister(&window->uffd, window->pages.to, window->bytes);
        gcp_service_drain(1, NULL);
        gcp_service_stop();
        return;
    }
    gcp_fault_thread_drain(&window->handler);
    result->handler = window->handler.ran;
    result->handler_cpu_ns = gcp_fault_thread_cpu(&window->handler);
    gcp_fault_thread_stop(&window->handler);
    gcp_uffd_unregister(&window->uffd, window->pages.to, window->bytes);
    gcp_histogram_add(&result->fault, &window->server->fault);
    gcp_account_add(&result->faults, &window->server->account);
    result->wakes = atomic_load(&window->handler.wakes);
    if (window->fault_err)
        failed(window, -window->fault_err, "answering a fault on the handler thread");
}

/*
 * The time from the opening of the gate to a moment that another thread recorded; an impossible one makes the window
 * invalid.
 */
static uint64_t since_start(struct gcp_window *window, uint64_t moment, const char *whose)
{
    uint64_t span;
    if (gcp_span(window->started, moment, &span) < 0 && !window->result->err) {
        snprintf(window->result->reason, sizeof(window->result->reason),
                 "the clock says that %s lies %" PRIu64 " ns before the start of the window", whose,
                 window->started - moment);
        window->result->err = ERANGE;
    }
    return span;
}

static void join_mutators(struct gcp_window *window, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        pthread_join(window->mutators[i].thread, NULL);
}

/* Add up what the threads recorded, after all have ended. */
static void add_up(struct gcp_window *window)
{
    struct gcp_window_result *result = window->result;
    if (window->config->collector_pages)
        result->collector_ns = since_start(window, window->swept, "the end of the sweep");
    result->sweeper.ns = result->collector_ns;
    for (uint32_t i = 0; i < window->config->mutators; i++) {
        struct gcp_window_mutator *mutator = &window->mutators[i];
        mutator->seen.late_ns = since_start(window, mutator->begun, "a mutator's begin");
        mutator->seen.ns = since_start(window, mutator->finished, "a mutator's end");
        if (mutator->seen.ns > result->mutator_ns)
            result->mutator_ns = mutator->seen.ns;
        gcp_histogram_add(&result->access, &mutator->access);
        gcp_histogram_add(&result->fault, &mutator->server.fault);
        gcp_account_add(&result->faults, &mutator->server.account);
        result->wrong += mutator->wrong;
        result->mutator[i] = mutator->seen;
    }
}

/* Run all threads to completion.  0, or -errno if they could not be started. */
static int run_threads(struct gcp_window *window)
{
    const struct gcp_window_config *config = window->config;
    pthread_t collector;
    uint32_t created = 0;
    int err = 0;
    for (; !err && created < config->mutators; created += !err) {
        struct gcp_window_mutator *mutator = &window->mutators[created];
        mutator->window = window;
        mutator->number = created;
        mutator->first = config->pages * created / config->mutators;
        mutator->end = config->pages * (created + 1) / config->mutators;
        err = pthread_create(&mutator->thread, NULL, gcp_window_mutate, mutator);
    }
    if (!err)
        err = pthread_create(&collector, NULL, gcp_window_collect, window);
    if (err) {
        gcp_gate_cancel(&window->gate);
        join_mutators(window, created);
        return failed(window, -err, "creating a thread");
    }
    pthread_join(collector, NULL);
    join_mutators(window, config->mutators);
    return 0;
}

/* Check that to-space is complete with its contents, and from-space empty except for what was copied. */
static void verify(struct gcp_window *window)
{
    struct gcp_window_result *result = window->result;
    struct gcp_prover prover;
    struct gcp_view view;
    uint64_t pages = window->config->pages;
    if (gcp_prover_init(&prover) < 0 || gcp_view_init(pages, &view) < 0) {
        failed(window, -ENOMEM, "verification");
        return;
    }
    int err = gcp_view_read(&prover, window->pages.to, pages, &view);
    result->unmapped = err ? pages : pages - view.present - view.swapped;
    if (!err)
        err = gcp_view_read(&prover, window->pages.from, pages, &view);
    result->left = err ? 0 : view.present + view.swapped;
    if (err)
        failed(window, err, "reading the page tables");
    gcp_view_deinit(&view);
    gcp_prover_deinit(&prover);
    /* Unmapped pages are no longer registered: they read as zeroes and count as wrong. */
    for (uint64_t i = 0; i < pages; i++)
        result->wrong += gcp_content_check(window->pages.to + i * window->page, i, 1, window->config->seed) >= 0;
}

static int run(struct gcp_window *window)
{
    int err = set_up(window);
    if (!err)
        err = start_service(window);
    if (err)
        return err;
    err = run_threads(window);
    stop_service(window);
    if (!err && window->err)
        failed(window, -window->err, window->what);
    if (window->result->err)
        return -window->result->err;
    add_up(window);
    verify(window);
    return -window->result->err;
}

int gcp_window_run(const struct gcp_window_config *config, struct gcp_window_result *ret)
{
    struct gcp_window window = {.config = config, .result = ret};
    memset(ret, 0, sizeof(*ret));
    window.page = (uint64_t)sysconf(_SC_PAGESIZE);
    window.bytes = config->pages * window.page;
    if (!config->pages || config->pages > GCP_PAGES_MAX || !config->mutators || config->mutators > GCP_MAX_MUTATORS ||
        !config->fault_pages || config->collector_by > GCP_VERB_COPY || config->fault_by > GCP_VERB_COPY ||
        config->handler > GCP_HANDLER_THREAD || config->no_states > 1)
        return failed(&window, -EINVAL, "no such window");
    int err = run(&window);
    gcp_uffd_deinit(&window.uffd);
    gcp_pages_deinit(&window.pages);
    if (window.pages.from)
        gcp_region_free(gcp_at(window.pages.from), window.bytes);
    if (window.pages.to)
        gcp_region_free(gcp_at(window.pages.to), window.bytes);
    free(window.order);
    free(window.mutators);
    free(window.server);
    return err;
}
