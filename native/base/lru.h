/*
 * The processors' batches of pages for the LRU lists.
 *
 * A new small page waits in a batch of the processor that made it, up to 31 pages, and so does a page that MADV_COLD
 * deactivates.  A page in a batch is on no LRU list: it can't be isolated, so MADV_PAGEOUT passes over it.  MADV_PAGEOUT
 * drains only the batches of the processor that it runs on (mm/madvise.c, lru_add_drain).  So "this page can't be swapped
 * out" says nothing about its reverse map until the batches of all processors were drained.
 */
#ifndef GCP_LRU_H
#define GCP_LRU_H

#include <stdint.h>

/* cdef:begin */

/*
 * Drain the batches of each processor that this process may use: the calling thread visits them and calls MADV_COLD on a
 * page of its own there.  Its affinity is put back.  Needs no rights.  Returns how many were visited, or -errno.
 */
int32_t gcp_lru_drain(void);

/* cdef:end */

#endif
