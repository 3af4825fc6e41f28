/*
 * Which events of kprobes are blocks that were folded or unfolded.  Prints one line per check; exit code 1 if one
 * fails.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "paths/contpte.h"

#define KIB ((uint64_t)1024)
#define MIB (1024 * KIB)

/* A line as the file `trace` has it. */
#define EVENT(name, function, fields)                                                                                  \
    "         gcprobe-93      [000] d..2.     7.654321: " name ": (" function "+0x0/0x1a0)" fields "\n"
#define FOLD(addr) EVENT("fold", "__contpte_try_fold", " addr=" addr)
#define UNFOLD(addr) EVENT("unfold", "__contpte_try_unfold", " addr=" addr)
#define CONVERT EVENT("convert", "contpte_convert", "")
#define SET(addr, pte, nr) EVENT("set", "contpte_set_ptes", " addr=" addr " pte=" pte " nr=" nr)

static const struct gcp_contpte FOUR = {.page = 4 * KIB, .block = 64 * KIB};
static const struct gcp_contpte SIXTEEN = {.page = 16 * KIB, .block = 2 * MIB};
static const struct gcp_contpte_ranges RANGES = {.source = 0x10000000, .target = 0x20000000, .bytes = 2 * MIB};

static const struct {
    const char *what;
    const struct gcp_contpte *contpte;
    const char *text;
    uint64_t folded;
    uint64_t unfolded;
} CASES[] = {
    {"no events", &FOUR, "# tracer: nop\n#\n# entries-in-buffer/entries-written: 0/0   #P:1\n", 0, 0},
    {"a fold is one that converts", &FOUR, FOLD("0x2000f000") CONVERT FOLD("0x2001f000"), 1, 0},
    {"an unfold converts, too", &FOUR, UNFOLD("0x10000000") CONVERT UNFOLD("0x10010000") CONVERT, 0, 2},
    {"a fold that did nothing before an unfold", &FOUR, FOLD("0x2000f000") UNFOLD("0x10000000") CONVERT, 0, 1},
    {"elsewhere", &FOUR, FOLD("0x3000f000") CONVERT UNFOLD("0x101fffff") UNFOLD("0x10200000"), 0, 1},
    {"entries of whole blocks", &FOUR, SET("0x20010000", "0xe80000423a0fc3", "32"), 2, 0},
    {"entries that begin within a block", &FOUR, SET("0x20011000", "0xe80000423a1fc3", "31"), 1, 0},
    {"fewer entries than a block", &FOUR, SET("0x20010000", "0xe80000423a0fc3", "15"), 0, 0},
    {"frames a page further", &FOUR, SET("0x20010000", "0xe80000423a1fc3", "32"), 0, 0},
    {"a block of 16 KiB pages", &SIXTEEN, SET("0x20000000", "0xe8000042200fc3", "128"), 1, 0},
    {"64 KiB of 16 KiB pages", &SIXTEEN, SET("0x20000000", "0xe8000042200fc3", "4"), 0, 0},
    {"frames 64 KiB further", &SIXTEEN, SET("0x20000000", "0xe8000042210fc3", "128"), 0, 0},
};

int main(void)
{
    int failures = 0;
    struct gcp_contpte_count seen;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        int err = gcp_contpte_read(CASES[i].contpte, &RANGES, CASES[i].text, &seen);
        int good = !err && seen.folded == CASES[i].folded && seen.unfolded == CASES[i].unfolded;
        printf("%s %s: %" PRIu64 " folded, %" PRIu64 " unfolded\n", good ? "ok" : "FAILED", CASES[i].what, seen.folded,
               seen.unfolded);
        failures += !good;
    }
    int err = gcp_contpte_read(&FOUR, &RANGES, "# entries-in-buffer/entries-written: 8/9   #P:1\n", &seen);
    printf("%s lost events are an error\n", err == -EOVERFLOW ? "ok" : "FAILED");
    failures += err != -EOVERFLOW;
    return failures != 0;
}
