/* faults PLAIN COMPRESSED: panics inside of the library. GOFOLLOW_FAULT_FILE names a file; while it exists, every
 * allocation and the goroutine that decompresses panic. Needs a library that was built with the tag gofollow_faults. */
#include <gofollow.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int failed;

#define CHECK(condition) do { if (!(condition)) { printf ("faults.c:%d: failed: %s\n", __LINE__, #condition); failed = 1; } } while (0)

static void
faults (int on)
{
    const char *path = getenv ("GOFOLLOW_FAULT_FILE");
    FILE *file = on ? fopen (path, "w") : NULL;
    if (file != NULL)
        fclose (file);
    else if (on || unlink (path) != 0)
        exit (2);
}

static int
follow (gofollow_t f, const char *path)
{
    static gofollow_event events[256];
    gofollow_progress progress = GOFOLLOW_PROGRESS_INIT;
    int result = gofollow_open_file (f, path), all = 0, n;
    while (result >= 0 && !progress.end) {
        result = gofollow_read_file (f, 0, &progress);
        while ((n = gofollow_poll (f, events, 256)) > 0)
            all += n;
        if (result == GOFOLLOW_ERR_FULL)
            result = 0;
    }
    return result < 0 ? result : all;
}

static int
message_has (gofollow_t f, const char *text)
{
    char message[512];
    return gofollow_error_message (f, message, sizeof message) > 0 && strstr (message, text) != NULL;
}

int
main (int argc, char **argv)
{
    gofollow_t faulty, sound;
    gofollow_event event;
    gofollow_statistics statistics = GOFOLLOW_STATISTICS_INIT;
    size_t consumed;
    if (argc != 3 || gofollow_create (&faulty, NULL) != 0 || gofollow_create (&sound, NULL) != 0)
        return 2;
    int events = follow (sound, argv[1]);
    CHECK (events > 0);

    /* In an export: this handle is poisoned, whatever is called. */
    faults (1);
    CHECK (follow (faulty, argv[1]) == GOFOLLOW_ERR_INTERNAL);
    CHECK (message_has (faulty, "injected fault of the allocator"));
    faults (0);
    CHECK (gofollow_feed (faulty, 1, 0, "", 0, 0) == GOFOLLOW_ERR_INTERNAL);
    CHECK (gofollow_feed_batch (faulty, NULL, 0, &consumed) == GOFOLLOW_ERR_INTERNAL);
    CHECK (gofollow_feed_capture (faulty, "", 0, &consumed) == GOFOLLOW_ERR_INTERNAL);
    CHECK (gofollow_end_capture (faulty) == GOFOLLOW_ERR_INTERNAL);
    CHECK (gofollow_open_file (faulty, argv[1]) == GOFOLLOW_ERR_INTERNAL);
    CHECK (gofollow_read_file (faulty, 0, NULL) == GOFOLLOW_ERR_INTERNAL);
    CHECK (gofollow_poll (faulty, &event, 1) == GOFOLLOW_ERR_INTERNAL);
    CHECK (gofollow_set_user (faulty, 0, NULL) == GOFOLLOW_ERR_INTERNAL);
    CHECK (gofollow_advance_time (faulty, 1) == GOFOLLOW_ERR_INTERNAL);
    CHECK (gofollow_flush (faulty) == GOFOLLOW_ERR_INTERNAL);
    CHECK (gofollow_stats (faulty, &statistics) == GOFOLLOW_ERR_INTERNAL);
    CHECK (gofollow_not_followed (faulty, NULL, 0) == GOFOLLOW_ERR_INTERNAL);
    CHECK (message_has (faulty, "injected fault of the allocator"));
    CHECK (follow (sound, argv[1]) > 0);
    CHECK (gofollow_destroy (faulty) == 0 && gofollow_destroy (faulty) == GOFOLLOW_ERR_HANDLE);

    /* In a goroutine: the capture fails, the follower lives. */
    CHECK (gofollow_create (&faulty, NULL) == 0);
    faults (1);
    int result = follow (faulty, argv[2]);
    CHECK (result < 0);
    faults (0);
    CHECK (result != GOFOLLOW_ERR_INTERNAL ? follow (faulty, argv[1]) > 0 : gofollow_flush (faulty) == GOFOLLOW_ERR_INTERNAL);
    CHECK (gofollow_destroy (faulty) == 0);
    CHECK (follow (sound, argv[2]) > 0);
    CHECK (gofollow_destroy (sound) == 0);
    return failed;
}
