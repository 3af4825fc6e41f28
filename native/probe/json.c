#include "probe/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/build_info.h"
#include "base/platform.h"
#include "paths/arms.h"
#include "paths/sources.h"
#include "paths/working_set.h"
#include "uffd/uffd.h"

/* As in gcproto/experiments/entry.py: a measurement is invalid with fewer valid rounds or more invalid ones. */
#define MIN_VALID 3
#define MAX_INVALID_PERCENT 10

static void print_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(out, "\\%c", *c);
        else if (*c < 0x20 || *c == 0x7f)
            fprintf(out, "\\u%04x", *c);
        else
            fputc(*c, out);
    }
    fputc('"', out);
}

static double per_page(const struct gcprobe_series *series, uint64_t ns)
{
    return (double)ns / (double)series->scenario.pages;
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void print_median(FILE *out, double *values, size_t n)
{
    if (n == 0) {
        fputs("null", out);
        return;
    }
    qsort(values, n, sizeof(*values), by_value);
    fprintf(out, "%.17g", n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2);
}

static void print_scenario(FILE *out, const struct gcprobe_series *series)
{
    const struct gcp_scenario *scenario = &series->scenario;
    fprintf(out, "\"scenario\":{\"kind\":\"path\",\"source\":");
    print_string(out, gcp_source_name(scenario->source));
    fprintf(out, ",\"order\":%u,\"arm\":\"%s\",\"granule_bytes\":%" PRIu64 ",\"alignment\":\"%s\",\"threads\":%d,",
            scenario->order, gcp_arm_name(scenario->arm), scenario->granule,
            scenario->skew_pages ? "skewed" : "congruent", scenario->touch_cpu >= 0 ? 2 : 1);
    fprintf(out, "\"pages\":%" PRIu64 ",\"working_set\":\"%s\",\"frames\":\"%s\",\"replica\":%u}", scenario->pages,
            gcp_working_set_name(scenario->working_set), gcp_frames_name(scenario->frames), series->replica);
}

static bool is_sample(const struct gcprobe_series *series, size_t i)
{
    return series->rounds[i].status == GCP_ROUND_VALID && i >= series->warmup;
}

static void print_samples(FILE *out, const struct gcprobe_series *series)
{
    const char *comma = "";
    fputs(",\"samples\":[", out);
    for (size_t i = 0; i < series->n; i++)
        if (is_sample(series, i)) {
            fprintf(out, "%s%.17g", comma, per_page(series, series->rounds[i].ns));
            comma = ",";
        }
    comma = "";
    fputs("],\"rounds\":[", out);
    for (size_t i = 0; i < series->n; i++)
        if (is_sample(series, i)) {
            fprintf(out, "%s%zu", comma, i);
            comma = ",";
        }
    comma = "";
    fputs("],\"warmup\":[", out);
    for (size_t i = 0; i < series->n && i < series->warmup; i++)
        if (series->rounds[i].status == GCP_ROUND_VALID) {
            fprintf(out, "%s%.17g", comma, per_page(series, series->rounds[i].ns));
            comma = ",";
        }
    comma = "";
    fputs("],\"marked\":[", out);
    for (size_t i = 0; i < series->n; i++)
        if (is_sample(series, i)) {
            fprintf(out, "%s%" PRIu64, comma, series->numbers[i]);
            comma = ",";
        }
    fputs("]", out);
}

static size_t print_invalid(FILE *out, const struct gcprobe_series *series)
{
    size_t invalid = 0;
    fputs(",\"invalid_rounds\":[", out);
    for (size_t i = 0; i < series->n; i++) {
        const struct gcp_round *round = &series->rounds[i];
        if (round->status == GCP_ROUND_VALID)
            continue;
        fprintf(out, "%s{\"round\":%zu,\"sample\":%.17g,\"reason\":", invalid++ ? "," : "", i,
                per_page(series, round->ns));
        print_string(out, round->reason);
        fputc('}', out);
    }
    fputc(']', out);
    return invalid;
}

/* Sums over the valid, measured rounds. */
struct sums {
    struct gcp_round round;
    size_t n;
    const char *path;
    bool mixed;
};

static void add_up(const struct gcprobe_series *series, struct sums *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->path = "";
    for (size_t i = 0; i < series->n; i++) {
        const struct gcp_round *from = &series->rounds[i];
        struct gcp_round *to = &ret->round;
        if (!is_sample(series, i))
            continue;
        if (ret->n++ == 0)
            ret->path = from->path;
        else if (strcmp(ret->path, from->path) != 0)
            ret->mixed = true;
        to->calls += from->calls;
        to->have = from->have;
        to->pfn_kept += from->pfn_kept;
        to->pfn_changed += from->pfn_changed;
        to->contents += from->contents;
        to->source_gone += from->source_gone;
        to->folios += from->folios;
        to->folios_split += from->folios_split;
        to->pmd_splits += from->pmd_splits;
        to->swapped_before += from->swapped_before;
        to->swapped_after += from->swapped_after;
        to->cached_before += from->cached_before;
        to->frames_pairs += from->frames_pairs;
        to->frames_adjacent += from->frames_adjacent;
        to->frames_blocks += from->frames_blocks;
        to->target_pairs += from->target_pairs;
        to->target_adjacent += from->target_adjacent;
        to->target_blocks += from->target_blocks;
        to->range_bytes = from->range_bytes;
        to->streamed_bytes = from->streamed_bytes;
        for (size_t order = 0; order <= GCP_MAX_ORDER; order++)
            to->order_after[order] += from->order_after[order];
        gcp_account_add(&to->account, &from->account);
    }
}

static void print_proof(FILE *out, const struct sums *sums)
{
    const struct gcp_round *round = &sums->round;
    fprintf(out, ",\"proof\":{\"level\":\"%s\",\"rounds\":%zu", round->have & GCP_PROOF_KPF ? "pfn" : "state", sums->n);
    fprintf(out, ",\"pfn_kept\":%" PRIu64 ",\"pfn_changed\":%" PRIu64 ",\"contents\":%" PRIu64, round->pfn_kept,
            round->pfn_changed, round->contents);
    fprintf(out,
            ",\"source_gone\":%" PRIu64 ",\"folios\":%" PRIu64 ",\"folios_split\":%" PRIu64 ",\"pmd_splits\":%" PRIu64,
            round->source_gone, round->folios, round->folios_split, round->pmd_splits);
    const char *comma = "";
    fputs(",\"order_after\":{", out);
    for (size_t order = 0; order <= GCP_MAX_ORDER; order++)
        if (round->order_after[order]) {
            fprintf(out, "%s\"%zu\":%" PRIu64, comma, order, round->order_after[order]);
            comma = ",";
        }
    fprintf(out,
            "},\"swapped_before\":%" PRIu64 ",\"swapped_after\":%" PRIu64 ",\"cached_before\":%" PRIu64
            ",\"path\":\"%s\"",
            round->swapped_before, round->swapped_after, round->cached_before, sums->mixed ? "mixed" : sums->path);
    fprintf(out, ",\"frames_pairs\":%" PRIu64 ",\"frames_adjacent\":%" PRIu64 ",\"frames_blocks\":%" PRIu64,
            round->frames_pairs, round->frames_adjacent, round->frames_blocks);
    fprintf(out, ",\"target_pairs\":%" PRIu64 ",\"target_adjacent\":%" PRIu64 ",\"target_blocks\":%" PRIu64,
            round->target_pairs, round->target_adjacent, round->target_blocks);
    fprintf(out, ",\"range_bytes\":%" PRIu64 ",\"streamed_bytes\":%" PRIu64, round->range_bytes, round->streamed_bytes);
    fputc('}', out);
}

static void print_outcome(FILE *out, const struct sums *sums)
{
    const struct gcp_account *account = &sums->round.account;
    fprintf(out, ",\"outcome\":{\"asked\":%" PRIu64 ",\"moved\":%" PRIu64 ",\"remapped\":0,\"copied\":%" PRIu64,
            account->asked, account->moved, account->copied);
    fprintf(out, ",\"copied_after_ebusy\":%" PRIu64 ",\"zeroed\":%" PRIu64 ",\"already\":%" PRIu64 ",\"left\":%" PRIu64,
            account->copied_after_ebusy, account->zeroed, account->already, account->left);
    fprintf(out, ",\"splits\":%" PRIu64 ",\"ebusy\":%" PRIu64 ",\"eagain\":%" PRIu64 ",\"eexist\":%" PRIu64,
            sums->round.folios_split, account->ebusy, account->eagain, account->eexist);
    fprintf(out, ",\"enoent\":%" PRIu64 ",\"short\":%" PRIu64 ",\"calls\":%" PRIu64 "}", account->enoent,
            account->short_results, sums->round.calls);
}

/* A figure per page, by name, if there are values: `n` of them, which are sorted. */
static void print_figure(FILE *out, const char *name, double *values, size_t n)
{
    if (n == 0)
        return;
    fprintf(out, ",\"%s\":", name);
    print_median(out, values, n);
}

/* gcproto.results.schema.Blocks */
static void print_blocks(FILE *out, const struct gcprobe_series *series)
{
    if (!series->n_watched && !series->void_watched)
        return;
    fputs(",\"blocks\":{\"folded\":[", out);
    for (size_t i = 0; i < series->n_watched; i++)
        fprintf(out, "%s%" PRIu64, i ? "," : "", series->watched[i].folded);
    fputs("],\"unfolded\":[", out);
    for (size_t i = 0; i < series->n_watched; i++)
        fprintf(out, "%s%" PRIu64, i ? "," : "", series->watched[i].unfolded);
    fprintf(out, "],\"void\":%zu}", series->void_watched);
}

/* gcproto.results.schema.PathFigures; `values` has room for one value per round. */
static void print_figures(FILE *out, const struct gcprobe_series *series, double *values)
{
    size_t n = 0;
    fputs(",\"figures\":{\"kind\":\"path\"", out);
    for (size_t i = 0; i < series->n; i++)
        if (is_sample(series, i) && series->rounds[i].split_ns)
            values[n++] = per_page(series, series->rounds[i].split_ns);
    print_figure(out, "split_part", values, n);
    n = 0;
    for (size_t i = 0; i < series->n; i++)
        if (is_sample(series, i) && series->rounds[i].swapin_ns)
            values[n++] = per_page(series, series->rounds[i].swapin_ns);
    print_figure(out, "swapin_part", values, n);
    print_blocks(out, series);
    fputc('}', out);
}

void gcprobe_print(FILE *out, const struct gcprobe_series *series, const char *unit)
{
    struct sums sums;
    add_up(series, &sums);
    double *values = calloc(series->n + 1, sizeof(*values));
    size_t n = 0;
    if (!values)
        abort();

    fputc('{', out);
    print_scenario(out, series);
    fputs(",\"unit\":", out);
    print_string(out, unit);
    print_samples(out, series);
    for (size_t i = 0; i < series->n; i++)
        if (is_sample(series, i))
            values[n++] = per_page(series, series->rounds[i].ns);
    fputs(",\"median\":", out);
    print_median(out, values, n);
    size_t invalid = print_invalid(out, series);
    fprintf(out, ",\"valid\":%s,\"ci\":null,\"ratio_to_copy\":null",
            n >= MIN_VALID && (invalid <= 1 || invalid * 100 <= MAX_INVALID_PERCENT * (n + invalid)) ? "true"
                                                                                                     : "false");
    print_proof(out, &sums);
    print_outcome(out, &sums);
    print_figures(out, series, values);
    /* Statistics are left to the reader (gcproto.results.statistics). */
    fputs(",\"modes\":[],\"notes\":[]}\n", out);
    free(values);
}

void gcprobe_print_skip(FILE *out, const struct gcprobe_series *series)
{
    fputs("{\"skip\":{\"what\":", out);
    char what[128];
    snprintf(what, sizeof(what), "%s order %u: %s", gcp_source_name(series->scenario.source), series->scenario.order,
             gcp_arm_name(series->scenario.arm));
    print_string(out, what);
    fputs(",\"reason\":", out);
    print_string(out, series->n ? series->rounds[series->n - 1].reason : "no round was run");
    fputs("}}\n", out);
}

void gcprobe_print_info(FILE *out)
{
    struct gcp_platform platform;
    struct gcp_uffd_offer offer;
    struct utsname name;
    gcp_platform_get(&platform);
    gcp_uffd_probe(&offer);
    uname(&name);
    fputs("{\"info\":{\"kernel\":{\"release\":", out);
    print_string(out, name.release);
    fputs(",\"version\":", out);
    print_string(out, name.version);
    fputs(",\"machine\":", out);
    print_string(out, name.machine);
    fprintf(out,
            "},\"page_size\":%" PRIu64 ",\"pmd_size\":%" PRIu64 ",\"anon_orders\":%" PRIu64
            ",\"cpus\":%u,\"llc_bytes\":%" PRIu64,
            platform.page_size, platform.pmd_size, platform.anon_orders, platform.cpus, platform.llc_bytes);
    fprintf(out, ",\"uffd\":{\"via\":%d,\"features\":%" PRIu64 ",\"range_ioctls\":%" PRIu64 ",\"move_errno\":%d}",
            offer.via, offer.features, offer.range_ioctls, offer.move_err);
    fputs(",\"benchmark\":", out);
    print_string(out, gcp_build_paths());
    fputs(",\"compiler\":", out);
    print_string(out, gcp_build_compiler());
    fputs("}}\n", out);
}
