/* Private to the window: its state, and the functions that its threads run. */
#ifndef GCP_WINDOW_STATE_H
#define GCP_WINDOW_STATE_H

#include <pthread.h>

#include "heap/window/gate.h"
#include "heap/window/window.h"

/* What a thread that serves faults did; only that thread writes it. */
struct gcp_window_server {
    struct gcp_histogram fault;
    struct gcp_account account;
};

/*
 * One mutator; only its own thread writes it, its SIGBUS handler included.
 * first, end:      its share of the permutation
 * err:             why it can't take part: errno of binding it to its processor
 * begun, finished: when it first ran, and when it had finished
 */
struct gcp_window_mutator {
    struct gcp_window *window;
    pthread_t thread;
    uint32_t number;
    int32_t err;
    uint64_t first;
    uint64_t end;
    uint64_t begun;
    uint64_t finished;
    uint64_t wrong;
    struct gcp_histogram access;
    struct gcp_window_server server;
    struct gcp_window_thread seen;
};

/*
 * order:     the order in which mutators touch pages
 * started:   when the gate was opened; swept: when the collector had finished
 * err, what: errno of the collector's thread, and what failed
 * fault_err: errno of the handler thread
 */
struct gcp_window {
    const struct gcp_window_config *config;
    struct gcp_window_result *result;
    struct gcp_uffd uffd;
    struct gcp_pages pages;
    uint64_t page;
    uint64_t bytes;
    uint32_t *order;
    struct gcp_window_mutator *mutators;
    struct gcp_gate gate;
    uint64_t started;
    uint64_t swept;
    int32_t err;
    const char *what;
    struct gcp_fault_thread handler;
    struct gcp_window_server *server;
    int32_t fault_err;
};

/* Thread functions; their arguments are a `struct gcp_window_mutator *` and a `struct gcp_window *`. */
void *gcp_window_mutate(void *mutator);
void *gcp_window_collect(void *window);

/* Callbacks that serve faults (sigbus.h, fault_thread.h); the context is the window. */
int gcp_window_serve(void *context, uint64_t address, int stage);
int gcp_window_answer(void *context, uint64_t address);
void gcp_window_answer_failed(void *context, int err);

#endif
