/* Calls the functions of gofollow.h in random order, with right and with wrong arguments, and looks at
 * everything that they give. For AddressSanitizer and UndefinedBehaviorSanitizer.
 *
 *     random_calls CAPTURE FIRST_SEED SEQUENCES
 *
 * Says the seed of the sequence that fails. */
#define _GNU_SOURCE
#include <gofollow.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HANDLES = 4, CALLS = 60, EVENTS = 64 };

static uint64_t state;
static unsigned long long seed;

static uint32_t
random_below (uint32_t n)
{
    state += 0x9e3779b97f4a7c15u;       /* splitmix64 */
    uint64_t z = state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t) ((z ^ z >> 31) >> 32) % n;
}

static int one_in (uint32_t n) { return random_below (n) == 0; }

static void
fail (const char *what)
{
    fprintf (stderr, "seed %llu: %s\n", seed, what);
    exit (1);
}

static const char *path;
static uint8_t *capture;
static size_t capture_size;

static gofollow_t handles[HANDLES];
static int alive[HANDLES];              /* what the handle is for sure */
static uint64_t sum;                    /* of all that was looked at */

static void
look (const void *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum += ((const uint8_t *) at)[i];
}

static void
look_at_connection (const gofollow_connection *c)
{
    look (c, sizeof *c);
    if (c->separation != NULL)
        look (c->separation, strlen (c->separation));
    if (c->reset_text != NULL)
        look (c->reset_text, c->reset_text_length);
}

/* A packet in memory of its own, of exactly its length. */
static uint8_t *
packet (size_t *length)
{
    static const uint8_t flags[] = { 0x02, 0x12, 0x10, 0x10, 0x10, 0x18, 0x11, 0x14, 0x04, 0x00 };
    size_t payload = random_below (one_in (10) ? 3000 : 30), n = 40 + payload;
    uint8_t *b = malloc (n);
    if (b == NULL)
        exit (2);
    for (size_t i = 0; i < n; i++)
        b[i] = (uint8_t) random_below (256);
    if (!one_in (8)) {
        int back = one_in (2);
        const uint8_t head[40] = { 0x45, 0, (uint8_t) (n >> 8), (uint8_t) n, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, back ? 2 : 1, 10, 0, 0, back ? 1 : 2,
                                   0, back ? 80 : (uint8_t) random_below (3), 0, back ? (uint8_t) random_below (3) : 80, 0, 0, 0, (uint8_t) random_below (40),
                                   0, 0, 0, (uint8_t) random_below (40), 0x50, flags[random_below (sizeof flags)], 1, 0, 0, 0, 0, 0 };
        memcpy (b, head, sizeof head);
        if (one_in (10))
            b[6] = 0x20;                /* a fragment */
        if (one_in (10))
            n -= random_below (41);     /* cut */
    } else
        n = random_below ((uint32_t) n + 1);
    *length = n;
    return b;
}

static int
feed (gofollow_t f)
{
    size_t length;
    uint8_t *b = packet (&length), *exact = malloc (length + 1);
    int64_t time = one_in (9) ? GOFOLLOW_NO_TIME : (int64_t) random_below (1000000) * 1000000;
    memcpy (exact, b, length);
    int result;
    switch (random_below (12)) {
    case 0:  result = gofollow_feed (f, GOFOLLOW_LINK_IPV4, time, NULL, length, length); break;
    case 1:  result = gofollow_feed (f, GOFOLLOW_LINK_IPV4, time, exact, (size_t) 17 << 20, length); break;
    case 2:  result = gofollow_feed (f, random_below (300), time, exact, length, SIZE_MAX); break;
    default: result = gofollow_feed (f, GOFOLLOW_LINK_IPV4, time, exact, length, length + random_below (2) * 9); break;
    }
    free (exact);
    free (b);
    return result;
}

static int
feed_batch (gofollow_t f)
{
    size_t n = random_below (6), consumed = 99;
    gofollow_packet *packets = calloc (n + 1, sizeof *packets);
    uint8_t *bytes[6] = { NULL };
    for (size_t i = 0; i < n; i++) {
        packets[i].bytes = bytes[i] = packet (&packets[i].captured);
        packets[i].original = packets[i].captured;
        packets[i].ts_ns = (int64_t) random_below (1000) * 1000000000;
        packets[i].link_type = one_in (5) ? GOFOLLOW_LINK_ETHERNET : GOFOLLOW_LINK_IPV4;
        packets[i].reserved = one_in (20);
        if (packets[i].captured > 8 && one_in (3)) {
            bytes[i][6] = one_in (2) ? 0x20 : 0;    /* a fragment, if it is IPv4 */
            bytes[i][7] = (uint8_t) random_below (3);
        }
        if (one_in (20))
            packets[i].captured = (size_t) 1 << 40;
        else if (one_in (20))
            packets[i].bytes = NULL;
    }
    int result;
    if (one_in (4)) {
        gofollow_key keys[6];
        if (gofollow_flow_key (random_below (5), packets, n, one_in (9) ? NULL : keys) == 0 && n > 0)
            look (keys, n * sizeof *keys);
        const gofollow_datagram *whole;
        result = gofollow_defragment (f, one_in (9) ? NULL : packets, one_in (20) ? SIZE_MAX : n, one_in (9) ? NULL : &whole);
        for (int i = 0; i < result; i++)
            look (whole[i].packet.bytes, whole[i].packet.captured);
    } else
        result = gofollow_feed_batch (f, one_in (9) ? NULL : packets, one_in (20) ? SIZE_MAX : n, one_in (9) ? NULL : &consumed);
    if (result < 0 && consumed != 99 && consumed > n)
        fail ("more was consumed than there is");
    for (size_t i = 0; i < n; i++)
        free (bytes[i]);
    free (packets);
    return result;
}

static int
feed_capture (gofollow_t f)
{
    size_t from = one_in (3) ? 0 : random_below ((uint32_t) capture_size), n = random_below ((uint32_t) (capture_size - from) + 1), consumed = 0;
    uint8_t *piece = malloc (n + 1);
    memcpy (piece, capture + from, n);
    if (one_in (4) && n > 0)
        piece[random_below ((uint32_t) n)] ^= (uint8_t) (1 + random_below (255));
    int result = gofollow_feed_capture (f, one_in (15) ? NULL : piece, n, one_in (15) ? NULL : &consumed);
    if (consumed > n)
        fail ("more was consumed than there is");
    free (piece);
    return result;
}

static int
poll (gofollow_t f)
{
    size_t max = one_in (9) ? 0 : random_below (EVENTS) + 1;
    gofollow_event *events = malloc (max * sizeof *events + 1);
    int n = gofollow_poll (f, one_in (15) ? NULL : events, max);
    if (n > (int) max)
        fail ("more events than there is room for");
    for (int i = 0; i < n; i++) {
        const gofollow_event *e = &events[i];
        look (e, sizeof *e);
        look_at_connection (e->connection);
        if (e->bytes != NULL && e->kind == GOFOLLOW_DATA)
            look (e->bytes, e->length);
        if (e->connection_id != e->connection->id || (e->kind == GOFOLLOW_DATA && (e->bytes == NULL || e->length == 0)))
            fail ("an event contradicts itself");
        if (one_in (4))
            gofollow_set_user (f, e->connection_id, &state);
        if (one_in (30))
            gofollow_ignore (f, e->connection_id);
    }
    free (events);
    return n;
}

static int
read_file (gofollow_t f)
{
    gofollow_progress progress = { .size = one_in (5) ? random_below (200) : sizeof progress };
    if (progress.size > sizeof progress)
        progress.size = sizeof progress;
    return gofollow_read_file (f, one_in (2) ? 0 : random_below (20), one_in (9) ? NULL : &progress);
}

static int
stats (gofollow_t f)
{
    size_t size = one_in (3) ? random_below (sizeof (gofollow_statistics) + 1) : sizeof (gofollow_statistics);
    gofollow_statistics *out = malloc (size < sizeof (size_t) ? sizeof (size_t) : size);
    memcpy (out, &size, sizeof size);
    int result = gofollow_stats (f, one_in (9) ? NULL : out);
    free (out);
    return result;
}

static int
create (int slot)
{
    gofollow_config config = { .size = sizeof config };
    if (one_in (3))
        config.max_held_segments = 1 + random_below (4);
    if (one_in (3))
        config.max_queued_events = 1 + random_below (20);
    if (one_in (3))
        config.max_connections = 1 + random_below (3);
    config.anomalies = one_in (2);
    config.separate = one_in (3) ? random_below (6) : 0;
    config.overlap = random_below (15);
    config.urgent = random_below (3);
    static const char *const filters[] = { NULL, "", "tcp", "port 80 or 443", "not host 10.0.0.1", "client prot 80", "((" };
    config.filter = filters[one_in (2) ? 0 : random_below (sizeof filters / sizeof *filters)];
    if (one_in (9))
        config.size = random_below (sizeof config + 1);
    int result = gofollow_create (&handles[slot], one_in (5) ? NULL : &config);
    alive[slot] = result == 0;
    if ((result == 0) != (handles[slot] != 0))
        fail ("a handle does not fit the result");
    return result;
}

static void
call (void)
{
    int slot = (int) random_below (HANDLES), result = 0, known = 1;
    gofollow_t f = handles[slot];
    if (one_in (20)) {
        f = one_in (2) ? 0 : (gofollow_t) random_below (UINT32_MAX) << random_below (32);
        known = 0;
    }
    char text[40];
    switch (random_below (25)) {
    case 0: case 1: if (!alive[slot]) create (slot); return;
    case 2: case 3: case 4: case 5: case 6: result = feed (f); break;
    case 7: case 8: result = feed_batch (f); break;
    case 9: case 10: result = feed_capture (f); break;
    case 11: result = gofollow_end_capture (f); break;
    case 12: result = gofollow_open_file (f, one_in (5) ? NULL : one_in (5) ? "/nonexistent" : path); break;
    case 13: case 14: result = read_file (f); break;
    case 15: case 16: case 17: result = poll (f); break;
    case 18: result = gofollow_advance_time (f, one_in (5) ? GOFOLLOW_NO_TIME : (int64_t) random_below (UINT32_MAX) << random_below (31)); break;
    case 19: result = gofollow_flush (f); break;
    case 20: result = stats (f); break;
    case 21:
        result = gofollow_error_message (f, one_in (5) ? NULL : text, random_below (sizeof text + 1));
        look (gofollow_strerror ((int) random_below (40) - 20), 1);
        break;
    case 22: {
        size_t max = random_below (5);
        gofollow_not_followed_kind *out = malloc (max * sizeof *out + 1);
        result = gofollow_not_followed (f, one_in (9) ? NULL : out, max);
        for (size_t i = 0; i < max && (int) i < result; i++)
            look (out[i].name, strlen (out[i].name));
        free (out);
        break;
    }
    case 23: result = gofollow_ignore (f, random_below (20)); break;
    case 24:
        result = gofollow_destroy (f);
        if (known) {
            if ((result == 0) != alive[slot])
                fail ("destroy");
            alive[slot] = 0;
            return;
        }
        break;
    }
    if (result < GOFOLLOW_ERR_MEMORY || result == GOFOLLOW_ERR_INTERNAL || result == GOFOLLOW_ERR_BUSY || result == GOFOLLOW_ERR_FORKED)
        fail (gofollow_strerror (result));
    if (known && alive[slot] && result == GOFOLLOW_ERR_HANDLE)
        fail ("a handle is gone");
    if (known && f != 0 && !alive[slot] && result >= 0)
        fail ("a destroyed handle works");
}

int
main (int argc, char **argv)
{
    if (argc != 4)
        return 2;
    FILE *file = fopen (path = argv[1], "rb");
    if (file == NULL)
        return 2;
    capture = malloc (1 << 20);
    capture_size = fread (capture, 1, 1 << 20, file);
    fclose (file);
    unsigned long long first = strtoull (argv[2], NULL, 10), sequences = strtoull (argv[3], NULL, 10);
    for (seed = first; seed < first + sequences; seed++) {
        state = seed;
        for (int i = 0; i < HANDLES; i++)
            create (i);
        for (int i = 0; i < CALLS; i++)
            call ();
        for (int i = 0; i < HANDLES; i++)
            if (alive[i] && gofollow_destroy (handles[i]) != 0)
                fail ("destroy in the end");
    }
    free (capture);
    printf ("%llu sequences from seed %llu, %llu\n", sequences, first, (unsigned long long) sum);
    return 0;
}
