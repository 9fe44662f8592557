// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The file of a crashed kernel's debugging information, among those that distributions' packages and debuginfod leave on a machine: the one
 * that has its build-id.
 *
 * Does not fetch anything.
 */
#ifndef REPORT_DEBUGKERNEL_H
#define REPORT_DEBUGKERNEL_H

#include <stdbool.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"
#include "report/debugfile.h"
#include "report/kernel.h"

/** Room for the name of a kernel's version. */
enum { DEBUGKERNEL_RELEASE_BYTES = 65 };

/** A kernel. */
struct debugkernel {
	struct debugfile_id id;
	char release
		[DEBUGKERNEL_RELEASE_BYTES]; /**< As uname -r; "": not known, or no name of a file could be made of it. */
};

/**
 * Learn which kernel a dump is of: from VMCOREINFO (BUILD-ID since Linux kernel commit 0935288c6e00 ("kdump: append kernel build-id
 * string to VMCOREINFO") (in v5.9)), or its notes in memory.
 *
 * @param[in] core The dump.
 * @param[in,out] kernel Opened, for notes; NULL: they are not looked at.
 * @param[out] ret As far as it is known.
 */
void debugkernel_of_dump(const struct vmcore *core, struct kernel *kernel, struct debugkernel *ret);

/** Where files are looked for. Texts are borrowed. */
struct debugkernel_places {
	const char *file; /**< The only one that is looked at; NULL: the places below. */
	const char *
		path; /**< Directories with ":" between them, searched as /usr/lib/debug is, before it (KDUMP_DEBUG_PATH). May be NULL. */
	const char *cache; /**< Directory of debuginfod's. May be NULL. */
};

/** What was found. */
struct debugkernel_found {
	char *debug; /**< The file with debugging information. */
	struct debugfile file; /**< What that says of itself. */
	char *code; /**< The kernel itself, where that file is not and it is needed; else NULL. */
	bool is_sure; /**< The build-id is the same; else the dump does not tell its own. */
};

/**
 * Search.
 *
 * @param[in] host The world.
 * @param[in] wanted The kernel.
 * @param[in] places Where.
 * @param[in] needs_code The kernel itself is needed too.
 * @param[in] log Each file that was looked at, and why it is not the one: lines of text.
 * @param[out] ret debugkernel_found_deinit() it.
 * @return NULL; ERROR_UNSUPPORTED: there is none, or only a part of it; ERROR_NOMEM.
 */
struct error *debugkernel_find(const struct host *host, const struct debugkernel *wanted,
                               const struct debugkernel_places *places, bool needs_code, FILE *log,
                               struct debugkernel_found *ret) must_check;

/** Free. @param[in] found May be zeroed. */
void debugkernel_found_deinit(struct debugkernel_found *found);

#endif
