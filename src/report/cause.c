// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/cause.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/dmesg.h"

static const char *const words[CAUSE_KIND_COUNT] = {
	[CAUSE_UNKNOWN] = "unknown",
	[CAUSE_PANIC] = "panic",
	[CAUSE_SYSRQ] = "sysrq",
	[CAUSE_OOPS] = "oops",
	[CAUSE_BUG] = "bug",
	[CAUSE_WARNING] = "warning",
	[CAUSE_HUNG_TASK] = "hung-task",
	[CAUSE_SOFT_LOCKUP] = "soft-lockup",
	[CAUSE_HARD_LOCKUP] = "hard-lockup",
	[CAUSE_RCU_STALL] = "rcu-stall",
	[CAUSE_OUT_OF_MEMORY] = "out-of-memory",
	[CAUSE_NMI] = "nmi",
	[CAUSE_MACHINE_CHECK] = "machine-check",
	[CAUSE_STACK] = "stack",
	[CAUSE_INIT] = "init-died",
	[CAUSE_WATCHDOG] = "watchdog",
	[CAUSE_FREED] = "use-after-free",
};

struct pattern {
	const char *text;
	enum cause_kind kind;
};

// What panic() is told, anywhere in its text; the first that fits counts. Fatal exceptions are the fault before them.
static const struct pattern panics[] = {
	{"sysrq triggered crash", CAUSE_SYSRQ},
	{"hung_task:", CAUSE_HUNG_TASK},
	{"softlockup:", CAUSE_SOFT_LOCKUP},
	{"ard LOCKUP", CAUSE_HARD_LOCKUP},
	{"RCU Stall", CAUSE_RCU_STALL},
	{"ut of memory", CAUSE_OUT_OF_MEMORY},
	{"deadlocked on memory", CAUSE_OUT_OF_MEMORY},
	{"achine check", CAUSE_MACHINE_CHECK},
	{"hardware error", CAUSE_MACHINE_CHECK},
	{"panic_on_warn", CAUSE_WARNING},
	{"Attempted to kill init", CAUSE_INIT},
	{"stack-protector", CAUSE_STACK},
	{"corrupted stack", CAUSE_STACK},
	{"stack overflow", CAUSE_STACK},
	{"NMI", CAUSE_NMI},
	{"nmi", CAUSE_NMI},
	{"atchdog", CAUSE_WATCHDOG},
};

// Lines before that, by their begin; they say which task, which address.
static const struct pattern lines[] = {
	{"BUG: kernel NULL pointer", CAUSE_OOPS},
	{"BUG: unable to handle", CAUSE_OOPS},
	{"unable to handle kernel", CAUSE_OOPS},
	{"Unable to handle kernel", CAUSE_OOPS},
	{"general protection fault", CAUSE_OOPS},
	{"divide error:", CAUSE_OOPS},
	{"stack segment:", CAUSE_OOPS},
	{"int3:", CAUSE_OOPS},
	{"traps: PANIC: double fault", CAUSE_OOPS},
	{"double fault:", CAUSE_OOPS},
	{"Oops: general protection", CAUSE_OOPS},
	{"Oops: divide error", CAUSE_OOPS},
	{"Oops: int3", CAUSE_OOPS},
	{"Oops: stack segment", CAUSE_OOPS},
	{"Oops: double fault", CAUSE_OOPS},
	{"kernel BUG at ", CAUSE_BUG},
	{"WARNING: ", CAUSE_WARNING},
	{"INFO: task ", CAUSE_HUNG_TASK},
	{"watchdog: BUG: soft lockup", CAUSE_SOFT_LOCKUP},
	{"NMI watchdog: BUG: soft lockup", CAUSE_SOFT_LOCKUP},
	{"BUG: soft lockup", CAUSE_SOFT_LOCKUP},
	{"rcu: INFO: rcu_", CAUSE_RCU_STALL},
	{"NMI: IOCK error", CAUSE_NMI},
	{"NMI: PCI system error", CAUSE_NMI},
	{"Uhhuh. NMI received", CAUSE_NMI},
	{"mce: [Hardware Error]", CAUSE_MACHINE_CHECK},
};

static const struct pattern functions[] = {
	{"sysrq_handle_crash", CAUSE_SYSRQ},
	{"watchdog_timer_fn", CAUSE_SOFT_LOCKUP},
	{"watchdog_overflow_callback", CAUSE_HARD_LOCKUP},
	{"watchdog_hardlockup_check", CAUSE_HARD_LOCKUP},
	{"check_hung_uninterruptible_tasks", CAUSE_HUNG_TASK},
	{"out_of_memory", CAUSE_OUT_OF_MEMORY},
	{"mce_panic", CAUSE_MACHINE_CHECK},
	{"panic_on_rcu_stall", CAUSE_RCU_STALL},
	{"nmi_panic", CAUSE_NMI},
	{"__stack_chk_fail", CAUSE_STACK},
	{"do_exit", CAUSE_INIT},
};

// Linux include/linux/poison.h: POISON_FREE, with slub_debug=P in all of a freed object but its last byte. What is added to a
// pointer that was read there changes its end.
static const char poison[] = "0x6b6b6b6b6b6b";
static const char hard_lockup[] = "Watchdog detected hard LOCKUP on cpu ";
static const char panic_mark[] = "Kernel panic - not syncing: ";

const char *cause_word(enum cause_kind kind)
{
	return words[kind];
}

enum cause_kind cause_of_function(const char *function)
{
	for (size_t i = 0; i < array_size(functions); i++)
		if (strcmp(functions[i].text, function) == 0)
			return functions[i].kind;
	return CAUSE_UNKNOWN;
}

static void keep(char to[CAUSE_TEXT_BYTES], const char *text)
{
	snprintf(to, CAUSE_TEXT_BYTES, "%s", text);
	kernel_plain(to);
}

// Cuts the time off: "[  123.456789] ".
static const char *take_time(struct cause *cause, const char *line)
{
	uint64_t seconds = 0, part = 0;
	int size = 0;

	if (sscanf(line, "[%" SCNu64 ".%6" SCNu64 "] %n", &seconds, &part, &size) < 2 || !size)
		return line;
	cause->last_us = seconds * 1000000 + part;
	// Space at the begin belongs to the text: lines that go on are no messages of their own.
	return strchr(line, ']') + 2;
}

static bool is_fault(enum cause_kind kind)
{
	return kind == CAUSE_OOPS || kind == CAUSE_BUG || kind == CAUSE_STACK || kind == CAUSE_FREED;
}

// "invalid opcode: 0000 [#1] PREEMPT SMP": each fault has a line of this form, behind one that says more or alone.
static bool is_counted(const char *text)
{
	const char *number = strstr(text, " [#"), *code = number;

	while (code && code > text && isxdigit((unsigned char)code[-1]))
		code--;
	return number && isdigit((unsigned char)number[3]) && number - code >= 4 && code - text > 2 &&
	       code[-1] == ' ' && code[-2] == ':';
}

static void take_fault(struct cause *cause, enum cause_kind kind, const char *text)
{
	cause->last_fault = kind;
	cause->oops_count++;
	cause->is_fault_open = !is_counted(text);
	keep(cause->details[kind], text);
}

// The number of a CPU, behind a text.
static void take_cpu(struct cause *cause, const char *text)
{
	char *end;
	unsigned long cpu = strtoul(text, &end, 10);

	if (end == text || cpu >= KERNEL_CPUS_MAX)
		return;
	cause->has_cpu = true;
	cause->cpu = (uint32_t)cpu;
}

static void take_detail(struct cause *cause, const struct pattern *pattern, const char *text)
{
	const char *pid;

	if (pattern->kind == CAUSE_OOPS && strstr(text, poison)) {
		take_fault(cause, CAUSE_FREED, text);
		return;
	}
	if (is_fault(pattern->kind)) {
		take_fault(cause, pattern->kind, text);
		return;
	}
	if (pattern->kind == CAUSE_HUNG_TASK && !strstr(text, "blocked for more than"))
		return;
	cause->warning_count += pattern->kind == CAUSE_WARNING;
	if (pattern->kind == CAUSE_HUNG_TASK) {
		pid = strstr(text, " blocked for more than");
		while (pid > text && pid[-1] >= '0' && pid[-1] <= '9')
			pid--;
		cause->pid = (uint32_t)strtoul(pid, NULL, 10);
	}
	if (pattern->kind == CAUSE_RCU_STALL) {
		cause->has_cpu = false;
		cause->is_stall_open = !strstr(text, "self-detected");
	}
	keep(cause->details[pattern->kind], text);
}

// What is not known by the begin of a line alone.
static void take_other(struct cause *cause, const char *text)
{
	const char *at = strstr(text, hard_lockup);

	if (at) {
		take_cpu(cause, at + strlen(hard_lockup));
		keep(cause->details[CAUSE_HARD_LOCKUP], text);
		return;
	}
	if (strncmp(text, "BUG: ", 5) == 0 && strstr(text, "stack guard page was hit")) {
		take_fault(cause, CAUSE_STACK, text);
		return;
	}
	if (strncmp(text, "BUG: KASAN: ", 12) == 0 || strncmp(text, "BUG: KFENCE: ", 13) == 0) {
		cause->last_found = strstr(text, "use-after-free") ? CAUSE_FREED : CAUSE_BUG;
		keep(cause->details[cause->last_found], text);
		return;
	}
	if (!is_counted(text))
		return;
	if (cause->is_fault_open)
		cause->is_fault_open = false;
	else
		take_fault(cause, CAUSE_OOPS, text);
}

void cause_line(struct cause *cause, const char *line)
{
	const char *text = take_time(cause, line);

	cause->lines++;
	if (strncmp(text, panic_mark, strlen(panic_mark)) == 0) {
		keep(cause->panic, text + strlen(panic_mark));
		return;
	}
	// "rcu:         2-...!: (1 GPs behind) idle=…", with a tab that was made a blank.
	if (cause->is_stall_open && strncmp(text, "rcu: ", 5) == 0 && strncmp(text, "rcu: INFO: ", 11) != 0) {
		take_cpu(cause, text + 5);
		cause->is_stall_open = false;
		return;
	}
	if (strncmp(text, "---[ end trace", 14) == 0)
		cause->is_fault_open = false;
	if (strstr(text, "invoked oom-killer:"))
		keep(cause->details[CAUSE_OUT_OF_MEMORY], text);
	if (strcmp(text, "sysrq: Trigger a crash") == 0 || strcmp(text, "sysrq: SysRq : Trigger a crash") == 0 ||
	    strcmp(text, "SysRq : Trigger a crash") == 0) {
		keep(cause->details[CAUSE_SYSRQ], text);
		cause->is_asked_for = true;
	}
	for (size_t i = 0; i < array_size(lines); i++) {
		if (strncmp(text, lines[i].text, strlen(lines[i].text)) != 0)
			continue;
		// The line that counts a fault may look like one of its own.
		if (!cause->is_fault_open || !is_counted(text)) {
			take_detail(cause, &lines[i], text);
			return;
		}
		break;
	}
	take_other(cause, text);
}

static enum cause_kind kind_of_panic(const struct cause *cause)
{
	// "KASAN: panic_on_warn set ...": it is not a warning that was too much.
	if (cause->last_found &&
	    (strncmp(cause->panic, "KASAN: ", 7) == 0 || strncmp(cause->panic, "KFENCE: ", 8) == 0))
		return cause->last_found;
	for (size_t i = 0; i < array_size(panics); i++)
		if (strstr(cause->panic, panics[i].text))
			return panics[i].kind;
	return strstr(cause->panic, "atal exception") && cause->last_fault ? cause->last_fault : CAUSE_PANIC;
}

void cause_decide(struct cause *cause)
{
	if (cause->panic[0])
		cause->kind = kind_of_panic(cause);
	else if (cause->last_fault) // With a crash kernel a fault does not get as far as panic().
		cause->kind = cause->last_fault;
	if (cause->is_asked_for && (cause->kind == cause->last_fault || cause->kind == CAUSE_PANIC))
		cause->kind = CAUSE_SYSRQ;
	if (cause->kind != CAUSE_HUNG_TASK)
		cause->pid = 0;
	if (cause->kind != CAUSE_HARD_LOCKUP && cause->kind != CAUSE_RCU_STALL)
		cause->has_cpu = false;
	if (!cause->kind)
		return;
	if (cause->details[cause->kind][0] && cause->kind != CAUSE_SYSRQ)
		keep(cause->text, cause->details[cause->kind]);
	else
		keep(cause->text, cause->panic[0] ? cause->panic : cause->details[cause->kind]);
}

// Lines of the log, put together from pieces. What is longer than the room is cut.
struct lines {
	struct cause *cause;
	size_t size;
	char line[CAUSE_TEXT_BYTES + 64];
};

static struct error *take_piece(void *context, const char *bytes, size_t size_bytes)
{
	struct lines *all = context;

	for (size_t i = 0; i < size_bytes; i++) {
		if (bytes[i] != '\n') {
			// The log keeps what moves the cursor of a terminal, where the report may be read.
			if (all->size + 1 < sizeof(all->line))
				all->line[all->size++] = (char)(iscntrl((unsigned char)bytes[i]) ? ' ' : bytes[i]);
			continue;
		}
		all->line[all->size] = '\0';
		all->size = 0;
		cause_line(all->cause, all->line);
	}
	return NULL;
}

void cause_init(struct cause *ret, const struct vmcore *core)
{
	struct lines all = {.cause = ret};
	struct dmesg_stats stats;
	struct error *err;

	*ret = (struct cause){0};
	err = dmesg_tell(core, take_piece, &all, &stats);
	if (!err && stats.unreadable)
		err = error_new(ERROR_FAULT, "%" PRIu64 " records of the log are not in the dump", stats.unreadable);
	kernel_explain(ret->why, err);
	cause_decide(ret);
}
