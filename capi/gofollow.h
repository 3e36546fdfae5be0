/* gofollow: TCP stream reassembly of captured packets.
 *
 * A program feeds packets to a follower and polls events from it: connections that open and close,
 * and the payload of each direction in order, once, complete, with every gap that the capture has.
 *
 *     gofollow_t f;
 *     gofollow_event events[256];
 *     gofollow_progress progress = GOFOLLOW_PROGRESS_INIT;
 *     int n, flushed = 0;
 *
 *     if (gofollow_create (&f, NULL) < 0 || gofollow_open_file (f, "capture.pcapng") < 0)
 *         return 1;
 *     while (!flushed) {
 *         if (progress.end)
 *             flushed = gofollow_flush (f) != GOFOLLOW_ERR_FULL;
 *         else if ((n = gofollow_read_file (f, 0, &progress)) < 0 && n != GOFOLLOW_ERR_FULL)
 *             break;
 *         while ((n = gofollow_poll (f, events, 256)) > 0)
 *             use (events, n);
 *     }
 *     gofollow_destroy (f);
 *
 * Results. A function that returns int returns 0 or more for success and a negative gofollow_result
 * for failure. gofollow_strerror names a result, gofollow_error_message explains the last failed
 * call on a handle.
 *
 * Events. Functions that feed a follower return how many events wait, so that a program polls only
 * where there is something. On GOFOLLOW_ERR_FULL events have to be polled before the call is made
 * again; nothing is lost. A packet's events are there when the call that fed it returns.
 *
 * Ownership. The library keeps no pointer to bytes, paths or structs that it is given. What an event
 * points to belongs to the library and is valid until the next call of one of these functions on that
 * handle: gofollow_feed, gofollow_feed_batch, gofollow_feed_capture, gofollow_end_capture,
 * gofollow_open_file, gofollow_read_file, gofollow_poll, gofollow_advance_time, gofollow_flush,
 * gofollow_destroy. Events that wait survive all of these except gofollow_destroy. Nothing that the
 * library returns is to be freed.
 *
 * Structs. gofollow_config, gofollow_progress and gofollow_statistics begin with their size and may
 * grow at their end; initialize them with GOFOLLOW_CONFIG_INIT, GOFOLLOW_PROGRESS_INIT and
 * GOFOLLOW_STATISTICS_INIT. The other structs do not change while the number of the binary interface
 * (GOFOLLOW_ABI_VERSION), which is also that of the shared library, stays the same.
 *
 * Threads. Any thread may use any handle, one call at a time. A call that overlaps another one on the
 * same handle returns GOFOLLOW_ERR_BUSY and changes nothing. Calls on different handles run in
 * parallel. gofollow_error_message and the functions without a handle may be called at any time.
 *
 * Fork. A process that loaded the library cannot use it in a child of fork: the threads of the Go run
 * time do not exist there. gofollow_create, gofollow_set_memory_limit and every function that takes a
 * handle return GOFOLLOW_ERR_FORKED in the child at once, whether the parent called the library before
 * or not; strings and versions are available. A server that forks workers loads the library in each
 * worker (dlopen). fork followed by exec is not restricted.
 *
 * Loading. The Go run time starts when the library is loaded and runs until the process ends.
 * dlclose succeeds and unloads nothing. The run time reserves about 1.6 GB of address space, of which
 * it uses about 12 MB, and starts about five threads. Where it cannot reserve that (RLIMIT_AS below
 * 1 GB) it ends the process. One process may load several Go libraries; each has a run time of
 * its own. A program may contain the static archive once, and no other Go archive.
 *
 * Signals. The Go run time installs handlers for SIGSEGV, SIGBUS, SIGFPE, SIGPIPE and SIGURG when the
 * library is loaded; by SIGURG it interrupts its own threads. A signal that is not its own is passed to
 * the handler that was installed before; without one, the default action is taken, so a program that
 * writes to a closed pipe still ends by SIGPIPE. No other signal is touched. A handler that the program
 * installs after the library was loaded needs SA_ONSTACK in sa_flags, which signal (3) does not set: a
 * signal may arrive during a call, on a stack of the Go run time that has room for a few hundred bytes,
 * or in a thread of the run time. With SA_ONSTACK the handler runs on the thread's alternate stack
 * (sigaltstack); the run time provides one of 32 KiB in a thread that has none. Without it the handler
 * overwrites memory of the process. This holds for every signal, SIGPROF of a profiler and SIGALRM of a
 * timer included. Handlers that were installed before the library was loaded are given SA_ONSTACK. A
 * handler for SIGURG or for faults that is installed afterwards passes on what is not its own. No function
 * of the library may be called in a signal handler.
 *
 * Stack. A call takes less than 4 KiB of the caller's stack, then it runs on a stack of its own.
 *
 * Memory. The bytes of events and of data that is held out of order lie in memory of malloc. Where that
 * fails, a call returns GOFOLLOW_ERR_MEMORY: the packet, or what follows it, was not taken, as on
 * GOFOLLOW_ERR_FULL, and the state of the connections is kept. Poll, which gives memory back, and call
 * again, or flush. Tables, connections and events lie in memory of the Go run time, which the max_
 * options bound.
 *
 * Faults. The library does not write to the standard streams, does not exit and does not log. If
 * its code panics, the call returns GOFOLLOW_ERR_INTERNAL, and only gofollow_destroy and
 * gofollow_error_message accept that handle from then on; other handles are not affected. A fatal error
 * of the Go run time, such as no memory left for itself, ends the process and cannot be caught.
 */
#ifndef GOFOLLOW_H
#define GOFOLLOW_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The number of the binary interface that this header describes, which gofollow_abi_version returns for
 * the library in use. It grows when a program that was compiled with an older header would go wrong. */
#define GOFOLLOW_ABI_VERSION 7

/* A handle of a follower. Never 0, and never used again for another follower. */
typedef uint64_t gofollow_t;

/* What a function returns that fails. */
typedef enum gofollow_result {
    GOFOLLOW_OK              = 0,
    GOFOLLOW_ERR_ARGUMENT    = -1,      /* an argument is NULL or out of range */
    GOFOLLOW_ERR_HANDLE      = -2,      /* the follower does not exist or was destroyed */
    GOFOLLOW_ERR_BUSY        = -3,      /* another call on this handle has not returned yet */
    GOFOLLOW_ERR_FULL        = -4,      /* the event queue is full, or a call took as much as one takes: poll, call again */
    GOFOLLOW_ERR_FORKED      = -5,      /* the library was loaded before fork */
    GOFOLLOW_ERR_TOO_BIG     = -6,      /* a packet of more than 16 MiB */
    GOFOLLOW_ERR_STATE       = -7,      /* the call is not allowed in this state */
    GOFOLLOW_ERR_IO          = -8,      /* a file cannot be opened or read */
    GOFOLLOW_ERR_FORMAT      = -9,      /* not a capture */
    GOFOLLOW_ERR_TRUNCATED   = -10,     /* the capture ends within a record */
    GOFOLLOW_ERR_DAMAGED     = -11,     /* the capture contradicts its format */
    GOFOLLOW_ERR_UNSUPPORTED = -12,     /* the format of the capture is not supported */
    GOFOLLOW_ERR_INTERNAL    = -13,     /* an internal error: destroy the follower */
    GOFOLLOW_ERR_MEMORY      = -14      /* no memory for the next packet's bytes or the next event */
} gofollow_result;

/* Link types, for gofollow_feed and gofollow_packet: what stands at the beginning of a packet's bytes.
 * These are often used; any number of the LINKTYPE_ registry, which capture files contain, may be
 * passed, and the value that pcap_datalink returns: the DLT_ numbers that differ from the registry's
 * (DLT_RAW is 12 or 14) are known. Packets of a link type that is not supported are counted. */
typedef enum gofollow_link_type {
    GOFOLLOW_LINK_NULL       = 0,
    GOFOLLOW_LINK_ETHERNET   = 1,
    GOFOLLOW_LINK_PPP        = 9,
    GOFOLLOW_LINK_RAW        = 101,     /* IPv4 or IPv6, as its version says */
    GOFOLLOW_LINK_IEEE802_11 = 105,
    GOFOLLOW_LINK_LOOP       = 108,
    GOFOLLOW_LINK_LINUX_SLL  = 113,
    GOFOLLOW_LINK_RADIOTAP   = 127,
    GOFOLLOW_LINK_IPV4       = 228,
    GOFOLLOW_LINK_IPV6       = 229,
    GOFOLLOW_LINK_NFLOG      = 239,
    GOFOLLOW_LINK_LINUX_SLL2 = 276,
    GOFOLLOW_LINK_DATAGRAM   = 1 << 24  /* what gofollow_defragment makes; in no registry */
} gofollow_link_type;

/* In place of a time: the packet has none, and that of the packet before counts. In a connection's
 * facts: that packet was not captured. */
#define GOFOLLOW_NO_TIME INT64_MIN

/* In place of a time-out: never. */
#define GOFOLLOW_NEVER   (-1)

/* In place of gap_patience_ns: give a hole up as soon as it is acknowledged. */
#define GOFOLLOW_AT_ONCE (-1)

/* When a connection is closed: after the FIN of both sides, or of one. */
typedef enum gofollow_close_on {
    GOFOLLOW_CLOSE_ON_BOTH      = 0,
    GOFOLLOW_CLOSE_ON_FIRST_FIN = 1
} gofollow_close_on;

/* Which resets are accepted: those within the receive window, those with the exact number (RFC 5961),
 * or none. */
typedef enum gofollow_rst {
    GOFOLLOW_RST_LENIENT = 0,
    GOFOLLOW_RST_STRICT  = 1,
    GOFOLLOW_RST_IGNORE  = 2
} gofollow_rst;

/* Where urgent bytes belong: into the stream, or out of band, as a gap of the stream. */
typedef enum gofollow_urgent {
    GOFOLLOW_URGENT_INLINE = 0,
    GOFOLLOW_URGENT_OOB    = 1
} gofollow_urgent;

/* What distinguishes connections with equal addresses and ports. */
typedef enum gofollow_separate {
    GOFOLLOW_SEPARATE_NONE   = 0,
    GOFOLLOW_SEPARATE_VLAN   = 1,
    GOFOLLOW_SEPARATE_TUNNEL = 2,
    GOFOLLOW_SEPARATE_BOTH   = 3
} gofollow_separate;

/* Whose bytes count where segments that are held overlap: the system that receives them decides. */
typedef enum gofollow_overlap {
    GOFOLLOW_OVERLAP_FIRST     = 0,
    GOFOLLOW_OVERLAP_LAST      = 1,
    GOFOLLOW_OVERLAP_BSD       = 2,
    GOFOLLOW_OVERLAP_LINUX     = 3,
    GOFOLLOW_OVERLAP_OLD_LINUX = 4,
    GOFOLLOW_OVERLAP_SOLARIS   = 5,
    GOFOLLOW_OVERLAP_WINDOWS   = 6,
    GOFOLLOW_OVERLAP_VISTA     = 7,
    GOFOLLOW_OVERLAP_HPUX10    = 8,
    GOFOLLOW_OVERLAP_HPUX11    = 9,
    GOFOLLOW_OVERLAP_IRIX      = 10,
    GOFOLLOW_OVERLAP_MACOS     = 11,
    GOFOLLOW_OVERLAP_WIN2003   = 12
} gofollow_overlap;

/* Options of a follower. 0 in a field means its default, which the comments give. Begin with
 *     gofollow_config config = GOFOLLOW_CONFIG_INIT;
 * and set what is to differ. Times are nanoseconds of capture time. */
typedef struct gofollow_config {
    size_t   size;                      /* sizeof (gofollow_config); GOFOLLOW_CONFIG_INIT sets it */
    uint32_t no_midstream;              /* 1: only a SYN without ACK opens a connection */
    uint32_t close_on;                  /* a gofollow_close_on */
    uint32_t rst;                       /* a gofollow_rst */
    uint32_t overlap;                   /* a gofollow_overlap */
    uint32_t verify_checksum;           /* 1: drop segments with a wrong TCP checksum */
    uint32_t urgent;                    /* a gofollow_urgent */
    uint32_t anomalies;                 /* 1: make GOFOLLOW_ANOMALY events */
    uint32_t no_half_closed;            /* 1: make no GOFOLLOW_HALF_CLOSED events */
    int64_t  gap_patience_ns;           /* how long an acknowledged hole is kept open: 500 ms; GOFOLLOW_AT_ONCE */
    int64_t  handshake_timeout_ns;      /* 60 s; GOFOLLOW_NEVER switches off this one and those below */
    int64_t  idle_timeout_ns;           /* an open connection without packets: 7440 s */
    int64_t  half_closed_timeout_ns;    /* the same after one FIN: 10 min */
    int64_t  rst_linger_ns;             /* how long a reset connection waits for packets that contradict the reset: 1 s */
    int64_t  close_linger_ns;           /* how long a closed connection is remembered: 130 s */
    int64_t  stray_linger_ns;           /* how long it takes any late segment: 5 s */
    int64_t  reuse_idle_ns;             /* silence after which a SYN of a side captured alone is a new connection: 5 s */
    int64_t  hole_age_ns;               /* how long data waits above a hole: 30 s */
    int64_t  one_sided_age_ns;          /* the same where no packet of the peer was captured: 3 s */
    uint64_t max_held_bytes;            /* out of order, per direction: 16 MiB */
    uint64_t max_held_segments;         /* out of order, per direction: 16384 */
    uint64_t max_total_held_bytes;      /* out of order, of all connections: 256 MiB */
    uint64_t max_connections;           /* 1,000,000, the remembered ones included */
    uint64_t max_closed_connections;    /* closed ones that are remembered: 1,000,000 */
    uint64_t max_candidates;            /* SYNs on open connections that are set aside: 65536 */
    uint64_t max_far_bytes;             /* how far above the rest a segment is believed: 64 MiB */
    uint64_t max_queued_events;         /* events that wait before GOFOLLOW_ERR_FULL: 65536 */
    uint64_t max_queued_bytes;          /* their bytes: 16 MiB */
    uint32_t separate;                  /* a gofollow_separate */
    uint32_t segments;                  /* 1: make GOFOLLOW_SEGMENT events */
    uint32_t packets;                   /* 1: read packets and do not follow them: GOFOLLOW_PACKET events alone */
    uint32_t reserved;                  /* 0 */
    const char *filter;                 /* which connections make events, as "net 10 and port 80 or 443": the words and
                                           precedence of pcap-filter, docs/filter.md; tested when a connection
                                           opens, on its innermost addresses. NULL or "": all. Those left out run the
                                           same rules and take their ids */
} gofollow_config;

/* One packet of gofollow_feed_batch. */
typedef struct gofollow_packet {
    int64_t     ts_ns;                  /* capture time, since 1970 UTC; or GOFOLLOW_NO_TIME */
    const void *bytes;                  /* as captured; NULL only if captured is 0 */
    size_t      captured;               /* length of bytes, at most 16 MiB */
    size_t      original;               /* length on the wire; one below captured is taken as captured */
    uint32_t    link_type;              /* a gofollow_link_type, or another number of its registry */
    uint32_t    reserved;               /* 0 */
} gofollow_packet;

/* What a gofollow_key names. */
typedef enum gofollow_flow {
    GOFOLLOW_FLOW_NONE     = 0,         /* nothing: the packet has no TCP that is followed */
    GOFOLLOW_FLOW_TCP      = 1,         /* a TCP connection */
    GOFOLLOW_FLOW_FRAGMENT = 2          /* an IP datagram, of which the packet is a fragment */
} gofollow_flow;

/* Names the connection that a packet belongs to, without regard to direction, or the datagram that it is
 * a fragment of. Its 56 bytes have no padding and are the same on every machine of one byte order, so that
 * packets can be distributed by them. */
typedef struct gofollow_key {
    uint8_t  low[16], high[16];         /* innermost addresses, network order, IPv4 in the first 4 bytes: the lower
                                           endpoint first; of a fragment source and destination */
    uint16_t low_port, high_port;       /* of a fragment its identification number, the high half first */
    uint8_t  family;                    /* 4 or 6; 0: nothing else is set */
    uint8_t  kind;                      /* a gofollow_flow */
    uint8_t  several;                   /* 1: other frames are inside (802.11 A-MSDU); this is the key of the first */
    uint8_t  depth;                     /* of a fragment: how many IP headers are around it */
    uint64_t separation;                /* a hash of what separate counts; of a fragment, of all VLANs and tunnels */
    uint64_t hash;                      /* of all of it but several and depth, by which packets can be distributed;
                                           0 with GOFOLLOW_FLOW_NONE */
} gofollow_key;

/* A datagram that gofollow_defragment put together. */
typedef struct gofollow_datagram {
    gofollow_packet packet;
    uint64_t        index;              /* of the packet that completed it, in that call */
} gofollow_datagram;

/* Kinds of events. */
typedef enum gofollow_kind {
    GOFOLLOW_OPENED      = 1,           /* the first packet of a connection that is reported */
    GOFOLLOW_DATA        = 2,           /* payload that continues its direction's stream */
    GOFOLLOW_GAP         = 3,           /* bytes of the stream that the capture does not have */
    GOFOLLOW_HALF_CLOSED = 4,           /* one side's FIN was reached */
    GOFOLLOW_CLOSED      = 5,           /* the last event of a connection */
    GOFOLLOW_ANOMALY     = 6,           /* only with the option anomalies */
    GOFOLLOW_SEGMENT     = 7,           /* one TCP segment; only with the option segments */
    GOFOLLOW_PACKET      = 8            /* one packet; only with the option packets, and then no other kind */
} gofollow_kind;

/* Directions; the indices of counters and isn. */
typedef enum gofollow_direction {
    GOFOLLOW_CLIENT_TO_SERVER = 0,
    GOFOLLOW_SERVER_TO_CLIENT = 1
} gofollow_direction;

/* Why bytes were given up. */
typedef enum gofollow_gap_reason {
    GOFOLLOW_GAP_ACK     = 1,           /* they were acknowledged, but not captured */
    GOFOLLOW_GAP_LIMIT   = 2,           /* a max_ option */
    GOFOLLOW_GAP_TIMEOUT = 3,           /* hole_age_ns, one_sided_age_ns */
    GOFOLLOW_GAP_SNAPLEN = 4,           /* the packet was not captured whole */
    GOFOLLOW_GAP_URGENT  = 5,           /* out-of-band bytes */
    GOFOLLOW_GAP_CLOSE   = 6            /* the connection was closed */
} gofollow_gap_reason;

/* Why a connection was closed. */
typedef enum gofollow_close_reason {
    GOFOLLOW_CLOSE_FIN     = 1,
    GOFOLLOW_CLOSE_RST     = 2,
    GOFOLLOW_CLOSE_TIMEOUT = 3,
    GOFOLLOW_CLOSE_REUSED  = 4,         /* its addresses and ports belong to a new one */
    GOFOLLOW_CLOSE_EVICTED = 5,         /* max_connections was reached */
    GOFOLLOW_CLOSE_FLUSH   = 6
} gofollow_close_reason;

/* Who closed it. */
typedef enum gofollow_by {
    GOFOLLOW_BY_NONE   = 0,
    GOFOLLOW_BY_CLIENT = 1,
    GOFOLLOW_BY_SERVER = 2
} gofollow_by;

/* What client and server were told apart by. */
typedef enum gofollow_roles {
    GOFOLLOW_ROLES_SYN    = 1,
    GOFOLLOW_ROLES_SYNACK = 2,
    GOFOLLOW_ROLES_PORT   = 3,          /* the lower port is the server's */
    GOFOLLOW_ROLES_FIRST  = 4           /* the sender of the first packet is the client */
} gofollow_roles;

/* What the beginning of the streams is known from. */
typedef enum gofollow_start {
    GOFOLLOW_START_SYN       = 1,
    GOFOLLOW_START_SYNACK    = 2,
    GOFOLLOW_START_MIDSTREAM = 3        /* offset 0 is the first byte that was captured */
} gofollow_start;

/* Anomalies. */
typedef enum gofollow_anomaly {
    GOFOLLOW_ANOMALY_OVERLAP_CONFLICT  = 1,/* two copies of the same bytes differ */
    GOFOLLOW_ANOMALY_RST_OUT_OF_WINDOW = 2,/* a reset that was not believed */
    GOFOLLOW_ANOMALY_RST_CANCELLED     = 3,/* its sender went on */
    GOFOLLOW_ANOMALY_FIN_BELOW_DATA    = 4,
    GOFOLLOW_ANOMALY_ACK_UNSEEN        = 5,
    GOFOLLOW_ANOMALY_AFTER_FIN         = 6,
    GOFOLLOW_ANOMALY_BEFORE_START      = 7,
    GOFOLLOW_ANOMALY_FAR_SEGMENT       = 8,
    GOFOLLOW_ANOMALY_CHECKSUM          = 9,
    GOFOLLOW_ANOMALY_NO_ACK_FLAG       = 10,
    GOFOLLOW_ANOMALY_SYN_FIN           = 11
} gofollow_anomaly;

/* What a packet that was read has for a follower. */
typedef enum gofollow_packet_content {
    GOFOLLOW_PACKET_OTHER    = 0,       /* no TCP */
    GOFOLLOW_PACKET_TCP      = 1,       /* a segment, or the fragment that makes one whole */
    GOFOLLOW_PACKET_FRAGMENT = 2        /* a part of an IP datagram that is not whole yet */
} gofollow_packet_content;

/* How a segment's payload relates to what was captured before it. */
typedef enum gofollow_arrival {
    GOFOLLOW_ARRIVED_EMPTY        = 0,  /* it has no payload */
    GOFOLLOW_ARRIVED_NEW          = 1,  /* it goes beyond that, perhaps leaving a hole */
    GOFOLLOW_ARRIVED_REPEATED     = 2,  /* all of it was captured before */
    GOFOLLOW_ARRIVED_OUT_OF_ORDER = 3   /* it brings bytes that are missing below */
} gofollow_arrival;

/* Where an event stands among the events of its packet; both for the only one. */
typedef enum gofollow_place {
    GOFOLLOW_FIRST_OF_PACKET = 1,
    GOFOLLOW_LAST_OF_PACKET  = 2
} gofollow_place;

/* An address and a port. */
typedef struct gofollow_endpoint {
    uint8_t  address[16];               /* network order; the first 4 bytes for IPv4 */
    uint16_t port;                      /* host order */
    uint8_t  family;                    /* 4 or 6 */
    uint8_t  reserved[5];
} gofollow_endpoint;

/* What one direction of a connection went through: bytes, unless the comment says otherwise. */
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

/* The facts of a connection, which its events point to. */
typedef struct gofollow_connection {
    uint64_t          id;               /* from 0, in order of opening */
    gofollow_endpoint client, server;
    int64_t           opened_ns;        /* time and number of the packet that opened it */
    uint64_t          opened_packet;
    const char       *separation;       /* what the option separate told it apart by, outermost layer first,
                                           as "vlan:5/vxlan:7"; NULL for nothing */
    uint8_t           roles_from;       /* a gofollow_roles: how client and server were told apart */
    uint8_t           start;            /* a gofollow_start */
    /* The rest is set with GOFOLLOW_CLOSED and 0 before. */
    uint8_t           closed;           /* 1 */
    uint8_t           close_reason;     /* a gofollow_close_reason */
    uint8_t           closed_by;        /* a gofollow_by: whose FIN or RST ended it */
    uint8_t           clean;            /* 1: handshake seen, nothing missing or in conflict, ended by FIN on both sides */
    uint16_t          reset_text_length;
    const uint8_t    *reset_text;       /* payload of the RST that ended it, at most 1024 bytes */
    gofollow_counters counters[2];      /* by direction */
    int64_t           closed_ns;        /* capture time of the packet that closed it; an expiry's deadline */
    int64_t           last_ns;          /* capture time of its last packet, GOFOLLOW_NO_TIME if that has none */
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
 *     PACKET        bytes, length (captured), offset (length on the wire), window (link type), reason (a
 *                   gofollow_packet_content), connection_id: the hash of its gofollow_key after fragments
 *                   were put together, 0 for no TCP; captured_packet: that of its own key if it is a fragment,
 *                   also where it makes the datagram whole, else 0
 * The others are 0. kind, place, connection_id, connection (NULL for PACKET), ts_ns and packet are always set. */
typedef struct gofollow_event {
    uint8_t  kind;                      /* a gofollow_kind */
    uint8_t  direction;                 /* a gofollow_direction */
    uint8_t  reason;                    /* a gofollow_gap_reason, gofollow_close_reason or gofollow_anomaly, by kind */
    uint8_t  by;                        /* a gofollow_by */
    uint8_t  reordered;                 /* 1: the bytes were held until those before them came */
    uint8_t  place;                     /* GOFOLLOW_FIRST_OF_PACKET, GOFOLLOW_LAST_OF_PACKET or both: among the events
                                           of its packet, or of its connection's expiry at ts_ns if packet is 0. Events of
                                           a SYN that was set aside and is followed now may stand within those of the packet
                                           that confirmed it, which then has two such groups */
    uint8_t  flags;                     /* of the TCP header: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128 */
    uint8_t  arrival;                   /* a gofollow_arrival */
    uint64_t connection_id;             /* connection->id */
    const gofollow_connection *connection;
    int64_t  ts_ns;                     /* capture time of the packet that caused the event; an expiry's deadline */
    uint64_t packet;                    /* its number, counted from 1; 0: no packet caused it */
    int64_t  offset;                    /* in the direction's stream: 0 is the first byte after the SYN */
    uint64_t length;                    /* in bytes */
    const uint8_t *bytes;               /* the payload; valid until the next call (see Ownership) */
    int64_t  captured_ns;               /* capture time of the packet that carried the bytes */
    uint64_t captured_packet;           /* its number: packet, unless the bytes are reordered */
    int64_t  acked;                     /* offset in the other direction's stream that is acknowledged; -1 for none, or not known yet */
    uint32_t window;                    /* receive window in bytes */
    uint32_t reserved;
} gofollow_event;

/* How far a file was read. */
typedef struct gofollow_progress {
    size_t   size;                      /* sizeof (gofollow_progress); GOFOLLOW_PROGRESS_INIT sets it */
    uint64_t packets;                   /* packets taken from this file so far */
    uint64_t bytes_read;                /* bytes of the file read so far, before decompression */
    uint64_t file_size;                 /* 0 where it has none (a pipe) */
    uint32_t end;                       /* 1: the file is at its end and closed */
    uint32_t reserved;
} gofollow_progress;

/* What a follower was given and what became of it. */
typedef struct gofollow_statistics {
    size_t   size;                      /* sizeof (gofollow_statistics); GOFOLLOW_STATISTICS_INIT sets it */
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
    uint64_t filtered;                  /* of opened, those that the filter leaves out */
} gofollow_statistics;

/* One kind of packet that is not followed: what it has where TCP was looked for. */
typedef struct gofollow_not_followed_kind {
    uint64_t packets;
    uint32_t link_type;                 /* 1: it is a link type; 0: what a packet carried */
    uint32_t reserved;
    char     name[80];                  /* such as "UDP", "MACsec (encrypted)" or "link type 147"; ends with 0 */
} gofollow_not_followed_kind;

/* Initial values of the structs that begin with their size:
 *     gofollow_progress progress = GOFOLLOW_PROGRESS_INIT; */
#ifdef __cplusplus
} /* extern "C" */
/* Returns a T of zeros whose size is set: what GOFOLLOW_CONFIG_INIT and its like are in C++. */
template <typename T> inline T
gofollow_sized ()
{
    T value = T ();
    value.size = sizeof value;
    return value;
}
#define GOFOLLOW_CONFIG_INIT     gofollow_sized<gofollow_config> ()
#define GOFOLLOW_PROGRESS_INIT   gofollow_sized<gofollow_progress> ()
#define GOFOLLOW_STATISTICS_INIT gofollow_sized<gofollow_statistics> ()
extern "C" {
#endif
#ifndef __cplusplus
#define GOFOLLOW_CONFIG_INIT     { .size = sizeof (gofollow_config) }
#define GOFOLLOW_PROGRESS_INIT   { .size = sizeof (gofollow_progress) }
#define GOFOLLOW_STATISTICS_INIT { .size = sizeof (gofollow_statistics) }
#endif

/* Creates a follower and stores its handle in *out, 0 on failure. config: its options, or NULL for the
 * defaults; it is not used after the call. Returns GOFOLLOW_ERR_ARGUMENT if a field of config is out of
 * range, if its filter cannot be parsed, or if it has options that this library does not know;
 * gofollow_error_message (0, ...) explains it. The caller ends the follower with gofollow_destroy.
 * Since 0.1.0. */
int gofollow_create (gofollow_t *out, const gofollow_config *config);

/* Feeds one packet. link_type: a gofollow_link_type, or what pcap_datalink returns. ts_ns: its capture
 * time in nanoseconds since 1970 UTC, or GOFOLLOW_NO_TIME. bytes: the packet as captured, which may be
 * NULL if captured is 0. captured: their number, at most 16 MiB. original: the packet's length on the
 * wire; one below captured is taken as captured. Returns how many events wait. On GOFOLLOW_ERR_FULL the
 * packet was not taken. A frame that cannot be decoded is not an error: it is counted. Since 0.1.0. */
int gofollow_feed (gofollow_t f, uint32_t link_type, int64_t ts_ns, const void *bytes, size_t captured, size_t original);

/* Feeds n packets, as gofollow_feed does one by one. *consumed receives how many were taken, also on
 * failure; consumed may be NULL only if n is at most 1. A packet that is refused ends the batch: those
 * before it are taken. Returns how many events wait; GOFOLLOW_ERR_FULL if the queue filled up before the
 * last packet: poll, and pass the rest. Since 0.1.0. */
int gofollow_feed_batch (gofollow_t f, const gofollow_packet *packets, size_t n, size_t *consumed);

/* Feeds n bytes of a capture file (of the formats of gofollow_open_file), which may be cut anywhere.
 * *consumed receives how many were taken, also on failure. Returns how many events wait. On
 * GOFOLLOW_ERR_FULL, which also ends a call after 20,000 packets or 16 MiB of decompressed capture (2 MiB
 * of bzip2 and xz), poll, and pass the rest. After GOFOLLOW_ERR_FORMAT, _DAMAGED or _UNSUPPORTED everything
 * that stands before the fault was followed; call gofollow_end_capture before the next capture.
 * Since 0.1.0. */
int gofollow_feed_capture (gofollow_t f, const void *bytes, size_t n, size_t *consumed);

/* Ends the capture of gofollow_feed_capture: the next bytes begin another one. Returns how many events
 * wait; GOFOLLOW_ERR_TRUNCATED if the capture ends within a record, GOFOLLOW_ERR_FORMAT if it is empty. On
 * GOFOLLOW_ERR_FULL poll and call again. Closes no connection: a capture may continue another one.
 * Since 0.1.0. */
int gofollow_end_capture (gofollow_t f);

/* Opens a capture file: pcap or pcapng, plain or compressed by gzip, zstd, xz, bzip2 or lz4. path: its
 * name, ending with 0. Returns 0; GOFOLLOW_ERR_STATE while another file is open or a capture is being fed;
 * GOFOLLOW_ERR_IO, _FORMAT or _UNSUPPORTED. The library closes the file at its end, after an error, and when
 * the follower is destroyed. Since 0.1.0. */
int gofollow_open_file (gofollow_t f, const char *path);

/* Reads up to max_packets packets (0: no limit) of the file that gofollow_open_file opened. Returns how
 * many events wait. A call ends after 20,000 packets or 16 MiB of decompressed capture (2 MiB of bzip2 and
 * xz) with GOFOLLOW_ERR_FULL, and may end before: poll, and call again until progress->end is 1.
 * progress may be NULL. Returns GOFOLLOW_ERR_STATE if no file is open. After any other failure what stands
 * before the fault was followed, and the file is closed. Since 0.1.0. */
int gofollow_read_file (gofollow_t f, size_t max_packets, gofollow_progress *progress);

/* Chooses which of several captures gofollow_open_file, gofollow_read_file, gofollow_feed_capture and
 * gofollow_end_capture are about from now on. number: any, 0 at first; the others stay where they are. So
 * captures are merged by their stamps: always read the one whose next packet has the earliest time, until
 * the time of the next packet of another. until_ns: packets of that time or later wait, with INT64_MAX
 * none. A packet's time is the latest stamp that its capture had so far. gofollow_read_file, and
 * gofollow_feed_capture and gofollow_end_capture with GOFOLLOW_ERR_FULL, stop before a packet that waits.
 * Since 0.1.0. */
int gofollow_select_capture (gofollow_t f, uint32_t number, int64_t until_ns);

/* Returns 1 if a packet of the chosen capture waits, and stores in *ts_ns at which time the capture goes
 * on, GOFOLLOW_NO_TIME if it had no stamp so far; 0 if none waits. Since 0.1.0. */
int gofollow_next_time (gofollow_t f, int64_t *ts_ns);

/* Gives the chosen capture up: a file is closed, and of what was fed nothing more is followed. Without a
 * capture it does nothing. Since 0.1.0. */
int gofollow_abandon_capture (gofollow_t f);

/* Moves up to max events that wait to the caller's array events. Returns how many, 0 if none waits. Ends
 * the validity of what the events polled before point to. Since 0.1.0. */
int gofollow_poll (gofollow_t f, gofollow_event *events, size_t max);

/* Sets the user pointer of a connection: every event of it that is polled from now on has it as
 * connection->user, and so have those that were polled last, its CLOSED event included. user: any pointer,
 * which the library does not use; what it points to remains the caller's, who can release it with the
 * CLOSED event. Returns 0; GOFOLLOW_ERR_STATE unless an event of that connection came with the last poll.
 * Since 0.1.0. */
int gofollow_set_user (gofollow_t f, uint64_t connection_id, void *user);

/* Ends the interest in a connection: of its events only CLOSED follows, whose facts have ignored set.
 * Those that wait are dropped, perhaps in the middle of a packet's: then the last event of that packet
 * that is polled is not marked GOFOLLOW_LAST_OF_PACKET. Memory of what the connection holds is given back.
 * What was polled stays valid, events of this connection among it. The same connections open and close,
 * with the same ids and counters (but conflict_bytes, and so clean), as without the call. Returns 0, also
 * for a connection that has closed; GOFOLLOW_ERR_ARGUMENT for an id that no connection has had yet.
 * Since 0.1.0. */
int gofollow_ignore (gofollow_t f, uint64_t connection_id);

/* Moves the capture's clock to ts_ns, so that what is due by then expires: for live captures, while no
 * packets arrive. Returns how many events wait; on GOFOLLOW_ERR_FULL poll and call again. Since 0.1.0. */
int gofollow_advance_time (gofollow_t f, int64_t ts_ns);

/* Closes every connection. Returns how many events wait; on GOFOLLOW_ERR_FULL poll and call again. The
 * follower can be fed again afterwards. Since 0.1.0. */
int gofollow_flush (gofollow_t f);

/* Destroys the follower, the events that wait, and what the events polled last point to. Returns 0;
 * GOFOLLOW_ERR_BUSY if another call on the handle is not finished: nothing is destroyed then.
 * Since 0.1.0. */
int gofollow_destroy (gofollow_t f);

/* Fills in out->size bytes of the statistics. Returns 0. Ends the validity of nothing. Since 0.1.0. */
int gofollow_stats (gofollow_t f, gofollow_statistics *out);

/* Names what the packets of not_tcp and unknown_link were, the most frequent first. Fills in up to max
 * elements of out, which may be NULL if max is 0. Returns how many there are, at most 257. Since 0.1.0. */
int gofollow_not_followed (gofollow_t f, gofollow_not_followed_kind *out, size_t max);

/* Returns one line that names a result, also an unknown one; static. Since 0.1.0. */
const char *gofollow_strerror (int code);

/* Writes the message of the last failed call on this handle to buf, at most size - 1 bytes and a 0; empty if
 * no call failed. For f 0 it is the message of the last gofollow_create or gofollow_flow_key that failed in
 * the calling thread. Returns the length of the whole message. buf may be NULL if size is 0. Any thread may
 * call it at any time: it never returns GOFOLLOW_ERR_BUSY, and a call that does leaves no message.
 * Since 0.1.0. */
int gofollow_error_message (gofollow_t f, char *buf, size_t size);

/* Returns the library's version, such as "0.1.0"; static. Since 0.1.0. */
const char *gofollow_version (void);

/* Returns what the library was built from and by, such as "gofollow 0.1.0 (commit 1f0c8b5a92de, go1.26.0,
 * linux/amd64)"; static. A + behind the commit: its files were changed. The library's file contains the
 * text, too: strings libgofollow.so | grep '^gofollow '. Since 0.1.0. */
const char *gofollow_build_info (void);

/* Returns the GOFOLLOW_ABI_VERSION that the library was built with. Since 0.1.0. */
uint32_t gofollow_abi_version (void);

/* Sets a soft limit on the memory of the Go run time in this process, as its environment variable GOMEMLIMIT
 * does; 0 removes it. Returns 0. Since 0.1.0. */
int gofollow_set_memory_limit (uint64_t bytes);

/* Makes the keys of n packets: out[i] is the key of packets[i], whose time does not count. separate: a
 * gofollow_separate, as the followers of these packets have it. It keeps nothing, needs no follower, and
 * any number of threads may call it at once. A packet that cannot be decoded has a key of kind
 * GOFOLLOW_FLOW_NONE. Returns 0, or GOFOLLOW_ERR_ARGUMENT and GOFOLLOW_ERR_TOO_BIG as
 * gofollow_feed_batch, without a key; gofollow_error_message (0, ...) explains it. Since 0.1.0. */
int gofollow_flow_key (uint32_t separate, const gofollow_packet *packets, size_t n, gofollow_key *out);

/* Puts IP datagrams together. packets: n of them, in the order of their capture, whose key is of kind
 * GOFOLLOW_FLOW_FRAGMENT; one that is not a fragment comes back as it is. Those that belong to one
 * datagram have to meet in one follower, and those whose depth is lower before others. Stores the
 * address of an array in *out, NULL if it is empty, which is the library's and valid until the next call
 * of this function or of gofollow_destroy on this handle. Its elements are datagrams in the order in
 * which they became whole, with the time of the packet that completed them and the link type
 * GOFOLLOW_LINK_DATAGRAM: fed to a follower, or to gofollow_flow_key, they stand for their fragments. Uses the
 * options separate and max_ of the follower, whose datagrams, fragments_expired and fragments_dropped count;
 * it makes no events, and gofollow_flush forgets what is not whole. Returns how many elements there are.
 * On GOFOLLOW_ERR_MEMORY the datagrams that this call completed are lost. Since 0.1.0. */
int gofollow_defragment (gofollow_t f, const gofollow_packet *packets, size_t n, const gofollow_datagram **out);

#ifdef __cplusplus
}
#endif

#endif /* GOFOLLOW_H */
