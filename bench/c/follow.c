/* Follows a capture file through the C library, for bench/main.go.
 *
 *     follow [-sums] FILE
 *
 * Without -sums: follows the file once to warm up and once on the clock, and
 * prints "SECONDS BYTES". With -sums: prints what each side of each connection
 * said, as "PORT SENDER BYTES CRC32".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gofollow.h"

enum { MAX_EVENTS = 1024 };

typedef struct {
    unsigned port;
    uint64_t bytes;
    uint32_t crc;
} side;

static side *sides;      /* two for each connection, by its number */
static size_t n_sides, capacity;
static uint32_t crc_table[256];

static void check (gofollow_t f, const char *what, int result)
{
    char message[512] = "";
    if (result >= 0)
        return;
    if (f != 0)
        (void) gofollow_error_message (f, message, sizeof message);
    fprintf (stderr, "%s: %s: %s\n", what, gofollow_strerror (result), message);
    exit (1);
}

static void make_crc_table (void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = (c & 1) ? 0xEDB88320u ^ (c >> 1) : c >> 1;
        crc_table[i] = c;
    }
}

static uint32_t crc32 (uint32_t crc, const uint8_t *bytes, uint64_t length)
{
    crc = ~crc;
    for (uint64_t i = 0; i < length; i++)
        crc = crc_table[(crc ^ bytes[i]) & 255] ^ (crc >> 8);
    return ~crc;
}

static void take (gofollow_t f, int sums)
{
    static gofollow_event events[MAX_EVENTS];
    int n;
    while ((n = gofollow_poll (f, events, MAX_EVENTS)) > 0) {
        for (int i = 0; i < n; i++) {
            const gofollow_event *e = &events[i];
            if (e->kind == GOFOLLOW_OPENED) {
                if (n_sides + 2 > capacity) {
                    capacity = capacity * 2 + 1024;
                    sides = realloc (sides, capacity * sizeof *sides);
                    if (sides == NULL)
                        abort ();
                }
                sides[n_sides++] = (side) { e->connection->client.port, 0, 0 };
                sides[n_sides++] = (side) { e->connection->client.port, 0, 0 };
            } else if (e->kind == GOFOLLOW_DATA) {
                side *s = &sides[2 * e->connection_id + e->direction];
                s->bytes += e->length;
                if (sums)
                    s->crc = crc32 (s->crc, e->bytes, e->length);
            }
        }
        if (n < MAX_EVENTS)
            return;
    }
    check (f, "poll", n);
}

static void follow (const char *path, int sums)
{
    gofollow_t f = 0;
    gofollow_progress progress = { .size = sizeof progress };
    int waiting;
    n_sides = 0;
    check (0, "create", gofollow_create (&f, NULL));
    check (f, "open_file", gofollow_open_file (f, path));
    while (!progress.end) {
        waiting = gofollow_read_file (f, 0, &progress);
        if (waiting != GOFOLLOW_ERR_FULL)
            check (f, "read_file", waiting);
        if (waiting != 0)
            take (f, sums);
    }
    while ((waiting = gofollow_flush (f)) == GOFOLLOW_ERR_FULL)
        take (f, sums);
    check (f, "flush", waiting);
    take (f, sums);
    check (f, "destroy", gofollow_destroy (f));
}

static double now (void)
{
    struct timespec t;
    clock_gettime (CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

int main (int argc, char **argv)
{
    int sums = argc == 3 && strcmp (argv[1], "-sums") == 0;
    uint64_t bytes = 0;
    double began, seconds;
    if (argc != 2 + sums) {
        fprintf (stderr, "usage: follow [-sums] FILE\n");
        return 2;
    }
    if (sums) {
        make_crc_table ();
        follow (argv[2], 1);
        for (size_t i = 0; i < n_sides; i++)
            printf ("%u %s %" PRIu64 " %08" PRIx32 "\n", sides[i].port, i % 2 ? "server" : "client", sides[i].bytes, sides[i].crc);
        return 0;
    }
    follow (argv[1], 0);
    began = now ();
    follow (argv[1], 0);
    seconds = now () - began;
    for (size_t i = 0; i < n_sides; i++)
        bytes += sides[i].bytes;
    printf ("%.6f %" PRIu64 "\n", seconds, bytes);
    return 0;
}
