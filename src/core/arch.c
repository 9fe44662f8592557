// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/arch.h"

#include <stddef.h>

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
