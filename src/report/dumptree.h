// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The dumps below a directory, wherever in it they are: of this suite, and of others whose directories hold a vmcore.
 *
 * What is below may come from anybody: no link is followed, depth and numbers are bounded, and what is told of a dump is what its files
 * say. Does not judge whether it is whole (report/dumps.h).
 */
#ifndef REPORT_DUMPTREE_H
#define REPORT_DUMPTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/dumps.h"

/** Limits. */
enum {
	DUMPTREE_DEPTH = 8, /**< Directories inside of each other, from the one that is asked for on. */
	DUMPTREE_DIRECTORIES_MAX = 1 << 18, /**< Directories that are looked at. */
	DUMPTREE_TEXT_BYTES = 256, /**< Room for a text of a dump. */
	DUMPTREE_REPORT_BYTES = 16 << 20, /**< Largest report.json that is read. */
};

/** A dump. Texts are printable; "": not known. */
struct dumptree_dump {
	char *path; /**< Of its directory, as it is on the disk. */
	char host[DUMPTREE_TEXT_BYTES];
	char release[DUMPTREE_TEXT_BYTES]; /**< Of the kernel. */
	char cause[DUMPTREE_TEXT_BYTES]; /**< The word of report/cause.h. */
	char cause_text[DUMPTREE_TEXT_BYTES];
	char signature[DUMPTREE_TEXT_BYTES];
	char problem[DUMPTREE_TEXT_BYTES]; /**< Why it could not be looked into; "": it could. */
	uint64_t time_s; /**< Of the crash, since 1970; 0: not known. */
	unsigned int part; /**< Part of a dump whose first part is elsewhere, from 2; 0: a dump. */
	bool has_report; /**< There was a report.json. */
	struct dumps_about about; /**< See there. */
};

/** All of them. */
struct dumptree {
	struct dumptree_dump *list; /**< The newest last. */
	size_t count, room;
	size_t directories; /**< Looked at so far. */
	char why[DUMPTREE_TEXT_BYTES]; /**< Why there may be others; "": these are all. */
};

/**
 * Find the dumps below a directory, and look at them.
 *
 * @param[in,out] tree Zeroed, or with dumps of other directories; dumptree_deinit() it, also on error.
 * @param[in] path The directory, which may itself be that of a dump.
 * @param[in] is_verified Read all files, and compare them with the manifests.
 * @return NULL (also if some directory below cannot be read: see why); ERROR_OS (this one cannot); ERROR_NOMEM.
 */
struct error *dumptree_add(struct dumptree *tree, const char *path, bool is_verified) must_check;

/** Put them in order. @param[in,out] tree See there. */
void dumptree_sort(struct dumptree *tree);

/** Free. @param[in] tree May be zeroed. */
void dumptree_deinit(struct dumptree *tree);

#define _cleanup_dumptree_ _cleanup_(dumptree_deinit)

#endif
