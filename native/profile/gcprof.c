/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gcprof: a plugin of QEMU's TCG that counts executed instructions by function in the timed regions of gcprobe.
 *
 * The program marks its timed regions with nops (native/base/mark.h).  As for the program, a timed region begins and
 * ends where the clock is read: the last time between START and STARTED, and between STOP and STOPPED.  The clock is
 * rdtsc, or CNTVCT_EL0 on arm64.  Where the program has no such clock the marks themselves count, and the round says so.
 *
 * Counted for each function: instructions, entries at its first instruction, and some kinds of instructions (events.h).
 * Each iteration of a string instruction is one instruction, as for -icount.  An instruction that faults is counted
 * when it is tried, and again when it is repeated.
 *
 * With several processors only the kernel's code and system calls are counted: a program that spins on one of them
 * meanwhile would be most of it.
 *
 *   -plugin gcprof.so,functions=FILE,out=FILE[,l1d=BYTES:WAYS,l2=BYTES:WAYS,llc=BYTES:WAYS]
 *
 * functions: a line for each function, "FIRST END" in hexadecimal, sorted, not overlapping
 * l1d, l2, llc: also count what loads and stores miss in a model of these caches (caches.h).  It is warm in each round
 *            from what was executed before it.
 * out:       a line of JSON for each round.
 *            number: of the round.  clock: whether its readings set the bounds.  spans: timed regions in it.
 *            functions: of each, its line in `functions` from 0 (-1: code outside of all), then the counters.
 */
#include "profile/qemu_api.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mark.h"
#include "profile/arm64.h"
#include "profile/caches.h"
#include "profile/x86.h"

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_API;
QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv);

/* In the order of the output. */
enum counter { INSTRUCTIONS, CALLS, LOCKED, FLUSH_PAGE, FLUSH_MORE, SPACE, SYSCALLS, REP, L1D, L2, LLC, COUNTERS };

static const struct {
    unsigned event;
    enum counter counter;
} EVENTS[] = {
    {GCP_EVENT_LOCKED, LOCKED}, {GCP_EVENT_FLUSH_PAGE, FLUSH_PAGE}, {GCP_EVENT_FLUSH_MORE, FLUSH_MORE},
    {GCP_EVENT_SPACE, SPACE},   {GCP_EVENT_SYSCALL, SYSCALLS},      {GCP_EVENT_REP, REP},
};

/* Addresses from here on are not of programs, with the longest addresses that processors have. */
#define USER_END (1ULL << 56)
/* Longer instructions do not exist. */
#define LONGEST_INSTRUCTION 15
/* Functions that one run can tell apart; the timed regions of all scenarios execute some hundreds. */
#define MAX_SLOTS 32768

/* first, end: addresses;  slot: of its counters, 0 until its code is translated. */
struct function {
    uint64_t first;
    uint64_t end;
    uint32_t slot;
};

struct table {
    uint64_t counts[MAX_SLOTS][COUNTERS];
};

static struct function *functions;
static size_t n_functions;

/* Slot 0 is for code outside of all functions; owner: line of the function. */
static long owner[MAX_SLOTS] = {-1};
static uint32_t n_slots = 1;

#if QEMU_API >= 2
static struct qemu_plugin_scoreboard *scores;
#else
/* With several processors each has its own, for a callback to count in: an inline operation of two of them at once may
 * lose one. */
static struct table counters, *by_cpu;
#endif

/* Counters at the beginning and the end of the timed region, and sums over those of the round. */
static struct table begun, ended, round_sums;

/* Of the model, if there is one. */
static struct gcp_cache caches[GCP_CACHE_LEVELS];
static bool modelled;

static qemu_plugin_id_t plugin;
static FILE *out;
static bool arm64, armed, in_round, starting, stopping, clock_seen, by_clock;
static uint64_t number;
static unsigned spans, measuring_cpu, n_cpus;

static void fail(const char *what)
{
    fprintf(stderr, "gcprof: %s\n", what);
    exit(1);
}

/* Counters */

#if QEMU_API < 2
/* data: slot, and above it the counter. */
static void count_for_cpu(unsigned int cpu, void *data)
{
    uintptr_t place = (uintptr_t)data;
    if (cpu < n_cpus)
        by_cpu[cpu].counts[place % MAX_SLOTS][place / MAX_SLOTS]++;
}
#endif

static void count(struct qemu_plugin_insn *insn, uint32_t slot, enum counter counter)
{
#if QEMU_API >= 2
    size_t offset = ((size_t)slot * COUNTERS + counter) * sizeof(uint64_t);
    qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, QEMU_PLUGIN_INLINE_ADD_U64,
                                                        (qemu_plugin_u64){scores, offset}, 1);
#else
    if (by_cpu)
        qemu_plugin_register_vcpu_insn_exec_cb(insn, count_for_cpu, QEMU_PLUGIN_CB_NO_REGS,
                                               (void *)((uintptr_t)counter * MAX_SLOTS + slot));
    else
        qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64, &counters.counts[slot][counter],
                                                   1);
#endif
}

/* With one processor, as the model has. */
static struct table *only_counters(void)
{
#if QEMU_API >= 2
    return qemu_plugin_scoreboard_find(scores, 0);
#else
    return &counters;
#endif
}

/* data: slot of the function that loads or stores.  Registers of devices are not cached. */
static void on_access(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
    struct qemu_plugin_hwaddr *where = qemu_plugin_get_hwaddr(info, address);
    (void)cpu;
    if (!where || qemu_plugin_hwaddr_is_io(where))
        return;
    uint64_t first = qemu_plugin_hwaddr_phys_addr(where);
    uint64_t last = first + (1ULL << qemu_plugin_mem_size_shift(info)) - 1;
    for (uint64_t line = first >> GCP_CACHE_LINE_SHIFT; line <= last >> GCP_CACHE_LINE_SHIFT; line++)
        for (unsigned missed = gcp_caches_use(caches, line), level = 0; level < missed; level++)
            only_counters()->counts[(uintptr_t)data][L1D + level]++;
}

static void add_table(struct table *to, const struct table *from)
{
    for (uint32_t slot = 0; slot < n_slots; slot++)
        for (int k = 0; k < COUNTERS; k++)
            to->counts[slot][k] += from->counts[slot][k];
}

/* Slots that are not in use yet stay zero in every table. */
static void read_counters(struct table *ret)
{
    size_t bytes = n_slots * sizeof(ret->counts[0]);
#if QEMU_API >= 2
    memcpy(ret->counts, qemu_plugin_scoreboard_find(scores, 0), bytes);
    for (int cpu = 1; cpu < qemu_plugin_num_vcpus(); cpu++)
        add_table(ret, qemu_plugin_scoreboard_find(scores, (unsigned)cpu));
#else
    memcpy(ret->counts, counters.counts, bytes);
    for (unsigned cpu = 0; by_cpu && cpu < n_cpus; cpu++)
        add_table(ret, &by_cpu[cpu]);
#endif
}

/* The slot of the function that holds an address. */
static uint32_t slot_of(uint64_t address, bool *ret_entry)
{
    size_t low = 0, high = n_functions;
    *ret_entry = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (functions[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == n_functions || address < functions[low].first)
        return 0;
    struct function *found = &functions[low];
    *ret_entry = address == found->first;
    if (found->slot == 0) {
        if (n_slots == MAX_SLOTS)
            fail("more functions are executed than there is room for");
        owner[n_slots] = (long)low;
        found->slot = n_slots++;
    }
    return found->slot;
}

/* Rounds */

static void add_span(void)
{
    for (uint32_t slot = 0; slot < n_slots; slot++)
        for (int k = 0; k < COUNTERS; k++)
            round_sums.counts[slot][k] += ended.counts[slot][k] - begun.counts[slot][k];
    spans++;
}

static bool executed(uint32_t slot)
{
    for (int k = 0; k < COUNTERS; k++)
        if (round_sums.counts[slot][k])
            return true;
    return false;
}

static void write_round(void)
{
    const char *comma = "";
    fprintf(out, "{\"number\":%" PRIu64 ",\"clock\":%s,\"spans\":%u,\"functions\":[", number,
            by_clock ? "true" : "false", spans);
    for (uint32_t slot = 0; slot < n_slots; slot++) {
        if (!executed(slot))
            continue;
        fprintf(out, "%s[%ld", comma, owner[slot]);
        for (int k = 0; k < COUNTERS; k++)
            fprintf(out, ",%" PRIu64, round_sums.counts[slot][k]);
        fputc(']', out);
        comma = ",";
    }
    fputs("]}\n", out);
    if (fflush(out) != 0)
        fail("the output can't be written");
}

static void translate_all(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);

static void close_out(qemu_plugin_id_t id, void *data)
{
    (void)id;
    (void)data;
    fclose(out);
}

/* All translations are gone now, and what is translated from here on is counted. */
static void begin_counting(qemu_plugin_id_t id)
{
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate_all);
    qemu_plugin_register_atexit_cb(id, close_out, NULL);
    armed = true;
}

static void begin_round(void)
{
    memset(round_sums.counts, 0, n_slots * sizeof(round_sums.counts[0]));
    number = 0;
    spans = 0;
    by_clock = true;
    in_round = armed;
}

static void on_mark(unsigned int cpu, void *data)
{
    uintptr_t mark = (uintptr_t)data;

    if (mark == GCP_MARK_ARM && !armed)
        qemu_plugin_reset(plugin, begin_counting);
    else if (mark == GCP_MARK_ROUND)
        begin_round();
    if (!in_round)
        return;
    switch (mark) {
    case GCP_MARK_BIT0:
    case GCP_MARK_BIT1:
        number = number << 1 | (mark == GCP_MARK_BIT1);
        break;
    case GCP_MARK_START:
        measuring_cpu = cpu;
        starting = true;
        clock_seen = false;
        break;
    case GCP_MARK_STARTED:
        if (!clock_seen)
            read_counters(&begun);
        by_clock &= clock_seen;
        starting = false;
        break;
    case GCP_MARK_STOP:
        measuring_cpu = cpu;
        read_counters(&ended);
        stopping = true;
        clock_seen = false;
        break;
    case GCP_MARK_STOPPED:
        by_clock &= clock_seen;
        stopping = false;
        add_span();
        break;
    case GCP_MARK_END:
        if (spans)
            write_round();
        in_round = false;
        break;
    }
}

/* The program's clock is read here; if its reading is repeated the last one counts. */
static void on_clock(unsigned int cpu, void *data)
{
    (void)data;
    if ((!starting && !stopping) || cpu != measuring_cpu)
        return;
    read_counters(starting ? &begun : &ended);
    clock_seen = true;
}

/* Translation */

/* The bytes of an instruction; returns how many. */
static size_t bytes_of(const struct qemu_plugin_insn *insn, uint8_t *ret)
{
    size_t n = qemu_plugin_insn_size(insn);
    if (n > LONGEST_INSTRUCTION)
        n = LONGEST_INSTRUCTION;
#if QEMU_API >= 3
    return qemu_plugin_insn_data(insn, ret, n);
#else
    memcpy(ret, qemu_plugin_insn_data(insn), n);
    return n;
#endif
}

/* An instruction of arm64; its bytes are little-endian, as the host's. */
static uint32_t word_of(const uint8_t *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof(word));
    return word;
}

static unsigned mark_of(const uint8_t *bytes, size_t n)
{
    if (arm64) {
        uint32_t value = word_of(bytes) - GCP_MARK_ARM64;
        return (value & 0x1f) == 0 && value >> 5 <= 0xff ? value >> 5 : 0;
    }
    if (n != 7 || bytes[0] != 0x0f || bytes[1] != 0x1f || bytes[2] != 0x80)
        return 0;
    uint32_t displacement = word_of(bytes + 3);
    return (displacement & 0xffffff00) == GCP_MARK_MAGIC ? displacement & 0xff : 0;
}

static unsigned events_of(const uint8_t *bytes, size_t n)
{
    return arm64 ? gcp_arm64_events(word_of(bytes)) : gcp_x86_events(bytes, n);
}

static void look_for_mark(struct qemu_plugin_insn *insn, const uint8_t *bytes, size_t n)
{
    unsigned mark = mark_of(bytes, n);
    if (mark)
        qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, QEMU_PLUGIN_CB_NO_REGS, (void *)(uintptr_t)mark);
}

/* Before ARM: marks and nothing else. */
static void translate_marks(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    uint8_t bytes[LONGEST_INSTRUCTION];
    (void)id;
    for (size_t i = 0, n = qemu_plugin_tb_n_insns(tb); i < n; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        if (qemu_plugin_insn_size(insn) == (arm64 ? 4 : 7))
            look_for_mark(insn, bytes, bytes_of(insn, bytes));
    }
}

static void translate_all(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    uint8_t bytes[LONGEST_INSTRUCTION];
    (void)id;
    for (size_t i = 0, n = qemu_plugin_tb_n_insns(tb); i < n; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        size_t size = bytes_of(insn, bytes);
        bool entry;
        uint32_t slot = slot_of(qemu_plugin_insn_vaddr(insn), &entry);
        unsigned events = events_of(bytes, size);
        bool user = qemu_plugin_insn_vaddr(insn) < USER_END;

        if (n_cpus == 1 || !user) {
            count(insn, slot, INSTRUCTIONS);
            if (entry)
                count(insn, slot, CALLS);
        }
        for (size_t k = 0; events && k < sizeof(EVENTS) / sizeof(EVENTS[0]); k++)
            if (events & EVENTS[k].event)
                count(insn, slot, EVENTS[k].counter);
        if (modelled)
            qemu_plugin_register_vcpu_mem_cb(insn, on_access, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW,
                                             (void *)(uintptr_t)slot);
        look_for_mark(insn, bytes, size);
        /* The kernel reads the clock for purposes of its own. */
        if ((events & GCP_EVENT_CLOCK) && user)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_clock, QEMU_PLUGIN_CB_NO_REGS, NULL);
    }
}

/* Start */

static bool read_functions(const char *path)
{
    FILE *in = fopen(path, "r");
    uint64_t first, end, last = 0;
    size_t room = 0;
    if (!in)
        return false;
    while (fscanf(in, "%" SCNx64 " %" SCNx64, &first, &end) == 2) {
        if (first < last || end <= first) {
            fprintf(stderr, "gcprof: %s: line %zu is not in order\n", path, n_functions + 1);
            fclose(in);
            return false;
        }
        if (n_functions == room) {
            room = room ? 2 * room : 4096;
            functions = realloc(functions, room * sizeof(*functions));
            if (!functions)
                fail("no memory");
        }
        functions[n_functions++] = (struct function){.first = first, .end = end};
        last = end;
    }
    bool whole = feof(in) != 0;
    fclose(in);
    return whole;
}

/* The caches of a word of the command line: "l1d=32768:8"; a word that is none of theirs is true, too. */
static bool read_cache(const char *word, unsigned *levels)
{
    static const char *const NAMES[GCP_CACHE_LEVELS] = {"l1d=", "l2=", "llc="};
    for (unsigned level = 0; level < GCP_CACHE_LEVELS; level++) {
        size_t length = strlen(NAMES[level]);
        if (strncmp(word, NAMES[level], length) != 0)
            continue;
        *levels |= 1u << level;
        return gcp_cache_init(&caches[level], word + length);
    }
    return true;
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    const char *names = NULL, *to = NULL;
    unsigned levels = 0;
    for (int i = 0; i < argc; i++) {
        if (!read_cache(argv[i], &levels)) {
            fprintf(stderr, "gcprof: %s: a size in bytes and ways of a power of two of sets are needed\n", argv[i]);
            return -1;
        }
        if (strncmp(argv[i], "functions=", 10) == 0)
            names = argv[i] + 10;
        else if (strncmp(argv[i], "out=", 4) == 0)
            to = argv[i] + 4;
    }
    arm64 = strcmp(info->target_name, "aarch64") == 0;
    if (!info->system_emulation || (!arm64 && strcmp(info->target_name, "x86_64") != 0)) {
        fprintf(stderr, "gcprof: the guest is neither an x86-64 nor an arm64 machine\n");
        return -1;
    }
    if (!names || !to || !read_functions(names) || !(out = fopen(to, "w"))) {
        fprintf(stderr, "gcprof: functions= and out= are needed, a list to read and a file to write\n");
        return -1;
    }
    n_cpus = (unsigned)info->system.smp_vcpus;
    modelled = levels != 0;
    if (modelled && (levels != (1u << GCP_CACHE_LEVELS) - 1 || n_cpus > 1)) {
        fprintf(stderr, "gcprof: the model has l1d=, l2= and llc=, and one processor\n");
        return -1;
    }
#if QEMU_API >= 2
    scores = qemu_plugin_scoreboard_new(sizeof(struct table));
#else
    if (n_cpus > 1 && !(by_cpu = calloc(n_cpus, sizeof(*by_cpu))))
        fail("no memory");
#endif
    plugin = id;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate_marks);
    return 0;
}
