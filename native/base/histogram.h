/*
 * A log-linear histogram of times in a fixed array: 32 steps in each power of two give a value to about 3 %, from 1 ns
 * to half a minute.  Recording is two shifts and an increment; it allocates nothing, so a signal handler may do it.
 */
#ifndef GCP_HISTOGRAM_H
#define GCP_HISTOGRAM_H

#include <stdint.h>

/* cdef:begin */

#define GCP_HISTOGRAM_BUCKETS 1024

/*
 * n, max, sum: of all values, exact
 * counts[i]:   values in [gcp_histogram_low(i), gcp_histogram_low(i + 1)); the last bucket also holds all larger values
 */
struct gcp_histogram {
    uint64_t n;
    uint64_t max;
    uint64_t sum;
    uint64_t counts[GCP_HISTOGRAM_BUCKETS];
};

void gcp_histogram_record(struct gcp_histogram *histogram, uint64_t value);
void gcp_histogram_add(struct gcp_histogram *to, const struct gcp_histogram *from);

/* Smallest value of a bucket. */
uint64_t gcp_histogram_low(uint32_t bucket);

/*
 * The value that `permille` of 1000 values do not exceed: the top of its bucket, or the maximum if that is smaller.  0
 * without values.
 */
uint64_t gcp_histogram_quantile(const struct gcp_histogram *histogram, uint32_t permille);

/* cdef:end */

#endif
