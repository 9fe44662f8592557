// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A report of a crash, as text and as JSON: what happened, where, on which machine, and what else went on.
 *
 * Each part stands for itself: where one cannot be told, it says "not known" and why, and the others are there.
 * Needs no debugging information.
 */
#ifndef REPORT_CRASHREPORT_H
#define REPORT_CRASHREPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "core/vmcore.h"
#include "report/cause.h"
#include "report/machine.h"
#include "report/overview.h"
#include "report/signature.h"

/** Limits. */
enum {
	CRASHREPORT_CPUS = 64, /**< CPUs whose traces are in it, at most, the one that crashed first. */
	CRASHREPORT_SAME =
		4, /**< Frames of one trace that are the same, one behind the other, and are written one by one. */
	CRASHREPORT_WAITING = 32, /**< Tasks that wait and cannot be interrupted, whose traces are in it, at most. */
};

/** What a report is made of. */
struct crashreport {
	const struct vmcore *core;
	struct machine *machine; /**< NULL: nothing but the log is known. */
	char machine_why[KERNEL_WHY_BYTES]; /**< Why. */
	struct cause cause;
	struct overview overview;
	uint32_t cpu; /**< That crashed. */
	uint64_t task_vaddr; /**< That crashed; 0: not known. */
	char task_why[KERNEL_WHY_BYTES]; /**< Why not. */
	uint64_t
		culprit_vaddr; /**< The task that waited too long, or that the CPU was running that hangs; 0: the one that crashed. */
	struct backtrace trace; /**< Of what crashed: that task, or the culprit. */
	char signature[SIGNATURE_BYTES]; /**< "": not known. */
};

/**
 * Gather what it is made of.
 *
 * @param[in] core The dump; borrowed.
 * @param[in] most_tasks As machine_open().
 * @param[out] ret crashreport_free() it.
 * @return NULL; ERROR_NOMEM.
 */
struct error *crashreport_make(const struct vmcore *core, size_t most_tasks, struct crashreport **ret) must_check;

/** Free. @param[in] report May be NULL. */
void crashreport_free(struct crashreport *report);

/** Guard form of crashreport_free(). @param[in] report Address of the variable. */
static inline void crashreport_freep(struct crashreport **report)
{
	crashreport_free(*report);
}

/** Write it as text. @param[in] report The report. @param[in] out Stream; flushed behind each part. */
void crashreport_text(const struct crashreport *report, FILE *out);

/** Write it as JSON: one object. @param[in] report The report. @param[in,out] json The document, where a value may come. */
void crashreport_json(const struct crashreport *report, struct json *json);

/** Write a trace as lines of text. @param[in] tools For the names. @param[in] trace The trace. @param[in] out Stream. */
void crashreport_trace(const struct backtrace_tools *tools, const struct backtrace *trace, FILE *out);

/** Write a trace as an array of JSON, and why it is not complete. @param[in] tools For the names. @param[in] trace The trace. @param[in,out] json In an object. */
void crashreport_trace_json(const struct backtrace_tools *tools, const struct backtrace *trace, struct json *json);

/** Write registers as lines of text. @param[in] registers They. @param[in] out Stream. */
void crashreport_registers(const struct cpulist_registers *registers, FILE *out);

/** Write the modules as lines of text, with a head. @param[in] report For letters of taints. @param[in] modules They. @param[in] out Stream. */
void crashreport_modules(const struct overview *overview, const struct modlist *modules, FILE *out);

#endif
