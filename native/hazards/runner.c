#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hazards/hazards.h"
#include "hazards/tables.h"

#define TIMEOUT_MS 60000

/* From harmless to dangerous: earlier results are known if the machine crashes. */
static const struct gcp_row_table *const TABLES[] = {&gcp_hazards_swapin,  &gcp_hazards_pages,    &gcp_hazards_remap,
                                                     &gcp_hazards_refused, &gcp_hazards_teardown, &gcp_hazards_whole,
                                                     &gcp_hazards_pins,    &gcp_hazards_flips,    &gcp_hazards_swapping,
                                                     &gcp_hazards_folios,  &gcp_hazards_migrate,  &gcp_hazards_locks};
#define N_TABLES (sizeof(TABLES) / sizeof(TABLES[0]))

/* A text may begin with a verdict that is more precise than the row's own. */
static const char *const WORDS[] = {"ebusy", "corruption", "hang"};

static const char *word_of(const struct gcp_row_result *result, const char **ret_text)
{
    *ret_text = result->text;
    for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
        size_t n = strlen(WORDS[i]);
        if (strncmp(result->text, WORDS[i], n) == 0 && strncmp(result->text + n, ": ", 2) == 0) {
            *ret_text += n + 2;
            return WORDS[i];
        }
    }
    switch (result->verdict) {
    case GCP_VERDICT_OK:
        return "fine";
    case GCP_VERDICT_SKIP:
        return "unavailable";
    case GCP_VERDICT_HANG:
        return "hang";
    case GCP_VERDICT_CRASH:
        return "corruption"; /* the process died on its own memory */
    default:
        return "differs";
    }
}

static int run(FILE *out, const struct gcp_row_entry *entry)
{
    struct gcp_row_result result;
    const char *text;
    fprintf(out, "{\"begin\":{\"hazard\":\"%s\"}}\n", entry->row.name);
    if (fflush(out) != 0)
        return -EIO;
    int err = gcp_row_run(entry, TIMEOUT_MS, &result);
    if (err)
        return err;
    const char *word = word_of(&result, &text);
    fprintf(out, "{\"verdict\":{\"subject\":{\"kind\":\"hazard\",\"name\":\"%s\"},\"verdict\":\"%s\",\"text\":\"",
            entry->row.name, word);
    for (const char *c = text; *c; c++)
        fputc(*c == '"' || *c == '\\' || (unsigned char)*c < 0x20 ? '\'' : *c, out);
    fprintf(out, "\",\"seconds\":%.3f}}\n", (double)result.ns / 1e9);
    return fflush(out) != 0 ? -EIO : 0;
}

static int run_table(FILE *out, const struct gcp_row_table *table, const char *only, size_t *ret_n)
{
    for (size_t i = 0; i < table->n; i++) {
        if (only && strcmp(only, table->rows[i].row.name) != 0)
            continue;
        ++*ret_n;
        int err = run(out, &table->rows[i]);
        if (err)
            return err;
    }
    return 0;
}

bool gcp_in_guest(void)
{
    return access("/gcproto.guest", F_OK) == 0;
}

int gcp_hazards(FILE *out, const char *only)
{
    const char *allowed = getenv("GCPROTO_HAZARDS");
    size_t n = 0;
    if (!gcp_in_guest() && !(allowed && strcmp(allowed, "yes") == 0))
        return -EPERM;
    for (size_t i = 0; i < N_TABLES; i++) {
        int err = run_table(out, TABLES[i], only, &n);
        if (err)
            return err;
    }
    if (only && gcp_in_guest()) {
        int err = run_table(out, &gcp_hazards_ends, only, &n);
        if (err)
            return err;
    }
    return n ? 0 : -ENOENT;
}

void gcp_hazards_list(FILE *out)
{
    for (size_t i = 0; i < N_TABLES; i++)
        for (size_t k = 0; k < TABLES[i]->n; k++)
            fprintf(out, "%s\n", TABLES[i]->rows[k].row.name);
}
