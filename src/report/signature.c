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
};

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

bool signature_is_handler(const char *name)
{
	size_t size = signature_name_bytes(name);

	for (size_t i = 0; i < array_size(handlers); i++)
		if (strlen(handlers[i]) == size && strncmp(handlers[i], name, size) == 0)
			return true;
	return false;
}

// A CPU that hangs is told of by an interrupt: what that interrupted is what hangs.
static bool is_told_by_interrupt(enum cause_kind kind)
{
	return kind == CAUSE_SOFT_LOCKUP || kind == CAUSE_HARD_LOCKUP || kind == CAUSE_RCU_STALL || kind == CAUSE_NMI;
}

static size_t first_interrupted(const struct backtrace *trace)
{
	size_t i = 1;

	// The first frame of all is that of the registers, which nothing interrupted.
	while (i < trace->count && !trace->frames[i].is_exact)
		i++;
	return i;
}

size_t signature_first(const struct backtrace_tools *tools, const struct backtrace *trace, enum cause_kind kind)
{
	size_t interrupted = first_interrupted(trace), first = 0;

	if (is_told_by_interrupt(kind) && interrupted < trace->count)
		return interrupted;
	for (; first < trace->count && first != interrupted; first++) {
		struct symbols_place place;

		backtrace_place(tools, &trace->frames[first], &place);
		if (!signature_is_handler(place.name))
			break;
	}
	// A fault is an exception, which may have handlers that are not known here: it was where that interrupted.
	return first && kind == CAUSE_OOPS && interrupted < trace->count ? interrupted : first;
}

void signature_make(const struct backtrace_tools *tools, const struct backtrace *trace, enum cause_kind kind,
                    char text[SIGNATURE_BYTES])
{
	size_t first = signature_first(tools, trace, kind);
	struct signature signature;
	bool is_named = false;

	signature_init(&signature, kind);
	for (size_t i = first; i < trace->count && i - first < SIGNATURE_FUNCTIONS; i++) {
		struct symbols_place place;

		// What an interrupt came upon has nothing to do with a crash in its handler.
		if (i > first && trace->frames[i].is_exact && !is_told_by_interrupt(kind))
			break;
		backtrace_place(tools, &trace->frames[i], &place);
		signature_add(&signature, place.name);
		is_named |= place.name[0];
	}
	text[0] = '\0';
	if (is_named)
		snprintf(text, SIGNATURE_BYTES, "%016" PRIx64, signature.hash);
}
