/* Calls every function from a thread with a small stack, and looks how much of it was touched.
 *
 *     small_stack CAPTURE
 *
 * Prints a line for each function; exits with 1 if one fails or takes more than the header says. */
#define _GNU_SOURCE
#include <gofollow.h>

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define STACK ((size_t) 16 << 10)
#define MOST ((size_t) 4 << 10)         /* of it, for a call */

static gofollow_t f;
static const char *capture;
static int result;

static const uint8_t packet[41] = {
    0x45, 0, 0, 41, 0, 0, 0, 0, 64, 6, 0, 0, 10, 1, 0, 1, 10, 0, 0, 2, 4, 0, 0, 80,
    0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x10, 1, 0, 0, 0, 0, 0, 'x'
};

/* What a function needs that is large stands outside of the stack. */
static gofollow_event events[4];
static gofollow_statistics statistics = { .size = sizeof statistics };
static gofollow_not_followed_kind kinds[4];
static gofollow_progress progress = { .size = sizeof progress };
static gofollow_packet batch = { GOFOLLOW_NO_TIME, packet, sizeof packet, sizeof packet, GOFOLLOW_LINK_IPV4, 0 };
static char message[64];
static size_t consumed;

static int call_nothing (void) { return 0; }
static int call_version (void) { return gofollow_version () == NULL; }
static int call_abi_version (void) { return gofollow_abi_version () != GOFOLLOW_ABI_VERSION; }
static int call_strerror (void) { return gofollow_strerror (-1) == NULL; }
static int call_create (void) { return gofollow_create (&f, NULL); }
static int call_feed (void) { return gofollow_feed (f, GOFOLLOW_LINK_IPV4, GOFOLLOW_NO_TIME, packet, sizeof packet, sizeof packet); }
static int call_feed_batch (void) { return gofollow_feed_batch (f, &batch, 1, &consumed); }
static int call_poll (void) { return gofollow_poll (f, events, 4); }
static int call_ignore (void) { return gofollow_ignore (f, 0); }
static int call_set_user (void) { return gofollow_set_user (f, 0, &f); }
static int call_stats (void) { return gofollow_stats (f, &statistics); }
static int call_not_followed (void) { return gofollow_not_followed (f, kinds, 4); }
static int call_error_message (void) { return gofollow_error_message (f, message, sizeof message); }
static int call_advance_time (void) { return gofollow_advance_time (f, 1000); }
static int call_feed_capture (void) { return gofollow_feed_capture (f, "", 0, &consumed); }
static int call_end_capture (void) { return gofollow_end_capture (f) != GOFOLLOW_ERR_FORMAT; }       /* it is empty */
static int call_open_file (void) { return gofollow_open_file (f, capture); }
static int call_read_file (void) { return gofollow_read_file (f, 3, &progress); }
static int call_flush (void) { return gofollow_flush (f); }
static int call_destroy (void) { return gofollow_destroy (f); }
static int call_set_memory_limit (void) { return gofollow_set_memory_limit (0); }

#define CALL(name) { #name, call_##name }
static const struct { const char *name; int (*call) (void); } calls[] = {
    CALL (nothing), CALL (version), CALL (abi_version), CALL (strerror), CALL (create), CALL (feed), CALL (feed_batch), CALL (poll),
    CALL (set_user), CALL (ignore), CALL (stats), CALL (not_followed), CALL (error_message), CALL (advance_time), CALL (feed_capture), CALL (end_capture),
    CALL (open_file), CALL (read_file), CALL (flush), CALL (set_memory_limit), CALL (destroy),
};

static void *
work (void *call)
{
    result = (*(int (**) (void)) call) ();
    return NULL;
}

int
main (int argc, char **argv)
{
    if (argc != 2)
        return 2;
    capture = argv[1];
    int failed = 0;
    size_t own = 0;                     /* what the thread takes without a call */
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        unsigned char *stack = mmap (NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        pthread_attr_t attributes;
        pthread_t thread;
        memset (stack, 0xa5, STACK);
        pthread_attr_init (&attributes);
        int (*call) (void) = calls[i].call;
        if (pthread_attr_setstack (&attributes, stack, STACK) != 0 || pthread_create (&thread, &attributes, work, &call) != 0)
            return 2;
        pthread_join (thread, NULL);
        size_t untouched = 0;
        while (untouched < STACK && stack[untouched] == 0xa5)
            untouched++;
        if (i == 0)
            own = STACK - untouched;
        size_t took = STACK - untouched - own;
        printf ("%s: %d, %zu bytes\n", calls[i].name, result, took);
        failed |= result < 0 || took > MOST;
    }
    return failed;
}
