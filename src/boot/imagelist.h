// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What is in an initramfs, by name, as the kernel will have unpacked it: links are followed inside of it.
 *
 * Does not know what should be in it (boot/checkup_image.h).
 */
#ifndef BOOT_IMAGELIST_H
#define BOOT_IMAGELIST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"

/** A file, a directory or a link. */
struct imagelist_file {
	char *name; /**< Path without a slash at its start. */
	mode_t mode; /**< Type and permission bits. */
	uint64_t size_bytes; /**< 0 also where the content is another name's. */
	unsigned int links; /**< Names of the file. */
	unsigned int number; /**< In the order of the archive. */
	char *text; /**< Target of a link; of a file that was asked for its content; else NULL. */
};

/** All of them, sorted by their names. imagelist_deinit() it. */
struct imagelist {
	struct imagelist_file *files;
	size_t count;
};

/**
 * Read an initramfs.
 *
 * @param[in] host The machine.
 * @param[in] path The initramfs.
 * @param[in] texts Patterns as of fnmatch(3), with slashes as such, of files whose content is wanted; NULL-terminated. One of 1 MiB and more has none.
 * @param[out] ret What is in it. Of a name that is there twice the last one.
 * @return NULL; ERROR_UNSUPPORTED (compressed in a way that is not understood); ERROR_BAD_DATA; ERROR_OS; ERROR_NOMEM. Texts begin with the
 *	   path.
 */
struct error *imagelist_read(const struct host *host, const char *path, const char *const *texts,
                             struct imagelist *ret) must_check;

/**
 * Find a file; links on the way, and at its end, are followed.
 *
 * @param[in] list The list.
 * @param[in] path Absolute.
 * @param[out] ret NULL: it is not there, or links lead nowhere, or to each other.
 * @return NULL; ERROR_NOMEM.
 */
struct error *imagelist_find(const struct imagelist *list, const char *path,
                             const struct imagelist_file **ret) must_check;

/** Free what a list owns. @param[in] list Filled, or zeroed. */
void imagelist_deinit(struct imagelist *list);

#define _cleanup_imagelist_ _cleanup_(imagelist_deinit)

#endif
