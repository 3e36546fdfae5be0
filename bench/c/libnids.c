/* Follows a capture file with libnids. Checksums are not verified, as the others do not. */
#include <nids.h>

#include "harness.h"

typedef struct {
    uint64_t bytes[2];
    uint32_t crc[2];
} said;

static int reporting;
static uint64_t delivered;

static void take (said *s, int side, const struct half_stream *received)
{
    delivered += (uint64_t) received->count_new;
    if (s != NULL) {
        s->bytes[side] += (uint64_t) received->count_new;
        s->crc[side] = crc32_add (s->crc[side], received->data, (uint64_t) received->count_new);
    }
}

static void changed (struct tcp_stream *stream, void **mine)
{
    switch (stream->nids_state) {
    case NIDS_JUST_EST:
        /* libnids names a half stream after who receives it. */
        stream->client.collect++;
        stream->server.collect++;
        *mine = NULL;
        if (reporting && (*mine = calloc (1, sizeof (said))) == NULL)
            abort ();
        break;
    case NIDS_DATA:
        if (stream->server.count_new > 0)
            take (*mine, 0, &stream->server);
        else
            take (*mine, 1, &stream->client);
        break;
    default: /* over, in one of several ways */
        if (reporting) {
            said *s = *mine;
            for (int i = 0; i < 2; i++)
                report_side (&stream->addr.saddr, stream->addr.source, i ? "server" : "client", s->bytes[i], s->crc[i], -1);
            free (s);
        }
    }
}

static void silent (void) {}

static uint64_t follow (const char *path, int report)
{
    struct nids_chksum_ctl unchecked = { 0, 0, NIDS_DONT_CHKSUM, 0 };
    char error[PCAP_ERRBUF_SIZE];
    reporting = report;
    delivered = 0;
    nids_params.pcap_desc = pcap_open_offline (path, error);
    if (nids_params.pcap_desc == NULL) {
        fprintf (stderr, "%s\n", error);
        exit (1);
    }
    /* It forgets connections beyond three quarters of this. */
    nids_params.n_tcp_streams = n_arguments > 0 ? atoi (arguments[0]) * 3 / 2 + 1000 : 100000;
    nids_params.scan_num_hosts = 0;
    nids_params.syslog = silent;
    if (!nids_init ()) {
        fprintf (stderr, "nids_init: %s\n", nids_errbuf);
        exit (1);
    }
    nids_register_chksum_ctl (&unchecked, 1);
    nids_register_tcp (changed);
    nids_run ();
    nids_exit ();
    return delivered;
}
