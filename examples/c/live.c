/* Feeds a follower from libpcap and prints a line for every connection that is closed.
 *
 *     live -r CAPTURE          reads a file
 *     live -i INTERFACE        captures until SIGINT (needs the right to capture)
 */
#include <gofollow.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static pcap_t *source;

static void
stop (int number)
{
    (void) number;
    pcap_breakloop (source);
}

static void
print_address (const gofollow_endpoint *e)
{
    if (e->family == 4)
        printf ("%d.%d.%d.%d:%d", e->address[0], e->address[1], e->address[2], e->address[3], e->port);
    else {
        for (int i = 0; i < 16; i += 2)
            printf ("%s%x", i > 0 ? ":" : "[", e->address[i] << 8 | e->address[i + 1]);
        printf ("]:%d", e->port);
    }
}

static void
poll_events (gofollow_t f)
{
    gofollow_event events[64];
    for (int n; (n = gofollow_poll (f, events, 64)) > 0;)
        for (int i = 0; i < n; i++) {
            const gofollow_connection *c = events[i].connection;
            if (events[i].kind != GOFOLLOW_CLOSED)
                continue;
            print_address (&c->client);
            printf (" -> ");
            print_address (&c->server);
            printf (" %llu bytes sent, %llu received, %s\n", (unsigned long long) c->counters[0].bytes,
                    (unsigned long long) c->counters[1].bytes, c->clean ? "complete" : "not complete");
        }
}

int
main (int argc, char **argv)
{
    char error[PCAP_ERRBUF_SIZE] = "usage: live -r CAPTURE | live -i INTERFACE";
    int live = argc == 3 && strcmp (argv[1], "-i") == 0, result;
    gofollow_t f;

    if (live)
        source = pcap_open_live (argv[2], 262144, 0, 100, error);
    else if (argc == 3 && strcmp (argv[1], "-r") == 0)
        source = pcap_open_offline_with_tstamp_precision (argv[2], PCAP_TSTAMP_PRECISION_NANO, error);
    if (source == NULL || gofollow_create (&f, NULL) < 0) {
        fprintf (stderr, "live: %s\n", error);
        return 1;
    }
    /* SA_ONSTACK: the signal may arrive while the library runs on a stack of its own. */
    struct sigaction action;
    memset (&action, 0, sizeof action);
    action.sa_handler = stop;
    action.sa_flags = SA_ONSTACK;
    sigaction (SIGINT, &action, NULL);

    int64_t unit = pcap_get_tstamp_precision (source) == PCAP_TSTAMP_PRECISION_NANO ? 1 : 1000;
    uint32_t link_type = (uint32_t) pcap_datalink (source);
    struct pcap_pkthdr *header;
    const u_char *bytes;
    while ((result = pcap_next_ex (source, &header, &bytes)) >= 0) {
        int waiting;
        if (result == 0) {              /* no packet for a while: the clock goes on */
            struct timespec now;
            clock_gettime (CLOCK_REALTIME, &now);
            waiting = gofollow_advance_time (f, now.tv_sec * INT64_C (1000000000) + now.tv_nsec);
        } else {
            int64_t time = header->ts.tv_sec * INT64_C (1000000000) + header->ts.tv_usec * unit;
            while ((waiting = gofollow_feed (f, link_type, time, bytes, header->caplen, header->len)) == GOFOLLOW_ERR_FULL)
                poll_events (f);
        }
        if (waiting != 0)
            poll_events (f);
    }
    if (result == PCAP_ERROR)
        fprintf (stderr, "live: %s\n", pcap_geterr (source));
    while (gofollow_flush (f) == GOFOLLOW_ERR_FULL)
        poll_events (f);
    poll_events (f);
    gofollow_destroy (f);
    pcap_close (source);
    return result == PCAP_ERROR;
}
