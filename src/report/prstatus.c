// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/prstatus.h"

#include <elf.h>

#include "base/endian.h"

const uint8_t *prstatus_find(const struct vmcore *core, uint32_t number, size_t word_count, uint32_t *count_ret)
{
	uint64_t at = 0;

	*count_ret = 0;
	while (core->notes_bytes - at >= PRSTATUS_HEADER_BYTES) {
		const uint8_t *header = core->notes + at;
		uint64_t desc = at + PRSTATUS_HEADER_BYTES + prstatus_align(load_u32(header, core->is_big_endian));
		uint64_t desc_bytes = load_u32(header + 4, core->is_big_endian);

		if (desc > core->notes_bytes || desc_bytes > core->notes_bytes - desc)
			break;
		if (load_u32(header + 8, core->is_big_endian) == NT_PRSTATUS &&
		    desc_bytes >= prstatus_bytes(word_count) && (*count_ret)++ == number)
			return core->notes + desc + PRSTATUS_REGISTERS;
		at = desc + prstatus_align(desc_bytes);
		if (at > core->notes_bytes)
			break;
	}
	return NULL;
}

uint32_t prstatus_count(const struct vmcore *core)
{
	uint32_t count;

	prstatus_find(core, UINT32_MAX, 0, &count);
	return count;
}
