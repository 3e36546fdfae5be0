/* Writes events as docs/event-log.md says. */
#ifndef EVENTLOG_H
#define EVENTLOG_H

#include <gofollow.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static uint32_t
eventlog_crc32 (const uint8_t *bytes, uint64_t n)
{
    static uint32_t table[256];
    if (table[1] == 0)
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t c = i;
            for (int k = 0; k < 8; k++)
                c = c & 1 ? 0xedb88320 ^ c >> 1 : c >> 1;
            table[i] = c;
        }
    uint32_t crc = 0xffffffff;
    for (uint64_t i = 0; i < n; i++)
        crc = table[(crc ^ bytes[i]) & 0xff] ^ crc >> 8;
    return crc ^ 0xffffffff;
}

/* IPv6 as RFC 5952 writes it: the first of the longest runs of zero groups, of at
 * least two, is shortened; addresses that hold an IPv4 one end in dots. */
static void
eventlog_endpoint (FILE *out, const gofollow_endpoint *e)
{
    const uint8_t *a = e->address;
    if (e->family == 4) {
        fprintf (out, "%u.%u.%u.%u:%u", a[0], a[1], a[2], a[3], e->port);
        return;
    }
    unsigned group[8];
    int best = -1, longest = 1, mapped = 1;
    for (int i = 0; i < 8; i++)
        group[i] = (unsigned) a[2 * i] << 8 | a[2 * i + 1];
    for (int i = 0; i < 8; i++) {
        int run = 0;
        while (i + run < 8 && group[i + run] == 0)
            run++;
        if (run > longest) {
            longest = run;
            best = i;
        }
    }
    for (int i = 0; i < 6; i++)
        mapped = mapped && group[i] == (i < 5 ? 0 : 0xffffu);
    if (mapped) {
        fprintf (out, "[::ffff:%u.%u.%u.%u]:%u", a[12], a[13], a[14], a[15], e->port);
        return;
    }
    fputc ('[', out);
    for (int i = 0; i < 8; i++) {
        if (i == best) {
            fputs ("::", out);
            i += longest - 1;
            continue;
        }
        fprintf (out, "%s%x", i > 0 && i != best + longest ? ":" : "", group[i]);
    }
    fprintf (out, "]:%u", e->port);
}

static void
eventlog_counters (FILE *out, const char *name, const gofollow_counters *c)
{
    fprintf (out, " %s=%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, name, c->packets, c->data_packets,
             c->bytes, c->gap_bytes, c->gaps, c->duplicate_bytes, c->conflict_bytes);
    fprintf (out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, c->reordered_bytes,
             c->late_bytes, c->before_start, c->after_fin, c->after_rst, c->far_segments, c->far_bytes, c->max_held);
}

static void
eventlog_time (FILE *out, const char *name, int64_t ns)
{
    if (ns == GOFOLLOW_NO_TIME)
        fprintf (out, " %s=none", name);
    else
        fprintf (out, " %s=%" PRId64, name, ns);
}

static const char *const eventlog_sides[] = { "client", "server" };
static const char *const eventlog_roles[] = { "", "syn", "synack", "port", "first" };
static const char *const eventlog_starts[] = { "", "syn", "synack", "midstream" };
static const char *const eventlog_gaps[] = { "", "ack", "limit", "timeout", "snaplen", "urgent", "close" };
static const char *const eventlog_closes[] = { "", "fin", "rst", "timeout", "reused", "evicted", "flush" };
static const char *const eventlog_bys[] = { "none", "client", "server" };
static const char *const eventlog_anomalies[] = {
    "", "overlap_conflict", "rst_out_of_window", "rst_cancelled", "fin_below_data", "ack_unseen", "after_fin", "before_start", "far_segment",
    "checksum", "no_ack_flag", "syn_fin"
};
static const char *const eventlog_arrivals[] = { "empty", "new", "repeated", "out_of_order" };

static void
eventlog_print (FILE *out, const gofollow_event *e)
{
    const gofollow_connection *c = e->connection;
    const char *side = eventlog_sides[e->direction];
    uint64_t copies = e->kind == GOFOLLOW_ANOMALY && e->reason == GOFOLLOW_ANOMALY_OVERLAP_CONFLICT ? 2 : 1;
    uint32_t crc = e->bytes != NULL ? eventlog_crc32 (e->bytes, e->length * copies) : 0;

    if (c->id != e->connection_id) {
        fprintf (stderr, "event of connection %" PRIu64 " points to connection %" PRIu64 "\n", e->connection_id, c->id);
        exit (1);
    }
    switch (e->kind) {
    case GOFOLLOW_OPENED:
        fprintf (out, "opened %" PRIu64 " ", c->id);
        eventlog_endpoint (out, &c->client);
        fputc (' ', out);
        eventlog_endpoint (out, &c->server);
        fprintf (out, " roles=%s start=%s", eventlog_roles[c->roles_from], eventlog_starts[c->start]);
        if (c->separation != NULL)
            fprintf (out, " separation=%s", c->separation);
        break;
    case GOFOLLOW_DATA:
        fprintf (out, "data %" PRIu64 " %s offset=%" PRId64 " length=%" PRIu64 " crc32=%08" PRIx32, c->id, side, e->offset, e->length, crc);
        eventlog_time (out, "captured", e->captured_ns);
        break;
    case GOFOLLOW_GAP:
        fprintf (out, "gap %" PRIu64 " %s offset=%" PRId64 " length=%" PRIu64 " reason=%s", c->id, side, e->offset, e->length,
                 eventlog_gaps[e->reason]);
        break;
    case GOFOLLOW_HALF_CLOSED:
        fprintf (out, "half-closed %" PRIu64 " %s offset=%" PRId64, c->id, side, e->offset);
        break;
    case GOFOLLOW_CLOSED:
        fprintf (out, "closed %" PRIu64 " reason=%s by=%s clean=%d", c->id, eventlog_closes[e->reason], eventlog_bys[e->by], c->clean);
        eventlog_counters (out, "client", &c->counters[GOFOLLOW_CLIENT_TO_SERVER]);
        eventlog_counters (out, "server", &c->counters[GOFOLLOW_SERVER_TO_CLIENT]);
        fputs (" reset_text=", out);
        for (int i = 0; i < c->reset_text_length; i++)
            fprintf (out, "%02x", c->reset_text[i]);
        break;
    case GOFOLLOW_ANOMALY:
        fprintf (out, "anomaly %" PRIu64 " %s kind=%s offset=%" PRId64 " length=%" PRIu64 " crc32=%08" PRIx32, c->id, side,
                 eventlog_anomalies[e->reason], e->offset, e->length, crc);
        break;
    case GOFOLLOW_SEGMENT:
        fprintf (out, "segment %" PRIu64 " %s offset=%" PRId64 " length=%" PRIu64 " flags=%02x ack=%" PRId64 " window=%" PRIu32 " arrival=%s",
                 c->id, side, e->offset, e->length, e->flags, e->acked, e->window, eventlog_arrivals[e->arrival]);
        break;
    }
    eventlog_time (out, "time", e->ts_ns);
    fprintf (out, " packet=%" PRIu64 "%s\n", e->packet, e->reordered ? " reordered" : "");
}

/* Ends the program if a call failed. */
static int
eventlog_check (gofollow_t f, int result, const char *call)
{
    if (result < 0) {
        char message[512] = "";
        gofollow_error_message (f, message, sizeof message);
        fprintf (stderr, "%s: %s: %s\n", call, gofollow_strerror (result), message);
        exit (1);
    }
    return result;
}

/* Prints every event that waits. */
static void
eventlog_drain (gofollow_t f, FILE *out)
{
    gofollow_event events[64];
    int n;
    while ((n = eventlog_check (f, gofollow_poll (f, events, 64), "gofollow_poll")) > 0)
        for (int i = 0; i < n; i++)
            eventlog_print (out, &events[i]);
}

/* Ends every connection, prints the rest and frees the follower. */
static void
eventlog_finish (gofollow_t f, FILE *out)
{
    int result;
    while ((result = gofollow_flush (f)) == GOFOLLOW_ERR_FULL)
        eventlog_drain (f, out);
    eventlog_check (f, result, "gofollow_flush");
    eventlog_drain (f, out);
    eventlog_check (f, gofollow_destroy (f), "gofollow_destroy");
}

#endif
