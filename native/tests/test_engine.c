/*
 * The engine, the sources and every arm once, for builds with sanitizers: this finds leaks, overruns and undefined
 * behaviour; tests in Python check the figures.  Prints one line per check; exit code 1 if one fails.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "paths/evacuate.h"
#include "paths/arms.h"
#include "paths/paths.h"
#include "base/pin.h"
#include "base/platform.h"
#include "paths/sources.h"
#include "paths/working_set.h"
#include "uffd/uffd.h"
#include "base/address.h"

static int failures;

static void check(int good, const char *what)
{
    printf("%s %s\n", good ? "ok" : "FAILED", what);
    failures += !good;
}

static uint64_t sum(const struct gcp_account *account)
{
    return account->moved + account->copied + account->copied_after_ebusy + account->zeroed + account->already +
           account->left;
}

static void test_refused_policy(const struct gcp_uffd *uffd)
{
    struct gcp_run run = {.dst = 4096, .src = 8192, .pages = 7};
    struct gcp_policy policy = {.granule = 100};
    struct gcp_account account = {0};
    check(gcp_evacuate(uffd, &run, 1, &policy, &account, NULL) == -EINVAL,
          "a granule that is no page multiple is refused");
    check(sum(&account) == 7 && account.left == 7, "and all pages are left");
}

static void test_unmapped(const struct gcp_uffd *uffd, uint64_t page)
{
    char *target = gcp_region_alloc(8 * page, 0), *source = gcp_region_alloc(8 * page, 0);
    uint64_t dst = gcp_address_of(target), src = gcp_address_of(source);
    struct gcp_run runs[2] = {{dst, src, 4}, {dst + 4 * page, src, 4}};
    struct gcp_policy policy = {0};
    struct gcp_run rest;
    struct gcp_account account = {0};
    check(gcp_uffd_register(uffd, dst, 8 * page, NULL).err == 0, "register");
    gcp_region_free(source, 8 * page);
    check(gcp_evacuate(uffd, runs, 2, &policy, &account, &rest) == -ENOENT, "an unmapped source is no hole");
    check(account.left == 8 && account.zeroed == 0 && rest.src == src && rest.pages == 4,
          "nothing is filled with zeroes for it");
    gcp_region_free(target, 8 * page);
}

static void test_not_registered(const struct gcp_uffd *uffd, uint64_t page)
{
    char *target = gcp_region_alloc(2 * page, 0), *source = gcp_region_alloc(2 * page, 0);
    memset(source, 1, 2 * page);
    struct gcp_run run = {gcp_address_of(target), gcp_address_of(source), 2};
    struct gcp_policy policy = {.eagain_limit = 3};
    struct gcp_account account = {0};
    check(gcp_evacuate(uffd, &run, 1, &policy, &account, NULL) == -EINVAL,
          "an unregistered destination stops the engine");
    check(sum(&account) == 2 && account.other_errors <= 5, "after a bounded number of tries");
    check(source[page] == 1, "the source is untouched");
    gcp_region_free(target, 2 * page);
    gcp_region_free(source, 2 * page);
}

static void test_sources(struct gcp_prover *prover)
{
    struct gcp_source source;
    for (uint32_t kind = GCP_SOURCE_PLAIN; gcp_source_name(kind); kind++) {
        int err = gcp_source_init(prover, kind, 0, GCP_FRAMES_ANY, 64, 0, 5, &source);
        check(err == 0 || source.why[0], "a source is made or says why not");
        gcp_source_deinit(&source);
    }
    check(gcp_source_init(prover, GCP_SOURCE_ZERO, 4, GCP_FRAMES_ANY, 64, 0, 5, &source) == -EINVAL,
          "no large zero pages");
    check(gcp_source_init(prover, 99, 0, GCP_FRAMES_ANY, 64, 0, 5, &source) == -EINVAL, "no unknown kind");
}

static void test_frames(struct gcp_prover *prover, const struct gcp_platform *platform)
{
    struct gcp_source source;
    uint64_t pages = platform->pmd_size / platform->page_size;
    for (uint32_t frames = GCP_FRAMES_ANY; gcp_frames_name(frames); frames++) {
        int err = gcp_source_init(prover, GCP_SOURCE_PLAIN, 0, frames, pages, 0, 5, &source);
        check(err == 0 || source.why[0], gcp_frames_name(frames));
        if (!err)
            check(gcp_content_check(source.start, 0, pages, 5) < 0, "each page has its contents");
        if (!err && source.frame_order.pairs)
            check(gcp_frames_reached(frames, &source.frame_order), "the order asked");
        gcp_source_deinit(&source);
    }
    check(gcp_source_init(prover, GCP_SOURCE_PLAIN, 0, 99, pages, 0, 5, &source) == -EINVAL, "no unknown order");
    check(gcp_source_init(prover, GCP_SOURCE_HOLE, 0, GCP_FRAMES_SHUFFLED, pages, 0, 5, &source) == -EINVAL,
          "no order of what has no frames");
}

static void test_working_sets(struct gcp_prover *prover)
{
    struct gcp_scenario scenario = {.source = GCP_SOURCE_PLAIN,
                                    .working_set = GCP_WORKING_SET_MEMORY,
                                    .frames = GCP_FRAMES_SHUFFLED,
                                    .pages = GCP_MEMORY_MIN_PAGES,
                                    .cpu = -1,
                                    .touch_cpu = 0};
    struct gcp_round round;
    for (int i = 0; i < 2; i++) {
        gcp_round_run(prover, &scenario, &round);
        check(round.status == GCP_ROUND_VALID ? round.streamed_bytes > 0 : round.reason[0], "evicted, or why not");
    }
    scenario.pages--;
    gcp_round_run(prover, &scenario, &round);
    check(round.status == GCP_ROUND_UNABLE && round.reason[0], "too small a range is refused");
}

static void test_arms(struct gcp_prover *prover, const struct gcp_platform *platform)
{
    struct gcp_scenario scenario = {.source = GCP_SOURCE_PLAIN,
                                    .pages = platform->pmd_size / platform->page_size,
                                    .cpu = -1,
                                    .touch_cpu = -1,
                                    .seed = 3};
    struct gcp_round round;
    for (uint32_t arm = 0; gcp_arm_name(arm); arm++) {
        scenario.arm = arm;
        gcp_round_run(prover, &scenario, &round);
        if (round.status != GCP_ROUND_VALID)
            printf("  %s: %s\n", gcp_arm_name(arm), round.reason);
        if (gcp_arm_flags(arm) & GCP_ARM_SPLITS)
            check(round.status == GCP_ROUND_UNABLE, "small folios are not split");
        else if (gcp_arm_flags(arm) & GCP_ARM_SWAPS_IN)
            check(round.status == GCP_ROUND_UNABLE, "what is not swapped out is not swapped in");
        else
            check(round.status == GCP_ROUND_VALID && round.ns > 0, gcp_arm_name(arm));
    }
    check(gcp_arm_flags(0) && !gcp_arm_flags(UINT32_MAX) && !gcp_arm_name(UINT32_MAX) && gcp_arm_find("teleport") < 0,
          "no unknown arm");
    scenario.arm = (uint32_t)gcp_arm_find("move");
    scenario.granule = platform->page_size + 1;
    gcp_round_run(prover, &scenario, &round);
    check(round.status == GCP_ROUND_UNABLE && round.reason[0], "a crooked granule is refused");
    scenario.granule = 0;
    scenario.touch_cpu = 0;
    gcp_round_run(prover, &scenario, &round);
    check(round.status == GCP_ROUND_VALID, "with a second thread");
}

int main(void)
{
    struct gcp_platform platform;
    struct gcp_prover prover;
    struct gcp_uffd uffd;

    gcp_platform_get(&platform);
    check(gcp_prover_init(&prover) == 0, "prover");
    check(gcp_uffd_init(0, &uffd) == 0, "userfaultfd");
    test_refused_policy(&uffd);
    test_unmapped(&uffd, platform.page_size);
    test_not_registered(&uffd, platform.page_size);
    test_sources(&prover);
    test_frames(&prover, &platform);
    test_working_sets(&prover);
    test_arms(&prover, &platform);
    gcp_uffd_deinit(&uffd);
    gcp_prover_deinit(&prover);
    return failures != 0;
}
