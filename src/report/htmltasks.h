// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The tasks in an HTML page: how many are in which state, stacks of those that wait and cannot be interrupted, and a table of all.
 *
 * Does not tell of the task that crashed (report/htmlcrash.h).
 */
#ifndef REPORT_HTMLTASKS_H
#define REPORT_HTMLTASKS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "report/machine.h"

/** Limits. */
enum {
	HTMLTASKS_ROWS_MAX = 20000, /**< Tasks in the table. */
	HTMLTASKS_STACKS_MAX =
		4096, /**< Tasks whose stacks are in the page; those that cannot be interrupted come first. */
	HTMLTASKS_BLOCKED_MAX = 100, /**< Different stacks of those that cannot be interrupted. */
};

/** A stack, and who has it. */
struct htmltasks_stack {
	struct backtrace_frame *frames;
	size_t count;
	bool is_user; /**< The kernel was entered from a program. */
	uint32_t tasks;
	uint32_t blocked; /**< Of these, those that cannot be interrupted. */
	char why[KERNEL_WHY_BYTES]; /**< Why it is not complete; "": it is. */
};

/** A task, with its stack. */
struct htmltasks_row {
	struct threads_task task;
	uint32_t stack; /**< Number of it, plus 1; 0: not in the page. */
};

/** All tasks that are told of. */
struct htmltasks {
	const struct machine *machine;
	struct htmltasks_row *rows;
	size_t row_count;
	struct htmltasks_stack *stacks;
	size_t stack_count;
	size_t unreadable;
	size_t left_out; /**< Beyond HTMLTASKS_ROWS_MAX. */
};

/** Read them. @param[out] ret They; htmltasks_deinit() it, also after an error. @param[in] machine Borrowed. @return NULL; ERROR_NOMEM. */
struct error *htmltasks_init(struct htmltasks *ret, const struct machine *machine) must_check;

/** Free. @param[in] tasks May be zeroed. */
void htmltasks_deinit(struct htmltasks *tasks);

#define _cleanup_htmltasks_ _cleanup_(htmltasks_deinit)

/** Write the part of the page. @param[in] tasks They. @param[in] out Stream. */
void htmltasks_write(const struct htmltasks *tasks, FILE *out);

/** Write all stacks as an array of JSON, for rows that ask for them. @param[in] tasks They. @param[in,out] json In an object. */
void htmltasks_json(const struct htmltasks *tasks, struct json *json);

#endif
