/*
 * Rows: MOVE in a memory cgroup at its limit.  The move of a page allocates no page, but its destination may need a page
 * table, which is charged to the process's group.
 *
 * The group is made and removed by `gcproto contract` and by the guests' init, since a process can't remove the group
 * that it is in.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "contract/rows.h"

/* In version 1 below the process's own group; version 2 allows no processes above a group with limits, except at the
 * top. */
#define V1 "/sys/fs/cgroup/memory"
#define V2 "/sys/fs/cgroup"
#define NAME "gcproto"

/* More page tables than the pages that a processor has charged ahead (MEMCG_CHARGE_BATCH, 64). */
#define TABLES 160

/* So often in a row a move must be refused, with a pause each time.  A refusal makes the kernel give back what other
 * processors had charged ahead, in their own time, and a move that follows may then get its page table. */
#define REFUSALS 10
#define PAUSE_NS 10000000L

struct group {
    char folder[512];
    int limit; /* the file that is written to set it */
    int usage;
};

/* The process's group of the controller in version 1, "" at its top or without it. */
static void own_group(char *buffer, size_t size)
{
    char line[512];
    FILE *file = fopen("/proc/self/cgroup", "re");
    buffer[0] = 0;
    while (file && fgets(line, sizeof(line), file)) {
        char *name = strstr(line, ":memory:");
        if (!name)
            continue;
        name[strcspn(name, "\n")] = 0;
        name += strlen(":memory:");
        snprintf(buffer, size, "%s", strcmp(name, "/") == 0 ? "" : name);
    }
    if (file)
        fclose(file);
}

static int open_in(const struct group *group, const char *name, int flags)
{
    char path[640];
    snprintf(path, sizeof(path), "%s/%s", group->folder, name);
    return open(path, flags | O_CLOEXEC);
}

static int put(int fd, const char *text)
{
    return pwrite(fd, text, strlen(text), 0) < 0 ? -errno : 0;
}

static int put_in(const struct group *group, const char *name, const char *text)
{
    int fd = open_in(group, name, O_WRONLY);
    int err = fd < 0 ? -errno : put(fd, text);
    if (fd >= 0)
        close(fd);
    return err;
}

/* Enter the group.  The kernel must not kill this process where it runs into the limit: then the ioctl sees ENOMEM. */
static void enter(struct gcp_trial *trial, struct group *ret)
{
    char own[256], pid[16];
    own_group(own, sizeof(own));
    snprintf(ret->folder, sizeof(ret->folder), V1 "%s/" NAME, own);
    ret->limit = open_in(ret, "memory.limit_in_bytes", O_WRONLY);
    ret->usage = open_in(ret, "memory.usage_in_bytes", O_RDONLY);
    int err = 0;
    if (ret->limit >= 0) {
        err = put_in(ret, "memory.oom_control", "1");
    } else {
        int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
        snprintf(ret->folder, sizeof(ret->folder), V2 "/" NAME);
        ret->limit = open_in(ret, "memory.max", O_WRONLY);
        ret->usage = open_in(ret, "memory.current", O_RDONLY);
        err = fd < 0 ? -errno : put(fd, "-1000");
        if (fd >= 0)
            close(fd);
    }
    if (ret->limit < 0 || ret->usage < 0)
        gcp_trial_skip(trial, "no memory cgroup " NAME " in " V1 "%s or " V2 "; `gcproto contract` makes it for root",
                       own);
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    err = err ? err : put_in(ret, "cgroup.procs", pid);
    if (err)
        gcp_trial_skip(trial, "%s: %s", ret->folder, strerror(-err));
}

/* Take the limit to what is in use.  Swap would make room again. */
static int limit_to_usage(const struct group *group)
{
    char text[32] = "";
    ssize_t n = pread(group->usage, text, sizeof(text) - 1, 0);
    return n <= 0 ? -EIO : put(group->limit, text);
}

static void no_limit(const struct group *group)
{
    /* -1 is version 1's word for it. */
    if (put(group->limit, "max"))
        put(group->limit, "-1");
}

/* Run on the first of these processors, or on the last. */
static void run_on(const cpu_set_t *allowed, bool last)
{
    cpu_set_t one;
    int found = -1;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET((size_t)cpu, allowed) && (last || found < 0))
            found = cpu;
    CPU_ZERO(&one);
    if (found < 0)
        return;
    CPU_SET((size_t)found, &one);
    sched_setaffinity(0, sizeof(one), &one);
}

static void wait_a_moment(void)
{
    struct timespec moment = {.tv_nsec = PAUSE_NS};
    nanosleep(&moment, NULL);
}

/* Move a page until it is moved or was refused again and again: the answer of the last call. */
static struct gcp_move_call move_until_settled(struct gcp_trial *trial, uint64_t dst, uint64_t src)
{
    struct gcp_move_call seen = gcp_trial_move(trial, dst, src, trial->page, 0);
    for (int i = 1; seen.err == ENOMEM && i < REFUSALS; i++) {
        wait_a_moment();
        seen = gcp_trial_move(trial, dst, src, trial->page, 0);
    }
    return seen;
}

/*
 * Move a page each to destinations without a page table until none can be allocated.  Between setting the limit and taking
 * it off nothing may be allocated: in version 1 a page fault would wait for memory, and a verdict would find no pipe.
 */
static void no_page_table_is_enomem(struct gcp_trial *trial)
{
    uint64_t page = trial->page, apart = trial->platform.pmd_size;
    struct group group;
    struct gcp_move_call seen = {0}, across = {0}, rest = {0};
    uint64_t at = 0;
    cpu_set_t allowed;

    CPU_ZERO(&allowed);
    enter(trial, &group);
    sched_getaffinity(0, sizeof(allowed), &allowed);
    run_on(&allowed, true); /* so that another processor has charged ahead, too */
    uint64_t src = gcp_trial_small(trial, TABLES + 2);
    run_on(&allowed, false);
    uint64_t dst = gcp_trial_target(trial, (TABLES + 1) * (apart / page), 0);
    /* The last page of each table stays empty, for a move that begins in it. */
    gcp_expect_moved(trial, dst, src, page, 0);
    put_in(&group, "memory.swap.max", "0");
    put_in(&group, "memory.swappiness", "0");
    wait_a_moment(); /* the linker has found nanosleep() */
    int err = limit_to_usage(&group);
    if (err)
        gcp_trial_skip(trial, "the limit of %s can't be set to what is in use: %s", group.folder, strerror(-err));
    for (at = 1; at <= TABLES; at++) {
        seen = move_until_settled(trial, dst + at * apart, src + at * page);
        if (seen.err)
            break;
    }
    if (seen.err == ENOMEM) {
        across = gcp_trial_move(trial, dst + at * apart - page, src + at * page, 2 * page, 0);
        rest = gcp_trial_move(trial, dst + at * apart, src + (at + 1) * page, page, 0);
    }
    no_limit(&group);
    if (at > TABLES)
        gcp_trial_skip(trial, "%d page tables were charged to %s beyond its limit: page tables are not accounted",
                       TABLES, group.folder);
    gcp_expect_outcome(trial, seen, ENOMEM, -ENOMEM);
    gcp_expect_outcome(trial, across, EAGAIN, (int64_t)page);
    gcp_expect_outcome(trial, rest, ENOMEM, -ENOMEM);
    gcp_expect_content(trial, dst + at * apart - page, at, 1);
    gcp_expect_content(trial, src + (at + 1) * page, at + 1, 1);
    gcp_expect_moved(trial, dst + at * apart, src + (at + 1) * page, page, 0);
    gcp_expect_content(trial, dst + at * apart, at + 1, 1);
    gcp_trial_note(trial,
                   "ENOMEM after %" PRIu64 " page tables at the limit; a move across the boundary was short, the "
                   "rest gave ENOMEM, and moved without the limit",
                   at - 1);
}

static const struct gcp_row_entry ROWS[] = {
    {{"enomem-page-table",
      "If no page table can be allocated for the destination, MOVE gives ENOMEM, after a short move of what came "
      "before",
      "", "root,memcg"},
     no_page_table_is_enomem},
};

const struct gcp_row_table gcp_rows_memory_limit = GCP_ROW_TABLE(ROWS);
