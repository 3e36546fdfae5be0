/* join_payload FILE: joins what each side of every connection said, and prints its length when the
 * connection is closed. The library gives events; joining is the caller's, as it is done here. */
#include <gofollow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct payload { uint8_t *bytes; size_t length, room; };

static void
append (struct payload *p, const uint8_t *bytes, size_t n)
{
    if (p->length + n > p->room) {
        p->room = 2 * (p->length + n);
        if ((p->bytes = realloc (p->bytes, p->room)) == NULL)
            abort ();
    }
    memcpy (p->bytes + p->length, bytes, n);
    p->length += n;
}

int
main (int argc, char **argv)
{
    static struct payload (*open)[2];   /* by connection: what the client and what the server said */
    size_t known = 0;
    gofollow_t f;
    gofollow_event events[256];
    gofollow_progress progress = { .size = sizeof progress };
    if (argc != 2 || gofollow_create (&f, NULL) != 0 || gofollow_open_file (f, argv[1]) != 0)
        return 2;
    for (int flushed = 0, n; !flushed;) {
        if (!progress.end) {
            if ((n = gofollow_read_file (f, 0, &progress)) < 0 && n != GOFOLLOW_ERR_FULL)
                progress.end = 1;   /* what stands before the fault was followed */
        } else
            flushed = gofollow_flush (f) != GOFOLLOW_ERR_FULL;
        while ((n = gofollow_poll (f, events, 256)) > 0)
            for (const gofollow_event *e = events; e < events + n; e++) {
                size_t id = e->connection_id;
                if (id >= known) {      /* numbers begin at 0 and are not used again: a map would forget closed ones */
                    if ((open = realloc (open, (id + 1) * sizeof *open)) == NULL)
                        abort ();
                    memset (open + known, 0, (id + 1 - known) * sizeof *open);
                    known = id + 1;
                }
                if (e->kind == GOFOLLOW_DATA)
                    append (&open[id][e->direction], e->bytes, e->length);
                else if (e->kind == GOFOLLOW_CLOSED) {
                    printf ("%zu %zu %zu\n", id, open[id][0].length, open[id][1].length);
                    free (open[id][0].bytes);
                    free (open[id][1].bytes);
                }
            }
    }
    free (open);
    return gofollow_destroy (f) != 0;
}
