/* gofollow: follows TCP connections through captured packets.
 *
 * Packets go in; what each side of every TCP connection said comes out as events:
 * in order, once, complete, with everything that the capture lost named.
 *
 *     gofollow_t f;
 *     gofollow_event events[256];
 *     gofollow_create (&f, NULL);
 *     while (next_packet (&p)) {
 *         int waiting = gofollow_feed (f, GOFOLLOW_LINK_ETHERNET, p.time, p.bytes, p.captured, p.original);
 *         while (waiting > 0 && (n = gofollow_poll (f, events, 256)) > 0)
 *             use (events, n);
 *     }
 *     gofollow_flush (f);      and poll once more until 0
 *     gofollow_destroy (f);
 *
 * Results. Every function that returns int gives 0 or more for success and a
 * negative GOFOLLOW_ERR_ code for failure. gofollow_strerror names a code,
 * gofollow_error_message tells what the last failed call on a handle stumbled over.
 *
 * Memory. Bytes that you pass are not kept after the call returns. What an event
 * points to is the library's and stays valid until the next call that feeds,
 * polls or ends on that handle: gofollow_feed, _feed_batch, _feed_capture,
 * _end_capture, _open_file, _read_file, _poll, _advance_time, _flush, _destroy.
 * Events that were not polled yet survive all of these but destroy.
 *
 * Threads. Handles are independent. Any thread may use any handle, one call at a
 * time: a call that overlaps another on the same handle gets GOFOLLOW_ERR_BUSY.
 *
 * Fork. A process that loaded this library and then forks cannot use it in the
 * child: gofollow_create and every function that takes a handle return
 * GOFOLLOW_ERR_FORKED there. Load the library after the fork (dlopen), or exec.
 *
 * No memory. The bytes of events and of what is held live in memory of malloc. Where
 * that fails, a call returns GOFOLLOW_ERR_MEMORY: the packet, or what follows it, was
 * not taken, as on GOFOLLOW_ERR_FULL, and what was followed is still there. Poll, which
 * gives memory back, and call again, or flush. Tables, connections and events live in
 * the Go run time's memory, bounded by the max_ options (docs/limits.md).
 *
 * Failure inside. A panic becomes GOFOLLOW_ERR_INTERNAL and spoils that handle
 * alone. What the Go run time calls fatal (none left of its own memory, above all)
 * ends the process and cannot be caught.
 *
 * Signals. A handler that the program installs with sigaction after it loaded the
 * library needs SA_ONSTACK in sa_flags. A signal may hit a thread in the middle of a
 * call, while it runs on a stack of the Go run time that has room for a few hundred
 * bytes; with SA_ONSTACK the handler runs on the thread's alternate stack, which the
 * run time provides in a thread that has none, of 32 KiB. Without it the handler writes
 * over other memory of the process, which ends it sooner or later. Handlers that were
 * installed before the library was loaded stay and are given SA_ONSTACK; signal (3) does
 * not set it. The run time handles SIGPROF, SIGURG and the signals of faults, and hands
 * those that are not its own to the program's handler.
 *
 * Stack. A call takes less than 4 KiB of the caller's stack, then it runs on one of its own.
 *
 * All functions are there since version 0.1.0 unless their comment says otherwise.
 */
#ifndef GOFOLLOW_H
#define GOFOLLOW_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The number of the binary interface that this header describes. It grows when a
 * program compiled against an older header would go wrong. Compare it with
 * gofollow_abi_version (). */
#define GOFOLLOW_ABI_VERSION 5

/* A follower. Never 0, never used again for another one. */
typedef uint64_t gofollow_t;

/* Error codes. */
#define GOFOLLOW_OK                0
#define GOFOLLOW_ERR_ARGUMENT    (-1)   /* an argument is NULL or out of range */
#define GOFOLLOW_ERR_HANDLE      (-2)   /* no such follower, or destroyed */
#define GOFOLLOW_ERR_BUSY        (-3)   /* another call on this handle is under way */
#define GOFOLLOW_ERR_FULL        (-4)   /* the event queue is full, or a call took all that one takes: poll, call again */
#define GOFOLLOW_ERR_FORKED      (-5)   /* the library was loaded before fork */
#define GOFOLLOW_ERR_TOO_BIG     (-6)   /* a packet of more than 16 MiB */
#define GOFOLLOW_ERR_STATE       (-7)   /* the call does not fit what was called before */
#define GOFOLLOW_ERR_IO          (-8)   /* a file cannot be opened or read */
#define GOFOLLOW_ERR_FORMAT      (-9)   /* not a capture */
#define GOFOLLOW_ERR_TRUNCATED  (-10)   /* the capture ends within a record */
#define GOFOLLOW_ERR_DAMAGED    (-11)   /* the capture contradicts its format */
#define GOFOLLOW_ERR_UNSUPPORTED (-12)  /* a capture format that is known but not read */
#define GOFOLLOW_ERR_INTERNAL   (-13)   /* a fault inside; the handle can only be destroyed */
#define GOFOLLOW_ERR_MEMORY     (-14)   /* no memory for the next packet's bytes or the next event */

/* Link types that are often wanted, as in the LINKTYPE_ registry. */
#define GOFOLLOW_LINK_NULL          0
#define GOFOLLOW_LINK_ETHERNET      1
#define GOFOLLOW_LINK_PPP           9
#define GOFOLLOW_LINK_RAW         101
#define GOFOLLOW_LINK_IEEE802_11  105
#define GOFOLLOW_LINK_LOOP        108
#define GOFOLLOW_LINK_LINUX_SLL   113
#define GOFOLLOW_LINK_RADIOTAP    127
#define GOFOLLOW_LINK_IPV4        228
#define GOFOLLOW_LINK_IPV6        229
#define GOFOLLOW_LINK_NFLOG       239
#define GOFOLLOW_LINK_LINUX_SLL2  276

/* In place of a time: the packet has none and takes that of the packet before. */
#define GOFOLLOW_NO_TIME INT64_MIN

/* In place of a timeout: never. In place of gap_patience_ns: do not wait. */
#define GOFOLLOW_NEVER   (-1)
#define GOFOLLOW_AT_ONCE (-1)

enum { GOFOLLOW_CLOSE_ON_BOTH = 0, GOFOLLOW_CLOSE_ON_FIRST_FIN = 1 };
enum { GOFOLLOW_RST_LENIENT = 0, GOFOLLOW_RST_STRICT = 1, GOFOLLOW_RST_IGNORE = 2 };
enum { GOFOLLOW_URGENT_INLINE = 0, GOFOLLOW_URGENT_OOB = 1 };
enum { GOFOLLOW_SEPARATE_NONE = 0, GOFOLLOW_SEPARATE_VLAN = 1, GOFOLLOW_SEPARATE_TUNNEL = 2, GOFOLLOW_SEPARATE_BOTH = 3 };
enum {
    GOFOLLOW_OVERLAP_FIRST = 0, GOFOLLOW_OVERLAP_LAST = 1, GOFOLLOW_OVERLAP_BSD = 2, GOFOLLOW_OVERLAP_LINUX = 3,
    GOFOLLOW_OVERLAP_OLD_LINUX = 4, GOFOLLOW_OVERLAP_SOLARIS = 5, GOFOLLOW_OVERLAP_WINDOWS = 6, GOFOLLOW_OVERLAP_VISTA = 7,
    GOFOLLOW_OVERLAP_HPUX10 = 8, GOFOLLOW_OVERLAP_HPUX11 = 9, GOFOLLOW_OVERLAP_IRIX = 10, GOFOLLOW_OVERLAP_MACOS = 11,
    GOFOLLOW_OVERLAP_WIN2003 = 12
};

/* Options of a follower. Set size to sizeof (gofollow_config) and the rest to
 * what is wanted: 0 in any field means its default, so
 *     gofollow_config config = { sizeof config };
 * gives the defaults. The struct may grow at its end. Times are nanoseconds of
 * capture time. */
typedef struct gofollow_config {
    size_t   size;
    uint32_t no_midstream;              /* 1: only a SYN without ACK opens a connection */
    uint32_t close_on;                  /* GOFOLLOW_CLOSE_ON_ */
    uint32_t rst;                       /* GOFOLLOW_RST_: which resets are believed */
    uint32_t overlap;                   /* GOFOLLOW_OVERLAP_: whose bytes win among held segments */
    uint32_t verify_checksum;           /* 1: drop segments with a wrong TCP checksum */
    uint32_t urgent;                    /* GOFOLLOW_URGENT_ */
    uint32_t anomalies;                 /* 1: make GOFOLLOW_ANOMALY events */
    uint32_t no_half_closed;            /* 1: make no GOFOLLOW_HALF_CLOSED events */
    int64_t  gap_patience_ns;           /* 500 ms; GOFOLLOW_AT_ONCE */
    int64_t  handshake_timeout_ns;      /* 60 s; each of these: GOFOLLOW_NEVER switches it off */
    int64_t  idle_timeout_ns;           /* 7440 s */
    int64_t  half_closed_timeout_ns;    /* 10 min */
    int64_t  rst_linger_ns;             /* 1 s */
    int64_t  close_linger_ns;           /* 130 s */
    int64_t  stray_linger_ns;           /* 5 s */
    int64_t  reuse_idle_ns;             /* 5 s */
    int64_t  hole_age_ns;               /* 30 s */
    int64_t  one_sided_age_ns;          /* 3 s */
    uint64_t max_held_bytes;            /* per direction: 16 MiB */
    uint64_t max_held_segments;         /* per direction: 16384 */
    uint64_t max_total_held_bytes;      /* 256 MiB */
    uint64_t max_connections;           /* 1,000,000 */
    uint64_t max_closed_connections;    /* closed ones that are remembered: 1,000,000 */
    uint64_t max_candidates;            /* 65536 */
    uint64_t max_far_bytes;             /* 64 MiB */
    uint64_t max_queued_events;         /* 65536 */
    uint64_t max_queued_bytes;          /* 16 MiB */
    uint32_t separate;                  /* GOFOLLOW_SEPARATE_: what tells equal addresses and ports apart */
    uint32_t segments;                  /* 1: make GOFOLLOW_SEGMENT events */
} gofollow_config;

/* One packet. bytes may be NULL if captured is 0. original is the length on the
 * wire; one below captured is taken as captured. */
typedef struct gofollow_packet {
    int64_t     ts_ns;                  /* since 1970 UTC, or GOFOLLOW_NO_TIME */
    const void *bytes;
    size_t      captured;
    size_t      original;
    uint32_t    link_type;
    uint32_t    reserved;               /* 0 */
} gofollow_packet;

enum {
    GOFOLLOW_OPENED = 1, GOFOLLOW_DATA = 2, GOFOLLOW_GAP = 3,
    GOFOLLOW_HALF_CLOSED = 4, GOFOLLOW_CLOSED = 5, GOFOLLOW_ANOMALY = 6, GOFOLLOW_SEGMENT = 7
};
enum { GOFOLLOW_CLIENT_TO_SERVER = 0, GOFOLLOW_SERVER_TO_CLIENT = 1 };
enum {
    GOFOLLOW_GAP_ACK = 1, GOFOLLOW_GAP_LIMIT = 2, GOFOLLOW_GAP_TIMEOUT = 3,
    GOFOLLOW_GAP_SNAPLEN = 4, GOFOLLOW_GAP_URGENT = 5, GOFOLLOW_GAP_CLOSE = 6
};
enum {
    GOFOLLOW_CLOSE_FIN = 1, GOFOLLOW_CLOSE_RST = 2, GOFOLLOW_CLOSE_TIMEOUT = 3,
    GOFOLLOW_CLOSE_REUSED = 4, GOFOLLOW_CLOSE_EVICTED = 5, GOFOLLOW_CLOSE_FLUSH = 6
};
enum { GOFOLLOW_BY_NONE = 0, GOFOLLOW_BY_CLIENT = 1, GOFOLLOW_BY_SERVER = 2 };
enum { GOFOLLOW_ROLES_SYN = 1, GOFOLLOW_ROLES_SYNACK = 2, GOFOLLOW_ROLES_PORT = 3, GOFOLLOW_ROLES_FIRST = 4 };
enum { GOFOLLOW_START_SYN = 1, GOFOLLOW_START_SYNACK = 2, GOFOLLOW_START_MIDSTREAM = 3 };
enum {
    GOFOLLOW_ANOMALY_OVERLAP_CONFLICT = 1, GOFOLLOW_ANOMALY_RST_OUT_OF_WINDOW = 2, GOFOLLOW_ANOMALY_RST_CANCELLED = 3,
    GOFOLLOW_ANOMALY_FIN_BELOW_DATA = 4, GOFOLLOW_ANOMALY_ACK_UNSEEN = 5, GOFOLLOW_ANOMALY_AFTER_FIN = 6,
    GOFOLLOW_ANOMALY_BEFORE_START = 7, GOFOLLOW_ANOMALY_FAR_SEGMENT = 8, GOFOLLOW_ANOMALY_CHECKSUM = 9,
    GOFOLLOW_ANOMALY_NO_ACK_FLAG = 10, GOFOLLOW_ANOMALY_SYN_FIN = 11
};

/* How a segment's payload relates to what was captured before it: there is none, it goes beyond that (perhaps leaving a
 * hole), all of it was captured before, or it brings bytes that are missing below. */
enum { GOFOLLOW_ARRIVED_EMPTY = 0, GOFOLLOW_ARRIVED_NEW = 1, GOFOLLOW_ARRIVED_REPEATED = 2, GOFOLLOW_ARRIVED_OUT_OF_ORDER = 3 };

enum { GOFOLLOW_FIRST_OF_PACKET = 1, GOFOLLOW_LAST_OF_PACKET = 2 };

typedef struct gofollow_endpoint {
    uint8_t  address[16];               /* network order; the first 4 bytes for IPv4 */
    uint16_t port;                      /* host order */
    uint8_t  family;                    /* 4 or 6 */
    uint8_t  reserved[5];
} gofollow_endpoint;

/* What one direction of a connection went through. Bytes unless said otherwise. */
typedef struct gofollow_counters {
    uint64_t packets, data_packets;     /* segments captured, those with payload */
    uint64_t bytes, gap_bytes, gaps;    /* delivered, given up, and in how many ranges */
    uint64_t duplicate_bytes;           /* delivered before, or held already */
    uint64_t conflict_bytes;            /* differing from a held copy */
    uint64_t reordered_bytes;           /* held before they were delivered */
    uint64_t late_bytes;                /* after their range was given up */
    uint64_t before_start, after_fin, after_rst;    /* outside the stream */
    uint64_t far_segments, far_bytes;   /* far above everything seen, and confirmed by nothing */
    uint64_t max_held;                  /* the most held at once */
} gofollow_counters;

/* The facts of a connection. */
typedef struct gofollow_connection {
    uint64_t          id;               /* from 0, in order of opening */
    gofollow_endpoint client, server;
    int64_t           opened_ns;        /* time and number of the packet that opened it */
    uint64_t          opened_packet;
    const char       *separation;       /* what the option separate told it apart by, outermost layer first,
                                           as "vlan:5/vxlan:7"; NULL for nothing */
    uint8_t           roles_from;       /* GOFOLLOW_ROLES_ */
    uint8_t           start;            /* GOFOLLOW_START_ */
    /* The rest is set with GOFOLLOW_CLOSED and 0 before. */
    uint8_t           closed;           /* 1 */
    uint8_t           close_reason;     /* GOFOLLOW_CLOSE_ */
    uint8_t           closed_by;        /* GOFOLLOW_BY_ */
    uint8_t           clean;            /* 1: handshake seen, nothing missing or in conflict, ended by FIN on both sides */
    uint16_t          reset_text_length;
    const uint8_t    *reset_text;       /* payload of the RST that ended it, at most 1024 bytes */
    gofollow_counters counters[2];      /* by direction */
    int64_t           closed_ns;        /* capture time of the packet that closed it; an expiry's deadline */
    int64_t           syn_ns, synack_ns, ack_ns;    /* capture times of SYN, SYN+ACK and the client's ACK;
                                           GOFOLLOW_NO_TIME for one that was not captured */
    uint32_t          isn[2];           /* initial sequence numbers, by direction */
    uint8_t           isn_known[2];     /* 1: its SYN was captured */
    uint8_t           ignored;          /* 1: gofollow_ignore was called for it */
    uint8_t           reserved;
    /* Always set. */
    uint32_t          opened_seq;       /* sequence number of the segment that opened it; with addresses, ports and
                                           opened_ns it names the connection however its capture was cut */
    void             *user;             /* what gofollow_set_user was given, or NULL; set at any time */
} gofollow_connection;

/* One event. Which fields a kind sets:
 *     OPENED        connection
 *     DATA          direction, offset, length, bytes, captured_ns, captured_packet, reordered
 *     GAP           direction, offset, length, reason (GOFOLLOW_GAP_)
 *     HALF_CLOSED   direction, offset
 *     CLOSED        reason (GOFOLLOW_CLOSE_), by, connection's closing facts
 *     ANOMALY       reason (GOFOLLOW_ANOMALY_), direction, offset, length; for an overlap conflict
 *                   bytes holds the old copy and, length bytes later, the new one
 *     SEGMENT       direction, offset, length, flags, arrival, acked, window
 * The others are 0. kind, place, connection_id, connection, ts_ns and packet are always set. */
typedef struct gofollow_event {
    uint8_t  kind;                      /* GOFOLLOW_OPENED ... */
    uint8_t  direction;                 /* GOFOLLOW_CLIENT_TO_SERVER ... */
    uint8_t  reason;
    uint8_t  by;                        /* GOFOLLOW_BY_ */
    uint8_t  reordered;                 /* 1: the bytes were held until those before them came */
    uint8_t  place;                     /* GOFOLLOW_FIRST_OF_PACKET, GOFOLLOW_LAST_OF_PACKET or both: among the events
                                           of its packet, or of its connection's expiry at ts_ns if packet is 0. Events of
                                           a SYN that was set aside and is followed now may stand within those of the packet
                                           that confirmed it, which then has two such groups */
    uint8_t  flags;                     /* of the TCP header: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128 */
    uint8_t  arrival;                   /* GOFOLLOW_ARRIVED_ */
    uint64_t connection_id;
    const gofollow_connection *connection;
    int64_t  ts_ns;                     /* capture time of the packet that caused the event; an expiry's deadline */
    uint64_t packet;                    /* its number, counted from 1; 0: no packet caused it */
    int64_t  offset;                    /* in the direction's stream: 0 is the first byte after the SYN */
    uint64_t length;
    const uint8_t *bytes;
    int64_t  captured_ns;               /* capture time of the packet that carried the bytes */
    uint64_t captured_packet;           /* its number: packet, unless the bytes are reordered */
    int64_t  acked;                     /* offset in the other direction's stream that is acknowledged; -1 for none, or not known yet */
    uint32_t window;                    /* receive window in bytes */
    uint32_t reserved;
} gofollow_event;

/* How far a file was read. */
typedef struct gofollow_progress {
    size_t   size;                      /* set to sizeof (gofollow_progress) before the call */
    uint64_t packets;                   /* packets taken from this file so far */
    uint64_t bytes_read;                /* bytes of the file read so far, before decompression */
    uint64_t file_size;                 /* 0 where it has none (a pipe) */
    uint32_t end;                       /* 1: the file is at its end and closed */
    uint32_t reserved;
} gofollow_progress;

/* What a follower was given and what became of it. */
typedef struct gofollow_statistics {
    size_t   size;                      /* set to sizeof (gofollow_statistics) before the call */
    uint64_t packets, bytes, segments;  /* packets taken, their captured bytes, TCP segments among them */
    uint64_t not_tcp, fragments, malformed, bad_checksum, unknown_link, too_deep;   /* what the others were */
    uint64_t no_connection;             /* segments that belong to no connection and open none */
    uint64_t after_close;               /* late segments of closed connections */
    uint64_t no_ack_flag;               /* segments without ACK outside SYN and RST; followed */
    uint64_t opened, closed[7];         /* connections; closed by GOFOLLOW_CLOSE_ reason */
    uint64_t connections, closed_connections;   /* open now, closed ones remembered now */
    uint64_t held_bytes, max_held_bytes;/* held out of order now, and the most so far */
    uint64_t events, waiting;           /* events made, events that wait to be polled */
    uint64_t datagrams;                 /* IP datagrams put together from fragments */
    uint64_t fragments_expired;         /* fragments whose datagram was not whole within 30 s, or at a flush */
    uint64_t fragments_dropped;         /* fragments that contradict others, or of which there were too many */
    uint64_t candidates_dropped;        /* SYN candidates that max_candidates dropped */
    uint64_t closed_connections_dropped;/* closed connections that a limit dropped before their time */
} gofollow_statistics;

/* One kind of packet that is not followed: what it has where TCP was looked for. */
typedef struct gofollow_not_followed_kind {
    uint64_t packets;
    uint32_t link_type;                 /* 1: it is a link type; 0: what a packet carried */
    uint32_t reserved;
    char     name[80];                  /* such as "UDP", "MACsec (encrypted)" or "link type 147"; ends with 0 */
} gofollow_not_followed_kind;

/* Makes a follower and stores its handle in *out, 0 on failure. config may be
 * NULL. GOFOLLOW_ERR_ARGUMENT if a field of config is out of range, or if it has
 * options beyond those that this library knows (there is no handle yet that could
 * keep a message). */
int gofollow_create (gofollow_t *out, const gofollow_config *config);

/* Feeds one packet. Returns how many events wait. On GOFOLLOW_ERR_FULL the packet
 * was not taken. A frame that cannot be decoded is no error: it is counted. */
int gofollow_feed (gofollow_t f, uint32_t link_type, int64_t ts_ns, const void *bytes, size_t captured, size_t original);

/* Feeds n packets. *consumed tells how many were taken, also on error; it may be
 * NULL only if n is at most 1. A packet that is refused ends the batch: those
 * before it are taken. Returns how many events wait, GOFOLLOW_ERR_FULL if
 * the queue filled up before the last packet. */
int gofollow_feed_batch (gofollow_t f, const gofollow_packet *packets, size_t n, size_t *consumed);

/* Feeds bytes of a capture file (see gofollow_open_file), cut anywhere.
 * *consumed tells how many bytes were taken, also on error: on GOFOLLOW_ERR_FULL,
 * which also ends a call after 20,000 packets or 16 MiB of capture, decompressed (2 MiB
 * where it is compressed by bzip2 or xz), poll and pass the rest. Returns how many events wait. After an error in the capture everything before
 * it is followed; call gofollow_end_capture before the next capture. */
int gofollow_feed_capture (gofollow_t f, const void *bytes, size_t n, size_t *consumed);

/* Says that the capture's bytes are complete; the next ones begin a new capture.
 * GOFOLLOW_ERR_TRUNCATED if they end within a record. On GOFOLLOW_ERR_FULL poll,
 * call again. Flushes nothing. */
int gofollow_end_capture (gofollow_t f);

/* Opens a capture file: pcap or pcapng, plain or compressed by gzip, zstd, xz,
 * bzip2 or lz4. */
int gofollow_open_file (gofollow_t f, const char *path);

/* Reads up to max_packets packets (0: no limit) of the opened file. May return
 * before that, so that events can point into what was read, and does after 20,000
 * packets or 16 MiB of capture, decompressed (2 MiB where it is compressed by bzip2
 * or xz): poll, call again until progress->end. progress may be NULL only to
 * ignore it. Returns how many events wait. */
int gofollow_read_file (gofollow_t f, size_t max_packets, gofollow_progress *progress);

/* Moves up to max waiting events to the caller's array. Returns how many, 0 if
 * none waits. */
int gofollow_poll (gofollow_t f, gofollow_event *events, size_t max);

/* Sets the user pointer of an open connection, which every event of it that is polled
 * from now on has in its connection; in those polled last it is set, too. The library does
 * not look at it. GOFOLLOW_ERR_STATE unless an event of that connection, and not its CLOSED
 * event, came with the last poll. */
int gofollow_set_user (gofollow_t f, uint64_t connection_id, void *user);

/* Ends the interest in a connection: of its events only CLOSED follows, whose facts have
 * ignored set. Those that wait are dropped, perhaps in the middle of a packet's: then the last
 * of that packet that is polled is not marked GOFOLLOW_LAST_OF_PACKET. Memory of what the connection
 * holds is given back. What was polled stays valid, events of this connection among it.
 * The same connections open and close, with the same ids and counters (but conflict_bytes,
 * and so clean), as without the call. Returns 0, also for a connection that has closed;
 * GOFOLLOW_ERR_ARGUMENT for an id that no connection has had yet. */
int gofollow_ignore (gofollow_t f, uint64_t connection_id);

/* Says that it is now ts_ns: what is overdue by then expires. For live use
 * without packets. Returns how many events wait; on GOFOLLOW_ERR_FULL poll and
 * call again. */
int gofollow_advance_time (gofollow_t f, int64_t ts_ns);

/* Ends every connection. Returns how many events wait; on GOFOLLOW_ERR_FULL poll
 * and call again. The follower can be fed again afterwards. */
int gofollow_flush (gofollow_t f);

/* Frees the follower and every event that was not polled. */
int gofollow_destroy (gofollow_t f);

/* Fills in out->size bytes of the statistics. */
int gofollow_stats (gofollow_t f, gofollow_statistics *out);

/* Names what the packets of not_tcp and unknown_link were, the most frequent
 * first. Fills in up to max of out, which may be NULL if max is 0, and returns
 * how many there are, at most 257. */
int gofollow_not_followed (gofollow_t f, gofollow_not_followed_kind *out, size_t max);

/* One line that names a code. Never NULL; static. */
const char *gofollow_strerror (int code);

/* Writes what the last failed call on this handle stumbled over, at most size - 1
 * bytes and a 0, empty if none failed. Returns the length of the whole message.
 * buf may be NULL if size is 0. Any thread may call it at any time: it is never
 * GOFOLLOW_ERR_BUSY, and a call that was leaves no message. */
int gofollow_error_message (gofollow_t f, char *buf, size_t size);

/* The library's version, such as "0.1.0"; static. */
const char *gofollow_version (void);

/* What the library was built from and by, such as "gofollow 0.1.0 (commit 1f0c8b5a92de, go1.26.0,
 * linux/amd64)"; static. A + behind the commit: its files were changed. The library's file contains
 * the text, too: strings libgofollow.so | grep '^gofollow ' */
const char *gofollow_build_info (void);

/* The GOFOLLOW_ABI_VERSION that the library was built with. */
uint32_t gofollow_abi_version (void);

/* Sets a soft limit on the memory of the Go run time in this process, as
 * GOMEMLIMIT does; 0 takes it away. GOFOLLOW_ERR_FORKED in a forked child. */
int gofollow_set_memory_limit (uint64_t bytes);

#ifdef __cplusplus
}
#endif

#endif /* GOFOLLOW_H */
