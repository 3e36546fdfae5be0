/* streams_to_files CAPTURE FOLDER: writes what each side of every connection sent to a file of its own, FOLDER/3.client
 * and FOLDER/3.server for connection 3. The library delivers pieces; the program joins them, here in memory. */
#include <gofollow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stream { uint8_t *bytes; size_t length, room; };

static void
fail (const char *what, const char *why)
{
    fprintf (stderr, "streams_to_files: %s: %s\n", what, why);
    exit (1);
}

static void
append (struct stream *s, const uint8_t *bytes, size_t n)
{
    if (s->length + n > s->room && (s->bytes = realloc (s->bytes, s->room = 2 * (s->length + n))) == NULL)
        fail ("payload", "no memory");
    memcpy (s->bytes + s->length, bytes, n);
    s->length += n;
}

static void
save (struct stream *s, const char *folder, uint64_t id, const char *side)
{
    char path[4096];
    snprintf (path, sizeof path, "%s/%llu.%s", folder, (unsigned long long) id, side);
    FILE *out = fopen (path, "wb");
    if (out == NULL || (s->length > 0 && fwrite (s->bytes, s->length, 1, out) != 1) || fclose (out) != 0)
        fail (path, "cannot be written");
    free (s->bytes);
}

static void
use (gofollow_t f, const gofollow_event *e, const char *folder)
{
    if (e->kind == GOFOLLOW_OPENED)
        gofollow_set_user (f, e->connection_id, calloc (2, sizeof (struct stream)));
    struct stream *sides = e->connection->user;     /* one for each direction */
    if (sides == NULL)
        fail ("connection", "no memory");
    else if (e->kind == GOFOLLOW_DATA)
        append (&sides[e->direction], e->bytes, e->length);
    else if (e->kind == GOFOLLOW_CLOSED) {
        save (&sides[GOFOLLOW_CLIENT_TO_SERVER], folder, e->connection_id, "client");
        save (&sides[GOFOLLOW_SERVER_TO_CLIENT], folder, e->connection_id, "server");
        free (sides);
    }
}

int
main (int argc, char **argv)
{
    gofollow_t f;
    gofollow_event events[256];
    gofollow_progress progress = GOFOLLOW_PROGRESS_INIT;
    char message[256] = "";

    if (argc != 3 || gofollow_create (&f, NULL) < 0)
        fail ("usage", "streams_to_files CAPTURE FOLDER");
    for (int n = gofollow_open_file (f, argv[1]), flushed = 0; !flushed;) {
        if (n < 0 && n != GOFOLLOW_ERR_FULL)
            gofollow_error_message (f, message, sizeof message);    /* what stands before the fault was followed */
        if (message[0] != 0 || progress.end)
            flushed = (n = gofollow_flush (f)) != GOFOLLOW_ERR_FULL;
        else
            n = gofollow_read_file (f, 0, &progress);
        for (int count; (count = gofollow_poll (f, events, 256)) > 0;)
            for (int i = 0; i < count; i++)
                use (f, &events[i], argv[2]);
    }
    if (message[0] != 0)
        fail (argv[1], message);
    return gofollow_destroy (f) < 0;
}
