/* Contents of test pages: each word follows from seed, page and position, so every page differs from all others. */
#ifndef GCP_CONTENT_H
#define GCP_CONTENT_H

#include <stdint.h>

/* cdef:begin */

/*
 * The word at index `word` of page `page`.  Fill or check `pages` pages at `start` with the contents of pages from
 * `first_page` on.  A check returns the index of the first wrong page, or -1.
 */
uint64_t gcp_content(uint64_t seed, uint64_t page, uint64_t word);
void gcp_content_fill(uint64_t start, uint64_t first_page, uint64_t pages, uint64_t seed);
int64_t gcp_content_check(uint64_t start, uint64_t first_page, uint64_t pages, uint64_t seed);
int64_t gcp_content_check_zero(uint64_t start, uint64_t pages);

/* cdef:end */

/* splitmix64: neighbouring values get unrelated results. */
uint64_t gcp_mix(uint64_t value);

#endif
