#define _GNU_SOURCE
#include "base/proof.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/platform.h"
#include "base/uapi.h"
#include "base/address.h"

#define SPLIT 0
#define SWPIN 4
static const char *const STAT_NAMES[GCP_MTHP_STATS] = {"split", "split_failed", "anon_fault_alloc", "swpout", "swpin"};

/* The number in a counter file; -1 if it can't be read. */
static int64_t read_number(int fd)
{
    char text[32];
    ssize_t got = pread(fd, text, sizeof(text) - 1, 0);
    if (got <= 0)
        return -1;
    text[got] = 0;
    return strtoll(text, NULL, 10);
}

int gcp_prover_init(struct gcp_prover *ret)
{
    struct gcp_platform platform;
    gcp_platform_get(&platform);

    memset(ret, 0, sizeof(*ret));
    ret->pagemap_fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    ret->kpageflags_fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
    ret->vmstat_fd = open("/proc/vmstat", O_RDONLY | O_CLOEXEC);
    if (ret->pagemap_fd >= 0)
        ret->have |= GCP_PROOF_PAGEMAP;
    if (ret->kpageflags_fd >= 0)
        ret->have |= GCP_PROOF_KPF;
    if (ret->vmstat_fd >= 0)
        ret->have |= GCP_PROOF_VMSTAT;

    for (size_t stat = 0; stat < GCP_MTHP_STATS; stat++) {
        for (uint32_t order = 0; order <= GCP_MAX_ORDER; order++) {
            char path[160];
            ret->stat_fd[stat][order] = -1;
            if (!(platform.anon_orders >> order & 1))
                continue;
            snprintf(path, sizeof(path), "/sys/kernel/mm/transparent_hugepage/hugepages-%" PRIu64 "kB/stats/%s",
                     (platform.page_size << order) / 1024, STAT_NAMES[stat]);
            int fd = open(path, O_RDONLY | O_CLOEXEC);
            ret->stat_fd[stat][order] = fd;
            if (fd >= 0 && stat == SPLIT)
                ret->have |= GCP_PROOF_MTHP;
            if (fd >= 0 && stat == SWPIN)
                ret->have |= GCP_PROOF_SWPIN;
        }
    }

    /* Without CAP_SYS_ADMIN the kernel shows PFN 0 for every page; a stack page certainly has another. */
    if (ret->have & GCP_PROOF_PAGEMAP) {
        volatile uint64_t here = 1;
        uint64_t entry = 0;
        off_t at = (off_t)(gcp_address_of(&here) / platform.page_size * 8);
        (void)here;
        if (pread(ret->pagemap_fd, &entry, 8, at) == 8 && GCP_PM_PFN(entry) != 0)
            ret->have |= GCP_PROOF_PFN;
    }
    if (!(ret->have & GCP_PROOF_PFN))
        ret->have &= ~(uint32_t)GCP_PROOF_KPF;
    return ret->have & GCP_PROOF_PAGEMAP ? 0 : -ENOENT;
}

void gcp_prover_deinit(struct gcp_prover *prover)
{
    int fds[3] = {prover->pagemap_fd, prover->kpageflags_fd, prover->vmstat_fd};
    for (size_t i = 0; i < 3; i++)
        if (fds[i] > 0)
            close(fds[i]);
    for (size_t stat = 0; stat < GCP_MTHP_STATS; stat++)
        for (uint32_t order = 0; order <= GCP_MAX_ORDER; order++)
            if (prover->stat_fd[stat][order] > 0)
                close(prover->stat_fd[stat][order]);
    memset(prover, 0, sizeof(*prover));
}

static void read_vmstat(int fd, struct gcp_counters *ret)
{
    static const struct {
        const char *name;
        size_t offset;
    } WANTED[] = {
        {"thp_split_page ", offsetof(struct gcp_counters, thp_split_page)},
        {"thp_split_pmd ", offsetof(struct gcp_counters, thp_split_pmd)},
        {"pswpin ", offsetof(struct gcp_counters, pswpin)},
        {"pswpout ", offsetof(struct gcp_counters, pswpout)},
    };
    char text[16384];
    ssize_t got = pread(fd, text, sizeof(text) - 1, 0);
    if (got <= 0)
        return;
    text[got] = 0;
    ret->have |= GCP_PROOF_VMSTAT;
    for (char *line = text; line && *line; line = strchr(line, '\n')) {
        if (*line == '\n')
            line++;
        for (size_t i = 0; i < sizeof(WANTED) / sizeof(WANTED[0]); i++) {
            size_t length = strlen(WANTED[i].name);
            if (strncmp(line, WANTED[i].name, length) == 0) {
                uint64_t value = strtoull(line + length, NULL, 10);
                memcpy((char *)ret + WANTED[i].offset, &value, sizeof(value));
            }
        }
    }
}

void gcp_counters_read(const struct gcp_prover *prover, struct gcp_counters *ret)
{
    memset(ret, 0, sizeof(*ret));
    if (prover->have & GCP_PROOF_VMSTAT)
        read_vmstat(prover->vmstat_fd, ret);
    uint64_t *const columns[GCP_MTHP_STATS] = {ret->split, ret->split_failed, ret->anon_fault_alloc, ret->swpout,
                                               ret->swpin};
    for (size_t stat = 0; stat < GCP_MTHP_STATS; stat++) {
        for (uint32_t order = 0; order <= GCP_MAX_ORDER; order++) {
            if (prover->stat_fd[stat][order] < 0)
                continue;
            int64_t value = read_number(prover->stat_fd[stat][order]);
            if (value >= 0) {
                columns[stat][order] = (uint64_t)value;
                ret->have |= GCP_PROOF_MTHP | (stat == SWPIN ? (uint32_t)GCP_PROOF_SWPIN : 0U);
            }
        }
    }
}

int gcp_view_init(uint64_t pages, struct gcp_view *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->entries = calloc(pages, sizeof(*ret->entries));
    ret->orders = calloc(pages, sizeof(*ret->orders));
    ret->cached = calloc(pages, sizeof(*ret->cached));
    if (!ret->entries || !ret->orders || !ret->cached) {
        gcp_view_deinit(ret);
        return -ENOMEM;
    }
    return 0;
}

void gcp_view_deinit(struct gcp_view *view)
{
    free(view->entries);
    free(view->orders);
    free(view->cached);
    memset(view, 0, sizeof(*view));
}

/*
 * Flags of up to `n` consecutive page frames.  kpageflags is indexed by frame number; frames beyond the end of memory
 * read short and stay 0.
 */
static void read_flags(int fd, uint64_t pfn, uint64_t *flags, size_t n)
{
    memset(flags, 0, n * sizeof(*flags));
    ssize_t got = pread(fd, flags, n * sizeof(*flags), (off_t)(pfn * sizeof(*flags)));
    (void)got;
}

struct folio {
    uint64_t head; /* its first page frame */
    int8_t order;  /* -1: it was split while it was looked at */
};

/* The folio that page frame `pfn` belongs to: walk to its head, then over its tail. */
static struct folio find_folio(const struct gcp_prover *prover, uint64_t pfn, uint64_t flags, uint32_t max_order)
{
    if (!(flags & (GCP_KPF_COMPOUND_HEAD | GCP_KPF_COMPOUND_TAIL)))
        return (struct folio){.head = pfn};
    uint64_t head = pfn;
    uint64_t around[512];
    while (!(flags & GCP_KPF_COMPOUND_HEAD) && head > 0) {
        uint64_t step = head < 64 ? head : 64;
        read_flags(prover->kpageflags_fd, head - step, around, step);
        uint64_t i = step;
        while (i > 0 && (around[i - 1] & GCP_KPF_COMPOUND_TAIL))
            i--;
        head -= step - i;
        if (i > 0) {
            head--;
            flags = around[i - 1];
            if (!(flags & GCP_KPF_COMPOUND_HEAD))
                return (struct folio){.head = pfn, .order = -1};
        }
    }
    uint64_t pages = 1;
    for (int end = 0; !end && pages < 1ULL << max_order;) {
        size_t want = (1ULL << max_order) - pages < 512 ? (1ULL << max_order) - pages : 512;
        read_flags(prover->kpageflags_fd, head + pages, around, want);
        for (size_t i = 0; i < want; i++) {
            if (!(around[i] & GCP_KPF_COMPOUND_TAIL)) {
                end = 1;
                break;
            }
            pages++;
        }
    }
    return (struct folio){.head = head, .order = (int8_t)(63 - __builtin_clzll(pages))};
}

/* Whether a page frame with these flags is a tail of a folio that was found. */
static bool is_tail_of(struct folio folio, uint64_t pfn, uint64_t flags)
{
    return folio.order > 0 && (flags & GCP_KPF_COMPOUND_TAIL) && pfn > folio.head &&
           pfn < folio.head + (1ULL << folio.order);
}

/*
 * A folio is looked up once, wherever the view or a run of frames begins in it.  Looking it up again for each tail is
 * quadratic in its pages: with base pages of 16 KiB, a THP has 2,048.
 */
static void look_up_orders(const struct gcp_prover *prover, struct gcp_view *view)
{
    struct gcp_platform platform;
    gcp_platform_get(&platform);
    uint64_t run[512];
    struct folio folio = {.order = -1};

    for (uint64_t i = 0; i < view->pages;) {
        view->orders[i] = -1;
        uint64_t pfn = GCP_PM_PFN(view->entries[i]);
        if (!(view->entries[i] & GCP_PM_PRESENT) || pfn == 0) {
            i++;
            continue;
        }
        /* Consecutive frames are read at once: one pread for a folio instead of one per page. */
        uint64_t n = 1;
        while (i + n < view->pages && n < 512 && (view->entries[i + n] & GCP_PM_PRESENT) &&
               GCP_PM_PFN(view->entries[i + n]) == pfn + n)
            n++;
        read_flags(prover->kpageflags_fd, pfn, run, n);
        for (uint64_t j = 0; j < n; j++) {
            if (run[j] & GCP_KPF_ZERO_PAGE) {
                view->zero_pages++;
                view->orders[i + j] = 0;
                continue;
            }
            if (!is_tail_of(folio, pfn + j, run[j]))
                folio = find_folio(prover, pfn + j, run[j], platform.pmd_order);
            view->orders[i + j] = folio.order;
            if (folio.order >= 0)
                view->order_histogram[folio.order]++;
        }
        i += n;
    }
}

int gcp_view_read(const struct gcp_prover *prover, uint64_t start, uint64_t pages, struct gcp_view *view)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    view->start = start;
    view->pages = pages;
    view->have = prover->have & (GCP_PROOF_PAGEMAP | GCP_PROOF_PFN | GCP_PROOF_KPF);
    view->present = view->swapped = view->swapped_cached = view->zero_pages = 0;
    memset(view->order_histogram, 0, sizeof(view->order_histogram));

    size_t bytes = pages * sizeof(*view->entries);
    for (size_t done = 0; done < bytes;) {
        ssize_t got = pread(prover->pagemap_fd, (char *)view->entries + done, bytes - done,
                            (off_t)(start / page * sizeof(*view->entries) + done));
        if (got <= 0)
            return got < 0 ? -errno : -EIO;
        done += (size_t)got;
    }
    memset(view->cached, 0, pages);
    if (mincore(gcp_at(start), pages * page, view->cached) < 0)
        return -errno;

    for (uint64_t i = 0; i < pages; i++) {
        view->cached[i] &= 1;
        view->orders[i] = -1;
        if (view->entries[i] & GCP_PM_PRESENT)
            view->present++;
        if (view->entries[i] & GCP_PM_SWAP) {
            view->swapped++;
            view->swapped_cached += view->cached[i];
        }
    }
    if (view->have & GCP_PROOF_KPF)
        look_up_orders(prover, view);
    return 0;
}
