/* What stands between the public functions (C) and the engine (Go). The Go
 * exports are declared here by hand; cgo's generated header includes this file,
 * so that a declaration which does not fit fails to compile. They may assume
 * checked arguments, and out-parameters that hold a value already. */
#ifndef GOFOLLOW_INTERNAL_H
#define GOFOLLOW_INTERNAL_H

#include "gofollow.h"

/* Packets above this many bytes are refused. */
#define GOFOLLOW_MAX_PACKET ((size_t) 16 << 20)

/* On failure *message may be set to a text of malloc. */
int gofollow_go_create (gofollow_t *out, gofollow_config *config, char **message);
int gofollow_go_feed (gofollow_t f, uint32_t link_type, int64_t ts_ns, void *bytes, size_t captured, size_t original);
int gofollow_go_feed_batch (gofollow_t f, gofollow_packet *packets, size_t n, size_t *consumed);
int gofollow_go_feed_capture (gofollow_t f, void *bytes, size_t n, size_t *consumed);
int gofollow_go_end_capture (gofollow_t f);
int gofollow_go_open_file (gofollow_t f, char *path);
int gofollow_go_read_file (gofollow_t f, size_t max_packets, gofollow_progress *progress);
int gofollow_go_select_capture (gofollow_t f, uint32_t number, int64_t until_ns);
int gofollow_go_next_time (gofollow_t f, int64_t *ts_ns);
int gofollow_go_abandon_capture (gofollow_t f);
int gofollow_go_poll (gofollow_t f, gofollow_event *events, size_t max);
int gofollow_go_set_user (gofollow_t f, uint64_t connection_id, void *user);
int gofollow_go_ignore (gofollow_t f, uint64_t connection_id);
int gofollow_go_advance_time (gofollow_t f, int64_t ts_ns);
int gofollow_go_flush (gofollow_t f);
int gofollow_go_destroy (gofollow_t f);
int gofollow_go_stats (gofollow_t f, gofollow_statistics *out);
int gofollow_go_not_followed (gofollow_t f, gofollow_not_followed_kind *out, size_t max);
int gofollow_go_error_message (gofollow_t f, char *buf, size_t size);
int gofollow_go_set_memory_limit (uint64_t bytes);
int gofollow_go_flow_key (uint32_t separate, gofollow_packet *packets, size_t n, gofollow_key *out);
int gofollow_go_defragment (gofollow_t f, gofollow_packet *packets, size_t n, gofollow_datagram **out);

/* Keeps message, of malloc or NULL, as that of the last call without a handle that failed in this thread; and
 * writes it to buf as gofollow_error_message does. */
void gofollow_keep_message (char *message);
int gofollow_kept_message (char *buf, size_t size);

/* Keeps message, a static string, as the message of the last failed call on f, and
 * returns code; or GOFOLLOW_ERR_HANDLE if f does not exist. */
int gofollow_go_refuse (gofollow_t f, int code, char *message);

#endif
