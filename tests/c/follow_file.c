/* follow_file FILE [MAX_PACKETS]: prints the event log of a capture file, read at
 * most MAX_PACKETS packets at a time. */
#include "eventlog.h"

int
main (int argc, char **argv)
{
    if (argc < 2 || argc > 3) {
        fputs ("usage: follow_file FILE [MAX_PACKETS]\n", stderr);
        return 2;
    }
    size_t max_packets = argc > 2 ? strtoul (argv[2], NULL, 10) : 0;
    gofollow_t f;
    gofollow_progress progress = { .size = sizeof progress };
    eventlog_check (0, gofollow_create (&f, NULL), "gofollow_create");
    eventlog_check (f, gofollow_open_file (f, argv[1]), "gofollow_open_file");
    while (!progress.end) {
        int waiting = gofollow_read_file (f, max_packets, &progress);
        if (waiting != GOFOLLOW_ERR_FULL)
            eventlog_check (f, waiting, "gofollow_read_file");
        eventlog_drain (f, stdout);
    }
    eventlog_finish (f, stdout);
    return 0;
}
