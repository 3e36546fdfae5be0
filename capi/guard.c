/* The public functions that enter Go: each checks the process and its arguments
 * first. In a forked child Go must not be entered at all, not even for the check. */
#define _GNU_SOURCE
#include <stdint.h>
#include <string.h>

#include "internal.h"

#ifdef _WIN32
/* There is no fork. */
static inline int
forked (void)
{
    return 0;
}
#else
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

/* A page that the kernel zeroes in a child of fork: reading it costs a
 * nanosecond, getpid a system call for every packet. NULL where the kernel has
 * no such pages (Linux before 4.14): then the process id is asked. */
static volatile unsigned char *here;
static pid_t loaded_by;

__attribute__ ((constructor)) static void
remember_process (void)
{
    loaded_by = getpid ();
#ifdef MADV_WIPEONFORK
    size_t size = (size_t) sysconf (_SC_PAGESIZE);
    void *page = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return;
    if (madvise (page, size, MADV_WIPEONFORK) != 0) {
        munmap (page, size);
        return;
    }
    here = page;
    *here = 1;
#endif
}

static inline int
forked (void)
{
    return here != NULL ? *here == 0 : getpid () != loaded_by;
}
#endif

#define REFUSE_IF_FORKED() do { if (forked ()) return GOFOLLOW_ERR_FORKED; } while (0)

static int
refuse (gofollow_t f, const char *message)
{
    return gofollow_go_refuse (f, GOFOLLOW_ERR_ARGUMENT, (char *) (uintptr_t) message);
}

static int
refuse_too_big (gofollow_t f)
{
    return gofollow_go_refuse (f, GOFOLLOW_ERR_TOO_BIG, (char *) (uintptr_t) "the packet has more than 16777216 bytes");
}

static inline size_t
smaller (size_t a, size_t b)
{
    return a < b ? a : b;
}

static int
refuse_config (const char *message)
{
    gofollow_keep_message (strdup (message));
    return GOFOLLOW_ERR_ARGUMENT;
}

int
gofollow_create (gofollow_t *out, const gofollow_config *config)
{
    REFUSE_IF_FORKED ();
    if (out == NULL)
        return refuse_config ("out is NULL");
    *out = 0;
    gofollow_config known;
    memset (&known, 0, sizeof known);
    if (config != NULL) {
        if (config->size < offsetof (gofollow_config, no_midstream))
            return refuse_config ("config->size is not set");
        memcpy (&known, config, smaller (config->size, sizeof known));
        if (config->size < offsetof (gofollow_config, filter) + sizeof known.filter)
            known.filter = NULL;    /* not a part of the address */
        if (known.reserved != 0)
            return refuse_config ("config->reserved is not 0");
        /* Options of a newer header are refused, not ignored. */
        const unsigned char *bytes = (const unsigned char *) config;
        for (size_t i = sizeof known; i < config->size; i++)
            if (bytes[i] != 0)
                return refuse_config ("config has an option that this library does not know: it is older than the header");
    }
    char *message = NULL;
    int result = gofollow_go_create (out, &known, &message);
    if (result < 0)
        gofollow_keep_message (message);
    return result;
}

int
gofollow_feed (gofollow_t f, uint32_t link_type, int64_t ts_ns, const void *bytes, size_t captured, size_t original)
{
    REFUSE_IF_FORKED ();
    if (captured > GOFOLLOW_MAX_PACKET)
        return refuse_too_big (f);
    if (bytes == NULL && captured > 0)
        return refuse (f, "bytes is NULL and captured is not 0");
    return gofollow_go_feed (f, link_type, ts_ns, (void *) (uintptr_t) bytes, captured, original);
}

int
gofollow_feed_batch (gofollow_t f, const gofollow_packet *packets, size_t n, size_t *consumed)
{
    size_t ignored;
    REFUSE_IF_FORKED ();
    if (consumed == NULL) {
        if (n > 1)
            return refuse (f, "consumed is NULL and n is above 1");
        consumed = &ignored;
    }
    *consumed = 0;
    if (packets == NULL && n > 0)
        return refuse (f, "packets is NULL and n is not 0");
    if (n > PTRDIFF_MAX / sizeof *packets)
        return refuse (f, "n is larger than any array");
    /* The packets before one that is refused are taken, as if fed one by one. */
    size_t sound = 0;
    while (sound < n && packets[sound].captured <= GOFOLLOW_MAX_PACKET && packets[sound].reserved == 0
           && (packets[sound].bytes != NULL || packets[sound].captured == 0))
        sound++;
    int result = gofollow_go_feed_batch (f, (gofollow_packet *) (uintptr_t) packets, sound, consumed);
    if (sound == n || result < 0)
        return result;
    if (packets[sound].captured > GOFOLLOW_MAX_PACKET)
        return refuse_too_big (f);
    return refuse (f, packets[sound].reserved != 0 ? "a packet's reserved field is not 0"
                                                   : "a packet's bytes is NULL and its captured is not 0");
}

int
gofollow_feed_capture (gofollow_t f, const void *bytes, size_t n, size_t *consumed)
{
    REFUSE_IF_FORKED ();
    if (consumed == NULL)
        return refuse (f, "consumed is NULL");
    *consumed = 0;
    if (bytes == NULL && n > 0)
        return refuse (f, "bytes is NULL and n is not 0");
    if (n > PTRDIFF_MAX)
        return refuse (f, "n is larger than any buffer");
    return gofollow_go_feed_capture (f, (void *) (uintptr_t) bytes, n, consumed);
}

int
gofollow_end_capture (gofollow_t f)
{
    REFUSE_IF_FORKED ();
    return gofollow_go_end_capture (f);
}

int
gofollow_open_file (gofollow_t f, const char *path)
{
    REFUSE_IF_FORKED ();
    if (path == NULL)
        return refuse (f, "path is NULL");
    return gofollow_go_open_file (f, (char *) (uintptr_t) path);
}

int
gofollow_read_file (gofollow_t f, size_t max_packets, gofollow_progress *progress)
{
    REFUSE_IF_FORKED ();
    gofollow_progress whole;
    memset (&whole, 0, sizeof whole);
    if (progress == NULL)
        return gofollow_go_read_file (f, max_packets, &whole);
    if (progress->size < offsetof (gofollow_progress, packets))
        return refuse (f, "progress->size is not set");
    int result = gofollow_go_read_file (f, max_packets, &whole);
    whole.size = progress->size;
    memcpy (progress, &whole, smaller (progress->size, sizeof whole));
    return result;
}

int
gofollow_select_capture (gofollow_t f, uint32_t number, int64_t until_ns)
{
    REFUSE_IF_FORKED ();
    return gofollow_go_select_capture (f, number, until_ns);
}

int
gofollow_next_time (gofollow_t f, int64_t *ts_ns)
{
    REFUSE_IF_FORKED ();
    if (ts_ns == NULL)
        return refuse (f, "ts_ns is NULL");
    return gofollow_go_next_time (f, ts_ns);
}

int
gofollow_abandon_capture (gofollow_t f)
{
    REFUSE_IF_FORKED ();
    return gofollow_go_abandon_capture (f);
}

int
gofollow_poll (gofollow_t f, gofollow_event *events, size_t max)
{
    REFUSE_IF_FORKED ();
    if (events == NULL && max > 0)
        return refuse (f, "events is NULL and max is not 0");
    return gofollow_go_poll (f, events, max);
}

int
gofollow_set_user (gofollow_t f, uint64_t connection_id, void *user)
{
    REFUSE_IF_FORKED ();
    return gofollow_go_set_user (f, connection_id, user);
}

int
gofollow_ignore (gofollow_t f, uint64_t connection_id)
{
    REFUSE_IF_FORKED ();
    return gofollow_go_ignore (f, connection_id);
}

int
gofollow_advance_time (gofollow_t f, int64_t ts_ns)
{
    REFUSE_IF_FORKED ();
    if (ts_ns == GOFOLLOW_NO_TIME)
        return refuse (f, "ts_ns is GOFOLLOW_NO_TIME");
    return gofollow_go_advance_time (f, ts_ns);
}

int
gofollow_flush (gofollow_t f)
{
    REFUSE_IF_FORKED ();
    return gofollow_go_flush (f);
}

int
gofollow_destroy (gofollow_t f)
{
    REFUSE_IF_FORKED ();
    return gofollow_go_destroy (f);
}

int
gofollow_stats (gofollow_t f, gofollow_statistics *out)
{
    REFUSE_IF_FORKED ();
    if (out == NULL)
        return refuse (f, "out is NULL");
    if (out->size < offsetof (gofollow_statistics, packets))
        return refuse (f, "out->size is not set");
    gofollow_statistics whole;
    memset (&whole, 0, sizeof whole);
    int result = gofollow_go_stats (f, &whole);
    if (result < 0)
        return result;
    whole.size = out->size;
    memcpy (out, &whole, smaller (out->size, sizeof whole));
    return result;
}

int
gofollow_not_followed (gofollow_t f, gofollow_not_followed_kind *out, size_t max)
{
    REFUSE_IF_FORKED ();
    if (out == NULL && max > 0)
        return refuse (f, "out is NULL and max is not 0");
    return gofollow_go_not_followed (f, out, max);
}

int
gofollow_error_message (gofollow_t f, char *buf, size_t size)
{
    REFUSE_IF_FORKED ();
    if (buf == NULL && size > 0)
        return GOFOLLOW_ERR_ARGUMENT;
    if (f == 0)
        return gofollow_kept_message (buf, size);
    return gofollow_go_error_message (f, buf, size);
}

int
gofollow_set_memory_limit (uint64_t bytes)
{
    REFUSE_IF_FORKED ();
    if (bytes > INT64_MAX)
        return GOFOLLOW_ERR_ARGUMENT;
    return gofollow_go_set_memory_limit (bytes);
}

/* Whether n packets can be passed on; otherwise *why says why not, and the code is returned. */
static int
check_packets (const gofollow_packet *packets, size_t n, const char **why)
{
    *why = packets == NULL && n > 0 ? "packets is NULL and n is not 0" : n > PTRDIFF_MAX / sizeof *packets ? "n is larger than any array" : NULL;
    if (*why != NULL)
        return GOFOLLOW_ERR_ARGUMENT;
    for (size_t i = 0; i < n; i++) {
        if (packets[i].captured > GOFOLLOW_MAX_PACKET) {
            *why = "a packet has more than 16777216 bytes";
            return GOFOLLOW_ERR_TOO_BIG;
        }
        if (packets[i].reserved != 0)
            *why = "a packet's reserved field is not 0";
        else if (packets[i].bytes == NULL && packets[i].captured > 0)
            *why = "a packet's bytes is NULL and its captured is not 0";
        if (*why != NULL)
            return GOFOLLOW_ERR_ARGUMENT;
    }
    return 0;
}

int
gofollow_flow_key (uint32_t separate, const gofollow_packet *packets, size_t n, gofollow_key *out)
{
    REFUSE_IF_FORKED ();
    const char *why;
    int result = check_packets (packets, n, &why);
    if (result == 0 && out == NULL && n > 0) {
        why = "out is NULL and n is not 0";
        result = GOFOLLOW_ERR_ARGUMENT;
    }
    if (result == 0 && separate > GOFOLLOW_SEPARATE_BOTH) {
        why = "separate is out of range";
        result = GOFOLLOW_ERR_ARGUMENT;
    }
    if (result == 0)
        return gofollow_go_flow_key (separate, (gofollow_packet *) (uintptr_t) packets, n, out);
    gofollow_keep_message (strdup (why));
    return result;
}

int
gofollow_defragment (gofollow_t f, const gofollow_packet *packets, size_t n, const gofollow_datagram **out)
{
    REFUSE_IF_FORKED ();
    if (out == NULL)
        return refuse (f, "out is NULL");
    *out = NULL;
    const char *why;
    int result = check_packets (packets, n, &why);
    if (result != 0)
        return gofollow_go_refuse (f, result, (char *) (uintptr_t) why);
    return gofollow_go_defragment (f, (gofollow_packet *) (uintptr_t) packets, n, (gofollow_datagram **) (uintptr_t) out);
}
