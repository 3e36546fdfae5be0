/* Reads a capture again and again while a signal comes all the time, to a handler that takes more
 * stack than Go's stacks have: it has SA_ONSTACK, as gofollow.h asks for.
 *
 *     signals CAPTURE ROUNDS
 */
#define _GNU_SOURCE
#include <gofollow.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

static volatile sig_atomic_t hits;

static void
handler (int signal)
{
    char room[8192];                    /* as if to format a line */
    memset (room, signal, sizeof room);
    __asm__ volatile ("" : : "r" (room) : "memory");
    hits++;
}

int
main (int argc, char **argv)
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART | SA_ONSTACK };
    struct itimerval every = { { 0, 200 }, { 0, 200 } }, never = { { 0, 0 }, { 0, 0 } };
    static gofollow_event events[64];
    uint64_t packets = 0;
    if (argc != 3 || sigaction (SIGALRM, &action, NULL) != 0 || setitimer (ITIMER_REAL, &every, NULL) != 0)
        return 2;
    int rounds = atoi (argv[2]);
    for (int i = 0; i < rounds || (hits < 100 && i < 1000 * rounds); i++) {
        gofollow_t f;
        gofollow_progress progress = { .size = sizeof progress };
        if (gofollow_create (&f, NULL) < 0 || gofollow_open_file (f, argv[1]) < 0)
            return 1;
        while (!progress.end) {
            if (gofollow_read_file (f, 0, &progress) < 0)
                return 1;
            while (gofollow_poll (f, events, 64) > 0)
                ;
        }
        packets += progress.packets;
        if (gofollow_destroy (f) < 0)
            return 1;
    }
    setitimer (ITIMER_REAL, &never, NULL);
    printf ("%llu packets, %d signals\n", (unsigned long long) packets, (int) hits);
    return packets == 0 || hits < 100;
}
