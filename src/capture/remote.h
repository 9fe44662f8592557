// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A server that gets a dump: starts the program that leads to it, and puts files there.
 *
 * Does not know the protocol (capture/sftp.h) and does not set up the network (capture/network.h).
 */
#ifndef CAPTURE_REMOTE_H
#define CAPTURE_REMOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "capture/log.h"
#include "capture/target.h"
#include "dump/sink.h"

/** A connection. For one process; remote_close() it. */
struct remote;

/** Room for a path on the server, in bytes. */
enum { REMOTE_PATH_BYTES = 4352 };

/**
 * Connect. Tries again until the request's time is over, unless the server refuses us.
 *
 * @param[in] request Where, and how long.
 * @param[in,out] log What is told.
 * @param[out] ret The connection.
 * @return NULL; ERROR_OS, ERROR_TIMEOUT (with what the program says); ERROR_BAD_DATA (the plan, or the server's first words);
 *	   ERROR_NOMEM.
 */
struct error *remote_open(const struct target_request *request, struct log *log, struct remote **ret) must_check;

/** End a connection. @param[in] remote May be NULL. */
void remote_close(struct remote *remote);

/** Guard form of remote_close(). @param[in] remote Address of the variable. */
static inline void remote_closep(struct remote **remote)
{
	remote_close(*remote);
}

/** Make a directory, mode 0700, and its parents where they are missing, mode 0755. @param[in] remote Connection. @param[in] path Absolute. @return NULL; ERROR_OS (also: it exists); ERROR_BAD_DATA. */
struct error *remote_mkdirs(struct remote *remote, const char *path) must_check;

/**
 * Put a file there.
 *
 * @param[in] remote Connection.
 * @param[in] fd Its content, from the begin; borrowed.
 * @param[in] path Its name; it must not exist.
 * @return NULL; ERROR_OS; ERROR_NOSPC; ERROR_BAD_DATA.
 */
struct error *remote_put(struct remote *remote, int fd, const char *path) must_check;

/**
 * A file there as a sink, for many threads; where files are uploads (remote_is_upload()), as a stream, for one.
 *
 * @param[in] remote Connection; borrowed, and for nothing else as long as the sink is there.
 * @param[in] path Its name; what has it is removed.
 * @param[out] ret The sink; sink_destroy() it.
 * @return NULL; ERROR_OS; ERROR_BAD_DATA; ERROR_NOMEM.
 */
struct error *remote_sink_create(struct remote *remote, const char *path, struct sink **ret) must_check;

/** Whether writing to such a sink failed: then the server, or the way to it, is lost. @param[in] sink Of remote_sink_create(). */
bool remote_sink_is_failed(const struct sink *sink);

/** What was written to such a sink of an upload, when it is finished. @param[in] sink Of remote_sink_create(). @param[out] text_ret SHA-256 as 64 digits and a NUL; "" of what is no upload. */
void remote_sink_hash(const struct sink *sink, char text_ret[65]);

/** Whether files of a target are uploads, each from its begin to its end. @param[in] place Of the plan. */
bool remote_is_upload(const struct plan_target *place);

/** Whether a directory can get another name. @param[in] remote Connection. */
bool remote_can_rename(const struct remote *remote);

/** Room there. @param[in] remote Connection. @param[in] path A directory. @return Bytes; 0: it does not tell. */
uint64_t remote_room(struct remote *remote, const char *path);

/** Give a directory its name. @param[in] remote Connection. @param[in] from As it is called. @param[in] to Must not exist. @return NULL; ERROR_OS; ERROR_BAD_DATA. */
struct error *remote_rename(struct remote *remote, const char *from, const char *to) must_check;

/** Remove a file, if it is there. @param[in] remote Connection. @param[in] path Its name. @return NULL; ERROR_OS; ERROR_BAD_DATA. */
struct error *remote_remove(struct remote *remote, const char *path) must_check;

/**
 * The SHA-256 of a file there, as the server's own program has it.
 *
 * @param[in] request Where, and how long.
 * @param[in] path The file.
 * @param[in,out] log What is told.
 * @param[out] text_ret 64 digits and a NUL.
 * @return NULL; ERROR_UNSUPPORTED (nobody may run a program there); ERROR_OS, ERROR_TIMEOUT, ERROR_BAD_DATA; ERROR_NOMEM.
 */
struct error *remote_hash(const struct target_request *request, const char *path, struct log *log,
                          char text_ret[65]) must_check;

#endif
