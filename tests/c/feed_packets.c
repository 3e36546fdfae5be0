/* feed_packets FILE [--batch N | --bytes N]: prints the event log of a capture,
 * fed packet by packet, N packets at a time, or as the file's bytes, N at a time.
 * The first two read classic pcap only and exit with 77 for other files. */
#include <string.h>

#include "eventlog.h"

static uint8_t *
read_whole (const char *path, size_t *size)
{
    FILE *in = fopen (path, "rb");
    if (in == NULL || fseek (in, 0, SEEK_END) != 0) {
        perror (path);
        exit (1);
    }
    *size = (size_t) ftell (in);
    rewind (in);
    uint8_t *bytes = malloc (*size + 1);
    if (bytes == NULL || fread (bytes, 1, *size, in) != *size) {
        perror (path);
        exit (1);
    }
    fclose (in);
    return bytes;
}

static int swapped;

static uint32_t
number (const uint8_t *b)
{
    if (swapped)
        return (uint32_t) b[0] << 24 | (uint32_t) b[1] << 16 | (uint32_t) b[2] << 8 | b[3];
    return (uint32_t) b[3] << 24 | (uint32_t) b[2] << 16 | (uint32_t) b[1] << 8 | b[0];
}

static void
feed_bytes (gofollow_t f, const uint8_t *bytes, size_t size, size_t cut)
{
    for (size_t at = 0; at < size;) {
        size_t n = size - at < cut ? size - at : cut, consumed;
        /* A copy of exactly that many bytes, gone after the call: nothing may be
         * read beyond it or kept. */
        uint8_t *piece = malloc (n);
        memcpy (piece, bytes + at, n);
        int result = gofollow_feed_capture (f, piece, n, &consumed);
        memset (piece, 0xee, n);
        free (piece);
        if (result != GOFOLLOW_ERR_FULL)
            eventlog_check (f, result, "gofollow_feed_capture");
        at += consumed;
        eventlog_drain (f, stdout);
    }
    eventlog_check (f, gofollow_end_capture (f), "gofollow_end_capture");
    eventlog_drain (f, stdout);
}

static void
feed_all (gofollow_t f, gofollow_packet *packets, size_t n)
{
    for (size_t at = 0; at < n;) {
        size_t consumed = 0;
        int result;
        if (n == 1) {
            gofollow_packet *p = packets;
            result = gofollow_feed (f, p->link_type, p->ts_ns, p->bytes, p->captured, p->original);
            consumed = result >= 0;
        } else
            result = gofollow_feed_batch (f, packets + at, n - at, &consumed);
        if (result != GOFOLLOW_ERR_FULL)
            eventlog_check (f, result, "feeding");
        at += consumed;
        eventlog_drain (f, stdout);
    }
}

static void
feed_records (gofollow_t f, const uint8_t *bytes, size_t size, size_t batch)
{
    static const uint32_t micro = 0xa1b2c3d4, nano = 0xa1b23c4d;
    uint32_t magic = size >= 24 ? number (bytes) : 0;
    if (magic != micro && magic != nano) {
        swapped = 1;
        magic = size >= 24 ? number (bytes) : 0;
    }
    if (magic != micro && magic != nano) {
        fputs ("not a classic pcap file\n", stderr);
        exit (77);
    }
    int64_t unit = magic == nano ? 1 : 1000;
    uint32_t link_type = number (bytes + 20) & 0x0fffffff;
    gofollow_packet *packets = calloc (batch, sizeof *packets);
    size_t n = 0;
    for (size_t at = 24; at + 16 <= size;) {
        const uint8_t *head = bytes + at;
        packets[n++] = (gofollow_packet) {
            .ts_ns = (int64_t) number (head) * 1000000000 + (int64_t) number (head + 4) * unit,
            .bytes = head + 16, .captured = number (head + 8), .original = number (head + 12), .link_type = link_type
        };
        at += 16 + number (head + 8);
        if (n == batch) {
            feed_all (f, packets, n);
            n = 0;
        }
    }
    feed_all (f, packets, n);
    free (packets);
}

int
main (int argc, char **argv)
{
    int by_bytes = argc == 4 && strcmp (argv[2], "--bytes") == 0;
    size_t n = argc == 4 ? strtoul (argv[3], NULL, 10) : 1, size;
    if ((argc != 2 && argc != 4) || n == 0 || (argc == 4 && !by_bytes && strcmp (argv[2], "--batch") != 0)) {
        fputs ("usage: feed_packets FILE [--batch N | --bytes N]\n", stderr);
        return 2;
    }
    uint8_t *bytes = read_whole (argv[1], &size);
    gofollow_t f;
    eventlog_check (0, gofollow_create (&f, NULL), "gofollow_create");
    if (by_bytes)
        feed_bytes (f, bytes, size, n);
    else
        feed_records (f, bytes, size, n);
    free (bytes);
    eventlog_finish (f, stdout);
    return 0;
}
