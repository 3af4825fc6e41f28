/*
 * A thread that answers faults: it reads them from a userfaultfd opened without UFFD_FEATURE_SIGBUS, while the threads
 * that faulted sleep in the kernel.  ART worked so until 70f6132cf7; the fault service (sigbus.h) replaced it.
 *
 * The ioctl that maps the page wakes the sleepers; if another thread has mapped it, UFFDIO_WAKE does.
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

/* Which thread answers a fault. */
enum gcp_handler {
    GCP_HANDLER_SIGBUS = 0, /* the faulting thread itself */
    GCP_HANDLER_THREAD = 1, /* one thread that reads the userfaultfd */
};

/* cdef:end */

enum gcp_served {
    GCP_SERVED_MAPPED = 0, /* an ioctl of this thread mapped the page and woke its waiters */
    GCP_SERVED_WAKE = 1,   /* the page is mapped, or no longer served: its waiters must be woken */
};

/*
 * uffd, page: the descriptor, and bytes of a page
 * serve:      maps the page at `address`, or finds it mapped; returns enum gcp_served, or -errno if it has no answer
 * failed:     called once when no more faults are answered, with the errno; it must wake all sleepers, by unregistering
 *             the range or ending the process
 */
struct gcp_fault_thread_how {
    const struct gcp_uffd *uffd;
    uint64_t page;
    int (*serve)(void *context, uint64_t address);
    void (*failed)(void *context, int err);
    void *context;
};

/*
 * open:   faults are served; otherwise their threads are only woken, since the message predates the current service
 * inside: a fault is being served
 * wakes:  UFFDIO_WAKE calls
 * ran:    where it ran, sampled at each fault; read it after a drain
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

/* Start it.  It serves nothing until it is opened.  0, or -errno with everything undone. */
int gcp_fault_thread_start(const struct gcp_fault_thread_how *how, struct gcp_fault_thread *ret);

/* Bind it to a processor, before it is opened; -1 leaves it.  0 or -errno. */
int gcp_fault_thread_pin(struct gcp_fault_thread *thread, int32_t cpu);

/* _open: serve faults from now on.  _drain: serve no more; `serve` is not running when it returns. */
void gcp_fault_thread_open(struct gcp_fault_thread *thread);
void gcp_fault_thread_drain(struct gcp_fault_thread *thread);

/* Its CPU time so far, in ns. */
uint64_t gcp_fault_thread_cpu(const struct gcp_fault_thread *thread);

/* End it, when no thread can sleep in a fault.  Does nothing if it was never started (all zero) or has ended. */
void gcp_fault_thread_stop(struct gcp_fault_thread *thread);

#endif
