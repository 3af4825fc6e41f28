/* Regions, targets and sources of the rows. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "trial/trial.h"
#include "base/address.h"
#include "trial/kernel_file.h"

#define THP_DIR "/sys/kernel/mm/transparent_hugepage"

/* Memory may be fragmented once, and a page may be in a per-CPU batch once. */
#define SOURCE_TRIES 3

uint64_t gcp_trial_region(struct gcp_trial *trial, uint64_t pages, uint64_t offset)
{
    void *area = gcp_region_alloc(pages * trial->page, offset);
    if (!area)
        gcp_trial_skip(trial, "no address space for %" PRIu64 " pages: %s", pages, strerror(errno));
    /* EINVAL if the kernel has no THP, which is fine. */
    madvise(area, pages * trial->page, MADV_NOHUGEPAGE);
    return gcp_address_of(area);
}

void gcp_trial_register(struct gcp_trial *trial, uint64_t start, uint64_t pages)
{
    int err = gcp_uffd_register(&trial->uffd, start, pages * trial->page, NULL).err;
    if (err)
        gcp_trial_differs(trial, "UFFDIO_REGISTER of %" PRIu64 " pages: %s", pages, strerror(err));
}

uint64_t gcp_trial_target(struct gcp_trial *trial, uint64_t pages, uint64_t offset)
{
    uint64_t start = gcp_trial_region(trial, pages, offset);
    gcp_trial_register(trial, start, pages);
    return start;
}

void gcp_trial_open(struct gcp_trial *trial, uint64_t features, struct gcp_uffd *ret)
{
    int err = gcp_uffd_init(features, ret);
    if (err)
        gcp_trial_skip(trial, "userfaultfd can't be opened: %s; run as root, or set vm.unprivileged_userfaultfd=1",
                       strerror(-err));
    if (ret->features != features)
        gcp_trial_skip(trial, "this kernel lacks the features %#" PRIx64 "; a newer one may have them",
                       features & ~ret->features);
}

uint64_t gcp_trial_source_at(struct gcp_trial *trial, uint32_t kind, uint32_t order, uint64_t pages, uint64_t offset,
                             struct gcp_source *ret)
{
    int err = -EAGAIN;
    for (int i = 0; err == -EAGAIN && i < SOURCE_TRIES; i++)
        err = gcp_source_init(&trial->prover, kind, order, GCP_FRAMES_ANY, pages, offset, GCP_TRIAL_SEED, ret);
    if (err)
        gcp_trial_skip(trial, "%s", ret->why);
    return ret->start;
}

uint64_t gcp_trial_source(struct gcp_trial *trial, uint32_t kind, uint32_t order, uint64_t pages,
                          struct gcp_source *ret)
{
    return gcp_trial_source_at(trial, kind, order, pages, 0, ret);
}

uint64_t gcp_trial_small(struct gcp_trial *trial, uint64_t pages)
{
    struct gcp_source source;
    return gcp_trial_source(trial, GCP_SOURCE_PLAIN, 0, pages, &source);
}

void gcp_trial_madvise(struct gcp_trial *trial, uint64_t start, uint64_t pages, int advice, const char *what)
{
    if (madvise(gcp_at(start), pages * trial->page, advice) < 0)
        gcp_trial_skip(trial, "madvise(%s): %s", what, strerror(errno));
}

void gcp_trial_protect(struct gcp_trial *trial, uint64_t start, uint64_t pages, int prot)
{
    if (mprotect(gcp_at(start), pages * trial->page, prot) < 0)
        gcp_trial_skip(trial, "mprotect(%#x): %s", (unsigned)prot, strerror(errno));
}

/* Bare system calls: sanitizers turn those of the C library into no-ops. */
void gcp_trial_lock(struct gcp_trial *trial, uint64_t start, uint64_t pages)
{
    const unsigned on_fault = 1; /* MLOCK_ONFAULT: otherwise a target would be faulted in, which waits forever */
    if (syscall(SYS_mlock2, start, pages * trial->page, on_fault) < 0)
        gcp_trial_skip(trial, "mlock2: %s; raise RLIMIT_MEMLOCK (ulimit -l)", strerror(errno));
}

void gcp_trial_unlock(struct gcp_trial *trial, uint64_t start, uint64_t pages)
{
    if (syscall(SYS_munlock, start, pages * trial->page) < 0)
        gcp_trial_skip(trial, "munlock: %s", strerror(errno));
}

void gcp_trial_clear_soft_dirty(struct gcp_trial *trial, uint64_t written)
{
    if (!(gcp_trial_entry(trial, written) & GCP_PM_SOFT_DIRTY))
        gcp_trial_skip(trial, "a written page is not soft-dirty here (CONFIG_MEM_SOFT_DIRTY)");
    int err = gcp_kernel_file_clear_soft_dirty();
    if (err)
        gcp_trial_skip(trial, "/proc/self/clear_refs: %s", strerror(-err));
    if (gcp_trial_entry(trial, written) & GCP_PM_SOFT_DIRTY)
        gcp_trial_skip(trial, "soft-dirty can't be cleared here (CONFIG_MEM_SOFT_DIRTY)");
}

int gcp_trial_splice(struct gcp_trial *trial, uint64_t start, uint64_t bytes)
{
    int ends[2];
    struct iovec part = {.iov_base = gcp_at(start), .iov_len = bytes};
    if (pipe2(ends, O_CLOEXEC) < 0)
        gcp_trial_skip(trial, "pipe2: %s", strerror(errno));
    ssize_t done = vmsplice(ends[1], &part, 1, SPLICE_F_NONBLOCK);
    if (done != (ssize_t)bytes)
        gcp_trial_skip(trial, "vmsplice of %" PRIu64 " bytes: %s", bytes, done < 0 ? strerror(errno) : "short");
    return ends[0];
}

/* The word in brackets is the current choice. */
static int chosen(const char *path, const char *word)
{
    char text[128] = "", wanted[32];
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    char *line = fgets(text, sizeof(text), file);
    fclose(file);
    snprintf(wanted, sizeof(wanted), "[%s]", word);
    return line && strstr(line, wanted);
}

static int on(const char *path)
{
    return chosen(path, "madvise") || chosen(path, "always");
}

uint32_t gcp_trial_mthp_order(struct gcp_trial *trial)
{
    const struct gcp_platform *platform = &trial->platform;
    for (uint32_t order = platform->pmd_order - 1; order > 1; order--) {
        char path[128];
        if (!(platform->anon_orders >> order & 1))
            continue;
        snprintf(path, sizeof(path), THP_DIR "/hugepages-%" PRIu64 "kB/enabled", (platform->page_size << order) / 1024);
        if (on(path) || (chosen(path, "inherit") && on(THP_DIR "/enabled")))
            return order;
    }
    gcp_trial_skip(trial, "no mTHP size is enabled; write madvise into one of " THP_DIR "/hugepages-*kB/enabled");
}

int gcp_trial_release_in(uint32_t since, uint32_t until)
{
    struct utsname name;
    unsigned version = 0, patch = 0, sub = 0;
    /* "7.3-rc1" has only two numbers. */
    if (uname(&name) < 0 || sscanf(name.release, "%u.%u.%u", &version, &patch, &sub) < 2)
        return 1;
    uint32_t release = GCP_RELEASE(version, patch, sub);
    return release >= since && release < until;
}
