/*
 * gcprobe: the path lab's engine as a static program, for machines and guests without Python.
 *
 *   gcprobe info
 *   gcprobe bench [ROUNDS [SEED]]
 *   gcprobe run --source small --arm move,copy --granule 65536,2097152 [--order N] [--pages N] [--skew N]
 *               [--rounds N] [--warmup N] [--cpu N] [--touch-cpu N] [--seed N] [--unit TEXT] [--slow PERMILLE]
 *               [--settle 1] [--frames any|consecutive|shuffled] [--working-set any|cache|memory] [--blocks 1]
 *   gcprobe contract [ROW]
 *   gcprobe hazard [NAME | --list]
 *   gcprobe stress SECONDS SEED [sequences]
 *
 * Lists make a grid; its scenarios run interleaved, round by round.  One JSON line for each measurement, or for each
 * scenario that is unavailable here.  `bench` runs the short grid; `gcproto import` makes a result of its output.  It changes no setting of the machine: the caller enables folio sizes and swap.
 * --blocks counts the blocks of contpte that are folded and unfolded, by kprobes, in guests only.
 * The contract is printed as KTAP.  Exit codes: 0 done, 1 a measurement is invalid or a row of the contract differs, 2
 * usage, 3 nothing could be measured.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "paths/contpte.h"
#include "base/platform.h"
#include "contract/contract.h"
#include "hazards/hazards.h"
#include "hazards/stress/stress.h"
#include "paths/arms.h"
#include "paths/sources.h"
#include "paths/working_set.h"
#include "probe/bench.h"
#include "probe/json.h"
#include "probe/measure.h"

#define MAX_LIST 16
#define ROUNDS 11
#define BENCH_ROUNDS "21"
#define MAX_ROUNDS 10000

/* A row takes milliseconds, on an emulated machine seconds; a row that spins in the kernel takes all of this. */
#define ROW_MS 10000
#define GUEST_ROW_MS 60000

struct options {
    bool source_given;
    struct gcprobe_plan plan;
    struct gcp_scenario base;
    uint32_t arms[MAX_LIST];
    size_t n_arms;
    uint64_t granules[MAX_LIST];
    size_t n_granules;
    bool order_given;
    bool blocks;
};

static int usage(const char *problem, const char *value)
{
    fprintf(stderr,
            "gcprobe: %s%s%s\n"
            "usage: gcprobe info | bench [ROUNDS [SEED]] | contract [ROW] | hazard [NAME|--list] | stress SECONDS SEED "
            "[sequences] | run --source NAME "
            "--arm NAME[,NAME...] "
            "--granule BYTES[,BYTES...] "
            "[--order N]\n"
            "       [--pages N] [--skew PAGES] [--rounds N] [--warmup N] [--cpu N] [--touch-cpu N] [--seed N] [--unit "
            "TEXT]\n       [--settle 1] [--frames any|consecutive|shuffled] [--working-set any|cache|memory]\n"
            "       [--blocks 1]\n",
            problem, value ? ": " : "", value ? value : "");
    return 2;
}

static bool parse_number(const char *text, uint64_t limit, uint64_t *ret)
{
    char *end;
    errno = 0;
    *ret = strtoull(text, &end, 0);
    return !errno && end != text && !*end && *text != '-' && *ret <= limit;
}

static bool parse_arms(char *text, struct options *ret)
{
    for (char *name = strtok(text, ","); name; name = strtok(NULL, ",")) {
        int32_t arm = gcp_arm_find(name);
        if (arm < 0 || ret->n_arms == MAX_LIST)
            return false;
        ret->arms[ret->n_arms++] = (uint32_t)arm;
    }
    return ret->n_arms > 0;
}

static bool parse_granules(char *text, struct options *ret)
{
    for (char *item = strtok(text, ","); item; item = strtok(NULL, ","))
        if (ret->n_granules == MAX_LIST || !parse_number(item, UINT64_MAX, &ret->granules[ret->n_granules++]))
            return false;
    return ret->n_granules > 0;
}

/* Look up the number of a name by one of the *_name functions. */
static bool parse_name(const char *text, const char *(*name_of)(uint32_t), uint32_t *ret)
{
    for (*ret = 0; name_of(*ret); ++*ret)
        if (strcmp(name_of(*ret), text) == 0)
            return true;
    return false;
}

static bool parse_option(int option, char *value, struct options *ret)
{
    uint64_t number = 0;
    if (strchr("ASgFW", option) == NULL && option != 'u' && !parse_number(value, INT64_MAX, &number))
        return false;
    switch (option) {
    case 'S':
        ret->source_given = parse_name(value, gcp_source_name, &ret->base.source);
        return ret->source_given;
    case 'A':
        return parse_arms(value, ret);
    case 'g':
        return parse_granules(value, ret);
    case 'u':
        ret->plan.unit = value;
        return true;
    case 'o':
        ret->base.order = (uint32_t)number;
        ret->order_given = true;
        return number <= GCP_MAX_ORDER;
    case 'p':
        ret->base.pages = number;
        return number > 0;
    case 'k':
        ret->base.skew_pages = (uint32_t)number;
        return number < 1U << 16;
    case 'n':
        ret->plan.rounds = number;
        return number > 0 && number < 1U << 24;
    case 'w':
        ret->plan.warmup = number;
        return number < 1U << 16;
    case 'c':
        ret->base.cpu = (int32_t)number;
        return number < 1U << 16;
    case 't':
        ret->base.touch_cpu = (int32_t)number;
        return number < 1U << 16;
    case 'x':
        ret->base.slow_permille = (uint32_t)number;
        return number < 1U << 20;
    case 'T':
        ret->base.settle = (uint32_t)number;
        return number < 2;
    case 'B':
        ret->blocks = number == 1;
        return number < 2;
    case 'F':
        return parse_name(value, gcp_frames_name, &ret->base.frames);
    case 'W':
        return parse_name(value, gcp_working_set_name, &ret->base.working_set);
    case 's':
        ret->base.seed = number;
        return true;
    default:
        return false;
    }
}

static int parse(int argc, char **argv, struct options *ret)
{
    static const struct option LONG[] = {
        {"source", required_argument, NULL, 'S'},      {"arm", required_argument, NULL, 'A'},
        {"granule", required_argument, NULL, 'g'},     {"order", required_argument, NULL, 'o'},
        {"pages", required_argument, NULL, 'p'},       {"skew", required_argument, NULL, 'k'},
        {"rounds", required_argument, NULL, 'n'},      {"warmup", required_argument, NULL, 'w'},
        {"cpu", required_argument, NULL, 'c'},         {"touch-cpu", required_argument, NULL, 't'},
        {"seed", required_argument, NULL, 's'},        {"unit", required_argument, NULL, 'u'},
        {"slow", required_argument, NULL, 'x'},        {"settle", required_argument, NULL, 'T'},
        {"blocks", required_argument, NULL, 'B'},      {"frames", required_argument, NULL, 'F'},
        {"working-set", required_argument, NULL, 'W'}, {NULL, 0, NULL, 0},
    };
    struct gcp_platform platform;
    gcp_platform_get(&platform);
    *ret = (struct options){.plan = {.rounds = ROUNDS, .warmup = 1, .unit = "ns/page"}};
    ret->base = (struct gcp_scenario){.pages = 2 * platform.pmd_size / platform.page_size, .cpu = -1, .touch_cpu = -1};

    int option;
    while ((option = getopt_long(argc, argv, "", LONG, NULL)) != -1) {
        if (option == '?')
            return usage("unknown option or missing value", NULL);
        if (!parse_option(option, optarg, ret))
            return usage("unusable value", optarg);
    }
    if (optind < argc)
        return usage("unexpected argument", argv[optind]);
    if (!ret->source_given || !ret->n_arms || !ret->n_granules)
        return usage("--source, --arm and --granule are needed", NULL);
    uint32_t source = gcp_source_flags(ret->base.source);
    if ((source & GCP_SOURCE_PMD) && !ret->order_given)
        ret->base.order = platform.pmd_order;
    if ((source & GCP_SOURCE_SIZED) && !ret->order_given)
        return usage("this source needs --order", gcp_source_name(ret->base.source));
    return 0;
}

/* The probes; NULL, and a skip with its reason, where there can be none. */
static struct gcp_contpte *watch_blocks(struct gcp_contpte *contpte)
{
    char why[160] = "a probe is a setting of the whole machine, so only guests are watched";
    if (gcp_in_guest() && gcp_contpte_init(contpte, why, sizeof(why)) == 0)
        return contpte;
    printf("{\"skip\":{\"what\":\"blocks of contpte\",\"reason\":\"%s\"}}\n", why);
    return NULL;
}

static int run(int argc, char **argv)
{
    struct options options;
    int bad = parse(argc, argv, &options);
    if (bad)
        return bad;
    struct gcp_prover prover;
    int err = gcp_prover_init(&prover);
    if (err) {
        fprintf(stderr, "gcprobe: /proc/self/pagemap: %s; nothing could be proven\n", strerror(-err));
        return 3;
    }

    struct gcprobe_work work[MAX_LIST * MAX_LIST];
    size_t n = options.n_arms * options.n_granules;
    for (size_t i = 0; i < n; i++) {
        work[i] = (struct gcprobe_work){.scenario = options.base};
        work[i].scenario.arm = options.arms[i / options.n_granules];
        work[i].scenario.granule = options.granules[i % options.n_granules];
    }
    struct gcprobe_tally tally = {0};
    struct gcp_contpte contpte;
    if (options.blocks)
        options.plan.contpte = watch_blocks(&contpte);
    gcprobe_measure(&prover, work, n, options.plan, stdout, &tally);
    if (options.plan.contpte)
        gcp_contpte_deinit(&contpte);
    gcp_prover_deinit(&prover);
    return gcprobe_end(stdout, &tally);
}

static int bench(const char *rounds_text, const char *seed_text)
{
    uint64_t rounds, seed;
    if (!parse_number(rounds_text, MAX_ROUNDS, &rounds) || rounds == 0)
        return usage("unusable number of rounds", rounds_text);
    if (!parse_number(seed_text, INT64_MAX, &seed))
        return usage("unusable seed", seed_text);
    return gcprobe_bench(stdout, rounds, seed);
}

static int contract(const char *only)
{
    int failures = gcp_contract_ktap(stdout, only, gcp_in_guest() ? GUEST_ROW_MS : ROW_MS);
    if (failures == -ENOENT)
        return usage("no such row of the contract", only);
    if (failures < 0) {
        fprintf(stderr, "gcprobe: the contract can't be run: %s\n", strerror(-failures));
        return 3;
    }
    return failures ? 1 : 0;
}

static int hazard(const char *only)
{
    if (only && strcmp(only, "--list") == 0) {
        gcp_hazards_list(stdout);
        return 0;
    }
    int err = gcp_hazards(stdout, only);
    if (err == -ENOENT)
        return usage("no such hazard", only);
    if (err == -EPERM)
        fprintf(stderr,
                "gcprobe: hazards may hang, panic or corrupt a machine, and this is not a guest of the kernel lab\n"
                "  what to do: gcproto kernels check; or GCPROTO_HAZARDS=yes on a machine that may crash\n");
    else if (err)
        fprintf(stderr, "gcprobe: hazards can't be run: %s\n", strerror(-err));
    return err ? 3 : 0;
}

static int stress(const char *seconds_text, const char *seed_text, const char *part)
{
    uint64_t seconds, seed;
    if (!parse_number(seconds_text, 1U << 20, &seconds) || !parse_number(seed_text, 1U << 30, &seed))
        return usage("unusable value", seconds_text);
    if (part && strcmp(part, "sequences") != 0)
        return usage("unknown part", part);
    int err = gcp_stress(stdout, seconds, seed, part != NULL);
    if (err == -EPERM)
        fprintf(stderr, "gcprobe: the stress test changes settings and may crash a machine: it runs only in guests\n"
                        "  what to do: gcproto kernels stress\n");
    else if (err)
        fprintf(stderr, "gcprobe: the stress test can't be run: %s\n", strerror(-err));
    return err ? 3 : 0;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return usage("a command is needed", NULL);
    if (strcmp(argv[1], "info") == 0) {
        gcprobe_print_info(stdout);
        return 0;
    }
    if (strcmp(argv[1], "bench") == 0 && argc <= 4)
        return bench(argc > 2 ? argv[2] : BENCH_ROUNDS, argc > 3 ? argv[3] : "1");
    if (strcmp(argv[1], "run") == 0)
        return run(argc - 1, argv + 1);
    if (strcmp(argv[1], "contract") == 0 && argc <= 3)
        return contract(argc == 3 ? argv[2] : NULL);
    if (strcmp(argv[1], "hazard") == 0 && argc <= 3)
        return hazard(argc == 3 ? argv[2] : NULL);
    if (strcmp(argv[1], "stress") == 0 && (argc == 4 || argc == 5))
        return stress(argv[2], argv[3], argc == 5 ? argv[4] : NULL);
    return usage("unknown command", argv[1]);
}
