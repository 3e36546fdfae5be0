/* The promises of gofollow.h that a capture's event log does not show. */
#define _GNU_SOURCE
#include <gofollow.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The sizes of the binary interface on 64 bits: a change raises GOFOLLOW_ABI_VERSION. */
#define SIZE_IS(type, n) _Static_assert (sizeof (void *) != 8 || sizeof (type) == (n), #type " changed its size")
SIZE_IS (gofollow_packet, 40);
SIZE_IS (gofollow_event, 96);
SIZE_IS (gofollow_endpoint, 24);
SIZE_IS (gofollow_counters, 120);
SIZE_IS (gofollow_connection, 400);

static int passed, failed;

#define CHECK(condition) check (condition, #condition, __LINE__)

static void
check (int ok, const char *what, int line)
{
    if (ok)
        passed++;
    else {
        failed++;
        printf ("test_api.c:%d: failed: %s\n", line, what);
    }
}

static gofollow_t
follower (const gofollow_config *config)
{
    gofollow_t f = 0;
    CHECK (gofollow_create (&f, config) == GOFOLLOW_OK && f != 0);
    return f;
}

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

/* Makes an IPv4 packet with a TCP segment. The first endpoint is 10.0.0.1:1000 + key. */
static size_t
segment (uint8_t *out, int key, int from_server, uint32_t seq, uint32_t ack, int flags, const char *payload)
{
    size_t n = 40 + strlen (payload);
    memset (out, 0, 40);
    out[0] = 0x45;
    out[2] = (uint8_t) (n >> 8);
    out[3] = (uint8_t) n;
    out[8] = 64;
    out[9] = 6;
    memcpy (out + 12, from_server ? "\x0a\0\0\2\x0a\0\0\1" : "\x0a\0\0\1\x0a\0\0\2", 8);
    unsigned client = 1000 + (unsigned) key, ports[2] = { from_server ? 80 : client, from_server ? client : 80 };
    for (int i = 0; i < 2; i++) {
        out[20 + 2 * i] = (uint8_t) (ports[i] >> 8);
        out[21 + 2 * i] = (uint8_t) ports[i];
    }
    for (int i = 0; i < 4; i++) {
        out[24 + i] = (uint8_t) (seq >> (24 - 8 * i));
        out[28 + i] = (uint8_t) (ack >> (24 - 8 * i));
    }
    out[32] = 0x50;
    out[33] = (uint8_t) flags;
    out[34] = 0xff;
    memcpy (out + 40, payload, strlen (payload));
    return n;
}

static int
feed (gofollow_t f, int key, int from_server, uint32_t seq, uint32_t ack, int flags, const char *payload)
{
    uint8_t packet[256];
    size_t n = segment (packet, key, from_server, seq, ack, flags, payload);
    int result = gofollow_feed (f, GOFOLLOW_LINK_IPV4, 1000, packet, n, n);
    memset (packet, 0xee, sizeof packet);
    return result;
}

static void
handshake (gofollow_t f, int key)
{
    feed (f, key, 0, 100, 0, SYN, "");
    feed (f, key, 1, 500, 101, SYN | ACK, "");
    feed (f, key, 0, 101, 501, ACK, "");
}

static int
message_has (gofollow_t f, const char *text)
{
    char message[512];
    return gofollow_error_message (f, message, sizeof message) >= 0 && strstr (message, text) != NULL;
}

static void
test_strings (void)
{
    CHECK (gofollow_abi_version () == GOFOLLOW_ABI_VERSION);
    CHECK (strcmp (gofollow_version (), EXPECTED_VERSION) == 0);
    CHECK (strncmp (gofollow_build_info (), "gofollow " EXPECTED_VERSION " (commit ", sizeof "gofollow " EXPECTED_VERSION " (commit " - 1) == 0);
    for (int code = GOFOLLOW_OK; code >= GOFOLLOW_ERR_MEMORY; code--) {
        CHECK (strlen (gofollow_strerror (code)) > 5 && strcmp (gofollow_strerror (code), gofollow_strerror (-999)) != 0);
        for (int other = code - 1; other >= GOFOLLOW_ERR_MEMORY; other--)
            CHECK (strcmp (gofollow_strerror (code), gofollow_strerror (other)) != 0);
    }
    CHECK (gofollow_set_memory_limit ((uint64_t) 1 << 40) == GOFOLLOW_OK && gofollow_set_memory_limit (0) == GOFOLLOW_OK);
    CHECK (gofollow_set_memory_limit (UINT64_MAX) == GOFOLLOW_ERR_ARGUMENT);
}

static void
test_bad_handle (gofollow_t f)
{
    gofollow_event event;
    gofollow_statistics s = { .size = sizeof s };
    size_t consumed;
    CHECK (gofollow_feed (f, 1, 0, "", 0, 0) == GOFOLLOW_ERR_HANDLE);
    CHECK (gofollow_feed (f, 1, 0, NULL, 9, 9) == GOFOLLOW_ERR_HANDLE);
    CHECK (gofollow_feed_batch (f, NULL, 0, &consumed) == GOFOLLOW_ERR_HANDLE);
    CHECK (gofollow_feed_capture (f, "", 0, &consumed) == GOFOLLOW_ERR_HANDLE);
    CHECK (gofollow_end_capture (f) == GOFOLLOW_ERR_HANDLE);
    CHECK (gofollow_open_file (f, "/dev/null") == GOFOLLOW_ERR_HANDLE);
    CHECK (gofollow_read_file (f, 0, NULL) == GOFOLLOW_ERR_HANDLE);
    CHECK (gofollow_poll (f, &event, 1) == GOFOLLOW_ERR_HANDLE);
    CHECK (gofollow_advance_time (f, 0) == GOFOLLOW_ERR_HANDLE);
    int64_t next;
    CHECK (gofollow_select_capture (f, 1, INT64_MAX) == GOFOLLOW_ERR_HANDLE);
    CHECK (gofollow_next_time (f, &next) == GOFOLLOW_ERR_HANDLE);
    CHECK (gofollow_abandon_capture (f) == GOFOLLOW_ERR_HANDLE);
    CHECK (gofollow_flush (f) == GOFOLLOW_ERR_HANDLE);
    CHECK (gofollow_stats (f, &s) == GOFOLLOW_ERR_HANDLE);
    CHECK (gofollow_not_followed (f, NULL, 0) == GOFOLLOW_ERR_HANDLE);
    CHECK (f == 0 || gofollow_error_message (f, NULL, 0) == GOFOLLOW_ERR_HANDLE);
    CHECK (gofollow_ignore (f, 0) == GOFOLLOW_ERR_HANDLE);
    CHECK (gofollow_destroy (f) == GOFOLLOW_ERR_HANDLE);
}

static void
test_arguments (void)
{
    gofollow_t f = follower (NULL);
    char message[8];
    size_t consumed = 7;
    CHECK (gofollow_error_message (f, message, sizeof message) == 0 && message[0] == 0);
    CHECK (gofollow_create (NULL, NULL) == GOFOLLOW_ERR_ARGUMENT);
    CHECK (gofollow_feed (f, 1, 0, NULL, 1, 1) == GOFOLLOW_ERR_ARGUMENT && message_has (f, "bytes is NULL"));
    CHECK (gofollow_error_message (f, message, sizeof message) > 7 && strlen (message) == 7);
    CHECK (gofollow_error_message (f, NULL, 0) > 7 && gofollow_error_message (f, NULL, 1) == GOFOLLOW_ERR_ARGUMENT);
    CHECK (gofollow_feed (f, 1, 0, NULL, 0, 0) == 0);
    CHECK (gofollow_feed_batch (f, NULL, 1, &consumed) == GOFOLLOW_ERR_ARGUMENT && consumed == 0);
    CHECK (gofollow_feed_batch (f, NULL, 2, NULL) == GOFOLLOW_ERR_ARGUMENT);
    CHECK (gofollow_feed_batch (f, NULL, 0, NULL) == 0);
    CHECK (gofollow_feed_capture (f, "", 0, NULL) == GOFOLLOW_ERR_ARGUMENT);
    CHECK (gofollow_feed_capture (f, NULL, 1, &consumed) == GOFOLLOW_ERR_ARGUMENT);
    CHECK (gofollow_open_file (f, NULL) == GOFOLLOW_ERR_ARGUMENT);
    CHECK (gofollow_next_time (f, NULL) == GOFOLLOW_ERR_ARGUMENT);
    CHECK (gofollow_poll (f, NULL, 1) == GOFOLLOW_ERR_ARGUMENT && gofollow_poll (f, NULL, 0) == 0);
    CHECK (gofollow_stats (f, NULL) == GOFOLLOW_ERR_ARGUMENT);
    CHECK (gofollow_advance_time (f, GOFOLLOW_NO_TIME) == GOFOLLOW_ERR_ARGUMENT);

    size_t big = (size_t) 17 << 20;
    uint8_t *packet = calloc (1, big);
    CHECK (gofollow_feed (f, 1, 0, packet, big, big) == GOFOLLOW_ERR_TOO_BIG);
    gofollow_packet batch[3] = { { .bytes = packet, .captured = 60, .original = 60, .link_type = 1 },
                                 { .bytes = packet, .captured = big, .original = big, .link_type = 1 } };
    CHECK (gofollow_feed_batch (f, batch, 3, &consumed) == GOFOLLOW_ERR_TOO_BIG && consumed == 1 && message_has (f, "16777216"));
    CHECK (gofollow_feed (f, 1, 0, packet, (size_t) 16 << 20, (size_t) 16 << 20) == 0);
    free (packet);
    CHECK (gofollow_destroy (f) == 0);
    test_bad_handle (f);
    test_bad_handle (0);
    test_bad_handle (UINT64_MAX);
}

static void
test_sized_structs (void)
{
    gofollow_t f = 0;
    struct { gofollow_config config; uint64_t newer; } larger = { .config = { .size = sizeof larger } };
    CHECK (gofollow_create (&f, &larger.config) == 0 && gofollow_destroy (f) == 0);
    larger.newer = 1;
    CHECK (gofollow_create (&f, &larger.config) == GOFOLLOW_ERR_ARGUMENT && f == 0);
#define REFUSES(...) do { gofollow_config c = { .size = sizeof c, __VA_ARGS__ }; CHECK (gofollow_create (&f, &c) == GOFOLLOW_ERR_ARGUMENT); } while (0)
    gofollow_config unset = { .size = 0 };
    CHECK (gofollow_create (&f, &unset) == GOFOLLOW_ERR_ARGUMENT);
    REFUSES (.close_on = 2);
    REFUSES (.overlap = 256);
    REFUSES (.anomalies = 2);
    REFUSES (.no_half_closed = 2);
    REFUSES (.separate = GOFOLLOW_SEPARATE_BOTH + 1);
    REFUSES (.segments = 2);
    REFUSES (.packets = 2);
    REFUSES (.idle_timeout_ns = -2);
    REFUSES (.max_held_bytes = UINT64_MAX);
    REFUSES (.max_far_bytes = (uint64_t) 1 << 40);
    gofollow_config shorter = { .size = offsetof (gofollow_config, close_on), .close_on = 99 };
    CHECK (gofollow_create (&f, &shorter) == 0);

    gofollow_statistics s;
    memset (&s, 0xee, sizeof s);
    s.size = offsetof (gofollow_statistics, bytes);
    CHECK (gofollow_stats (f, &s) == 0 && s.packets == 0 && s.bytes == 0xeeeeeeeeeeeeeeee);
    s.size = 0;
    CHECK (gofollow_stats (f, &s) == GOFOLLOW_ERR_ARGUMENT);
    gofollow_progress p = { .size = 0 };
    CHECK (gofollow_read_file (f, 0, &p) == GOFOLLOW_ERR_ARGUMENT);
    CHECK (gofollow_destroy (f) == 0);
}

static void
test_events (void)
{
    gofollow_t f = follower (NULL);
    gofollow_event e[16];
    memset (e, 0xee, sizeof e);
    handshake (f, 0);
    int waiting = feed (f, 0, 0, 101, 501, ACK, "hello");
    CHECK (waiting == 2);
    CHECK (feed (f, 0, 1, 501, 106, ACK, "world") == 3);    /* those that wait survive */
    CHECK (feed (f, 0, 1, 506, 106, RST, "stop it") >= 3);
    while (gofollow_flush (f) == GOFOLLOW_ERR_FULL)
        ;
    int n = gofollow_poll (f, e, 16);
    CHECK (n == 4 && e[0].kind == GOFOLLOW_OPENED && e[1].kind == GOFOLLOW_DATA && e[2].kind == GOFOLLOW_DATA && e[3].kind == GOFOLLOW_CLOSED);
    CHECK (e[1].length == 5 && memcmp (e[1].bytes, "hello", 5) == 0 && e[1].direction == GOFOLLOW_CLIENT_TO_SERVER && e[1].packet == 4);
    CHECK (e[2].length == 5 && memcmp (e[2].bytes, "world", 5) == 0 && e[2].direction == GOFOLLOW_SERVER_TO_CLIENT);
    CHECK (e[1].connection == e[2].connection && e[1].connection->closed == 0 && e[1].connection->counters[0].packets == 0);
    const gofollow_connection *c = e[3].connection;
    CHECK (c->closed == 1 && c->close_reason == GOFOLLOW_CLOSE_RST && e[3].reason == GOFOLLOW_CLOSE_RST && c->closed_by == GOFOLLOW_BY_SERVER);
    CHECK (c->reset_text_length == 7 && memcmp (c->reset_text, "stop it", 7) == 0 && c->clean == 0);
    CHECK (c->counters[0].bytes == 5 && c->counters[1].bytes == 5 && c->client.port == 1000 && c->server.port == 80 && c->client.family == 4);
    CHECK (e[0].place == 3 && e[1].place == 3 && e[2].place == 3 && e[3].place == 3);
    CHECK (e[0].flags == 0 && e[0].reserved == 0 && e[0].bytes == NULL && e[1].captured_packet == 4);
    gofollow_statistics s = { .size = sizeof s };
    CHECK (gofollow_stats (f, &s) == 0 && s.packets == 6 && s.segments == 6 && s.opened == 1 && s.closed[GOFOLLOW_CLOSE_RST] == 1 && s.waiting == 0);
    CHECK (gofollow_not_followed (f, NULL, 0) == 0 && gofollow_not_followed (f, NULL, 1) == GOFOLLOW_ERR_ARGUMENT);
    CHECK (memcmp (e[1].bytes, "hello", 5) == 0);   /* asking for statistics ends nothing */
    CHECK (gofollow_poll (f, e, 16) == 0);
    CHECK (gofollow_destroy (f) == 0 && gofollow_destroy (f) == GOFOLLOW_ERR_HANDLE);
}

/* Of a handshake that was captured the numbers and times are known, of one that was not they are not. */
static void
test_handshake_facts (void)
{
    gofollow_t f = follower (NULL);
    gofollow_event e[8];
    handshake (f, 0);
    CHECK (feed (f, 1, 1, 700, 300, ACK, "mid") >= 0 && gofollow_flush (f) >= 0);
    int n = gofollow_poll (f, e, 8), closed = 0;
    for (int i = 0; i < n; i++) {
        const gofollow_connection *c = e[i].connection;
        CHECK (c->opened_seq == (c->id == 0 ? 100 : 700));  /* from the first event on */
        if (e[i].kind != GOFOLLOW_CLOSED)
            continue;
        closed++;
        if (c->id == 0)
            CHECK (c->isn_known[0] == 1 && c->isn[0] == 100 && c->isn_known[1] == 1 && c->isn[1] == 500 && c->syn_ns == c->opened_ns
                   && c->synack_ns >= c->syn_ns && c->ack_ns >= c->synack_ns && c->ack_ns != GOFOLLOW_NO_TIME);
        else
            CHECK (c->isn_known[0] == 0 && c->isn_known[1] == 0 && c->syn_ns == GOFOLLOW_NO_TIME && c->synack_ns == GOFOLLOW_NO_TIME
                   && c->ack_ns == GOFOLLOW_NO_TIME);
    }
    CHECK (closed == 2 && gofollow_destroy (f) == 0);
}

/* A user pointer comes with every event of its connection, up to the last. */
static void
test_user (void)
{
    enum { N = 3000 };
    static gofollow_event e[2 * N];
    static int users[N];
    gofollow_t f = follower (NULL);
    int wrong = 0, n;
    CHECK (gofollow_set_user (f, 0, users) == GOFOLLOW_ERR_STATE && message_has (f, "last poll"));
    for (int i = 0; i < N; i++)
        feed (f, i, 0, 100, 0, SYN, "");
    n = gofollow_poll (f, e, 2 * N);
    for (int i = 0; i < n; i++) {
        wrong += gofollow_set_user (f, e[i].connection_id, &users[e[i].connection_id]) != 0;
        wrong += e[i].connection->user != &users[e[i].connection_id];
    }
    for (int i = 0; i < N; i++)
        feed (f, i, 0, 101, 0, ACK, "data");
    CHECK (wrong == 0 && n == N && gofollow_flush (f) == 2 * N && (n = gofollow_poll (f, e, 2 * N)) == 2 * N);
    for (int i = 0; i < n; i++)
        wrong += e[i].connection->user != &users[e[i].connection_id];
    CHECK (wrong == 0 && gofollow_poll (f, e, 1) == 0 && gofollow_set_user (f, 0, NULL) == GOFOLLOW_ERR_STATE);
    /* A connection that opens and closes within one poll. */
    feed (f, 0, 0, 100000, 0, SYN, "");
    CHECK (gofollow_flush (f) == 2 && gofollow_poll (f, e, 2) == 2 && e[0].kind == GOFOLLOW_OPENED && e[1].kind == GOFOLLOW_CLOSED);
    CHECK (gofollow_set_user (f, e[0].connection_id, &n) == 0 && e[0].connection->user == &n && e[1].connection->user == &n);
    CHECK (gofollow_poll (f, e, 1) == 0 && gofollow_destroy (f) == 0);
}

/* Cuts an IPv4 packet of n bytes into fragments of so many bytes of data; returns how many. */
static int
cut (const uint8_t *packet, size_t n, size_t piece, uint8_t out[][2000], gofollow_packet *fragments)
{
    int count = 0;
    for (size_t at = 20; at < n; at += piece, count++) {
        size_t length = n - at < piece ? n - at : piece, offset = (at - 20) / 8;
        memcpy (out[count], packet, 20);
        memcpy (out[count] + 20, packet + at, length);
        out[count][2] = (uint8_t) ((20 + length) >> 8);
        out[count][3] = (uint8_t) (20 + length);
        out[count][5] = 77;
        out[count][6] = (uint8_t) (offset >> 8 | (at + length < n ? 0x20 : 0));
        out[count][7] = (uint8_t) offset;
        fragments[count] = (gofollow_packet) { .bytes = out[count], .captured = 20 + length, .original = 20 + length, .ts_ns = count + 1,
                                               .link_type = GOFOLLOW_LINK_RAW };
    }
    return count;
}

/* Both directions have one key, fragments that of their datagram, which gofollow_defragment makes whole. */
static void
test_flows (void)
{
    uint8_t bytes[4][1500], pieces[8][2000];
    gofollow_packet packets[8];
    gofollow_key keys[8];
    char message[200], payload[1001];
    memset (payload, 'x', 1000);
    payload[1000] = 0;
    size_t there = segment (bytes[0], 0, 0, 101, 501, ACK, payload), back = segment (bytes[1], 0, 1, 501, 101, ACK, "answer");
    size_t other = segment (bytes[2], 1, 0, 101, 501, ACK, "other");
    size_t lengths[4] = { there, back, other, 7 };
    for (int i = 0; i < 4; i++)
        packets[i] = (gofollow_packet) { .bytes = bytes[i], .captured = lengths[i], .original = lengths[i], .link_type = GOFOLLOW_LINK_RAW };
    CHECK (gofollow_flow_key (GOFOLLOW_SEPARATE_NONE, packets, 4, keys) == 0);
    CHECK (keys[0].hash != 0 && keys[0].hash != keys[2].hash && keys[3].hash == 0);
    CHECK (sizeof keys[0] == 56 && memcmp (&keys[0], &keys[1], sizeof keys[0]) == 0 && memcmp (&keys[0], &keys[2], sizeof keys[0]) != 0);
    CHECK (keys[0].kind == GOFOLLOW_FLOW_TCP && keys[0].family == 4 && keys[0].low[3] == 1 && keys[0].high[3] == 2 && keys[0].low_port == 1000
           && keys[0].high_port == 80 && keys[0].separation == 0 && keys[0].depth == 0 && keys[0].several == 0);
    CHECK (keys[3].kind == GOFOLLOW_FLOW_NONE && keys[3].family == 0);

    int n = cut (bytes[0], there, 400, pieces, packets);
    CHECK (n == 3 && gofollow_flow_key (GOFOLLOW_SEPARATE_BOTH, packets, 3, keys) == 0);
    CHECK (keys[0].kind == GOFOLLOW_FLOW_FRAGMENT && keys[0].high_port == 77 && memcmp (&keys[0], &keys[2], sizeof keys[0]) == 0);
    gofollow_t f = follower (NULL), g = follower (NULL);
    const gofollow_datagram *whole;
    CHECK (gofollow_defragment (f, packets, 2, &whole) == 0 && whole == NULL);
    CHECK (gofollow_defragment (f, packets + 2, 1, &whole) == 1 && whole->index == 0 && whole->packet.ts_ns == 3
           && whole->packet.link_type == GOFOLLOW_LINK_DATAGRAM && whole->packet.captured == whole->packet.original);
    CHECK (gofollow_flow_key (GOFOLLOW_SEPARATE_NONE, &whole->packet, 1, keys) == 0 && keys[0].kind == GOFOLLOW_FLOW_TCP && keys[0].low_port == 1000);
    CHECK (gofollow_feed_batch (g, &whole->packet, 1, NULL) == 2);
    gofollow_event e[4];
    CHECK (gofollow_poll (g, e, 4) == 2 && e[1].kind == GOFOLLOW_DATA && e[1].length == 1000 && e[1].ts_ns == 3 && e[1].bytes[999] == 'x');
    gofollow_packet mixed[3] = { { .bytes = bytes[1], .captured = back, .original = back, .link_type = GOFOLLOW_LINK_RAW, .ts_ns = 9 }, packets[0], packets[1] };
    CHECK (gofollow_defragment (f, mixed, 3, &whole) == 1 && whole->packet.link_type == GOFOLLOW_LINK_RAW && whole->packet.captured == back
           && memcmp (whole->packet.bytes, bytes[1], back) == 0);
    gofollow_statistics s = GOFOLLOW_STATISTICS_INIT;
    CHECK (gofollow_flush (f) == 0 && gofollow_stats (f, &s) == 0 && s.datagrams == 1 && s.fragments == 4 && s.opened == 0);

    packets[1].reserved = 1;
    CHECK (gofollow_flow_key (0, packets, 2, keys) == GOFOLLOW_ERR_ARGUMENT && gofollow_error_message (0, message, sizeof message) > 0
           && strstr (message, "reserved") != NULL);
    CHECK (gofollow_defragment (f, packets, 2, &whole) == GOFOLLOW_ERR_ARGUMENT && message_has (f, "reserved") && whole == NULL);
    CHECK (gofollow_flow_key (4, packets, 0, keys) == GOFOLLOW_ERR_ARGUMENT && gofollow_flow_key (0, NULL, 1, keys) == GOFOLLOW_ERR_ARGUMENT
           && gofollow_flow_key (0, packets, 1, NULL) == GOFOLLOW_ERR_ARGUMENT && gofollow_flow_key (0, NULL, 0, NULL) == 0);
    packets[0].captured = (size_t) 17 << 20;
    CHECK (gofollow_flow_key (0, packets, 1, keys) == GOFOLLOW_ERR_TOO_BIG && gofollow_defragment (f, packets, 1, &whole) == GOFOLLOW_ERR_TOO_BIG);
    CHECK (gofollow_defragment (f, packets, 0, NULL) == GOFOLLOW_ERR_ARGUMENT);
    CHECK (gofollow_destroy (f) == 0 && gofollow_destroy (g) == 0 && gofollow_defragment (f, NULL, 0, &whole) == GOFOLLOW_ERR_HANDLE);
}

static void *
ask_in_another_thread (void *length)
{
    *(int *) length = gofollow_error_message (0, NULL, 0);
    return NULL;
}

/* A filter chooses connections; what is wrong with one is told without a handle, to the thread that asked. */
static void
test_filter (void)
{
    gofollow_config config = GOFOLLOW_CONFIG_INIT;
    gofollow_t f = 1;
    char message[400], shorter[11];
    config.filter = "port 1000 or prot 80";
    CHECK (gofollow_create (&f, &config) == GOFOLLOW_ERR_ARGUMENT && f == 0);
    int length = gofollow_error_message (0, message, sizeof message), elsewhere = -1;
    CHECK (length == (int) strlen (message) && strncmp (message, "filter \"port 1000 or prot 80\": no such word \"prot\"", 50) == 0
           && strstr (message, "(here: port 1000 or ^prot 80); words are host, net") != NULL);
    CHECK (gofollow_error_message (0, shorter, sizeof shorter) == length && strcmp (shorter, "filter \"po") == 0);
    CHECK (gofollow_error_message (0, NULL, 0) == length && gofollow_error_message (0, NULL, 1) == GOFOLLOW_ERR_ARGUMENT);
    pthread_t thread;
    CHECK (pthread_create (&thread, NULL, ask_in_another_thread, &elsewhere) == 0 && pthread_join (thread, NULL) == 0 && elsewhere == 0);
    config.filter = NULL;
    config.separate = 9;
    CHECK (gofollow_create (&f, &config) == GOFOLLOW_ERR_ARGUMENT && gofollow_error_message (0, message, sizeof message) > 0
           && strstr (message, "9") != NULL);
    CHECK (gofollow_create (NULL, NULL) == GOFOLLOW_ERR_ARGUMENT && gofollow_error_message (0, message, sizeof message) == 11);

    config.separate = 0;
    config.filter = "client port 1001";
    f = follower (&config);
    gofollow_event e[16];
    handshake (f, 0);
    handshake (f, 1);
    CHECK (feed (f, 0, 0, 101, 501, ACK, "no") == 1 && feed (f, 1, 0, 101, 501, ACK, "yes") == 2 && gofollow_flush (f) == 3);
    CHECK (gofollow_poll (f, e, 16) == 3 && e[0].connection_id == 1 && e[2].kind == GOFOLLOW_CLOSED && e[2].connection->ignored == 0);
    gofollow_statistics s = GOFOLLOW_STATISTICS_INIT;
    CHECK (gofollow_stats (f, &s) == 0 && s.opened == 2 && s.filtered == 1 && s.closed[GOFOLLOW_CLOSE_FLUSH] == 2);
    CHECK (gofollow_ignore (f, 0) == 0 && gofollow_destroy (f) == 0);
}

/* Of an ignored connection nothing but its CLOSED event comes; the others' events keep their marks. */
static void
test_ignore (void)
{
    gofollow_t f = follower (NULL);
    gofollow_event e[16];
    CHECK (gofollow_ignore (f, 0) == GOFOLLOW_ERR_ARGUMENT && message_has (f, "no connection has that ID: 0"));
    handshake (f, 0);
    handshake (f, 1);
    CHECK (feed (f, 0, 0, 104, 501, ACK, "lo") >= 0 && feed (f, 0, 0, 101, 501, ACK, "hel") >= 0);
    CHECK (feed (f, 1, 0, 101, 501, ACK, "other") >= 0 && feed (f, 1, 0, 108, 501, ACK, "held") >= 0);
    int n = gofollow_poll (f, e, 3);    /* both OPENED, and one DATA of two that the packet made */
    CHECK (n == 3 && e[2].kind == GOFOLLOW_DATA && e[2].connection_id == 0 && e[2].place == GOFOLLOW_FIRST_OF_PACKET && memcmp (e[2].bytes, "hel", 3) == 0);
    CHECK (gofollow_ignore (f, 0) == 0 && gofollow_ignore (f, 0) == 0);
    CHECK (memcmp (e[2].bytes, "hel", 3) == 0 && e[2].connection->ignored == 0);
    CHECK (gofollow_poll (f, e, 16) == 1 && e[0].connection_id == 1 && e[0].place == (GOFOLLOW_FIRST_OF_PACKET | GOFOLLOW_LAST_OF_PACKET));
    gofollow_statistics before = { .size = sizeof before }, after = { .size = sizeof after };
    CHECK (gofollow_stats (f, &before) == 0 && before.held_bytes == 4);
    CHECK (gofollow_ignore (f, 1) == 0 && gofollow_stats (f, &after) == 0 && after.held_bytes == 4);     /* as a length */
    CHECK (feed (f, 0, 0, 106, 501, ACK, "more") == 0 && gofollow_flush (f) == 2 && gofollow_poll (f, e, 16) == 2);
    CHECK (e[0].kind == GOFOLLOW_CLOSED && e[0].connection_id == 0 && e[0].connection->ignored == 1 && e[0].connection->counters[0].bytes == 9);
    CHECK (e[1].kind == GOFOLLOW_CLOSED && e[1].connection->ignored == 1 && e[1].connection->counters[0].gap_bytes == 2);
    CHECK (gofollow_ignore (f, 1) == 0 && gofollow_ignore (f, 2) == GOFOLLOW_ERR_ARGUMENT);
    CHECK (gofollow_destroy (f) == 0 && gofollow_ignore (f, 0) == GOFOLLOW_ERR_HANDLE);
}

/* One event for each segment, if asked for, before those that it causes. */
static void
test_segments (void)
{
    gofollow_config config = { .size = sizeof config, .segments = 1 };
    gofollow_t f = follower (&config);
    gofollow_event e[32];
    handshake (f, 0);
    CHECK (feed (f, 0, 0, 104, 501, ACK, "lo") >= 0 && feed (f, 0, 0, 101, 501, ACK, "hel") >= 0 && feed (f, 0, 0, 101, 501, ACK, "hel") >= 0);
    CHECK (feed (f, 0, 1, 501, 106, RST, "") >= 0);
    static const struct {
        int kind, arrival, flags, offset, length, acked;
    } wanted[] = {
        { GOFOLLOW_OPENED, 0, 0, 0, 0, 0 }, { GOFOLLOW_SEGMENT, GOFOLLOW_ARRIVED_EMPTY, SYN, 0, 0, -1 },
        { GOFOLLOW_SEGMENT, GOFOLLOW_ARRIVED_EMPTY, SYN | ACK, 0, 0, 0 }, { GOFOLLOW_SEGMENT, GOFOLLOW_ARRIVED_EMPTY, ACK, 0, 0, 0 },
        { GOFOLLOW_SEGMENT, GOFOLLOW_ARRIVED_NEW, ACK, 3, 2, 0 }, { GOFOLLOW_SEGMENT, GOFOLLOW_ARRIVED_OUT_OF_ORDER, ACK, 0, 3, 0 },
        { GOFOLLOW_DATA, 0, 0, 0, 3, 0 }, { GOFOLLOW_DATA, 0, 0, 3, 2, 0 },
        { GOFOLLOW_SEGMENT, GOFOLLOW_ARRIVED_REPEATED, ACK, 0, 3, 0 }, { GOFOLLOW_SEGMENT, GOFOLLOW_ARRIVED_EMPTY, RST, 0, 0, -1 },
    };
    int n = gofollow_poll (f, e, 32), count = sizeof wanted / sizeof *wanted;
    CHECK (n >= count);
    for (int i = 0; i < n && i < count; i++)
        CHECK (e[i].kind == wanted[i].kind && e[i].arrival == wanted[i].arrival && e[i].flags == wanted[i].flags && e[i].offset == wanted[i].offset
               && (int) e[i].length == wanted[i].length && e[i].acked == wanted[i].acked);
    CHECK (e[4].window > 0 && e[6].captured_packet == 5 && e[7].captured_packet == 4 && e[7].packet == 5 && e[7].reordered == 1);
    CHECK (gofollow_destroy (f) == 0);
}

/* Packets are read, and not followed, if that is asked for. */
static void
test_packets (void)
{
    gofollow_config config = { .size = sizeof config, .packets = 1 };
    gofollow_t f = follower (&config);
    gofollow_event e[8];
    handshake (f, 0);
    CHECK (gofollow_feed (f, 276, GOFOLLOW_NO_TIME, "abc", 3, 70) == 4 && gofollow_feed (f, 1, 7, NULL, 0, 0) == 5 && gofollow_flush (f) == 5);
    CHECK (gofollow_poll (f, e, 8) == 5);
    for (int i = 0; i < 5; i++)
        CHECK (e[i].kind == GOFOLLOW_PACKET && e[i].connection == NULL && e[i].packet == (uint64_t) i + 1 && e[i].place == 3);
    CHECK (e[0].reason == GOFOLLOW_PACKET_TCP && e[0].connection_id != 0 && e[1].connection_id == e[0].connection_id && e[0].captured_packet == 0);
    CHECK (e[3].reason == GOFOLLOW_PACKET_OTHER && e[3].connection_id == 0);
    gofollow_packet packet = { .bytes = e[0].bytes, .captured = e[0].length, .link_type = e[0].window };
    gofollow_key key;
    CHECK (gofollow_flow_key (GOFOLLOW_SEPARATE_NONE, &packet, 1, &key) == 0 && key.hash == e[0].connection_id);
    CHECK (e[3].length == 3 && memcmp (e[3].bytes, "abc", 3) == 0 && e[3].offset == 70 && e[3].window == 276 && e[3].ts_ns == GOFOLLOW_NO_TIME);
    CHECK (e[4].length == 0 && e[4].bytes == NULL && e[4].ts_ns == 7 && e[0].length >= 40);
    CHECK (gofollow_destroy (f) == 0);
}

/* Feeds a segment of the connection in a VLAN. */
static int
feed_in_vlan (gofollow_t f, int vlan, int from_server, uint32_t seq, uint32_t ack, int flags, const char *payload)
{
    uint8_t frame[256] = { [12] = 0x81, 0, (uint8_t) (vlan >> 8), (uint8_t) vlan, 8, 0 };
    size_t n = 18 + segment (frame + 18, 0, from_server, seq, ack, flags, payload);
    return gofollow_feed (f, 1, 1, frame, n, n);
}

/* Equal addresses and ports in two VLANs are one connection or two, as separate says; what told them apart is valid as long as the events. */
static void
test_separate (void)
{
    static const struct {
        uint32_t separate;
        int connections;
    } cases[] = { { GOFOLLOW_SEPARATE_NONE, 1 }, { GOFOLLOW_SEPARATE_VLAN, 3000 }, { GOFOLLOW_SEPARATE_TUNNEL, 1 }, { GOFOLLOW_SEPARATE_BOTH, 3000 } };
    static gofollow_event e[8192];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gofollow_config config = { .size = sizeof config, .separate = cases[i].separate };
        gofollow_t f = follower (&config);
        int opened = 0, closed = 0, wrong = 0;
        for (int round = 0; round < 2; round++)
            for (int vlan = 1; vlan <= 3000; vlan++) {
                if (round == 0)
                    wrong += feed_in_vlan (f, vlan, 0, 100, 0, SYN, "") < 0;
                else
                    wrong += feed_in_vlan (f, vlan, 0, 101, 0, ACK, "data") < 0;
                if (vlan % 500 != 0)
                    continue;
                if (round == 1 && vlan == 3000)
                    CHECK (gofollow_flush (f) >= 0);
                int n = gofollow_poll (f, e, 8192);
                for (int j = 0; j < n; j++) {
                    const gofollow_connection *c = e[j].connection;
                    char text[24];
                    snprintf (text, sizeof text, "vlan:%d", (int) c->id + 1);
                    wrong += cases[i].connections == 1 ? c->separation != NULL : c->separation == NULL || strcmp (c->separation, text) != 0;
                    opened += e[j].kind == GOFOLLOW_OPENED;
                    closed += e[j].kind == GOFOLLOW_CLOSED;
                }
            }
        CHECK (wrong == 0 && closed == cases[i].connections && opened == closed);
        CHECK (gofollow_destroy (f) == 0);
    }
}

static void
test_no_half_closed (void)
{
    gofollow_event e[8];
    for (uint32_t without = 0; without < 2; without++) {
        gofollow_config config = { .size = sizeof config, .no_half_closed = without };
        gofollow_t f = follower (&config);
        handshake (f, 0);
        CHECK (feed (f, 0, 0, 101, 501, ACK | FIN, "bye") == 3 - (int) without && feed (f, 0, 1, 501, 105, ACK | FIN, "") >= 0);
        CHECK (gofollow_flush (f) == 5 - 2 * (int) without && gofollow_poll (f, e, 8) == 5 - 2 * (int) without);
        CHECK (e[1].kind == GOFOLLOW_DATA && e[1].place == (without ? 3 : 1));
        CHECK (e[2].kind == (without ? GOFOLLOW_CLOSED : GOFOLLOW_HALF_CLOSED) && gofollow_destroy (f) == 0);
    }
}

/* place says where a packet's events begin and end, however they are polled. */
static void
test_place (void)
{
    for (size_t at_once = 1; at_once <= 16; at_once++) {
        gofollow_t f = follower (NULL);
        gofollow_event e[16];
        int places[16], n = 0, polled;
        handshake (f, 0);
        feed (f, 0, 0, 101, 501, ACK, "one");
        feed (f, 0, 0, 109, 501, ACK, "4");         /* held: 5 bytes are missing */
        feed (f, 0, 0, 110, 501, ACK, "5");
        feed (f, 0, 0, 104, 501, ACK, "three");     /* three events */
        feed (f, 0, 0, 120, 501, ACK, "held");
        CHECK (gofollow_flush (f) == 8);            /* gap, data and closed at once */
        while ((polled = gofollow_poll (f, e, at_once)) > 0)
            for (int i = 0; i < polled; i++)
                places[n++] = e[i].place;
        CHECK (n == 8 && places[0] == 3 && places[1] == 3);
        CHECK (places[2] == 1 && places[3] == 0 && places[4] == 2 && places[5] == 1 && places[6] == 0 && places[7] == 2);
        gofollow_destroy (f);
    }
}

static void
test_not_followed (void)
{
    gofollow_t f;
    gofollow_not_followed_kind kinds[3];
    const unsigned char udp[28] = { 0x45, 0, 0, 28, [9] = 17 }, fragment[28] = { 0x45, 0, 0, 28, [6] = 0x20, [9] = 6 };
    const unsigned char macsec[28] = { [12] = 0x88, 0xe5, 0x0c };
    CHECK (gofollow_create (&f, NULL) == 0);
    for (int i = 0; i < 3; i++)
        CHECK (gofollow_feed (f, GOFOLLOW_LINK_RAW, 0, udp, sizeof udp, sizeof udp) == 0);
    for (int i = 0; i < 2; i++)
        CHECK (gofollow_feed (f, GOFOLLOW_LINK_ETHERNET, 0, macsec, sizeof macsec, sizeof macsec) == 0);
    CHECK (gofollow_feed (f, 147, 0, udp, sizeof udp, sizeof udp) == 0);
    CHECK (gofollow_feed (f, GOFOLLOW_LINK_RAW, 0, fragment, sizeof fragment, sizeof fragment) == 0);
    memset (kinds, 0xee, sizeof kinds);
    CHECK (gofollow_not_followed (f, kinds, 1) == 3 && kinds[1].packets == 0xeeeeeeeeeeeeeeee);
    CHECK (gofollow_not_followed (f, kinds, 3) == 3);
    CHECK (strcmp (kinds[0].name, "UDP") == 0 && kinds[0].packets == 3 && kinds[0].link_type == 0 && kinds[0].reserved == 0);
    CHECK (strcmp (kinds[2].name, "link type 147") == 0 && kinds[2].packets == 1 && kinds[2].link_type == 1);
    CHECK (strcmp (kinds[1].name, "MACsec (encrypted)") == 0 && kinds[1].packets == 2 && kinds[1].link_type == 0);
    CHECK (gofollow_flush (f) == 0);
    gofollow_statistics s = { .size = sizeof s };
    CHECK (gofollow_stats (f, &s) == 0 && s.fragments == 1 && s.fragments_expired == 1 && s.datagrams == 0 && s.not_tcp == 5 && s.unknown_link == 1);
    CHECK (gofollow_destroy (f) == 0);
}

static void
test_full (void)
{
    gofollow_config config = { .size = sizeof config, .max_queued_events = 2 };
    gofollow_t f = follower (&config);
    uint8_t bytes[4][64];
    gofollow_packet packets[4];
    gofollow_event e[8];
    size_t consumed = 99;
    for (int i = 0; i < 4; i++) {
        size_t n = segment (bytes[i], i, 0, 100, 0, ACK, "x");
        packets[i] = (gofollow_packet) { .bytes = bytes[i], .captured = n, .original = n, .link_type = GOFOLLOW_LINK_IPV4 };
    }
    CHECK (gofollow_feed_batch (f, packets, 4, &consumed) == GOFOLLOW_ERR_FULL && consumed >= 1 && consumed < 4);
    CHECK (message_has (f, "poll"));
    CHECK (gofollow_feed (f, GOFOLLOW_LINK_IPV4, 0, bytes[3], packets[3].captured, 0) == GOFOLLOW_ERR_FULL);
    size_t taken = consumed;
    int events = 0, result, rounds = 0;
    do {
        events += gofollow_poll (f, e, 8);
        result = gofollow_feed_batch (f, packets + taken, 4 - taken, &consumed);
        taken += consumed;
    } while (result == GOFOLLOW_ERR_FULL && ++rounds < 10);
    CHECK (result >= 0 && taken == 4);
    do
        while ((result = gofollow_poll (f, e, 8)) > 0)
            events += result;
    while ((result = gofollow_flush (f)) == GOFOLLOW_ERR_FULL && ++rounds < 20);
    CHECK (result >= 0);
    while ((result = gofollow_poll (f, e, 1)) > 0)
        events += result;
    CHECK (events == 12);   /* opened, data and closed of four */
    CHECK (gofollow_destroy (f) == 0);
}

struct load { gofollow_t f; gofollow_packet *packets; size_t n; int stop; int result; };

static void *
feed_until_stopped (void *arg)
{
    struct load *load = arg;
    for (int i = 0; i < 2000 && !__atomic_load_n (&load->stop, __ATOMIC_SEQ_CST); i++) {
        size_t consumed;
        int result = gofollow_feed_batch (load->f, load->packets, load->n, &consumed);
        if (result < 0 && result != GOFOLLOW_ERR_BUSY)
            load->result = result;
    }
    return NULL;
}

static void
test_busy (void)
{
    static uint8_t frame[60];
    struct load load = { .f = follower (NULL), .n = 200000 };
    load.packets = calloc (load.n, sizeof *load.packets);
    for (size_t i = 0; i < load.n; i++)
        load.packets[i] = (gofollow_packet) { .bytes = frame, .captured = 60, .original = 60, .link_type = 1 };
    pthread_t thread;
    pthread_create (&thread, NULL, feed_until_stopped, &load);
    int result = 0;
    for (long tries = 0; tries < 100000000 && result == 0; tries++)
        result = gofollow_flush (load.f);
    CHECK (result == GOFOLLOW_ERR_BUSY);
    CHECK (gofollow_error_message (load.f, NULL, 0) == 0);   /* readable at any time */
    gofollow_t other = follower (NULL);     /* others are not held up */
    CHECK (gofollow_flush (other) == 0 && gofollow_destroy (other) == 0);
    /* Destroying: busy, or done if it met the moment between two calls. */
    result = gofollow_destroy (load.f);
    CHECK (result == GOFOLLOW_ERR_BUSY || result == 0);
    __atomic_store_n (&load.stop, 1, __ATOMIC_SEQ_CST);
    pthread_join (thread, NULL);
    CHECK (load.result == 0 || load.result == GOFOLLOW_ERR_HANDLE);
    CHECK (gofollow_destroy (load.f) == (result == 0 ? GOFOLLOW_ERR_HANDLE : 0));
    free (load.packets);
}

static void
test_fork (void)
{
    gofollow_t f = follower (NULL);
    fflush (stdout);
    pid_t child = fork ();
    if (child == 0) {
        alarm (20);
        gofollow_t g;
        gofollow_event e;
        size_t consumed;
        gofollow_statistics s = { .size = sizeof s };
        int bad = gofollow_create (&g, NULL) != GOFOLLOW_ERR_FORKED || gofollow_feed (f, 1, 0, "", 0, 0) != GOFOLLOW_ERR_FORKED
            || gofollow_feed_batch (f, NULL, 0, &consumed) != GOFOLLOW_ERR_FORKED
            || gofollow_feed_capture (f, "", 0, &consumed) != GOFOLLOW_ERR_FORKED || gofollow_end_capture (f) != GOFOLLOW_ERR_FORKED
            || gofollow_open_file (f, "/dev/null") != GOFOLLOW_ERR_FORKED || gofollow_read_file (f, 0, NULL) != GOFOLLOW_ERR_FORKED
            || gofollow_flow_key (0, NULL, 0, NULL) != GOFOLLOW_ERR_FORKED || gofollow_defragment (f, NULL, 0, NULL) != GOFOLLOW_ERR_FORKED
            || gofollow_abandon_capture (f) != GOFOLLOW_ERR_FORKED
            || gofollow_set_user (f, 0, NULL) != GOFOLLOW_ERR_FORKED || gofollow_ignore (f, 0) != GOFOLLOW_ERR_FORKED
            || gofollow_poll (f, &e, 1) != GOFOLLOW_ERR_FORKED || gofollow_advance_time (f, 0) != GOFOLLOW_ERR_FORKED
            || gofollow_flush (f) != GOFOLLOW_ERR_FORKED || gofollow_destroy (f) != GOFOLLOW_ERR_FORKED
            || gofollow_stats (f, &s) != GOFOLLOW_ERR_FORKED || gofollow_not_followed (f, NULL, 0) != GOFOLLOW_ERR_FORKED
            || gofollow_error_message (f, NULL, 0) != GOFOLLOW_ERR_FORKED
            || gofollow_set_memory_limit (0) != GOFOLLOW_ERR_FORKED || gofollow_version ()[0] == 0
            || gofollow_strerror (GOFOLLOW_ERR_FORKED)[0] == 0 || gofollow_abi_version () != GOFOLLOW_ABI_VERSION;
        _exit (bad);
    }
    int status = -1;
    CHECK (waitpid (child, &status, 0) == child && WIFEXITED (status) && WEXITSTATUS (status) == 0);
    CHECK (gofollow_flush (f) == 0 && gofollow_destroy (f) == 0);   /* the parent goes on */
}

static int
follow_path (const char *path)
{
    gofollow_t f = follower (NULL);
    gofollow_progress p = { .size = sizeof p };
    int result = gofollow_open_file (f, path);
    for (int i = 0; i < 100 && result >= 0 && !p.end; i++)
        result = gofollow_read_file (f, 0, &p);
    CHECK (result >= 0 || gofollow_error_message (f, NULL, 0) > 10);
    CHECK (gofollow_destroy (f) == 0);
    return result;
}

static void
write_file (const char *path, const char *content, size_t n)
{
    FILE *out = fopen (path, "wb");
    if (out == NULL || fwrite (content, 1, n, out) != n || fclose (out) != 0)
        abort ();
}

static void
test_files (void)
{
    char folder[] = "/tmp/gofollow-test-XXXXXX", path[64];
    CHECK (mkdtemp (folder) != NULL);
    snprintf (path, sizeof path, "%s/file", folder);
#define FOLLOW(content, n) (write_file (path, content, n), follow_path (path))
#define PCAP "\xd4\xc3\xb2\xa1\2\0\4\0\0\0\0\0\0\0\0\0\xff\xff\0\0\1\0\0\0"
    CHECK (follow_path (path) == GOFOLLOW_ERR_IO);
    CHECK (follow_path (folder) == GOFOLLOW_ERR_IO);
    CHECK (FOLLOW ("", 0) == GOFOLLOW_ERR_FORMAT);
    CHECK (FOLLOW ("Dear reader, this is not a capture.\n", 33) == GOFOLLOW_ERR_FORMAT);
    CHECK (FOLLOW (PCAP, 24) == 0);
    CHECK (FOLLOW (PCAP "\1\0\0\0\2\0\0\0\4\0\0\0\4\0\0\0ab", 42) == GOFOLLOW_ERR_TRUNCATED);
    CHECK (FOLLOW (PCAP "\1\0\0\0\2\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff" "abcdefgh", 48) == GOFOLLOW_ERR_DAMAGED);
    CHECK (FOLLOW ("snoop\0\0\0\0\0\0\2\0\0\0\4", 16) == GOFOLLOW_ERR_UNSUPPORTED);
    if (geteuid () != 0) {
        chmod (path, 0);
        CHECK (follow_path (path) == GOFOLLOW_ERR_IO);
    } else
        puts ("not tested, since root may read everything: a file without permission");
    unlink (path);
    rmdir (folder);

    gofollow_t f = follower (NULL);
    size_t consumed;
    CHECK (gofollow_read_file (f, 0, NULL) == GOFOLLOW_ERR_STATE && message_has (f, "call gofollow_open_file first"));
    CHECK (gofollow_feed_capture (f, PCAP "\1\0\0", 27, &consumed) == 0 && consumed == 27);
    CHECK (gofollow_open_file (f, "/dev/null") == GOFOLLOW_ERR_STATE && message_has (f, "call gofollow_end_capture first"));
    CHECK (gofollow_end_capture (f) == GOFOLLOW_ERR_TRUNCATED);
    CHECK (gofollow_feed_capture (f, PCAP, 24, &consumed) == 0 && gofollow_end_capture (f) == 0);
    CHECK (gofollow_destroy (f) == 0);
}

static void
test_many (void)
{
    enum { MANY = 2000 };
    static gofollow_t f[MANY];
    int ok = 1;
    for (int i = 0; i < MANY; i++) {
        ok = ok && gofollow_create (&f[i], NULL) == 0 && (i == 0 || f[i] > f[i - 1]);
        handshake (f[i], i);
        ok = ok && feed (f[i], i, 0, 101, 501, ACK, "data") == 2;
    }
    for (int i = 0; i < MANY; i++)
        ok = ok && gofollow_destroy (f[i]) == 0;
    for (int i = 0; i < MANY; i++)
        ok = ok && gofollow_flush (f[i]) == GOFOLLOW_ERR_HANDLE;
    CHECK (ok);
    gofollow_t next = follower (NULL);
    CHECK (next > f[MANY - 1] && gofollow_destroy (next) == 0);
}

int
main (void)
{
    test_strings ();
    test_arguments ();
    test_sized_structs ();
    test_events ();
    test_separate ();
    test_handshake_facts ();
    test_user ();
    test_ignore ();
    test_filter ();
    test_flows ();
    test_segments ();
    test_packets ();
    test_no_half_closed ();
    test_place ();
    test_not_followed ();
    test_full ();
    test_busy ();
    test_fork ();
    test_files ();
    test_many ();
    printf ("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}
