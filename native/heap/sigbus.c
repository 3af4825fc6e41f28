#define _GNU_SOURCE
#include "heap/sigbus.h"
#include "base/address.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

/* Set in `inside` when a stage is over: no more handlers enter. */
#define DONE (1U << 31)
#define STAGES 2

static struct gcp_service served;
static struct sigaction before;
static atomic_uint inside[STAGES] = {DONE, DONE};
static atomic_int running;

/* Only by write(2): printf is not safe in a handler. */
static void give_up(int err)
{
    char text[] = "gcproto: a fault can't be served, errno 000: ioctl failed on the faulting thread\n";
    char *digits = strstr(text, "000");
    digits[0] = (char)('0' + err / 100 % 10);
    digits[1] = (char)('0' + err / 10 % 10);
    digits[2] = (char)('0' + err % 10);
    if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
        _exit(118);
    _exit(117);
}

/* The stage that the caller has entered, -1 for none. */
static int enter(void)
{
    for (int stage = 0; stage < STAGES; stage++) {
        unsigned now = atomic_load_explicit(&inside[stage], memory_order_relaxed);
        while (!(now & DONE))
            if (atomic_compare_exchange_weak_explicit(&inside[stage], &now, now + 1, memory_order_acquire,
                                                      memory_order_relaxed))
                return stage;
    }
    return -1;
}

static void pass_on(int number, siginfo_t *info, void *context)
{
    if ((before.sa_flags & SA_SIGINFO) && before.sa_sigaction) {
        before.sa_sigaction(number, info, context);
    } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
        before.sa_handler(number);
    } else {
        /* The access is repeated on return, and then ends the process as it would have without us. */
        signal(SIGBUS, SIG_DFL);
    }
}

static void handle(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    uint64_t address = gcp_address_of(info->si_addr);
    if (info->si_code != BUS_ADRERR || address - served.start >= served.bytes) {
        pass_on(number, info, context);
        errno = saved;
        return;
    }
    /* After the range is unregistered no handler enters: the access is repeated. */
    int stage = enter();
    if (stage >= 0) {
        int err = served.serve(served.context, address, stage);
        atomic_fetch_sub_explicit(&inside[stage], 1, memory_order_release);
        if (err)
            give_up(err);
    }
    errno = saved;
}

int gcp_service_start(const struct gcp_service *service)
{
    int no = 0;
    struct sigaction action;
    if (!atomic_compare_exchange_strong(&running, &no, 1))
        return -EBUSY;
    served = *service;
    memset(&action, 0, sizeof(action));
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGBUS, &action, &before) < 0) {
        int err = errno;
        atomic_store(&running, 0);
        return -err;
    }
    return 0;
}

void gcp_service_open(void)
{
    for (int stage = 0; stage < STAGES; stage++)
        atomic_store_explicit(&inside[stage], 0, memory_order_release);
}

int gcp_service_drain(int stage, const _Atomic int32_t *err)
{
    unsigned now = atomic_fetch_or(&inside[stage], DONE) | DONE;
    while (now != DONE) {
        int32_t failed = err ? atomic_load_explicit(err, memory_order_acquire) : 0;
        if (failed)
            return failed;
        sched_yield();
        now = atomic_load_explicit(&inside[stage], memory_order_acquire);
    }
    return 0;
}

void gcp_service_stop(void)
{
    sigaction(SIGBUS, &before, NULL);
    atomic_store(&running, 0);
}
