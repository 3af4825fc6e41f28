/*
 * Results as KTAP version 1 (Documentation/dev-tools/ktap.rst), the format of the kernel's own selftests, so that their
 * tools read it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "contract/contract.h"

struct lines {
    char *text;
    size_t size;
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void add(struct lines *lines, const char *format, ...)
{
    size_t left = lines->used < lines->size ? lines->size - lines->used : 0;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(left ? lines->text + lines->used : NULL, left, format, args);
    va_end(args);
    if (n > 0)
        lines->used += (size_t)n;
}

size_t gcp_contract_ktap_lines(size_t number, const struct gcp_row *row, const struct gcp_row_result *result, char *ret,
                               size_t size)
{
    struct lines lines = {.text = ret, .size = size};
    const char *good = result->verdict == GCP_VERDICT_OK || result->verdict == GCP_VERDICT_SKIP ? "ok" : "not ok";

    if (size)
        ret[0] = 0;
    if (result->verdict != GCP_VERDICT_SKIP && result->text[0])
        add(&lines, "# %s: %s\n", row->name, result->text);
    if (result->verdict == GCP_VERDICT_DIFFERS && row->kernels[0])
        add(&lines, "# %s: kernels: %s\n", row->name, row->kernels);
    if (result->attempts > 1)
        add(&lines, "# %s: %u attempts\n", row->name, result->attempts);
    add(&lines, "%s %zu %s # ", good, number, row->name);
    switch (result->verdict) {
    case GCP_VERDICT_SKIP:
        add(&lines, "SKIP %s\n", result->text);
        break;
    case GCP_VERDICT_HANG:
        add(&lines, "TIMEOUT %s\n", row->rule);
        break;
    case GCP_VERDICT_CRASH:
        add(&lines, "ERROR %s\n", row->rule);
        break;
    default:
        add(&lines, "%s\n", row->rule);
    }
    return lines.used;
}

static int print(FILE *out, size_t number, const struct gcp_row *row, const struct gcp_row_result *result)
{
    size_t bytes = gcp_contract_ktap_lines(number, row, result, NULL, 0) + 1;
    char *text = malloc(bytes);
    if (!text)
        return -ENOMEM;
    gcp_contract_ktap_lines(number, row, result, text, bytes);
    /* Flushed after each row: results survive if the machine crashes in the next row. */
    int bad = fputs(text, out) < 0 || fflush(out) != 0;
    free(text);
    return bad ? -EIO : 0;
}

int gcp_contract_ktap(FILE *out, const char *only, uint32_t timeout_ms)
{
    size_t first = 0, n = gcp_contract_count();
    if (only) {
        int64_t index = gcp_contract_find(only);
        if (index < 0)
            return (int)index;
        first = (size_t)index;
        n = 1;
    }

    int failures = 0;
    if (fprintf(out, "KTAP version 1\n1..%zu\n", n) < 0 || fflush(out) != 0)
        return -EIO;
    for (size_t i = 0; i < n; i++) {
        struct gcp_row_result result;
        int err = gcp_contract_run(first + i, timeout_ms, &result);
        if (!err)
            err = print(out, i + 1, gcp_contract_row(first + i), &result);
        if (err)
            return err;
        failures += result.verdict != GCP_VERDICT_OK && result.verdict != GCP_VERDICT_SKIP;
    }
    return failures;
}
