// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/signature.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

// Frames among which handlers are looked for.
enum { HANDLER_FRAMES = 16 };

// From the fault, or the call of panic(), to the start of the capture kernel: x86-64 and arm64, v4.18 to v7.2.
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

static size_t plain_bytes(const char *name)
{
	// Compilers add their words behind points; a name that begins with one has no other.
	return name[0] ? 1 + strcspn(name + 1, ".") : 0;
}

void signature_add(struct signature *signature, const char *name)
{
	size_t size = plain_bytes(name);

	for (size_t i = 0; i <= size; i++) {
		// A zero ends each name, so that two of them are not another one.
		uint8_t byte = i < size ? (uint8_t)name[i] : 0;

		signature->hash = (signature->hash ^ byte) * UINT64_C(0x100000001b3);
	}
}

bool signature_is_handler(const char *name)
{
	size_t size = plain_bytes(name);

	for (size_t i = 0; i < array_size(handlers); i++)
		if (strlen(handlers[i]) == size && strncmp(handlers[i], name, size) == 0)
			return true;
	return false;
}

size_t signature_first(const struct backtrace_tools *tools, const struct backtrace *trace)
{
	size_t first = 0;

	for (size_t i = 0; i < trace->count && i < HANDLER_FRAMES; i++) {
		struct symbols_place place;

		backtrace_place(tools, &trace->frames[i], &place);
		if (signature_is_handler(place.name))
			first = i + 1;
	}
	return first < trace->count ? first : 0;
}

void signature_make(const struct backtrace_tools *tools, const struct backtrace *trace, enum cause_kind kind,
                    char text[SIGNATURE_BYTES])
{
	size_t first = signature_first(tools, trace);
	struct signature signature;

	signature_init(&signature, kind);
	for (size_t i = first; i < trace->count && i - first < SIGNATURE_FUNCTIONS; i++) {
		struct symbols_place place;

		backtrace_place(tools, &trace->frames[i], &place);
		signature_add(&signature, place.name);
	}
	snprintf(text, SIGNATURE_BYTES, "%016" PRIx64, signature.hash);
}
