/* What gcprobe prints: the rounds of one scenario as one line of JSON. */
#ifndef GCP_PROBE_JSON_H
#define GCP_PROBE_JSON_H

#include <stdio.h>

#include "paths/contpte.h"
#include "paths/round.h"

#define GCPROBE_WATCHED 3

/*
 * rounds:  all that were run, in order; the first `warmup` of them are warm-up
 * replica: 1 if the same work is also measured under another name
 * numbers: of each, as its marks say (base/mark.h)
 * watched: blocks of contpte in rounds after these;  n_watched: such rounds that were valid
 * void_watched: those that were not
 */
struct gcprobe_series {
    struct gcp_scenario scenario;
    struct gcp_round *rounds;
    uint64_t *numbers;
    unsigned replica;
    size_t n;
    size_t warmup;
    struct gcp_contpte_count watched[GCPROBE_WATCHED];
    size_t n_watched;
    size_t void_watched;
};

/* One measurement, fields as in gcproto.results.schema.Measurement; `unit` as there. */
void gcprobe_print(FILE *out, const struct gcprobe_series *series, const char *unit);

/* A scenario that is unavailable here: {"skip": {...}}. */
void gcprobe_print_skip(FILE *out, const struct gcprobe_series *series);

/* What the platform and userfaultfd offer: {"info": {...}}. */
void gcprobe_print_info(FILE *out);

#endif
