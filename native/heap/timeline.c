#define _GNU_SOURCE
#include "heap/timeline.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include "base/clock.h"

int gcp_timeline_init(uint64_t capacity, struct gcp_timeline *ret)
{
    *ret = (struct gcp_timeline){0};
    void *area = mmap(NULL, capacity * sizeof(struct gcp_event), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (area == MAP_FAILED)
        return -ENOMEM;
    ret->events = area;
    ret->capacity = capacity;
    return 0;
}

void gcp_timeline_deinit(struct gcp_timeline *timeline)
{
    if (timeline->events)
        munmap(timeline->events, timeline->capacity * sizeof(struct gcp_event));
    *timeline = (struct gcp_timeline){0};
}

void gcp_timeline_record(struct gcp_timeline *timeline, enum gcp_event_kind kind, uint64_t start, uint64_t end,
                         uint64_t pages)
{
    uint64_t left;
    if (gcp_span(start, end, &left) < 0) {
        timeline->backwards++;
        return;
    }
    do {
        if (timeline->n == timeline->capacity) {
            timeline->dropped++;
            return;
        }
        uint32_t ns = left > UINT32_MAX ? UINT32_MAX : (uint32_t)left;
        struct gcp_event *event = &timeline->events[timeline->n++];
        *event = (struct gcp_event){start, ns, (uint16_t)kind, pages > UINT16_MAX ? UINT16_MAX : (uint16_t)pages};
        start += ns;
        left -= ns;
    } while (left);
}
