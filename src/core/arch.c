// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/arch.h"

#include <stddef.h>
#include <string.h>

static const struct arch *const arches[] = {
	&arch_x86_64,
	&arch_arm64,
};

const struct arch *arch_find(uint16_t elf_machine)
{
	for (size_t i = 0; i < array_size(arches); i++) {
		if (arches[i]->elf_machine == elf_machine)
			return arches[i];
	}
	return NULL;
}

const struct arch *arch_find_uname(const char *name, size_t name_bytes)
{
	for (size_t i = 0; i < array_size(arches); i++) {
		if (strlen(arches[i]->uname_machine) == name_bytes &&
		    memcmp(arches[i]->uname_machine, name, name_bytes) == 0)
			return arches[i];
	}
	return NULL;
}

bool arch_page_shift(const struct arch *arch, uint64_t page_bytes, unsigned int *page_shift_ret)
{
	for (size_t i = 0; i < ARCH_PAGE_SIZES_MAX && arch->page_shifts[i]; i++) {
		if (page_bytes == UINT64_C(1) << arch->page_shifts[i]) {
			*page_shift_ret = arch->page_shifts[i];
			return true;
		}
	}
	return false;
}
