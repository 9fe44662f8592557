// SPDX-License-Identifier: GPL-2.0-or-later
// The console of a test, read. What kdump-capture prints is in cmd/kdump-capture.c, capture/save.c and capture/seal.c.
#include "boot/rehearsal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// drivers/tty/sysrq.c: sysrq_handle_crash().
#define ASKED_FOR "sysrq triggered crash"

#define MIB ((uint64_t)1 << 20)

// What kernels print when memory is over, before or in our program; the last is an image that did not unpack.
static const char *const memory_words[] = {
	"Out of memory",
	"oom-killer",
	"System is deadlocked on memory",
	"Initramfs unpacking failed",
	"Cannot allocate memory",
	"page allocation failure",
	"No working init found",
};

// Behind the last line that starts so; NULL: there is none.
static const char *last_line(const char *text, const char *start)
{
	const char *found = NULL;

	for (const char *at = strstr(text, start); at; at = strstr(at + 1, start))
		found = at + strlen(start);
	return found;
}

static void read_numbers(const char *text, struct rehearsal_result *ret)
{
	const char *memory = last_line(text, "kdump: memory in MiB: "),
		   *copier = last_line(text, "kdump: memory: copier "),
		   *end = last_line(text, "kdump: the capture kernel ran for "),
		   *dump = last_line(text, "kdump: dump saved in ");
	uint64_t total = 0, available = 0, kib = 0;

	if (memory && sscanf(memory, "%" SCNu64 " behind the kernel's image, %" SCNu64, &total, &available) == 2) {
		ret->total_bytes = total * MIB;
		ret->lowest_bytes = available * MIB;
	}
	if (copier && sscanf(copier, "%" SCNu64 " KiB at most, %" SCNu64, &kib, &available) == 2) {
		ret->copier_bytes = kib * 1024;
		ret->lowest_bytes = available * MIB;
	}
	if (end)
		sscanf(end, "%lf", &ret->seconds);
	if (dump && sscanf(dump, "%*[^,], %" SCNu64 " KiB", &kib) == 1)
		ret->dump_bytes = kib * 1024;
}

// The rest of a line, without what a serial console puts behind it.
static void take_line(const char *line, struct rehearsal_result *ret)
{
	snprintf(ret->reason, sizeof(ret->reason), "%.*s", (int)strcspn(line, "\r\n"), line);
}

static const char *line_of(const char *text, const char *at)
{
	while (at > text && at[-1] != '\n')
		at--;
	return at;
}

// The first line that tells of memory.
static bool find_shortage(const char *text, struct rehearsal_result *ret)
{
	const char *first = NULL;

	for (size_t i = 0; i < array_size(memory_words); i++) {
		const char *at = strstr(text, memory_words[i]);

		if (at && (!first || at < first))
			first = at;
	}
	if (first)
		take_line(line_of(text, first), ret);
	return first;
}

static void judge_capture(const char *text, struct rehearsal_result *ret)
{
	const char *failed = last_line(text, "kdump: FAILED: "),
		   *panic = last_line(text, "Kernel panic - not syncing: ");

	// The one that was asked for.
	if (panic && strncmp(panic, ASKED_FOR, strlen(ASKED_FOR)) == 0)
		panic = NULL;
	read_numbers(text, ret);
	if (strstr(text, "kdump: done; action: ")) {
		ret->outcome = REHEARSAL_SUCCESS;
		return;
	}
	ret->outcome = REHEARSAL_FAILURE;
	if (find_shortage(text, ret)) {
		ret->outcome = REHEARSAL_NO_MEMORY;
	} else if (failed) {
		take_line(failed, ret);
	} else if (panic) {
		take_line(panic, ret);
	} else if (!strstr(text, "kdump: ")) {
		// Kernels that have no room for themselves end without a word.
		ret->outcome = REHEARSAL_NO_MEMORY;
		snprintf(ret->reason, sizeof(ret->reason),
		         "the capture kernel printed nothing, or did not come to its /init");
	} else {
		snprintf(ret->reason, sizeof(ret->reason), "the capture ended without a word");
	}
}

void rehearsal_judge(const char *text, struct rehearsal_result *ret)
{
	const char *crash = last_line(text, REHEARSAL_CRASH_LINE), *failed = last_line(text, REHEARSAL_FAILED_LINE);
	const char *full = last_line(text, REHEARSAL_ROOM_LINE);

	*ret = (struct rehearsal_result){.outcome = full ? REHEARSAL_NO_MEMORY : REHEARSAL_NOT_RUN};
	if (full)
		take_line(full, ret);
	else if (failed)
		take_line(failed, ret);
	else if (!crash)
		snprintf(ret->reason, sizeof(ret->reason), "the kernel did not come up in the virtual machine");
	else
		judge_capture(strchr(crash, '\n') ? strchr(crash, '\n') : crash, ret);
}
