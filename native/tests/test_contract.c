/*
 * The contract and its runner, for builds with sanitizers: every row that can run on this machine, and every way that a
 * row can end.  Prints KTAP and one line per check; exit code 1 if one fails.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/contract.h"
#include "trial/kernel_file.h"

#define TIMEOUT_MS 60000

static int failures;

static void check(int good, const char *what)
{
    printf("%s %s\n", good ? "ok" : "FAILED", what);
    failures += !good;
}

static void test_drill(const char *name, uint32_t verdict, uint32_t timeout_ms)
{
    struct gcp_row_result result;
    int err = gcp_drill_run(name, timeout_ms, &result);
    check(!err && result.verdict == verdict && result.text[0], name);
}

/* A small buffer is never overrun, and the length needed does not depend on the buffer. */
static void test_short_buffers(void)
{
    struct gcp_row row = {"row", "A rule", "6.8: otherwise", "pfn"};
    struct gcp_row_result result = {.verdict = GCP_VERDICT_DIFFERS, .attempts = 3, .text = "seen"};
    size_t need = gcp_contract_ktap_lines(1, &row, &result, NULL, 0);
    int same = 1;
    for (size_t size = 0; size <= need + 1; size++) {
        char *text = malloc(size ? size : 1);
        if (!text)
            abort();
        same &= gcp_contract_ktap_lines(1, &row, &result, text, size) == need;
        same &= size == 0 || strlen(text) == (size <= need ? size - 1 : need);
        free(text);
    }
    check(same, "KTAP lines fit into any buffer");
}

static void test_kernel_files(void)
{
    check(gcp_kernel_file_write("/dev/null", "1") == 0, "a text is written");
    check(gcp_kernel_file_write("/dev/full", "1") == -ENOSPC, "what refuses it is told");
    check(gcp_kernel_file_write("/proc/no-such-file", "1") == -ENOENT, "a file that this kernel lacks");
}

int main(void)
{
    struct gcp_row_result result;

    test_kernel_files();
    check(gcp_contract_ktap(stdout, NULL, TIMEOUT_MS) == 0, "no row differs");
    check(gcp_contract_ktap(stdout, "no-such-row", TIMEOUT_MS) == -ENOENT, "a row that is not there");
    check(gcp_contract_run(gcp_contract_count(), TIMEOUT_MS, &result) == -ENOENT, "there is no row beyond the last");
    check(!gcp_contract_row(gcp_contract_count()), "nor its text");
    test_drill("passes", GCP_VERDICT_OK, TIMEOUT_MS);
    test_drill("differs", GCP_VERDICT_DIFFERS, TIMEOUT_MS);
    test_drill("skips", GCP_VERDICT_SKIP, TIMEOUT_MS);
    test_drill("is-disturbed", GCP_VERDICT_DIFFERS, TIMEOUT_MS);
    test_drill("crashes", GCP_VERDICT_CRASH, TIMEOUT_MS);
    test_drill("leaves", GCP_VERDICT_CRASH, TIMEOUT_MS);
    test_drill("hangs", GCP_VERDICT_HANG, 300);
    test_drill("hangs-as-documented", GCP_VERDICT_OK, 300);
    test_short_buffers();
    return failures ? 1 : 0;
}
