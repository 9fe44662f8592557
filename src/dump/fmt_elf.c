// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/fmt_elf.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "core/arch.h"

// File header, the section header that PN_XNUM needs, program headers, notes: in this order.
static size_t notes_offset(size_t load_count)
{
	return sizeof(Elf64_Ehdr) + sizeof(Elf64_Shdr) + (load_count + 1) * sizeof(Elf64_Phdr);
}

uint64_t fmt_elf_head_bytes(size_t load_count, uint64_t notes_bytes, uint64_t page_bytes)
{
	return (notes_offset(load_count) + notes_bytes + page_bytes - 1) / page_bytes * page_bytes;
}

static void fill_header(Elf64_Ehdr *ehdr, const struct vmcore *core, size_t phdr_count, bool is_incomplete)
{
	memcpy(ehdr->e_ident, ELFMAG, SELFMAG);
	ehdr->e_ident[EI_CLASS] = ELFCLASS64;
	ehdr->e_ident[EI_DATA] = core->is_big_endian ? ELFDATA2MSB : ELFDATA2LSB;
	ehdr->e_ident[EI_VERSION] = EV_CURRENT;
	ehdr->e_type = ET_CORE;
	ehdr->e_machine = core->arch->elf_machine;
	ehdr->e_version = EV_CURRENT;
	ehdr->e_phoff = sizeof(Elf64_Ehdr) + sizeof(Elf64_Shdr);
	ehdr->e_flags = is_incomplete ? FMT_ELF_INCOMPLETE : 0;
	ehdr->e_ehsize = sizeof(Elf64_Ehdr);
	ehdr->e_phentsize = sizeof(Elf64_Phdr);
	ehdr->e_phnum = phdr_count < PN_XNUM ? (Elf64_Half)phdr_count : PN_XNUM;
	if (phdr_count >= PN_XNUM) {
		ehdr->e_shoff = sizeof(Elf64_Ehdr);
		ehdr->e_shentsize = sizeof(Elf64_Shdr);
		ehdr->e_shnum = 1;
	}
}

struct error *fmt_elf_head(const struct vmcore *core, const struct vmcore_load *loads, size_t load_count,
                           bool is_incomplete, uint8_t **head_ret, size_t *size_ret)
{
	size_t size = notes_offset(load_count) + core->notes_bytes;
	uint8_t *head = calloc(1, size);
	Elf64_Phdr *phdr;

	if (!head)
		return error_new(ERROR_NOMEM, "no memory for %zu program headers", load_count);
	fill_header((Elf64_Ehdr *)head, core, load_count + 1, is_incomplete);
	if (load_count + 1 >= PN_XNUM)
		((Elf64_Shdr *)(head + sizeof(Elf64_Ehdr)))->sh_info = (Elf64_Word)(load_count + 1);
	phdr = (Elf64_Phdr *)(head + sizeof(Elf64_Ehdr) + sizeof(Elf64_Shdr));
	*phdr++ = (Elf64_Phdr){
		.p_type = PT_NOTE,
		.p_offset = notes_offset(load_count),
		.p_filesz = core->notes_bytes,
		.p_memsz = core->notes_bytes,
		.p_align = 4,
	};
	for (size_t i = 0; i < load_count; i++) {
		*phdr++ = (Elf64_Phdr){
			.p_type = PT_LOAD,
			.p_flags = loads[i].flags,
			.p_offset = loads[i].offset_bytes,
			.p_vaddr = loads[i].vaddr,
			.p_paddr = loads[i].paddr,
			.p_filesz = loads[i].file_bytes,
			.p_memsz = loads[i].memory_bytes,
		};
	}
	if (core->notes_bytes)
		memcpy(head + notes_offset(load_count), core->notes, core->notes_bytes);
	*head_ret = head;
	*size_ret = size;
	return NULL;
}
