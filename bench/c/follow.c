/* Follows a capture file through gofollow's C library: events polled and dropped. */
#include "gofollow.h"
#include "harness.h"

enum { MAX_EVENTS = 1024 };

typedef struct {
    uint64_t bytes, gaps;
    uint32_t crc;
} side;

static struct {
    gofollow_endpoint client;
    side sides[2];
} *connections; /* by number, when there is a report */
static size_t capacity;

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

static void say (const gofollow_event *e)
{
    side *s;
    while (e->connection_id >= capacity) {
        size_t more = capacity + 4096;
        connections = realloc (connections, more * sizeof *connections);
        if (connections == NULL)
            abort ();
        memset (connections + capacity, 0, (more - capacity) * sizeof *connections);
        capacity = more;
    }
    s = &connections[e->connection_id].sides[e->direction];
    if (e->kind == GOFOLLOW_OPENED) {
        connections[e->connection_id].client = e->connection->client;
    } else if (e->kind == GOFOLLOW_DATA) {
        s->bytes += e->length;
        s->crc = crc32_add (s->crc, e->bytes, e->length);
    } else if (e->kind == GOFOLLOW_GAP) {
        s->gaps += e->length;
    }
}

static uint64_t take (gofollow_t f, int report)
{
    static gofollow_event events[MAX_EVENTS];
    uint64_t delivered = 0;
    int n;
    while ((n = gofollow_poll (f, events, MAX_EVENTS)) > 0) {
        for (int i = 0; i < n; i++) {
            if (events[i].kind == GOFOLLOW_DATA)
                delivered += events[i].length;
            if (report)
                say (&events[i]);
        }
        if (n < MAX_EVENTS)
            break;
    }
    check (f, "poll", n);
    return delivered;
}

static uint64_t follow (const char *path, int report)
{
    gofollow_t f = 0;
    gofollow_progress progress = { .size = sizeof progress };
    uint64_t delivered = 0;
    int waiting;
    check (0, "create", gofollow_create (&f, NULL));
    check (f, "open_file", gofollow_open_file (f, path));
    while (!progress.end) {
        waiting = gofollow_read_file (f, 0, &progress);
        if (waiting != GOFOLLOW_ERR_FULL)
            check (f, "read_file", waiting);
        if (waiting != 0)
            delivered += take (f, report);
    }
    while ((waiting = gofollow_flush (f)) == GOFOLLOW_ERR_FULL)
        delivered += take (f, report);
    check (f, "flush", waiting);
    delivered += take (f, report);
    check (f, "destroy", gofollow_destroy (f));
    for (size_t i = 0; i < capacity; i++)
        for (int d = 0; d < 2; d++)
            if (connections[i].client.family != 0)
                report_side (connections[i].client.address, connections[i].client.port, d ? "server" : "client",
                             connections[i].sides[d].bytes, connections[i].sides[d].crc, (int64_t) connections[i].sides[d].gaps);
    return delivered;
}
