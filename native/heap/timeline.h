/*
 * The events of one thread, in a fixed array of its own.  Recording takes no lock and allocates nothing, so a signal
 * handler may do it.
 */
#ifndef GCP_TIMELINE_H
#define GCP_TIMELINE_H

#include <stdint.h>

/* cdef:begin */

enum gcp_event_kind {
    GCP_EVENT_PAUSE = 0,           /* parked at a safepoint */
    GCP_EVENT_ALLOCATION = 1,      /* waited for memory */
    GCP_EVENT_FAULT_READY = 2,     /* mapped a page that was ready */
    GCP_EVENT_FAULT_DENSE = 3,     /* updated a dense-prefix page and mapped it */
    GCP_EVENT_FAULT_BUILT = 4,     /* built a compacted page and mapped it */
    GCP_EVENT_FAULT_SLID = 5,      /* slid a page that was allocated after marking, and mapped it */
    GCP_EVENT_FAULT_FRESH = 6,     /* a page without objects */
    GCP_EVENT_FAULT_WAITED = 7,    /* waited for another thread to build the page */
    GCP_EVENT_MAP = 8,             /* the collector mapped a run */
    GCP_EVENT_DISCARD = 9,         /* the collector gave from-space back */
    GCP_EVENT_FAULT_SPURIOUS = 10, /* the page was already mapped when the handler read its state */
    GCP_EVENT_COUNT = 11,
};

/*
 * start: ns, monotonic;  ns: duration;  pages: how many, if any
 * An event longer than `ns` can hold is stored as several, back to back.
 */
struct gcp_event {
    uint64_t start;
    uint32_t ns;
    uint16_t kind;
    uint16_t pages;
};

/*
 * n, capacity: number of events, and room for them
 * dropped:     events that found no room
 * backwards:   events whose end precedes their start: they are omitted, and the timeline is incomplete
 */
struct gcp_timeline {
    struct gcp_event *events;
    uint64_t n;
    uint64_t capacity;
    uint64_t dropped;
    uint64_t backwards;
};

/* Reserve room for `capacity` events; memory is used as events arrive.  0 or -ENOMEM. */
int gcp_timeline_init(uint64_t capacity, struct gcp_timeline *ret);
void gcp_timeline_deinit(struct gcp_timeline *timeline);

/* cdef:end */

/* Events without room count as `dropped`, impossible ones as `backwards`. */
void gcp_timeline_record(struct gcp_timeline *timeline, enum gcp_event_kind kind, uint64_t start, uint64_t end,
                         uint64_t pages);

#endif
