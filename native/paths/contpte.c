#define _GNU_SOURCE
#include "paths/contpte.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRACEFS "/sys/kernel/tracing/"
#define GROUP "gcproto"
#define KIB ((uint64_t)1024)
#define MIB (1024 * KIB)

/*
 * The kernel tries to fold, and converts only if all entries of the block fit: a fold is one that a conversion follows.
 * It unfolds blocks that have the bit.  It makes new entries, and sets the bit at once where an aligned block maps an
 * aligned block of frames.
 */
static const char *const PROBES[] = {
    "p:" GROUP "/fold __contpte_try_fold addr=%x1",
    "p:" GROUP "/unfold __contpte_try_unfold addr=%x1",
    "p:" GROUP "/convert contpte_convert",
    "p:" GROUP "/set contpte_set_ptes addr=%x1 pte=%x3 nr=%x4",
};

static int write_file(const char *path, int flags, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | flags);
    if (fd < 0)
        return -errno;
    ssize_t done = write(fd, text, strlen(text));
    int err = done < 0 ? -errno : 0;
    close(fd);
    return err;
}

static uint64_t block_of(uint64_t page)
{
    return page == 4 * KIB ? 64 * KIB : 2 * MIB;
}

static void remove_probes(void)
{
    write_file(TRACEFS "kprobe_events", O_APPEND, "-:" GROUP "/");
}

static int open_files(struct gcp_contpte *ret)
{
    char pid[32];
    snprintf(pid, sizeof(pid), "%d", getpid());
    int err = write_file(TRACEFS "set_event_pid", O_TRUNC, pid);
    ret->enable_fd = err ? -1 : open(TRACEFS "events/" GROUP "/enable", O_WRONLY | O_CLOEXEC);
    ret->trace_fd = ret->enable_fd < 0 ? -1 : open(TRACEFS "trace", O_RDWR | O_CLOEXEC);
    return err ? err : ret->trace_fd < 0 ? -errno : 0;
}

int gcp_contpte_init(struct gcp_contpte *ret, char *why, size_t size)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    *ret = (struct gcp_contpte){.page = page, .block = block_of(page), .enable_fd = -1, .trace_fd = -1};
    if (access(TRACEFS "kprobe_events", W_OK) != 0) {
        snprintf(why, size, "this kernel has no kprobe events: build it with CONFIG_KPROBE_EVENTS");
        return -ENOTSUP;
    }
    int err = 0;
    for (size_t i = 0; i < sizeof(PROBES) / sizeof(PROBES[0]) && !err; i++) {
        err = write_file(TRACEFS "kprobe_events", O_APPEND, PROBES[i]);
        if (err == -ENOENT || err == -EINVAL)
            snprintf(why, size, "this kernel folds no pages into contpte blocks: arm64 has it from 6.9 on");
        else if (err)
            snprintf(why, size, "a kprobe can't be set: %s", strerror(-err));
    }
    if (!err && (err = open_files(ret)) != 0)
        snprintf(why, size, "tracefs can't be used: %s", strerror(-err));
    if (err)
        gcp_contpte_deinit(ret);
    return err == -EINVAL ? -ENOENT : err;
}

void gcp_contpte_deinit(struct gcp_contpte *contpte)
{
    if (contpte->trace_fd >= 0)
        close(contpte->trace_fd);
    if (contpte->enable_fd >= 0)
        close(contpte->enable_fd);
    contpte->trace_fd = contpte->enable_fd = -1;
    remove_probes();
}

static int set_enabled(const struct gcp_contpte *contpte, const char *on)
{
    return pwrite(contpte->enable_fd, on, 1, 0) == 1 ? 0 : -errno;
}

int gcp_contpte_begin(struct gcp_contpte *contpte)
{
    /* Opening it for writing with O_TRUNC clears the buffer. */
    int err = write_file(TRACEFS "trace", O_TRUNC, "");
    return err ? err : set_enabled(contpte, "1");
}

/* The whole file; NULL and errno if it can't be read.  The caller frees it. */
static char *read_all(int fd)
{
    size_t used = 0, room = 0;
    char *text = NULL;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return NULL;
    for (;;) {
        if (room - used < 4 * KIB) {
            char *larger = realloc(text, room += 256 * KIB);
            if (!larger)
                break;
            text = larger;
        }
        ssize_t got = read(fd, text + used, room - used - 1);
        if (got < 0)
            break;
        used += (size_t)got;
        text[used] = 0;
        if (got == 0)
            return text;
    }
    free(text);
    return NULL;
}

int gcp_contpte_end(struct gcp_contpte *contpte, const struct gcp_contpte_ranges *ranges, struct gcp_contpte_count *ret)
{
    *ret = (struct gcp_contpte_count){0};
    int err = set_enabled(contpte, "0");
    if (err)
        return err;
    char *text = read_all(contpte->trace_fd);
    if (!text)
        return -errno;
    err = gcp_contpte_read(contpte, ranges, text, ret);
    free(text);
    return err;
}

static bool within(uint64_t start, uint64_t bytes, uint64_t addr)
{
    return addr >= start && addr - start < bytes;
}

static bool is_ours(const struct gcp_contpte_ranges *ranges, uint64_t addr)
{
    return within(ranges->source, ranges->bytes, addr) || within(ranges->target, ranges->bytes, addr);
}

/* The number after `name` in a line; 0 without one. */
static uint64_t field(const char *line, const char *name)
{
    const char *end = strchr(line, '\n'), *found = strstr(line, name);
    return found && (!end || found < end) ? strtoull(found + strlen(name), NULL, 0) : 0;
}

/* Blocks that contpte_set_ptes makes: whole ones, if address and frame have the same offset within a block. */
static uint64_t blocks_set(const struct gcp_contpte *contpte, const char *line)
{
    uint64_t addr = field(line, " addr="), end = addr + field(line, " nr=") * contpte->page;
    uint64_t first = (addr + contpte->block - 1) & ~(contpte->block - 1), last = end & ~(contpte->block - 1);
    bool congruent = !((addr ^ field(line, " pte=")) & (contpte->block - 1) & ~(contpte->page - 1));
    return congruent && last > first ? (last - first) / contpte->block : 0;
}

static bool is_event(const char *line, const char *head, const char *name)
{
    const char *found = strstr(line, name);
    return found && found < head;
}

int gcp_contpte_read(const struct gcp_contpte *contpte, const struct gcp_contpte_ranges *ranges, const char *text,
                     struct gcp_contpte_count *ret)
{
    uint64_t tried = 0, kept, written;
    bool fold = false;
    *ret = (struct gcp_contpte_count){0};
    const char *next;
    for (const char *line = text; line && *line; line = next) {
        next = strchr(line, '\n');
        next = next ? next + 1 : NULL;
        if (sscanf(line, "# entries-in-buffer/entries-written: %" SCNu64 "/%" SCNu64, &kept, &written) == 2 &&
            kept != written)
            return -EOVERFLOW;
        const char *head = strchr(line, '('); /* of the probed place, after the event's name */
        if (*line == '#' || !head || (next && head >= next))
            continue;
        if (is_event(line, head, ": fold: ")) {
            tried = field(line, " addr=");
            fold = true;
            continue;
        }
        if (is_event(line, head, ": convert: "))
            ret->folded += fold && is_ours(ranges, tried);
        else if (is_event(line, head, ": unfold: "))
            ret->unfolded += is_ours(ranges, field(line, " addr="));
        else if (is_event(line, head, ": set: ") && is_ours(ranges, field(line, " addr=")))
            ret->folded += blocks_set(contpte, line);
        fold = false;
    }
    return 0;
}
