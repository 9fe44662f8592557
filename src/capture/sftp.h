// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A client of the SSH File Transfer Protocol, version 3: makes directories and files on a server, and writes many pieces of a file
 * without waiting for each.
 *
 * Does not start the program that leads to the server (capture/remote.h). The server is not trusted: nothing it says is taken for more
 * than a number, a status or a text, and all are bounded.
 * Source: draft-ietf-secsh-filexfer-02; OpenSSH's PROTOCOL for fsync, statvfs and posix-rename.
 */
#ifndef CAPTURE_SFTP_H
#define CAPTURE_SFTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/cleanup.h"
#include "base/error.h"

/** A session. One thread at a time, but for sftp_write(). */
struct sftp;

/** Handles of version 3 are at most this long, in bytes. */
enum { SFTP_HANDLE_BYTES = 256 };

/** A file that is open on the server. */
struct sftp_file {
	uint8_t handle[SFTP_HANDLE_BYTES];
	uint32_t handle_bytes;
};

/**
 * Greet the server.
 *
 * @param[in] in_fd What it says; borrowed.
 * @param[in] out_fd What it hears; borrowed.
 * @param[out] ret The session; sftp_destroy() it.
 * @return NULL; ERROR_BAD_DATA (that is no server of this protocol); ERROR_OS; ERROR_NOMEM.
 */
struct error *sftp_create(int in_fd, int out_fd, struct sftp **ret) must_check;

/** End of a session. @param[in] sftp May be NULL. */
void sftp_destroy(struct sftp *sftp);

/** Guard form of sftp_destroy(). @param[in] sftp Address of the variable. */
static inline void sftp_destroyp(struct sftp **sftp)
{
	sftp_destroy(*sftp);
}

/** Whether each file must be written from its begin to its end, as by an upload. @param[in] sftp Session. */
bool sftp_is_sequential(const struct sftp *sftp);

/** Whether names can be changed. @param[in] sftp Session. */
bool sftp_can_rename(const struct sftp *sftp);

/** Make a directory. @param[in] sftp Session. @param[in] path On the server. @param[in] mode Permission bits. @return NULL; ERROR_OS (it may exist: the protocol does not tell); ERROR_BAD_DATA. */
struct error *sftp_mkdir(struct sftp *sftp, const char *path, mode_t mode) must_check;

/**
 * Make a file, mode 0600. It must not exist.
 *
 * @param[in] sftp Session.
 * @param[in] path On the server.
 * @param[out] ret The file; sftp_finish() it.
 * @return NULL; ERROR_OS; ERROR_BAD_DATA.
 */
struct error *sftp_open(struct sftp *sftp, const char *path, struct sftp_file *ret) must_check;

/**
 * Write pieces, one behind the other. Returns before the server has taken them; what went wrong with earlier ones is told by a later
 * call. Several threads may call it.
 *
 * @param[in] sftp Session.
 * @param[in] file Open file.
 * @param[in] offset_bytes Where in the file.
 * @param[in] parts Pieces.
 * @param[in] count Their number.
 * @return NULL; ERROR_OS; ERROR_NOSPC; ERROR_BAD_DATA.
 */
struct error *sftp_write(struct sftp *sftp, const struct sftp_file *file, uint64_t offset_bytes,
                         const struct iovec *parts, size_t count) must_check;

/**
 * Wait until the server has taken all pieces, put the file on its disk as far as it can, compare the size, and close the file. One that is
 * sequential does all that when it is closed.
 *
 * @param[in] sftp Session.
 * @param[in] file Open file; closed in any case.
 * @param[in] size_bytes Size that it must have; what was not written at its end becomes a gap.
 * @return NULL; ERROR_OS; ERROR_NOSPC; ERROR_BAD_DATA (it has another size).
 */
struct error *sftp_finish(struct sftp *sftp, const struct sftp_file *file, uint64_t size_bytes) must_check;

/** Give a file or directory another name, in one step where the server can. @param[in] sftp Session. @param[in] from Its name. @param[in] to The new one. @return NULL; ERROR_OS; ERROR_BAD_DATA. */
struct error *sftp_rename(struct sftp *sftp, const char *from, const char *to) must_check;

/** Remove a file. @param[in] sftp Session. @param[in] path On the server. @return NULL, also where there is none; ERROR_OS; ERROR_BAD_DATA. */
struct error *sftp_remove(struct sftp *sftp, const char *path) must_check;

/** Room for an ordinary user. @param[in] sftp Session. @param[in] path Directory on the server. @return Bytes; 0: the server does not tell. */
uint64_t sftp_room(struct sftp *sftp, const char *path);

#endif
