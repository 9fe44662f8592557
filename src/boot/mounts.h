// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What is mounted where: /proc/self/mountinfo, and the real path of a directory.
 *
 * Does not mount anything and does not know devices (device.h).
 */
#ifndef BOOT_MOUNTS_H
#define BOOT_MOUNTS_H

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"

/** One mount, a line of mountinfo (proc(5)). mounts_deinit() it. */
struct mount {
	char *number; /**< "MAJOR:MINOR" of its files' device; major 0 for file systems without one block device. */
	char *root; /**< Directory of the file system that is the root of the mount, "/" usually. */
	char *point; /**< Where it is mounted. */
	char *fstype; /**< "ext4" … */
	char *source; /**< "/dev/vda1", or whatever the file system says. */
	char *options; /**< Options of the file system, comma-separated. */
};

/** Free what a mount owns. @param[in] mount Filled, or zeroed. */
void mounts_deinit(struct mount *mount);

#define _cleanup_mount_ _cleanup_(mounts_deinit)

/**
 * The mount that holds a path: the longest mount point, of two on one point the later one.
 *
 * @param[in] host The machine.
 * @param[in] path Absolute and without symbolic links (mounts_resolve()).
 * @param[out] ret The mount; mounts_deinit() it.
 * @return NULL; ERROR_OS; ERROR_BAD_DATA (mountinfo is not understood, or nothing holds the path); ERROR_NOMEM.
 */
struct error *mounts_find_path(const struct host *host, const char *path, struct mount *ret) must_check;

/**
 * The first mount of a device.
 *
 * @param[in] host The machine.
 * @param[in] number "MAJOR:MINOR" of the device.
 * @param[in] name Kernel's name of the device, "vda1": compared with the source, which btrfs needs.
 * @param[in] path It must show this directory, counted from the root of the file system; NULL: any will do.
 * @param[out] ret The mount; all members NULL if there is none. mounts_deinit() it.
 * @return NULL; ERROR_OS; ERROR_BAD_DATA; ERROR_NOMEM.
 */
struct error *mounts_find_device(const struct host *host, const char *number, const char *name, const char *path,
                                 struct mount *ret) must_check;

/** What mounts_walk() calls. @param[in] mount Of the list; its strings are valid during the call. @param[in,out] context The caller's. @return NULL, or what ends the walk. */
typedef struct error *(*mounts_visitor)(const struct mount *mount, void *context);

/** Visit all mounts, in the order of the list. @param[in] host The machine. @param[in] visit Called for each. @param[in,out] context For it. @return NULL; ERROR_OS; ERROR_BAD_DATA; ERROR_NOMEM; what @p visit returned. */
struct error *mounts_walk(const struct host *host, mounts_visitor visit, void *context) must_check;

/**
 * A path with every symbolic link followed and without "." and "..". The end of it need not exist.
 *
 * @param[in] host The machine.
 * @param[in] path Absolute.
 * @param[out] ret The path; free() it.
 * @return NULL; ERROR_OS (ELOOP: too many links); ERROR_NOMEM.
 */
struct error *mounts_resolve(const struct host *host, const char *path, char **ret) must_check;

/**
 * The rest of a path below a directory.
 *
 * @param[in] path Absolute.
 * @param[in] dir Absolute.
 * @return Part of @p path, "" or starting with "/"; NULL if it is not below @p dir.
 */
const char *mounts_below(const char *path, const char *dir);

#endif
