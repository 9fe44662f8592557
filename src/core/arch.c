// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/arch.h"

#include <stddef.h>
#include <string.h>

static const struct arch *const arches[] = {
	&arch_x86_64,
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
