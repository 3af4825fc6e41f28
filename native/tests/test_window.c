/* The window in every mixture of ways, for runs under sanitizers; also the histogram's edges. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "window.h"

static int failures;

static void check(int good, const char *what)
{
    printf("%s %s\n", good ? "ok" : "FAILED", what);
    failures += !good;
}

static void histogram_edges(void)
{
    struct gcp_histogram *histogram = calloc(1, sizeof(*histogram));
    if (!histogram)
        abort();
    check(gcp_histogram_quantile(histogram, 500) == 0, "empty histogram");
    for (int bit = 0; bit < 64; bit++) {
        gcp_histogram_record(histogram, 1ULL << bit);
        gcp_histogram_record(histogram, (1ULL << bit) - 1);
    }
    gcp_histogram_record(histogram, UINT64_MAX);
    check(histogram->n == 129 && histogram->max == UINT64_MAX, "every bit width");
    check(gcp_histogram_quantile(histogram, 1000) == UINT64_MAX, "largest value");
    free(histogram);
}

static void window(struct gcp_window_config config)
{
    char name[120];
    struct gcp_window_result *result = calloc(1, sizeof(*result));
    if (!result)
        abort();
    int err = gcp_window_run(&config, result);
    snprintf(name, sizeof(name), "collector %u x%u, fault %u x%u, regions %" PRIu64 ", %u mutators",
             config.collector_by, config.collector_pages, config.fault_by, config.fault_pages, config.region_pages,
             config.mutators);
    check(!err && !result->wrong && !result->unmapped && result->access.n == config.pages, name);
    free(result);
}

int main(void)
{
    static const uint32_t BATCHES[] = {0, 1, 16, 512}, GROUPS[] = {1, 16, 1000};
    histogram_edges();
    for (uint32_t collector_by = GCP_MAP_MOVE; collector_by <= GCP_MAP_COPY; collector_by++)
        for (uint32_t fault_by = GCP_MAP_MOVE; fault_by <= GCP_MAP_COPY; fault_by++)
            for (size_t b = 0; b < sizeof(BATCHES) / sizeof(BATCHES[0]); b++)
                for (size_t g = 0; g < sizeof(GROUPS) / sizeof(GROUPS[0]); g++)
                    window((struct gcp_window_config){
                        .pages = 1500,
                        .mutators = 3,
                        .collector_by = collector_by,
                        .collector_pages = BATCHES[b],
                        .fault_by = fault_by,
                        .fault_pages = GROUPS[g],
                        .region_pages = g == 1 ? 100 : 0,
                        .collector_cpu = -1,
                        .mutator_cpu = -1,
                        .seed = b * 10 + g,
                    });
    return failures != 0;
}
