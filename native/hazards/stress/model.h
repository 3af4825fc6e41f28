/* What a random sequence knows of its pages. */
#ifndef GCP_STRESS_MODEL_H
#define GCP_STRESS_MODEL_H

#include <stdbool.h>
#include <sys/types.h>

#include "hazards/stress/state.h"

#define GCP_MODEL_PAGES 640 /* more than one page table maps, so that it can have a THP and cross tables */
#define GCP_MODEL_STEPS 400
#define GCP_MODEL_HOLE 2 /* a place: neither side has the page */

/*
 * place:  the side that has page i, or GCP_MODEL_HOLE
 * word:   its first and last word; 0 for a page of zeroes
 * fill:   number of the operation that made it: pages of one folio have the same
 * unsure: by number of that operation: something was done to the pages after which MOVE may return EBUSY
 * huge:   by that number: a THP, of which one write may make all pages exclusive
 * shared: a child was forked while the page was there, and it was not written since: MOVE may return EBUSY
 * forked: that was so once
 * held:   the page frame that the child shared with the page when it was forked; 0: none, or written since.  Unless the
 *         page is unsure, MOVE must return EBUSY, also when the child has ended: only a write makes the page exclusive
 * ring:   pins pages [pin_first, pin_first + pin_pages) of side pin_side, which had these frames then; < 0: none
 */
struct gcp_model {
    struct gcp_stress_thread *thread;
    struct gcp_stress *stress;
    uint64_t side[2];
    bool armed[2];
    uint8_t place[GCP_MODEL_PAGES];
    uint64_t word[GCP_MODEL_PAGES];
    uint32_t fill[GCP_MODEL_PAGES];
    bool unsure[GCP_MODEL_STEPS + 1], huge[GCP_MODEL_STEPS + 1];
    bool shared[GCP_MODEL_PAGES], forked[GCP_MODEL_PAGES];
    uint64_t held[GCP_MODEL_PAGES];
    pid_t child;
    int ring;
    uint64_t pin_side, pin_first, pin_pages;
    uint64_t frame[GCP_MODEL_PAGES];
    uint64_t entries[2][GCP_MODEL_PAGES];
    uint32_t step;
    const char *what; /* the operation of this step */
};

uint64_t gcp_model_at(const struct gcp_model *model, uint64_t side, uint64_t i);

/* The stress fails, with step and operation before the text. */
__attribute__((format(printf, 2, 3))) void gcp_model_fail(struct gcp_model *model, const char *format, ...);

/* From now on EBUSY is allowed for these pages, and for all of the folios they may be in. */
void gcp_model_doubt(struct gcp_model *model, uint64_t first, uint64_t pages);

/* Read the pagemap of both sides.  False if it can't be read. */
bool gcp_model_look(struct gcp_model *model);

/* Compare where pages are and what is in them with the model: swapped ones at random, or all of them. */
void gcp_model_check(struct gcp_model *model, bool all);

/* UFFDIO_MOVE of a run, to its end; each answer must be one that the state of the pages allows. */
void gcp_model_move(struct gcp_model *model, uint64_t from, uint64_t first, uint64_t pages, uint64_t mode);

#endif
