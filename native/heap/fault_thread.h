/*
 * A thread that answers faults: it reads a userfaultfd that was opened without UFFD_FEATURE_SIGBUS, fault after fault,
 * while the threads that faulted sleep in the kernel.  ART did so until 70f6132cf7; the fault service (sigbus.h) took
 * its place.
 *
 * Who sleeps is woken by the ioctl that maps the page, or by UFFDIO_WAKE where somebody else has mapped it.
 */
#ifndef GCP_FAULT_THREAD_H
#define GCP_FAULT_THREAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/platform.h"
#include "uffd/uffd.h"

/* cdef:begin */

/* Who answers a fault. */
enum gcp_handler {
    GCP_HANDLER_SIGBUS = 0, /* the faulting thread itself */
    GCP_HANDLER_THREAD = 1, /* one thread that reads the userfaultfd */
};

/* cdef:end */

enum gcp_served {
    GCP_SERVED_MAPPED = 0, /* an ioctl of this thread mapped the page, and woke whoever waited for it */
    GCP_SERVED_WAKE = 1,   /* the page is there, or is nobody's any more: whoever waits is to be woken */
};

/*
 * uffd, page: the descriptor, and bytes of a page
 * serve:      maps the page at `address`, or finds it mapped; enum gcp_served, or -errno if it can't be answered
 * failed:     is told once that no fault is answered any more and why (errno); it must see to it that nobody sleeps
 *             for ever, by unregistering the range or ending the process
 */
struct gcp_fault_thread_how {
    const struct gcp_uffd *uffd;
    uint64_t page;
    int (*serve)(void *context, uint64_t address);
    void (*failed)(void *context, int err);
    void *context;
};

/*
 * open:   faults are served; else whoever faulted is only woken: the message is older than what is served now
 * inside: one is served now
 * wakes:  UFFDIO_WAKE calls
 * ran:    where, looked at for each fault; to be read when it is drained
 */
struct gcp_fault_thread {
    struct gcp_fault_thread_how how;
    pthread_t thread;
    int quit[2];
    atomic_bool open;
    atomic_bool inside;
    atomic_uint_fast64_t wakes;
    struct gcp_ran ran;
    bool running;
};

/* Start it.  Nothing is served before it is opened.  0 or -errno, then nothing is left of it. */
int gcp_fault_thread_start(const struct gcp_fault_thread_how *how, struct gcp_fault_thread *ret);

/* Bind it to a processor, before it is opened; -1 leaves it.  0 or -errno. */
int gcp_fault_thread_pin(struct gcp_fault_thread *thread, int32_t cpu);

/* Serve from here on; no more from here on, and nobody is inside `serve` any more when that returns. */
void gcp_fault_thread_open(struct gcp_fault_thread *thread);
void gcp_fault_thread_drain(struct gcp_fault_thread *thread);

/* CPU time that it has used so far, ns. */
uint64_t gcp_fault_thread_cpu(const struct gcp_fault_thread *thread);

/* End it, when no thread can be asleep in a fault; takes one that was never started (all zero), or is ended, as well.
 */
void gcp_fault_thread_stop(struct gcp_fault_thread *thread);

#endif
