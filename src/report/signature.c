// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/signature.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

// From the fault, or the call of panic(), to the start of the capture kernel: x86-64 and arm64, v4.18 to v7.2. Entries of
// exceptions had other names until Linux v5.8.
static const char *const handlers[] = {
	"__crash_kexec",
	"crash_kexec",
	"machine_kexec",
	"panic",
	"vpanic",
	"nmi_panic",
	"oops_end",
	"oops_exit",
	"die",
	"die_addr",
	"__die",
	"no_context",
	"page_fault_oops",
	"kernelmode_fixup_or_oops",
	"bad_area_nosemaphore",
	"__bad_area_nosemaphore",
	"__bad_area",
	"do_kern_addr_fault",
	"do_user_addr_fault",
	"exc_page_fault",
	"asm_exc_page_fault",
	"do_error_trap",
	"do_trap",
	"handle_bug",
	"exc_invalid_op",
	"asm_exc_invalid_op",
	"exc_general_protection",
	"asm_exc_general_protection",
	"exc_divide_error",
	"asm_exc_divide_error",
	"exc_stack_segment",
	"asm_exc_stack_segment",
	"exc_double_fault",
	"asm_exc_double_fault",
	"handle_stack_overflow",
	"__stack_chk_fail",
	"page_fault",
	"do_page_fault",
	"__do_page_fault",
	"async_page_fault",
	"do_async_page_fault",
	"mm_fault_error",
	"invalid_op",
	"do_invalid_op",
	"fixup_bug",
	"general_protection",
	"do_general_protection",
	"divide_error",
	"do_divide_error",
	"__warn",
	"report_bug",
	"check_panic_on_warn",
	"crash_save_cpu",
	// arm64: arch/arm64/mm/fault.c, arch/arm64/kernel/traps.c, debug-monitors.c, entry-common.c, entry.S.
	"die_kernel_fault",
	"__do_kernel_fault",
	"do_bad_area",
	"do_translation_fault",
	"do_alignment_fault",
	"do_tag_check_fault",
	"do_sea",
	"do_mem_abort",
	"do_debug_exception",
	"arm64_notify_die",
	"do_undefinstr",
	"do_el1_undef",
	"do_el1_bti",
	"do_el1_fpac",
	"do_ptrauth_fault",
	"bug_handler",
	"bug_brk_handler",
	"brk_handler",
	"call_break_hook",
	"call_el1_break_hook",
	"do_el1_brk64",
	"bad_mode",
	"__panic_unhandled",
	"panic_bad_stack",
	"handle_bad_stack",
	"__bad_stack",
	"arm64_serror_panic",
	"do_serror",
	"el1_abort",
	"el1_pc",
	"el1_undef",
	"el1_bti",
	"el1_fpac",
	"el1_dbg",
	"el1_brk64",
	"el1_da",
	"el1_ia",
	"el1_sync_handler",
	"el1_sync",
	"el1_error",
	"el1h_64_sync_handler",
	"el1h_64_sync",
	"el1h_64_error_handler",
	"el1h_64_error",
};

// Runs what handlers of interrupts have put off: behind an interrupt, or in a thread (the second name since Linux v6.11, and in
// stable ones).
static const char *const deferring[] = {"__do_softirq", "handle_softirqs"};

void signature_init(struct signature *ret, enum cause_kind kind)
{
	// FNV-1a, 64 bits (RFC 9923).
	ret->hash = UINT64_C(0xcbf29ce484222325);
	signature_add(ret, cause_word(kind));
}

size_t signature_name_bytes(const char *name)
{
	// Compilers add their words behind points; a name that begins with one has no other.
	return name[0] ? 1 + strcspn(name + 1, ".") : 0;
}

void signature_add(struct signature *signature, const char *name)
{
	size_t size = signature_name_bytes(name);

	for (size_t i = 0; i <= size; i++) {
		// A zero ends each name, so that two of them are not another one.
		uint8_t byte = i < size ? (uint8_t)name[i] : 0;

		signature->hash = (signature->hash ^ byte) * UINT64_C(0x100000001b3);
	}
}

static bool is_one_of(const char *name, const char *const *list, size_t count)
{
	size_t size = signature_name_bytes(name);

	for (size_t i = 0; i < count; i++)
		if (strlen(list[i]) == size && strncmp(list[i], name, size) == 0)
			return true;
	return false;
}

bool signature_is_handler(const char *name)
{
	return is_one_of(name, handlers, array_size(handlers));
}

// A CPU that hangs is told of by an interrupt: what that interrupted is what hangs.
static bool is_told_by_interrupt(enum cause_kind kind)
{
	return kind == CAUSE_SOFT_LOCKUP || kind == CAUSE_HARD_LOCKUP || kind == CAUSE_RCU_STALL || kind == CAUSE_NMI;
}

// An exception tells of it, which may have handlers that are not known here: it was where that interrupted.
static bool is_exception(enum cause_kind kind)
{
	return kind == CAUSE_OOPS || kind == CAUSE_FREED;
}

// What the kernel itself takes for waiting (in_sched_functions()): schedule(), mutex_lock() … And with what stacks of arm64 begin,
// which Linux v5.16 put there.
static bool is_waiting(const struct backtrace_tools *tools, const struct backtrace_frame *frame)
{
	const uint64_t *symbols = tools->kernel->symbols;
	struct symbols_place place;

	if (frame->ip >= symbols[KERNEL_SCHED_TEXT_START] && frame->ip < symbols[KERNEL_SCHED_TEXT_END])
		return true;
	backtrace_place(tools, frame, &place);
	return strcmp(place.name, "__switch_to") == 0;
}

static size_t first_interrupted(const struct backtrace *trace, size_t first)
{
	size_t i = first + 1;

	// The first frame of all is that of the registers, which nothing interrupted.
	while (i < trace->count && !trace->frames[i].is_exact)
		i++;
	return i;
}

static bool is_handled(const struct backtrace_tools *tools, const struct backtrace_frame *frame)
{
	struct symbols_place place;

	backtrace_place(tools, frame, &place);
	return signature_is_handler(place.name);
}

// A kernel without a capture kernel goes round in panic(), and is interrupted there, until somebody makes a dump.
static size_t first_of_panic(const struct backtrace_tools *tools, const struct backtrace *trace)
{
	for (size_t i = 0; trace->is_from_outside && i < trace->count; i++) {
		struct symbols_place place;

		backtrace_place(tools, &trace->frames[i], &place);
		if (strcmp(place.name, "panic") == 0 || strcmp(place.name, "vpanic") == 0)
			return i;
	}
	return 0;
}

static size_t first_not_waiting(const struct backtrace_tools *tools, const struct backtrace *trace)
{
	size_t first = 0;

	while (first < trace->count && is_waiting(tools, &trace->frames[first]))
		first++;
	return first;
}

size_t signature_first(const struct backtrace_tools *tools, const struct backtrace *trace, enum cause_kind kind)
{
	size_t start = first_of_panic(tools, trace), interrupted = first_interrupted(trace, start), first = start;

	if (kind == CAUSE_HUNG_TASK && trace->count && is_waiting(tools, &trace->frames[0]))
		return first_not_waiting(tools, trace);
	while (first < trace->count && first != interrupted && is_handled(tools, &trace->frames[first]))
		first++;
	// Of a CPU that was stopped by another one the registers are already those that were interrupted.
	if (is_told_by_interrupt(kind) && interrupted < trace->count)
		return first > start ? interrupted : start;
	return first > start && is_exception(kind) && interrupted < trace->count ? interrupted : first;
}

// Functions that a stack is full of: more often than this.
enum { OFTEN = 3 };

struct recursion {
	struct symbols_place places[SIGNATURE_FUNCTIONS];
	size_t numbers[SIGNATURE_FUNCTIONS];
	size_t count, end; // Functions; the first frame behind all of them.
};

// Adds a function in the order of names, once: which of them was the last one is chance.
static void add_recurring(struct recursion *recursion, const struct symbols_place *place, size_t number)
{
	size_t at = 0;

	while (at < recursion->count && strcmp(recursion->places[at].name, place->name) < 0)
		at++;
	if (recursion->count == SIGNATURE_FUNCTIONS ||
	    (at < recursion->count && strcmp(recursion->places[at].name, place->name) == 0))
		return;
	for (size_t i = recursion->count++; i > at; i--) {
		recursion->places[i] = recursion->places[i - 1];
		recursion->numbers[i] = recursion->numbers[i - 1];
	}
	recursion->places[at] = *place;
	recursion->numbers[at] = number;
}

static void find_recursion(const struct backtrace_tools *tools, const struct backtrace *trace, size_t first,
                           struct recursion *ret)
{
	ret->count = 0;
	ret->end = first;
	for (size_t i = first; i < trace->count; i++) {
		struct symbols_place place;
		size_t often = 0;

		for (size_t other = first; other < trace->count; other++)
			often += trace->frames[other].ip == trace->frames[i].ip;
		if (often <= OFTEN)
			continue;
		backtrace_place(tools, &trace->frames[i], &place);
		add_recurring(ret, &place, i);
		ret->end = i + 1;
	}
}

void signature_choose(const struct backtrace_tools *tools, const struct backtrace *trace, enum cause_kind kind,
                      struct signature_frames *ret)
{
	size_t first = signature_first(tools, trace, kind), most = SIGNATURE_FUNCTIONS, next = first;
	struct recursion recursion;

	ret->count = 0;
	if (kind == CAUSE_OUT_OF_MEMORY)
		most = 1;
	if (kind == CAUSE_STACK) {
		find_recursion(tools, trace, first, &recursion);
		memcpy(ret->numbers, recursion.numbers, recursion.count * sizeof(recursion.numbers[0]));
		ret->count = recursion.count;
		next = recursion.end;
	}
	for (; next < trace->count && ret->count < most; next++) {
		struct symbols_place place;

		// What an interrupt came upon has nothing to do with a crash in its handler.
		if (next > first && trace->frames[next].is_exact && !is_told_by_interrupt(kind))
			break;
		ret->numbers[ret->count++] = next;
		backtrace_place(tools, &trace->frames[next], &place);
		if (is_one_of(place.name, deferring, array_size(deferring)))
			break;
	}
}

void signature_make(const struct backtrace_tools *tools, const struct backtrace *trace, enum cause_kind kind,
                    char text[SIGNATURE_BYTES])
{
	struct signature_frames frames;
	struct signature signature;
	bool is_named = false;

	signature_init(&signature, kind);
	signature_choose(tools, trace, kind, &frames);
	for (size_t i = 0; i < frames.count; i++) {
		struct symbols_place place;

		backtrace_place(tools, &trace->frames[frames.numbers[i]], &place);
		signature_add(&signature, place.name);
		is_named |= place.name[0];
	}
	text[0] = '\0';
	if (is_named)
		snprintf(text, SIGNATURE_BYTES, "%016" PRIx64, signature.hash);
}
