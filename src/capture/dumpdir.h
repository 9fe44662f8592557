// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The directory of one dump: its name, and safe ways to make it and files in it.
 *
 * Does not know what the files hold, and does not give it its final name (seal.h).
 */
#ifndef CAPTURE_DUMPDIR_H
#define CAPTURE_DUMPDIR_H

#include <stddef.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/error.h"

/** End of the name of a directory that is not whole. */
#define DUMPDIR_INCOMPLETE ".incomplete"

/** Behind the name of a dump, and before a number: the directory of a part of it on another target. */
#define DUMPDIR_PART ".part"

/** Room for a name with its suffix, in bytes (NAME_MAX and a NUL). */
enum { DUMPDIR_NAME_BYTES = 256 };

/** The directory of one dump. */
struct dumpdir {
	int parent_fd; /**< The directory it is in; owned, -1: not open. */
	int fd; /**< Owned, -1: not open. */
	char name[DUMPDIR_NAME_BYTES]; /**< Its final name; until it is sealed, it has DUMPDIR_INCOMPLETE behind it. */
};

/** A value with which dumpdir_deinit() does nothing. */
#define DUMPDIR_NONE ((struct dumpdir){.parent_fd = -1, .fd = -1})

/**
 * Name of a dump: "<host>-2026-11-21T02-35-10Z-<boot id>".
 *
 * @param[in] hostname Characters that are not letters, digits, ".", "-" or "_" become "_"; empty is "localhost".
 * @param[in] time Of the dump; written as UTC.
 * @param[in] boot_id First digits of the capture boot's id: tells dumps of one second apart, and hosts without a clock.
 * @param[out] ret The name, always shorter than NAME_MAX with the suffix.
 */
void dumpdir_name(const char *hostname, time_t time, const char *boot_id, char ret[DUMPDIR_NAME_BYTES]);

/**
 * Whether a name is that of a dump, with or without DUMPDIR_INCOMPLETE.
 *
 * @param[in] name A name.
 * @return Bytes of its host's part; behind them names of one host are in the order of their times. 0: it is not.
 */
size_t dumpdir_host_size(const char *name);

/**
 * Make the directory of a dump, mode 0700, under its name with DUMPDIR_INCOMPLETE.
 *
 * The target's content is not trusted: no component may be a symbolic link. Missing parents are made with mode 0755.
 *
 * @param[in] root_fd Root of the file system; borrowed.
 * @param[in] path Directory that receives dumps, from there.
 * @param[in] name Of dumpdir_name().
 * @param[out] ret The directory; dumpdir_deinit() it.
 * @return NULL; ERROR_OS (EEXIST, ELOOP …); ERROR_NOSPC; ERROR_BAD_DATA ("..").
 */
struct error *dumpdir_create(int root_fd, const char *path, const char *name, struct dumpdir *ret) must_check;

/** Open what another process has made with dumpdir_create(). @param[in] root_fd As there. @param[in] path As there. @param[in] name As there. @param[out] ret As there. @return As there. */
struct error *dumpdir_reopen(int root_fd, const char *path, const char *name, struct dumpdir *ret) must_check;

/** Close the descriptors. @param[in] dir May be DUMPDIR_NONE. */
void dumpdir_deinit(struct dumpdir *dir);

#define _cleanup_dumpdir_ _cleanup_(dumpdir_deinit)

/**
 * Make a file, mode 0600. It must not exist.
 *
 * @param[in] dir The directory.
 * @param[in] name One component.
 * @param[in] flags O_RDWR or O_WRONLY, perhaps with O_APPEND.
 * @param[out] fd_ret Descriptor; close() it.
 * @return NULL; ERROR_OS; ERROR_NOSPC.
 */
struct error *dumpdir_open(const struct dumpdir *dir, const char *name, int flags, int *fd_ret) must_check;

/**
 * Make a file with a content, on the disk when it returns.
 *
 * @param[in] dir The directory.
 * @param[in] name One component.
 * @param[in] text Content.
 * @return NULL; ERROR_OS; ERROR_NOSPC.
 */
struct error *dumpdir_write(const struct dumpdir *dir, const char *name, const char *text) must_check;

#endif
