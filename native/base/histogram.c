#include "base/histogram.h"

#define STEP_BITS 5
#define STEPS (1U << STEP_BITS)

/* Each value below STEPS has its own bucket; above, the STEP_BITS bits after the leading one choose the step. */
static uint32_t bucket_of(uint64_t value)
{
    if (value < STEPS)
        return (uint32_t)value;
    uint32_t shift = 63 - STEP_BITS - (uint32_t)__builtin_clzll(value);
    uint32_t bucket = (shift + 1) * STEPS + (uint32_t)(value >> shift) - STEPS;
    return bucket < GCP_HISTOGRAM_BUCKETS ? bucket : GCP_HISTOGRAM_BUCKETS - 1;
}

uint64_t gcp_histogram_low(uint32_t bucket)
{
    if (bucket < STEPS)
        return bucket;
    uint32_t shift = bucket / STEPS - 1;
    return (uint64_t)(bucket % STEPS + STEPS) << shift;
}

void gcp_histogram_record(struct gcp_histogram *histogram, uint64_t value)
{
    histogram->n++;
    histogram->sum += value;
    histogram->counts[bucket_of(value)]++;
    if (value > histogram->max)
        histogram->max = value;
}

void gcp_histogram_add(struct gcp_histogram *to, const struct gcp_histogram *from)
{
    to->n += from->n;
    to->sum += from->sum;
    if (from->max > to->max)
        to->max = from->max;
    for (uint32_t i = 0; i < GCP_HISTOGRAM_BUCKETS; i++)
        to->counts[i] += from->counts[i];
}

uint64_t gcp_histogram_quantile(const struct gcp_histogram *histogram, uint32_t permille)
{
    /* The rank is rounded up: the 999th permille of ten values is their largest. */
    uint64_t rank = (histogram->n * permille + 999) / 1000, seen = 0;
    if (!histogram->n)
        return 0;
    for (uint32_t i = 0; i < GCP_HISTOGRAM_BUCKETS - 1; i++) {
        seen += histogram->counts[i];
        if (seen >= rank && seen) {
            uint64_t top = gcp_histogram_low(i + 1) - 1;
            return top < histogram->max ? top : histogram->max;
        }
    }
    return histogram->max;
}
