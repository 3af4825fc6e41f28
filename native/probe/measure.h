/* Rounds of several scenarios, interleaved, and their report. */
#ifndef GCP_PROBE_MEASURE_H
#define GCP_PROBE_MEASURE_H

#include <stddef.h>
#include <stdio.h>

#include "paths/contpte.h"
#include "base/proof.h"
#include "paths/round.h"

/* replica: 1 for work that is measured a second time under another name (A/A) */
struct gcprobe_work {
    struct gcp_scenario scenario;
    unsigned replica;
};

/* contpte: after the measured rounds some are watched by it; NULL: none */
struct gcprobe_plan {
    size_t rounds;
    size_t warmup;
    const char *unit;
    struct gcp_contpte *contpte;
};

/* lines: that were written, one for each scenario;  measured: scenarios;  invalid: rounds */
struct gcprobe_tally {
    size_t lines;
    size_t measured;
    size_t invalid;
};

/* Measures `n` scenarios round by round, writes a line for each, and adds to `ret`.  Without memory it aborts. */
void gcprobe_measure(struct gcp_prover *prover, const struct gcprobe_work *work, size_t n, struct gcprobe_plan plan,
                     FILE *out, struct gcprobe_tally *ret);

/* Flushes.  The exit code of a run: 0; 1 if a round is invalid; 3 if nothing was measured or the output was lost. */
int gcprobe_end(FILE *out, const struct gcprobe_tally *tally);

#endif
