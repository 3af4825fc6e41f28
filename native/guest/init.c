/*
 * The guest's init: executes the lines of /script, then powers off.  It is a static program in an initramfs: a guest
 * needs no shell and no distribution, and the same instructions run before the first measurement everywhere.
 *
 *   module FILE                 load a module                      show FILE            say what is in a file
 *   write FILE TEXT...          write into a file                  sleep SECONDS
 *   zram BYTES                  swap on zram                       loop BYTES           swap on a loop device
 *   swapoff                     no swap any more                   root TYPE SOURCE OPTIONS   the host's files, /host
 *   memcg                       an empty memory cgroup, for rows of the contract
 *   functions                   say where the kernel's functions are
 *   job NAME SECONDS MODE PROGRAM [ARGUMENT...]                    MODE: fifo, other, or host (chrooted to /host)
 *
 * Its output goes to the second serial port as lines of JSON, {"guest":{...}}, between those of the jobs.  The first
 * port is the kernel's console (and the jobs' standard error).  After an error it reports the error and goes on with
 * the next line: the reader of the results sees what is missing.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "guest/functions.h"
#include "guest/say.h"
#include "guest/swap.h"

#define MAX_WORDS 64

static bool host_mounted;

static void mount_or_note(const char *source, const char *target, const char *type, const char *options)
{
    mkdir(target, 0755);
    if (mount(source, target, type, 0, options) < 0)
        gcp_guest_note("mount %s: %s", target, strerror(errno));
}

/* The results' port, in raw mode, so that bytes arrive unchanged. */
static void open_report(void)
{
    struct termios settings;
    /* Words of the kernel's command line that it does not know are the environment of init. */
    const char *port = getenv("GCPROTO_PORT");
    gcp_guest_report = open(port ? port : "/dev/ttyS1", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (gcp_guest_report < 0)
        return;
    if (tcgetattr(gcp_guest_report, &settings) == 0) {
        cfmakeraw(&settings);
        cfsetspeed(&settings, B115200);
        tcsetattr(gcp_guest_report, TCSANOW, &settings);
    }
}

static void load_module(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST))
        gcp_guest_note("module %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
}

static void show(const char *path)
{
    char text[4096], line[5000];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return; /* an older kernel may lack the file */
    text[n] = 0;
    snprintf(line, sizeof(line), "%s=%s", path, text);
    gcp_guest_say("file", line);
}

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000ULL + (uint64_t)time.tv_nsec;
}

__attribute__((noreturn)) static void become(char **words, const char *mode)
{
    struct sched_param priority = {.sched_priority = 1};
    bool host = strcmp(mode, "host") == 0;
    if (host && (!host_mounted || chroot("/host") < 0 || chdir("/") < 0))
        _exit(126);
    dup2(gcp_guest_report, STDOUT_FILENO);
    setsid();
    /* Only interrupts may delay a job that is measured. */
    if (strcmp(mode, "fifo") == 0)
        sched_setscheduler(0, SCHED_FIFO, &priority);
    setenv("PATH", "/usr/local/bin:/usr/bin:/bin:/sbin:/", 1);
    setenv("HOME", host ? "/run" : "/tmp", 1);
    setenv("TMPDIR", host ? "/run" : "/tmp", 1);
    execvp(words[0], words);
    dprintf(STDERR_FILENO, "init: %s: %s\n", words[0], strerror(errno));
    _exit(127);
}

static const char *ending(pid_t child, bool killed, int status)
{
    if (child < 0)
        return "unable";
    if (killed)
        return "killed";
    return WIFSIGNALED(status) ? "signal" : "exit";
}

/* Run a job; kill it after `seconds`.  Orphans that end meanwhile are reaped too. */
static void job(const char *name, uint64_t seconds, const char *mode, char **words)
{
    const struct timespec tick = {.tv_nsec = 10000000};
    char text[256];
    int status = 0;
    bool killed = false;
    gcp_guest_say("begin", name);
    tcdrain(gcp_guest_report);
    uint64_t begin = now();
    pid_t child = fork();
    if (child == 0)
        become(words, mode);
    for (;;) {
        pid_t got = child < 0 ? child : waitpid(-1, &status, WNOHANG);
        if (got == child || (got < 0 && errno != EINTR))
            break;
        if (now() - begin > seconds * 1000000000ULL && !killed) {
            killed = true;
            kill(-child, SIGKILL);
            kill(child, SIGKILL);
        }
        /* A process that survives SIGKILL spins in the kernel: leave it. */
        if (killed && now() - begin > (seconds + 10) * 1000000000ULL)
            break;
        if (got <= 0)
            nanosleep(&tick, NULL);
    }
    tcdrain(gcp_guest_report);
    snprintf(text, sizeof(text), "%s %s %d %" PRIu64, name, ending(child, killed, status),
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), now() - begin);
    gcp_guest_say("end", text);
    tcdrain(gcp_guest_report);
}

/* FILE TEXT...: write the words of the text, separated by spaces. */
static void write_words(char **words, size_t n)
{
    char text[512] = "";
    for (size_t i = 2; i < n; i++) {
        strncat(text, words[i], sizeof(text) - strlen(text) - 1);
        if (i + 1 < n)
            strncat(text, " ", sizeof(text) - strlen(text) - 1);
    }
    int err = gcp_guest_write(words[1], text);
    if (err && err != -ENOENT)
        gcp_guest_note("write %s %s: %s", words[1], text, strerror(-err));
}

/*
 * The host's files, read-only; of several such lines the first that works counts.  Only /run is writable there: unlike
 * /tmp, it hides no file that a program of the host needs.
 */
static void mount_host(char **words)
{
    if (host_mounted)
        return;
    mkdir("/host", 0755);
    const char *options = strcmp(words[3], "-") == 0 ? NULL : words[3];
    if (mount(words[2], "/host", words[1], MS_RDONLY, options) < 0) {
        gcp_guest_note("mount %s on /host by %s: %s", words[2], words[1], strerror(errno));
        return;
    }
    host_mounted = true;
    mount_or_note("proc", "/host/proc", "proc", NULL);
    mount_or_note("sysfs", "/host/sys", "sysfs", NULL);
    mount_or_note("devtmpfs", "/host/dev", "devtmpfs", NULL);
    mount_or_note("tmpfs", "/host/run", "tmpfs", "mode=1777");
}

/* As gcproto/host/memory_group.py makes it.  A kernel without memory cgroups has none: the rows that need one skip. */
static void make_memory_group(void)
{
    if (mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL) < 0 && errno != EBUSY)
        return;
    if (gcp_guest_write("/sys/fs/cgroup/cgroup.subtree_control", "+memory") == 0)
        mkdir("/sys/fs/cgroup/gcproto", 0755);
}

static void act(char **words, size_t n)
{
    const char *verb = words[0];
    if (strcmp(verb, "module") == 0 && n == 2)
        load_module(words[1]);
    else if (strcmp(verb, "show") == 0 && n == 2)
        show(words[1]);
    else if (strcmp(verb, "write") == 0 && n > 2)
        write_words(words, n);
    else if (strcmp(verb, "sleep") == 0 && n == 2)
        sleep((unsigned)atoi(words[1]));
    else if (strcmp(verb, "zram") == 0 && n == 2)
        gcp_guest_swap_on_zram(strtoull(words[1], NULL, 10));
    else if (strcmp(verb, "loop") == 0 && n == 2)
        gcp_guest_swap_on_loop(strtoull(words[1], NULL, 10));
    else if (strcmp(verb, "memcg") == 0 && n == 1)
        make_memory_group();
    else if (strcmp(verb, "swapoff") == 0 && n == 1)
        gcp_guest_swap_off();
    else if (strcmp(verb, "functions") == 0 && n == 1)
        gcp_guest_functions();
    else if (strcmp(verb, "root") == 0 && n == 4)
        mount_host(words);
    else if (strcmp(verb, "job") == 0 && n > 4)
        job(words[1], strtoull(words[2], NULL, 10), words[3], words + 4);
    else
        gcp_guest_note("a line of the script can't be read: %s", verb);
}

static void follow(const char *path)
{
    static char line[8192];
    FILE *script = fopen(path, "re");
    if (!script) {
        gcp_guest_note("%s: %s", path, strerror(errno));
        return;
    }
    while (fgets(line, sizeof(line), script)) {
        char *words[MAX_WORDS + 1], *rest = line;
        size_t n = 0;
        for (char *word; n < MAX_WORDS && (word = strsep(&rest, " \n"));)
            if (*word)
                words[n++] = word;
        words[n] = NULL;
        if (n > 0 && words[0][0] != '#')
            act(words, n);
    }
    fclose(script);
}

int main(void)
{
    if (getpid() != 1) {
        fputs("init: this is the init of a guest; it can't run on a live system\n", stderr);
        return 2;
    }
    mkdir("/dev", 0755);
    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    open_report();
    mount_or_note("proc", "/proc", "proc", NULL);
    mount_or_note("sysfs", "/sys", "sysfs", NULL);
    mount_or_note("tmpfs", "/tmp", "tmpfs", NULL);
    mount_or_note("debugfs", "/sys/kernel/debug", "debugfs", NULL);
    /* For probes; a kernel may have no tracing. */
    if (mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL) < 0 && errno != ENODEV && errno != ENOENT)
        gcp_guest_note("mount /sys/kernel/tracing: %s", strerror(errno));
    gcp_guest_say("started", "init");
    follow("/script");
    gcp_guest_say("done", "script");
    tcdrain(gcp_guest_report);
    sync();
    reboot(RB_POWER_OFF);
    reboot(RB_AUTOBOOT);
    for (;;)
        pause();
}
