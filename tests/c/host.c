/* What the library is to its host program: many threads, fork, dlopen and dlclose, memory, silence.
 *
 *     host LIBRARY CAPTURE          LIBRARY is the shared library, which this program does not link
 */
#define _GNU_SOURCE
#include <gofollow.h>

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int passed, failed;

#define CHECK(condition) check (condition, #condition, __LINE__)

static void
check (int ok, const char *what, int line)
{
    if (ok)
        passed++;
    else {
        failed++;
        printf ("host.c:%d: failed: %s\n", line, what);
    }
}

/* The functions that are used, as dlsym finds them. */
#define FUNCTIONS(F) F (create) F (feed) F (feed_batch) F (open_file) F (read_file) F (poll) F (flush) F (destroy) F (stats) \
    F (feed_capture) F (end_capture) F (set_user) F (ignore) F (advance_time) F (not_followed) F (error_message) F (set_memory_limit) \
    F (strerror) F (version) F (abi_version)
#define DECLARE(name) static __typeof__ (gofollow_##name) *p_##name;
FUNCTIONS (DECLARE)

static void *
load (const char *library)
{
    void *handle = dlopen (library, RTLD_NOW);
#define FIND(name) if (handle != NULL && (*(void **) &p_##name = dlsym (handle, "gofollow_" #name)) == NULL) return NULL;
    FUNCTIONS (FIND)
    return handle;
}

static const char *capture;

/* Follows the capture; returns how many events there were, or an error. */
static int
follow (gofollow_t f)
{
    gofollow_event events[64];
    gofollow_progress progress = GOFOLLOW_PROGRESS_INIT;
    int all = 0, n, result = p_open_file (f, capture);
    while (result >= 0 && !progress.end) {
        result = p_read_file (f, 0, &progress);
        while ((n = p_poll (f, events, 64)) > 0)
            all += n;
    }
    if (result >= 0)
        result = p_flush (f);
    while ((n = p_poll (f, events, 64)) > 0)
        all += n;
    return result < 0 ? result : all;
}

static int
follow_once (void)
{
    gofollow_t f;
    int n = p_create (&f, NULL);
    if (n == 0) {
        n = follow (f);
        if (p_destroy (f) != 0)
            return -1000;
    }
    return n;
}

/* Runs in a child of fork, and returns 1 if every function says so at once. */
static int
forked (gofollow_t f)
{
    gofollow_t g = 7;
    gofollow_event e;
    size_t consumed;
    gofollow_statistics s = GOFOLLOW_STATISTICS_INIT;
    return p_create (&g, NULL) == GOFOLLOW_ERR_FORKED && p_feed (f, 1, 0, "", 0, 0) == GOFOLLOW_ERR_FORKED
        && p_feed_batch (f, NULL, 0, &consumed) == GOFOLLOW_ERR_FORKED && p_feed_capture (f, "", 0, &consumed) == GOFOLLOW_ERR_FORKED
        && p_end_capture (f) == GOFOLLOW_ERR_FORKED && p_open_file (f, capture) == GOFOLLOW_ERR_FORKED
        && p_read_file (f, 0, NULL) == GOFOLLOW_ERR_FORKED && p_poll (f, &e, 1) == GOFOLLOW_ERR_FORKED
        && p_set_user (f, 0, NULL) == GOFOLLOW_ERR_FORKED && p_ignore (f, 0) == GOFOLLOW_ERR_FORKED
        && p_advance_time (f, 1) == GOFOLLOW_ERR_FORKED && p_flush (f) == GOFOLLOW_ERR_FORKED && p_destroy (f) == GOFOLLOW_ERR_FORKED
        && p_stats (f, &s) == GOFOLLOW_ERR_FORKED && p_not_followed (f, NULL, 0) == GOFOLLOW_ERR_FORKED
        && p_error_message (f, NULL, 0) == GOFOLLOW_ERR_FORKED && p_set_memory_limit (0) == GOFOLLOW_ERR_FORKED
        && p_version ()[0] != 0 && p_strerror (GOFOLLOW_ERR_FORKED)[0] != 0 && p_abi_version () == GOFOLLOW_ABI_VERSION;
}

static int
in_child (int (*call) (gofollow_t), gofollow_t f)
{
    fflush (stdout);
    pid_t child = fork ();
    if (child == 0) {
        alarm (20);
        _exit (call (f) ? 0 : 1);
    }
    int status = -1;
    return waitpid (child, &status, 0) == child && WIFEXITED (status) && WEXITSTATUS (status) == 0;
}

static const char *library;

static int
loads_itself (gofollow_t unused)
{
    (void) unused;
    return load (library) != NULL && follow_once () > 0;
}

static long
resident_kilobytes (void)
{
    long pages = 0;
    FILE *file = fopen ("/proc/self/statm", "r");
    if (file == NULL || fscanf (file, "%*d %ld", &pages) != 1)
        abort ();
    fclose (file);
    return pages * (sysconf (_SC_PAGESIZE) / 1024);
}

static long
allocated_bytes (void)
{
#if __GLIBC_PREREQ (2, 33)
    return (long) mallinfo2 ().uordblks;
#else
    return mallinfo ().uordblks;
#endif
}

/* One packet in, its events out, whatever state it ends in. */
static int
round_trip (int i)
{
    uint8_t packet[45] = { 0x45, 0, 0, 45, [8] = 64, [9] = 6, [12] = 10, 0, 0, 1, 10, 0, 0, 2, 4, 0, 0, 80, [27] = 1, [32] = 0x50, 0x10, 1, [40] = 'h', 'e', 'l', 'l', 'o' };
    gofollow_t f;
    gofollow_event events[8];
    if (p_create (&f, NULL) != 0 || p_feed (f, GOFOLLOW_LINK_IPV4, 1, packet, sizeof packet, sizeof packet) != 2)
        return 0;
    if (i % 3 == 1 && p_poll (f, events, 8) != 2)
        return 0;
    return p_destroy (f) == 0;          /* with events waiting, if i % 3 != 1 */
}

static int expected;
static gofollow_t shared;

static void *
own_handle (void *unused)
{
    (void) unused;
    for (int i = 0; i < 20; i++)
        if (follow_once () != expected)
            return &failed;
    return NULL;
}

static void *
shared_handle (void *unused)
{
    gofollow_statistics s = GOFOLLOW_STATISTICS_INIT;
    gofollow_event events[4];
    (void) unused;
    for (int i = 0; i < 20000; i++) {
        int result = i % 3 == 0 ? p_feed (shared, 1, i, "", 0, 0) : i % 3 == 1 ? p_poll (shared, events, 4) : p_stats (shared, &s);
        if (result != 0 && result != GOFOLLOW_ERR_BUSY && result != GOFOLLOW_ERR_HANDLE)
            return &failed;
    }
    return NULL;
}

static void
in_threads (void *(*call) (void *), int n)
{
    pthread_t threads[16];
    void *result;
    for (int i = 0; i < n; i++)
        CHECK (pthread_create (&threads[i], NULL, call, NULL) == 0);
    if (call == shared_handle)
        while (p_destroy (shared) == GOFOLLOW_ERR_BUSY)
            ;
    for (int i = 0; i < n; i++)
        CHECK (pthread_join (threads[i], &result) == 0 && result == NULL);
}

int
main (int argc, char **argv)
{
    struct sigaction before[NSIG], after;
    if (argc != 3)
        return 2;
    library = argv[1];
    capture = argv[2];
    CHECK (in_child (loads_itself, 0));     /* fork first: each child may load it */
    for (int i = 1; i < NSIG; i++)
        memset (&before[i], 0, sizeof before[i]), sigaction (i, NULL, &before[i]);
    void *handle = load (library);
    CHECK (handle != NULL);
    if (handle == NULL)
        return 1;
    CHECK (in_child (forked, 0));           /* loaded, but nothing was called */
    CHECK (in_child (forked, 1));

    /* The signals of faults, SIGPIPE and SIGURG are the run time's, and no other. */
    for (int i = 1; i < NSIG; i++)
        if (sigaction (i, NULL, &after) == 0 && i != SIGSEGV && i != SIGBUS && i != SIGFPE && i != SIGPIPE && i != SIGURG)
            CHECK (after.sa_handler == before[i].sa_handler);

    expected = follow_once ();
    CHECK (expected > 0);
    gofollow_t f;
    CHECK (p_create (&f, NULL) == 0 && in_child (forked, f) && follow (f) == expected);
    CHECK (p_feed (f + 1000, 1, 0, "", 0, 0) == GOFOLLOW_ERR_HANDLE && p_destroy (UINT64_MAX) == GOFOLLOW_ERR_HANDLE);
    CHECK (p_destroy (f) == 0 && p_destroy (f) == GOFOLLOW_ERR_HANDLE && p_flush (f) == GOFOLLOW_ERR_HANDLE);

    /* Nothing is unloaded. */
    CHECK (dlclose (handle) == 0 && follow_once () == expected);
    CHECK (load (library) == handle && follow_once () == expected);

    in_threads (own_handle, 8);
    CHECK (p_create (&shared, NULL) == 0);
    in_threads (shared_handle, 8);

    /* Memory of malloc returns to where it was. The Go run time collects its own in steps of some MiB. */
    int all = 1;
    for (int i = 0; i < 3000; i++)
        all &= round_trip (i);
    long resident = resident_kilobytes (), allocated = allocated_bytes ();
    for (int i = 0; i < 10000; i++)
        all &= round_trip (i);
    CHECK (all);
    resident = resident_kilobytes () - resident;
    allocated = allocated_bytes () - allocated;
    printf ("10,000 rounds took %ld KiB, and %ld bytes of malloc\n", resident, allocated);
    CHECK (resident < 20 * 1024 && allocated < 100000);
    printf ("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}
