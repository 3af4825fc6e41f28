/*
 * The window in every combination, for runs under sanitizers: which thread maps a page, clocks, processors, and early
 * ends; also the edge cases of the histogram and the clock.  Its argument N: only each N-th combination.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "uffd/inject.h"
#include "heap/timeline.h"
#include "heap/window/window.h"

#define PAGES 1500
#define TINY 64 /* 256 KiB of small pages: mutators finish before the collector is scheduled */
#define TINY_WINDOWS 200

static int failures;
static unsigned long every = 1;

static void check(int good, const char *what)
{
    printf("%s %s\n", good ? "ok" : "FAILED", what);
    failures += !good;
}

static void histogram_edges(void)
{
    struct gcp_histogram *histogram = calloc(1, sizeof(*histogram)), *both = calloc(1, sizeof(*both));
    if (!histogram || !both)
        abort();
    check(gcp_histogram_quantile(histogram, 500) == 0, "empty histogram");
    for (int bit = 0; bit < 32; bit++) {
        gcp_histogram_record(histogram, 1ULL << bit);
        gcp_histogram_record(histogram, (1ULL << bit) - 1);
    }
    check(histogram->sum == 2 * ((1ULL << 32) - 1) - 32, "sum");
    gcp_histogram_add(both, histogram);
    gcp_histogram_add(both, histogram);
    check(both->sum == 2 * histogram->sum && both->n == 2 * histogram->n, "sum of two");
    for (int bit = 32; bit < 64; bit++) {
        gcp_histogram_record(histogram, 1ULL << bit);
        gcp_histogram_record(histogram, (1ULL << bit) - 1);
    }
    gcp_histogram_record(histogram, UINT64_MAX);
    check(histogram->n == 129 && histogram->max == UINT64_MAX, "every bit width");
    check(gcp_histogram_quantile(histogram, 1000) == UINT64_MAX, "largest value");
    free(histogram);
    free(both);
}

static void clock_edges(void)
{
    struct gcp_timeline timeline;
    uint64_t span = 7, long_one = 10ULL * UINT32_MAX + 5, sum = 0;
    int joined = 1;
    check(gcp_span(5, 5, &span) == 0 && span == 0, "no time");
    check(gcp_span(0, UINT64_MAX, &span) == 0 && span == UINT64_MAX, "all time");
    check(gcp_span(6, 5, &span) == -ERANGE && span == 0, "time backwards");
    if (gcp_timeline_init(16, &timeline) < 0)
        abort();
    gcp_timeline_record(&timeline, GCP_EVENT_PAUSE, 100, 99, 0);
    check(timeline.n == 0 && timeline.backwards == 1, "no event that ends before it begins");
    gcp_timeline_record(&timeline, GCP_EVENT_PAUSE, 100, 100, 0);
    check(timeline.n == 1 && timeline.events[0].ns == 0, "an event without length");
    gcp_timeline_record(&timeline, GCP_EVENT_PAUSE, 1000, 1000 + long_one, 0);
    for (uint64_t i = 1; i < timeline.n; i++) {
        joined &= timeline.events[i].start == 1000 + sum;
        sum += timeline.events[i].ns;
    }
    check(timeline.n == 12 && joined && sum == long_one && !timeline.dropped, "a long event has all of its length");
    gcp_timeline_record(&timeline, GCP_EVENT_PAUSE, 1000, 1000 + long_one, 0);
    check(timeline.n == 16 && timeline.dropped == 1, "no room");
    gcp_timeline_deinit(&timeline);
}

static struct gcp_window_config plain(void)
{
    struct gcp_window_config config = {.pages = PAGES,
                                       .mutators = 3,
                                       .collector_pages = 512,
                                       .fault_pages = 1,
                                       .collector_cpu = -1,
                                       .handler_cpu = -1,
                                       .seed = 1};
    for (int i = 0; i < GCP_MAX_MUTATORS; i++)
        config.mutator_cpu[i] = -1;
    return config;
}

static struct gcp_window_result *run(const struct gcp_window_config *config)
{
    struct gcp_window_result *result = calloc(1, sizeof(*result));
    if (!result)
        abort();
    int err = gcp_window_run(config, result);
    if (err != -result->err || !err != !result->reason[0])
        check(0, "what is returned is what the result says");
    return result;
}

/* All pages once, with their contents, and possible spans. */
static int sound(const struct gcp_window_config *config, const struct gcp_window_result *result, uint64_t outer)
{
    int good = !result->err && !result->wrong && !result->unmapped && result->access.n == config->pages;
    good = good && result->mutator_ns && result->mutator_ns <= outer && result->collector_ns <= outer;
    for (uint32_t i = 0; i < config->mutators; i++) {
        const struct gcp_window_thread *thread = &result->mutator[i];
        good = good && thread->late_ns <= thread->ns && thread->ns <= result->mutator_ns;
        good = good && thread->access_ns <= thread->ns && thread->fault_ns <= thread->access_ns;
    }
    return good;
}

static void window(const struct gcp_window_config *config)
{
    static unsigned long count;
    char name[400];
    if (count++ % every)
        return;
    uint64_t begin = gcp_now();
    struct gcp_window_result *result = run(config);
    snprintf(name, sizeof(name), "collector %u x%u, fault %u x%u, regions %" PRIu64 ", handler %u, no states %u: %s",
             config->collector_by, config->collector_pages, config->fault_by, config->fault_pages, config->region_pages,
             config->handler, config->no_states, result->reason);
    check(sound(config, result, gcp_now() - begin), name);
    free(result);
}

static void mixtures(void)
{
    static const uint32_t BATCHES[] = {0, 1, 16, 512}, GROUPS[] = {1, 16, 1000};
    struct gcp_window_config config = plain();
    for (uint32_t way = 0; way < 16; way++)
        for (size_t b = 0; b < sizeof(BATCHES) / sizeof(BATCHES[0]); b++)
            for (size_t g = 0; g < sizeof(GROUPS) / sizeof(GROUPS[0]); g++) {
                config.collector_by = way & 1;
                config.fault_by = way >> 1 & 1;
                config.handler = way >> 2 & 1;
                config.no_states = way >> 3;
                config.collector_pages = BATCHES[b];
                config.fault_pages = GROUPS[g];
                config.region_pages = g == 1 ? 100 : 0;
                config.seed = b * 10 + g;
                window(&config);
            }
}

/*
 * Windows that end before the collector is scheduled.  When its clock was read after the barrier, nearly all of them
 * had mutators that ended before they began.
 */
static void tiny(void)
{
    struct gcp_window_config config = plain();
    int good = 0;
    config.pages = TINY;
    config.mutators = 2;
    for (uint64_t seed = 0; seed < TINY_WINDOWS; seed++) {
        config.seed = seed;
        config.handler = seed & 1;
        config.fault_by = config.collector_by = seed >> 1 & 1;
        uint64_t begin = gcp_now();
        struct gcp_window_result *result = run(&config);
        good += sound(&config, result, gcp_now() - begin);
        free(result);
    }
    check(good == TINY_WINDOWS, "tiny windows have spans that can be");
}

static void late_collector(void)
{
    struct gcp_window_config config = plain();
    config.pages = TINY;
    config.late_ns = 30000000;
    uint64_t begin = gcp_now();
    struct gcp_window_result *result = run(&config);
    uint64_t outer = gcp_now() - begin;
    check(sound(&config, result, outer), "the collector is scheduled late: spans can be");
    check(result->collector_ns >= config.late_ns, "the collector is scheduled late: its time begins with the window");
    free(result);
}

static void wrong_clock(void)
{
    struct gcp_window_config config = plain();
    config.skew_ns = 3600ULL * 1000000000ULL;
    struct gcp_window_result *result = run(&config);
    check(result->err == ERANGE && strstr(result->reason, "before the start"), "a clock that runs ahead is told");
    check(result->mutator_ns == 0 && result->collector_ns == 0, "and no time is made of it");
    free(result);
}

static void places(void)
{
    struct gcp_window_config config = plain();
    cpu_set_t before, after;
    int32_t first = -1, last = -1;
    if (sched_getaffinity(0, sizeof(before), &before) < 0)
        abort();
    for (int32_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET((size_t)cpu, &before)) {
            first = first < 0 ? cpu : first;
            last = cpu;
        }
    config.handler = GCP_HANDLER_THREAD;
    config.collector_cpu = last;
    config.handler_cpu = first;
    for (uint32_t i = 0; i < config.mutators; i++)
        config.mutator_cpu[i] = first;
    struct gcp_window_result *result = run(&config);
    int good = !result->err && result->sweeper.ran.asked == last && result->sweeper.ran.first == last;
    good = good && result->sweeper.ran.last == last && !result->sweeper.ran.moves;
    for (uint32_t i = 0; i < config.mutators; i++) {
        const struct gcp_ran *ran = &result->mutator[i].ran;
        good = good && ran->asked == first && ran->first == first && ran->last == first && !ran->moves;
    }
    good = good && result->handler.asked == first && (result->handler.first == first || !result->fault.n);
    good = good && result->handler.last == result->handler.first && !result->handler.moves;
    check(good, "threads run where they are bound to");
    check(sched_getaffinity(0, sizeof(after), &after) == 0 && CPU_EQUAL(&before, &after), "the caller is not bound");
    free(result);

    static const char *const WHOSE[] = {"the collector's thread", "a mutator", "the handler thread"};
    for (int i = 0; i < 3; i++) {
        config = plain();
        config.handler = GCP_HANDLER_THREAD;
        *(i == 0 ? &config.collector_cpu : i == 1 ? &config.mutator_cpu[2] : &config.handler_cpu) = CPU_SETSIZE - 1;
        result = run(&config);
        check(result->err == EINVAL && strstr(result->reason, WHOSE[i]), "a processor that is not there is refused");
        free(result);
    }
}

/* An error without an answer on the handler thread: no thread sleeps forever, and the window reports why. */
static void errors(void)
{
    for (uint32_t by = GCP_VERB_MOVE; by <= GCP_VERB_COPY; by++)
        for (uint32_t collector = 0; collector <= 512; collector += 512) {
            struct gcp_window_config config = plain();
            config.handler = GCP_HANDLER_THREAD;
            config.collector_pages = collector;
            config.collector_by = config.fault_by = by;
            gcp_inject(by == GCP_VERB_MOVE ? GCP_VERB_MOVE : GCP_VERB_COPY, 2, UINT32_MAX, EFAULT);
            struct gcp_window_result *result = run(&config);
            gcp_inject(by == GCP_VERB_MOVE ? GCP_VERB_MOVE : GCP_VERB_COPY, 0, 0, 0);
            check(result->err == EFAULT && (collector || strstr(result->reason, "answering a fault")), result->reason);
            free(result);
        }
}

static void nonsense(void)
{
    struct gcp_window_config config[6];
    for (int i = 0; i < 6; i++)
        config[i] = plain();
    config[0].pages = 0;
    config[1].mutators = GCP_MAX_MUTATORS + 1;
    config[2].fault_pages = 0;
    config[3].handler = 2;
    config[4].no_states = 2;
    config[5].fault_by = 2;
    for (int i = 0; i < 6; i++) {
        struct gcp_window_result *result = run(&config[i]);
        check(result->err == EINVAL, "no such window");
        free(result);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1 && !(every = strtoul(argv[1], NULL, 10)))
        return 2;
    histogram_edges();
    clock_edges();
    nonsense();
    places();
    late_collector();
    wrong_clock();
    tiny();
    errors();
    mixtures();
    return failures != 0;
}
