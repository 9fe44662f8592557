// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Why the kernel crashed, as its log says; where that cannot be read, as its stack suggests.
 *
 * Does not know whose fault it was.
 */
#ifndef REPORT_CAUSE_H
#define REPORT_CAUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/vmcore.h"
#include "report/kernel.h"

/** Kinds of causes. */
enum cause_kind {
	CAUSE_UNKNOWN,
	CAUSE_PANIC, /**< Another one that panic() was called for. */
	CAUSE_SYSRQ, /**< Somebody asked for it. */
	CAUSE_OOPS, /**< A fault in the kernel. */
	CAUSE_BUG, /**< The kernel found that it was wrong. */
	CAUSE_WARNING, /**< The same, where a warning is enough. */
	CAUSE_HUNG_TASK, /**< A task waited too long. */
	CAUSE_SOFT_LOCKUP, /**< A CPU did not get to other tasks. */
	CAUSE_HARD_LOCKUP, /**< A CPU did not get to interrupts. */
	CAUSE_RCU_STALL, /**< A CPU did not get to a quiet state. */
	CAUSE_OUT_OF_MEMORY,
	CAUSE_NMI, /**< An interrupt that nobody can ignore: a button, a management controller, broken hardware. */
	CAUSE_MACHINE_CHECK, /**< Broken hardware. */
	CAUSE_STACK, /**< A stack that is damaged, or too small. */
	CAUSE_INIT, /**< The first process ended. */
	CAUSE_WATCHDOG, /**< Nobody fed a watchdog. */
	CAUSE_FREED, /**< Memory was used that had been given back, and the kernel was told to look for that. */
	CAUSE_KIND_COUNT,
};

/** Room for a line of the log that says something, with its NUL. */
enum { CAUSE_TEXT_BYTES = 240 };

/** Why. */
struct cause {
	enum cause_kind kind;
	char text[CAUSE_TEXT_BYTES]; /**< The line of the log that says it, without its time; "": none does. */
	char panic
		[CAUSE_TEXT_BYTES]; /**< What panic() was told; "": it was not called, or the log does not reach so far. */
	uint32_t pid; /**< Of the task that waited too long; 0: the one that crashed is meant. */
	bool has_cpu; /**< Another CPU than the one that panics may be meant. */
	uint32_t cpu; /**< Then, the one that does not get to interrupts, or to a quiet state. */
	uint32_t oops_count; /**< Faults in the log, this one too. */
	uint32_t warning_count;
	uint64_t last_us; /**< Time of the last line of the log, since the boot. */
	uint64_t lines; /**< Of the log. */
	char details[CAUSE_KIND_COUNT][CAUSE_TEXT_BYTES]; /**< The last line that told of each kind; "": none. */
	enum cause_kind last_fault; /**< CAUSE_OOPS, _BUG, _STACK or _FREED, whichever was last; CAUSE_UNKNOWN: none. */
	enum cause_kind
		last_found; /**< CAUSE_BUG or _FREED: what KASAN or KFENCE found last; CAUSE_UNKNOWN: nothing. */
	bool is_fault_open; /**< A fault was told of, and not yet by the line that counts it. */
	bool is_stall_open; /**< The CPU that is meant is in the next line. */
	bool is_asked_for; /**< Somebody asked for a crash: what follows is how the kernel does that. */
	char why[KERNEL_WHY_BYTES]; /**< Why the log could not be read, or not to its end; "": it could. */
};

/** A word for a kind. @param[in] kind The kind. @return "sysrq", "oops" … Static. */
const char *cause_word(enum cause_kind kind);

/** Read the log for it. @param[in] core The dump. @param[out] ret What it says. */
void cause_init(struct cause *ret, const struct vmcore *core);

/** The kind that a function on the stack suggests. @param[in] function Its name. @return CAUSE_UNKNOWN: none. */
enum cause_kind cause_of_function(const char *function);

/** For tests, and for logs of other origin: the cause of a text. @param[in,out] cause Zeroed before the first line. @param[in] line A line, without its end. */
void cause_line(struct cause *cause, const char *line);

/** Behind the last line. @param[in,out] cause What the lines gave. */
void cause_decide(struct cause *cause);

#endif
