// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/fmt_elf.h"

#include <elf.h>
#include <string.h>

#include "core/arch.h"

_Static_assert(FMT_ELF_START_BYTES == sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr), "layout");
_Static_assert(FMT_ELF_SECTION_BYTES == sizeof(Elf64_Shdr), "layout");
_Static_assert(FMT_ELF_LOAD_BYTES == sizeof(Elf64_Phdr), "layout");

// Program headers: those of memory, and that of the notes.
static size_t count_headers(size_t load_count)
{
	return load_count + 1;
}

static void fill_header(Elf64_Ehdr *ehdr, const struct vmcore *core, size_t phdr_count, uint64_t section_offset,
                        bool is_incomplete)
{
	memcpy(ehdr->e_ident, ELFMAG, SELFMAG);
	ehdr->e_ident[EI_CLASS] = ELFCLASS64;
	ehdr->e_ident[EI_DATA] = core->is_big_endian ? ELFDATA2MSB : ELFDATA2LSB;
	ehdr->e_ident[EI_VERSION] = EV_CURRENT;
	ehdr->e_type = ET_CORE;
	ehdr->e_machine = core->arch->elf_machine;
	ehdr->e_version = EV_CURRENT;
	ehdr->e_phoff = sizeof(Elf64_Ehdr);
	ehdr->e_flags = is_incomplete ? FMT_ELF_INCOMPLETE : 0;
	ehdr->e_ehsize = sizeof(Elf64_Ehdr);
	ehdr->e_phentsize = sizeof(Elf64_Phdr);
	ehdr->e_phnum = phdr_count < PN_XNUM ? (Elf64_Half)phdr_count : PN_XNUM;
	if (phdr_count >= PN_XNUM) {
		ehdr->e_shoff = section_offset;
		ehdr->e_shentsize = sizeof(Elf64_Shdr);
		ehdr->e_shnum = 1;
	}
}

void fmt_elf_start(const struct vmcore *core, size_t load_count, uint64_t section_offset, uint64_t notes_offset,
                   bool is_incomplete, uint8_t out[static FMT_ELF_START_BYTES])
{
	Elf64_Ehdr ehdr = {0};
	Elf64_Phdr notes = {
		.p_type = PT_NOTE,
		.p_offset = notes_offset,
		.p_filesz = core->notes_bytes,
		.p_memsz = core->notes_bytes,
		.p_align = 4,
	};

	fill_header(&ehdr, core, count_headers(load_count), section_offset, is_incomplete);
	memcpy(out, &ehdr, sizeof(ehdr));
	memcpy(out + sizeof(ehdr), &notes, sizeof(notes));
}

bool fmt_elf_section(size_t load_count, uint8_t out[static FMT_ELF_SECTION_BYTES])
{
	Elf64_Shdr shdr = {.sh_info = (Elf64_Word)count_headers(load_count)};

	memcpy(out, &shdr, sizeof(shdr));
	return count_headers(load_count) >= PN_XNUM;
}

void fmt_elf_load(const struct vmcore_load *load, uint8_t out[static FMT_ELF_LOAD_BYTES])
{
	Elf64_Phdr phdr = {
		.p_type = PT_LOAD,
		.p_flags = load->flags,
		.p_offset = load->offset_bytes,
		.p_vaddr = load->vaddr,
		.p_paddr = load->paddr,
		.p_filesz = load->file_bytes,
		.p_memsz = load->memory_bytes,
	};

	memcpy(out, &phdr, sizeof(phdr));
}
