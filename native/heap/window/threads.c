/* The threads of a window: touch, sweep, serve faults. */
#define _GNU_SOURCE
#include <errno.h>
#include <time.h>

#include "base/content.h"
#include "heap/window/state.h"
#include "base/address.h"

/* Touches between two samples of the processor that the thread runs on; a power of two. */
#define LOOK_EVERY 64

/*
 * The thread's mutator, for the SIGBUS handler that runs on it.  The linker makes the TLS model initial-exec where it
 * can.
 */
static _Thread_local struct gcp_window_mutator *self;

static uint64_t mapped(const struct gcp_account *account)
{
    return account->moved + account->copied + account->copied_after_ebusy + account->zeroed;
}

static uint64_t calls(const struct gcp_account *account)
{
    return account->move_calls + account->copy_calls + account->zeropage_calls;
}

/*
 * Without page states: one ioctl for all pages asked, whatever is already mapped.  Returns what gcp_pages_map returns.
 */
static int64_t map_unseen(struct gcp_window *window, uint64_t index, uint64_t limit, const struct gcp_map_how *how,
                          struct gcp_account *account)
{
    struct gcp_pages *pages = &window->pages;
    if (limit > pages->count - index)
        limit = pages->count - index;
    if (pages->region && limit > pages->region - index % pages->region)
        limit = pages->region - index % pages->region;
    return gcp_pages_map_from(pages, index, pages->from + index * pages->page, limit, how, account);
}

static int64_t map(struct gcp_window *window, uint64_t index, uint64_t limit, const struct gcp_map_how *how,
                   struct gcp_account *account)
{
    return window->config->no_states ? map_unseen(window, index, limit, how, account)
                                     : gcp_pages_map(&window->pages, index, limit, how, account);
}

static bool perhaps_unmapped(const struct gcp_window *window, uint64_t index)
{
    return window->config->no_states || gcp_page_state(&window->pages, index) == GCP_PAGE_PROCESSED;
}

/*
 * Map the page that faulted first, then the pages of its group that are ready and not yet mapped.  The order is upwards
 * from the page, then from the start of the group up to it.  Returns a negative errno, or enum gcp_served.
 */
static int serve(struct gcp_window *window, struct gcp_window_server *server, uint64_t address)
{
    uint64_t begin = gcp_now(), group = window->config->fault_pages;
    uint64_t index = (address - window->pages.to) / window->page, first = index / group * group;
    const struct gcp_map_how how = {.by = window->config->fault_by};
    uint64_t before = mapped(&server->account);

    int64_t done = map(window, index, first + group - index, &how, &server->account);
    bool own = mapped(&server->account) > before;
    if (done > 0 && first < index && perhaps_unmapped(window, first))
        done = map(window, first, index - first, &how, &server->account);
    gcp_histogram_record(&server->fault, gcp_now() - begin);
    if (done < 0)
        return (int)done;
    return own ? GCP_SERVED_MAPPED : GCP_SERVED_WAKE;
}

int gcp_window_serve(void *context, uint64_t address, int stage)
{
    (void)stage; /* when stage 0 is over, every page is mapped */
    if (!self)
        return ESRCH; /* only mutators touch to-space while it is registered */
    int done = serve(context, &self->server, address);
    return done < 0 ? -done : 0;
}

int gcp_window_answer(void *context, uint64_t address)
{
    struct gcp_window *window = context;
    return serve(window, window->server, address);
}

/* Unregistering wakes all sleepers: mutators find zeroes, and the window reports why. */
void gcp_window_answer_failed(void *context, int err)
{
    struct gcp_window *window = context;
    window->fault_err = err;
    gcp_uffd_unregister(&window->uffd, window->pages.to, window->bytes);
}

static void touch_all(struct gcp_window_mutator *mutator)
{
    struct gcp_window *window = mutator->window;
    for (uint64_t i = mutator->first; i < mutator->end; i++) {
        uint64_t index = window->order[i];
        const volatile uint64_t *word = (const volatile uint64_t *)gcp_at(window->pages.to + index * window->page);
        uint64_t begin = gcp_now();
        uint64_t value = *word;
        gcp_histogram_record(&mutator->access, gcp_now() - begin);
        mutator->wrong += value != gcp_content(window->config->seed, index, 0);
        if ((i & (LOOK_EVERY - 1)) == 0)
            gcp_ran_look(&mutator->seen.ran);
    }
}

/* Time that the thread has waited for a processor since `before`, if the kernel tells. */
static uint64_t queued_since(uint64_t before)
{
    uint64_t now = gcp_thread_queued();
    return before == GCP_UNKNOWN || now == GCP_UNKNOWN ? GCP_UNKNOWN : now - before;
}

void *gcp_window_mutate(void *arg)
{
    struct gcp_window_mutator *mutator = arg;
    struct gcp_window *window = mutator->window;
    struct gcp_window_thread *seen = &mutator->seen;

    self = mutator;
    mutator->err = -gcp_ran_begin(window->config->mutator_cpu[mutator->number], &seen->ran);
    uint64_t queued = gcp_thread_queued();
    if (gcp_gate_wait(&window->gate) < 0)
        return NULL;
    mutator->begun = gcp_now();
    uint64_t cpu = gcp_thread_cpu();
    gcp_ran_look(&seen->ran);
    touch_all(mutator);
    mutator->finished = gcp_now();
    seen->cpu_ns = gcp_thread_cpu() - cpu;
    gcp_ran_look(&seen->ran);
    seen->queued_ns = queued_since(queued);
    seen->access_ns = mutator->access.sum;
    seen->fault_ns = mutator->server.fault.sum;
    return NULL;
}

/*
 * From high to low addresses, as ART's collector thread: each group of pages in as few ioctls as other threads'
 * mappings allow.
 */
static int sweep(struct gcp_window *window)
{
    const struct gcp_window_config *config = window->config;
    const struct gcp_map_how how = {.by = config->collector_by};
    struct gcp_account *account = &window->result->collector;
    for (uint64_t end = config->pages, first; end; end = first) {
        first = end > config->collector_pages ? end - config->collector_pages : 0;
        gcp_ran_look(&window->result->sweeper.ran);
        for (uint64_t at = first; at < end;) {
            if (!perhaps_unmapped(window, at)) {
                at++;
                continue;
            }
            uint64_t calls_before = calls(account), mapped_before = mapped(account);
            int64_t done = map(window, at, end - at, &how, account);
            if (done < 0)
                return (int)done;
            if (calls(account) > calls_before)
                gcp_histogram_record(&window->result->runs, mapped(account) - mapped_before);
            at += (uint64_t)done;
        }
    }
    return 0;
}

/* Called when all threads are at the gate: check that each is bound to its processor. */
static int all_ready(struct gcp_window *window, int err)
{
    window->what = "binding the collector's thread to its processor";
    for (uint32_t i = 0; !err && i < window->config->mutators; i++) {
        err = -window->mutators[i].err;
        window->what = "binding a mutator to its processor";
    }
    return err;
}

static void sleep_for(uint64_t ns)
{
    struct timespec left = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

void *gcp_window_collect(void *arg)
{
    struct gcp_window *window = arg;
    const struct gcp_window_config *config = window->config;
    struct gcp_window_thread *seen = &window->result->sweeper;

    int err = gcp_ran_begin(config->collector_cpu, &seen->ran);
    gcp_gate_await(&window->gate, config->mutators);
    window->err = -all_ready(window, err);
    if (window->err) {
        gcp_gate_cancel(&window->gate);
        return NULL;
    }
    gcp_ran_look(&seen->ran);
    uint64_t queued = gcp_thread_queued(), cpu = gcp_thread_cpu();
    window->started = gcp_gate_open(&window->gate) + config->skew_ns;
    if (config->late_ns)
        sleep_for(config->late_ns);
    if (config->collector_pages) {
        window->err = -sweep(window);
        window->what = "the collector's sweep";
    }
    window->swept = gcp_now();
    seen->cpu_ns = gcp_thread_cpu() - cpu;
    gcp_ran_look(&seen->ran);
    seen->queued_ns = queued_since(queued);
    return NULL;
}
