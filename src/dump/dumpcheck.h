// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Whether a dump is whole: each page that it has is read and expanded, and compared with what its page map says of it.
 *
 * Does not know dump directories and their manifests (report/dumps.h). Threads share nothing but counts.
 */
#ifndef DUMP_DUMPCHECK_H
#define DUMP_DUMPCHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/vmcore.h"
#include "dump/presence.h"

/** Limits. */
enum { DUMPCHECK_PROBLEMS_MAX = 32 };

/** Frames with which the same is wrong. */
struct dumpcheck_problem {
	uint64_t pfn_start;
	uint64_t pfn_end;
	enum presence_state found; /**< What the dump has. */
	bool is_conflict; /**< The page map says something else. */
	char text[PRESENCE_TEXT_BYTES]; /**< About the first of them; printable, may be "". */
};

/** What to do. */
struct dumpcheck_options {
	unsigned int thread_count; /**< At least 1. */
	int map_fd; /**< Page map, of which presence_check_map() thinks well; -1: there is none. Borrowed. */
	/** Told how far it is, now and then, on any thread but one at a time; NULL: nobody. */
	void (*progress)(void *context, uint64_t done, uint64_t total);
	void *context; /**< For progress. */
};

/** What was found. */
struct dumpcheck {
	uint64_t counts
		[PRESENCE_STATES]; /**< Frames by what the dump has of them; where only the map tells that a page is lost or unreadable, by that. */
	uint64_t conflicts; /**< Frames of which the map says something else. */
	bool is_map_partial; /**< The map was cut short. */
	struct dumpcheck_problem
		problems[DUMPCHECK_PROBLEMS_MAX]; /**< The first that were met, in the order of frames. */
	size_t problem_count; /**< Of those in the array. */
	bool has_more; /**< There are others. */
};

/**
 * Check all pages.
 *
 * @param[in] core The dump; borrowed.
 * @param[in] options See there.
 * @param[out] ret What was found; also on error, as far as it got.
 * @return NULL, also if much is wrong; ERROR_UNSUPPORTED (a method of compression); ERROR_NOMEM; ERROR_OS (the page map cannot be read).
 */
struct error *dumpcheck_run(const struct vmcore *core, const struct dumpcheck_options *options,
                            struct dumpcheck *ret) must_check;

/** Whether something is wrong with the pages. @param[in] check Of dumpcheck_run(). @return See there. Pages that could not be read in the first place are not. */
bool dumpcheck_is_bad(const struct dumpcheck *check);

#endif
