#include "probe/measure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mark.h"
#include "paths/paths.h"
#include "paths/work.h"
#include "probe/json.h"

/* As in gcproto/experiments/paths/lab.py: tries for a source that was not made as asked, within one round. */
#define SOURCE_TRIES 3

/* Between the seeds of two rounds: 2^64 by the golden ratio, as in base/content.c. */
#define SEED_STEP 0x9E3779B97F4A7C15ULL

/* Unique in a guest: of its processes, too. */
static uint64_t next_number(void)
{
    static uint64_t rounds;
    return (uint64_t)getpid() << 32 | ++rounds;
}

static void run_rounds(struct gcp_prover *prover, struct gcprobe_series *series, size_t n_series, size_t rounds)
{
    for (size_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < n_series; i++) {
            /* Start each round with another scenario, so that none always runs after the same one. */
            struct gcprobe_series *one = &series[(i + round) % n_series];
            if (one->n && one->rounds[one->n - 1].status == GCP_ROUND_UNABLE && one->n == 1)
                continue;
            one->scenario.seed += SEED_STEP;
            uint64_t *number = &one->numbers[one->n];
            struct gcp_round *ret = &one->rounds[one->n++];
            for (int tries = 0; tries < SOURCE_TRIES; tries++) {
                *number = next_number();
                gcp_mark_round(*number);
                gcp_round_run(prover, &one->scenario, ret);
                GCP_MARK(GCP_MARK_END);
                if (ret->status != GCP_ROUND_DISTURBED && (ret->status != GCP_ROUND_UNABLE || ret->err != EAGAIN))
                    break;
            }
        }
}

/* Rounds whose blocks of contpte are counted.  They have the cost of probes, and are no samples. */
static void run_watched(struct gcp_prover *prover, struct gcprobe_series *series, size_t n_series,
                        struct gcp_contpte *contpte)
{
    for (size_t i = 0; i < n_series; i++)
        for (size_t round = 0; round < GCPROBE_WATCHED && series[i].n > 1; round++) {
            struct gcp_watch watch = {.contpte = contpte};
            struct gcp_round seen;
            series[i].scenario.seed += SEED_STEP;
            gcp_round_watched(prover, &series[i].scenario, &watch, &seen);
            if (seen.status == GCP_ROUND_VALID)
                series[i].watched[series[i].n_watched++] = watch.seen;
            else if (++series[i].void_watched)
                fprintf(stderr, "gcprobe: a watched round is void: %s\n", seen.reason);
        }
}

static void report(const struct gcprobe_series *series, const char *unit, FILE *out, struct gcprobe_tally *ret)
{
    ret->lines++;
    if (series->n == 0 || series->rounds[0].status == GCP_ROUND_UNABLE) {
        gcprobe_print_skip(out, series);
        return;
    }
    gcprobe_print(out, series, unit);
    ret->measured++;
    for (size_t k = 0; k < series->n; k++)
        ret->invalid += series->rounds[k].status != GCP_ROUND_VALID;
}

void gcprobe_measure(struct gcp_prover *prover, const struct gcprobe_work *work, size_t n, struct gcprobe_plan plan,
                     FILE *out, struct gcprobe_tally *ret)
{
    size_t total = plan.rounds + plan.warmup;
    struct gcprobe_series *series = calloc(n, sizeof(*series));
    for (size_t i = 0; series && i < n; i++) {
        series[i] =
            (struct gcprobe_series){.scenario = work[i].scenario, .replica = work[i].replica, .warmup = plan.warmup};
        series[i].rounds = calloc(total, sizeof(*series[i].rounds));
        series[i].numbers = calloc(total, sizeof(*series[i].numbers));
        if (!series[i].rounds || !series[i].numbers)
            abort();
    }
    if (!series)
        abort();
    GCP_MARK(GCP_MARK_ARM);
    run_rounds(prover, series, n, total);
    if (plan.contpte)
        run_watched(prover, series, n, plan.contpte);
    for (size_t i = 0; i < n; i++) {
        report(&series[i], plan.unit, out, ret);
        free(series[i].rounds);
        free(series[i].numbers);
    }
    free(series);
}

int gcprobe_end(FILE *out, const struct gcprobe_tally *tally)
{
    if (fflush(out) != 0 || ferror(out)) {
        fprintf(stderr, "gcprobe: the output can't be written: %s\n", strerror(errno));
        return 3;
    }
    return tally->measured == 0 ? 3 : tally->invalid ? 1 : 0;
}
