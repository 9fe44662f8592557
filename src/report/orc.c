// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/orc.h"

#include <elf.h>
#include <string.h>

#include "base/endian.h"
#include "core/arch.h"

enum {
	ENTRY_BYTES = 6,
	HEADER_BYTES = 20,
	// 500,000 in v7.2 of a distribution.
	COUNT_MAX = 8 << 20,
};

// scripts/orc_hash.sh: the header of v6.4 on is a hash over the definitions of the entry. That of Linux kernel commit fb799447ae29
// ("x86,objtool: Split UNWIND_HINT_EMPTY in two"), and that of v7.1, which numbers registers anew.
static const uint8_t hash_4[] = {0x13, 0x7c, 0x36, 0xad};

static const enum orc_base bases[] = {
	ORC_BASE_NONE, ORC_BASE_PREVIOUS_SP, ORC_BASE_DX,  ORC_BASE_DI,          ORC_BASE_BP,
	ORC_BASE_SP,   ORC_BASE_R10,         ORC_BASE_R13, ORC_BASE_BP_INDIRECT, ORC_BASE_SP_INDIRECT,
};

// Number 1, ax, is in no entry of the kernel's that matters here.
static const enum orc_base bases_4[] = {
	ORC_BASE_NONE, ORC_BASE_OTHER, ORC_BASE_DX,          ORC_BASE_SP,          ORC_BASE_BP,          ORC_BASE_DI,
	ORC_BASE_R10,  ORC_BASE_R13,   ORC_BASE_PREVIOUS_SP, ORC_BASE_SP_INDIRECT, ORC_BASE_BP_INDIRECT,
};

static enum orc_form find_form(struct kernel *kernel)
{
	uint8_t header[HEADER_BYTES] = {0};
	struct error *err = NULL;

	if (kernel_has(kernel, KERNEL_ORC_ENTRY_END))
		return kernel_has(kernel, KERNEL_ORC_ENTRY_SIGNAL) ? ORC_FORM_2 : ORC_FORM_1;
	if (kernel_has_symbol(kernel, KERNEL_ORC_HEADER))
		err = vmemory_read(kernel->memory, kernel->symbols[KERNEL_ORC_HEADER], header, sizeof(header));
	error_free(err);
	return memcmp(header, hash_4, sizeof(hash_4)) == 0 ? ORC_FORM_4 : ORC_FORM_3;
}

static struct error *open_tables(struct orc *orc, struct kernel *kernel)
{
	static const enum kernel_member needed[] = {KERNEL_ORC_ENTRY};
	uint64_t start = 0, stop = 0;
	struct error *err;

	if (kernel->core->arch->elf_machine != EM_X86_64)
		return error_new(ERROR_UNSUPPORTED, "stacks of this machine are not unwound yet");
	err = kernel_symbol(kernel, KERNEL_ORC_IP_START, &start);
	if (!err)
		err = kernel_symbol(kernel, KERNEL_ORC_IP_STOP, &stop);
	if (!err)
		err = kernel_symbol(kernel, KERNEL_ORC_START, &orc->entries_vaddr);
	if (!err)
		err = kernel_need(kernel, needed, array_size(needed));
	if (err)
		return err;
	if (stop <= start || (stop - start) / 4 > COUNT_MAX ||
	    kernel->members[KERNEL_ORC_ENTRY].size_bytes != ENTRY_BYTES)
		return error_new(ERROR_BAD_DATA, "the tables for unwinding contradict themselves");
	orc->ip_vaddr = start;
	orc->count = (uint32_t)((stop - start) / 4);
	orc->form = find_form(kernel);
	return NULL;
}

void orc_init(struct orc *ret, struct kernel *kernel)
{
	*ret = (struct orc){0};
	kernel_explain(ret->why, open_tables(ret, kernel));
}

static enum orc_base to_base(const struct orc *orc, unsigned int number)
{
	if (orc->form == ORC_FORM_4)
		return number < array_size(bases_4) ? bases_4[number] : ORC_BASE_OTHER;
	return number < array_size(bases) ? bases[number] : ORC_BASE_OTHER;
}

static void decode(const struct orc *orc, const uint8_t raw[ENTRY_BYTES], struct orc_entry *ret)
{
	unsigned int flags = raw[5];

	ret->sp_offset = (int16_t)load_u16(raw, false);
	ret->bp_offset = (int16_t)load_u16(raw + 2, false);
	ret->sp_base = to_base(orc, raw[4] & 15);
	ret->bp_base = to_base(orc, raw[4] >> 4);
	if (orc->form >= ORC_FORM_3) {
		ret->type = (flags & 7) <= ORC_REGS_PARTIAL ? (enum orc_type)(flags & 7) : ORC_UNDEFINED;
		ret->is_signal = flags >> 3 & 1;
		return;
	}
	// Before, an entry without a base was the end, or nothing.
	if (ret->sp_base == ORC_BASE_NONE)
		ret->type = flags >> (orc->form == ORC_FORM_1 ? 2 : 3) & 1 ? ORC_END : ORC_UNDEFINED;
	else
		ret->type = (flags & 3) < 3 ? (enum orc_type)(ORC_CALL + (flags & 3)) : ORC_UNDEFINED;
	// Before there was a bit for it, registers told.
	ret->is_signal =
		orc->form == ORC_FORM_1 ? ret->type == ORC_REGS || ret->type == ORC_REGS_PARTIAL : flags >> 2 & 1;
}

// The last entry that does not apply behind the address only.
static struct error *search(const struct orc *orc, struct kernel *kernel, uint64_t ips, uint64_t entries,
                            uint32_t count, uint64_t ip, struct orc_entry *ret)
{
	uint32_t low = 0, high = count;
	uint8_t raw[ENTRY_BYTES];
	struct error *err;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		uint64_t vaddr = ips + 4 * (uint64_t)middle, offset;

		err = vmemory_uint(kernel->memory, vaddr, 4, &offset);
		if (err)
			return error_wrap(err, "table for unwinding");
		if (vaddr + (uint64_t)(int64_t)(int32_t)(uint32_t)offset <= ip)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	err = vmemory_read(kernel->memory, entries + ENTRY_BYTES * (uint64_t)(low - 1), raw, sizeof(raw));
	if (!err)
		decode(orc, raw, ret);
	return error_wrap(err, "table for unwinding");
}

struct error *orc_find(const struct orc *orc, struct kernel *kernel, const struct modlist *modules, uint64_t ip,
                       struct orc_entry *ret)
{
	const struct modlist_module *module = modlist_find(modules, ip);

	*ret = (struct orc_entry){.type = ORC_UNDEFINED};
	if (orc->why[0])
		return error_new(ERROR_UNSUPPORTED, "%s", orc->why);
	if (module)
		return module->orc_count > COUNT_MAX ? NULL
		                                     : search(orc, kernel, module->orc_ip_vaddr, module->orc_vaddr,
		                                              module->orc_count, ip, ret);
	return search(orc, kernel, orc->ip_vaddr, orc->entries_vaddr, orc->count, ip, ret);
}
