/* What the guest's init says and writes. */
#define _GNU_SOURCE
#include "guest/say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int gcp_guest_report = -1;

static void write_all(const char *text, size_t bytes)
{
    while (bytes > 0) {
        ssize_t n = write(gcp_guest_report, text, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        text += n;
        bytes -= (size_t)n;
    }
}

void gcp_guest_say(const char *key, const char *text)
{
    static char line[32768];
    size_t at = (size_t)snprintf(line, sizeof(line), "{\"guest\":{\"%s\":\"", key);
    for (const unsigned char *c = (const unsigned char *)text; *c && at + 16 < sizeof(line); c++) {
        if (*c == '"' || *c == '\\')
            at += (size_t)snprintf(line + at, sizeof(line) - at, "\\%c", *c);
        else if (*c < 0x20 || *c >= 0x7f)
            at += (size_t)snprintf(line + at, sizeof(line) - at, "\\u%04x", *c);
        else
            line[at++] = (char)*c;
    }
    at += (size_t)snprintf(line + at, sizeof(line) - at, "\"}}\n");
    write_all(line, at);
}

void gcp_guest_note(const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    gcp_guest_say("note", text);
}

int gcp_guest_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = write(fd, text, strlen(text));
    int err = n < 0 ? -errno : 0;
    close(fd);
    return err;
}
