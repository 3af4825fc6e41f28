/* Threads that fault on a missing page, and the messages of their faults. */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "trial/trial.h"
#include "base/address.h"

/* A message arrives within microseconds, but the machine may be busy. */
#define MESSAGE_MS 5000

/*
 * A thread that is woken runs within microseconds.  A wait that is too short could miss a wrong wake-up, but not invent
 * one.
 */
#define ASLEEP_MS 40
#define AWAKE_MS 5000

void gcp_trial_thread(struct gcp_trial *trial, pthread_t *thread, void *(*run)(void *), void *arg)
{
    int err = pthread_create(thread, NULL, run, arg);
    if (err)
        gcp_trial_skip(trial, "pthread_create: %s", strerror(err));
}

void gcp_trial_await_message(struct gcp_trial *trial, const struct gcp_uffd *uffd)
{
    struct pollfd ready = {.fd = uffd->fd, .events = POLLIN};
    int n;
    do
        n = poll(&ready, 1, MESSAGE_MS);
    while (n < 0 && errno == EINTR);
    if (n != 1 || !(ready.revents & POLLIN))
        gcp_trial_differs(trial, "no message came through the userfaultfd within %d ms", MESSAGE_MS);
}

struct gcp_uapi_msg gcp_trial_read_message(struct gcp_trial *trial, const struct gcp_uffd *uffd, uint8_t event)
{
    struct gcp_uapi_msg message;
    gcp_trial_await_message(trial, uffd);
    ssize_t got = read(uffd->fd, &message, sizeof(message));
    if (got != (ssize_t)sizeof(message))
        gcp_trial_differs(trial, "reading a message: %s", got < 0 ? strerror(errno) : "short");
    if (message.event != event)
        gcp_trial_differs(trial, "a message of event %#x came, expected %#x", message.event, event);
    return message;
}

static void *read_word(void *arg)
{
    struct gcp_waiter *waiter = arg;
    waiter->value = *waiter->word;
    atomic_store(&waiter->awake, 1);
    return NULL;
}

void gcp_waiter_start(struct gcp_trial *trial, uint64_t address, struct gcp_waiter *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->word = (volatile const uint64_t *)gcp_at(address);
    gcp_trial_thread(trial, &ret->thread, read_word, ret);
    gcp_trial_read_message(trial, &trial->uffd, GCP_UFFD_EVENT_PAGEFAULT);
}

static int wait_awake(struct gcp_waiter *waiter, int ms)
{
    const struct timespec tick = {.tv_nsec = 1000000};
    for (int i = 0; i < ms && !atomic_load(&waiter->awake); i++)
        nanosleep(&tick, NULL);
    return atomic_load(&waiter->awake);
}

void gcp_expect_awake(struct gcp_trial *trial, struct gcp_waiter *waiter, const char *after_what)
{
    if (!wait_awake(waiter, AWAKE_MS))
        gcp_trial_differs(trial, "the faulting thread still sleeps %d ms after %s", AWAKE_MS, after_what);
    pthread_join(waiter->thread, NULL);
    if (waiter->value != gcp_content(GCP_TRIAL_SEED, 0, 0))
        gcp_trial_differs(trial, "the faulting thread did not read the moved contents");
}

void gcp_expect_asleep(struct gcp_trial *trial, struct gcp_waiter *waiter, const char *after_what)
{
    if (wait_awake(waiter, ASLEEP_MS))
        gcp_trial_differs(trial, "the faulting thread was woken by %s", after_what);
}
