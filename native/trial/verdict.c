/* How a row ends: one report through the pipe, then the process exits. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "trial/trial.h"

static void send(const struct gcp_trial *trial, const struct gcp_report *report)
{
    /* Less than PIPE_BUF, so the write is atomic. */
    while (write(trial->report_fd, report, sizeof(*report)) < 0 && errno == EINTR)
        ;
}

__attribute__((noreturn)) static void end(struct gcp_trial *trial, uint32_t kind, uint32_t verdict, const char *text)
{
    struct gcp_report report = {.kind = kind, .verdict = verdict};
    memcpy(report.text, text, sizeof(report.text));
    send(trial, &report);
    /* Threads that sleep in a fault end with the process; children end by PR_SET_PDEATHSIG. */
    _exit(0);
}

/* Like vsnprintf, but the whole buffer is initialised. */
static void print(char *text, const char *format, va_list args)
{
    memset(text, 0, GCP_ROW_TEXT);
    vsnprintf(text, GCP_ROW_TEXT, format, args);
}

void gcp_trial_end(struct gcp_trial *trial, uint32_t verdict)
{
    end(trial, GCP_REPORT_FINAL, verdict, trial->text);
}

void gcp_trial_differs(struct gcp_trial *trial, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print(trial->text, format, args);
    va_end(args);
    end(trial, GCP_REPORT_FINAL, GCP_VERDICT_DIFFERS, trial->text);
}

void gcp_trial_skip(struct gcp_trial *trial, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print(trial->text, format, args);
    va_end(args);
    end(trial, GCP_REPORT_FINAL, GCP_VERDICT_SKIP, trial->text);
}

void gcp_trial_noise(struct gcp_trial *trial, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print(trial->text, format, args);
    va_end(args);
    end(trial, GCP_REPORT_NOISE, GCP_VERDICT_DIFFERS, trial->text);
}

void gcp_trial_note(struct gcp_trial *trial, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print(trial->text, format, args);
    va_end(args);
}

void gcp_trial_if_killed(struct gcp_trial *trial, const char *format, ...)
{
    struct gcp_report report = {.kind = GCP_REPORT_IF_KILLED, .verdict = GCP_VERDICT_OK};
    va_list args;
    va_start(args, format);
    print(report.text, format, args);
    va_end(args);
    send(trial, &report);
}
