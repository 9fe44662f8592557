// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What kdump-send needs of a kind of server that it uploads to: one row each for http, S3 and ftp.
 *
 * Not a file system: a file is written once, from its begin to its end, and only one at a time.
 *
 * To add a kind: write send_KIND.c with a const struct send_ops, and choose it in send_link_open(). Paths are relative to the
 * URL, without "." and "..", empty components and control characters; an empty one is the URL itself. An error with errnum
 * ENOENT or EACCES is told to the client as such.
 */
#ifndef CMD_SEND_OPS_H
#define CMD_SEND_OPS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct send_link;
struct send_upload;

/** A kind of server. */
struct send_ops {
	const char
		*extension; /**< What is told the client, beside that files are written in order; its value is "1". */

	/** Make a directory; one that is there already is no error. @return NULL, or what failed. */
	struct error *(*make_dir)(struct send_link *link, const char *path);

	/** Begin a file. @param[out] ret Ends in complete() or abandon(). @return NULL, or what failed. */
	struct error *(*open)(struct send_link *link, const char *path, struct send_upload **ret);

	/** Add bytes to a file. @return NULL, or what failed; then only abandon() may follow. */
	struct error *(*write)(struct send_upload *upload, const void *buf, size_t size_bytes);

	/** Complete a file, and look whether all of it came there. Frees it in any case. @return NULL, or what failed. */
	struct error *(*complete)(struct send_upload *upload);

	/** Give a file up, so that none is left as far as that is possible. Frees it. */
	void (*abandon)(struct send_upload *upload);

	/** Look at a file. @param[out] size_ret Its size in bytes; UINT64_MAX if the server does not tell. @return NULL, ENOENT … */
	struct error *(*stat)(struct send_link *link, const char *path, uint64_t *size_ret);

	/** Rename a file or directory; NULL where there is no such thing. @return NULL, or what failed. */
	struct error *(*rename)(struct send_link *link, const char *from, const char *to);

	/** Remove a file. @return NULL, or what failed. */
	struct error *(*remove)(struct send_link *link, const char *path);
};

#endif
