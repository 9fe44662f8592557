// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/elfcore.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "core/arch.h"

enum {
	// One per region of memory: the kernel makes tens, a machine with hot-plugged memory thousands.
	PHDRS_MAX = 1 << 20,
};

static bool elfcore_probe(const uint8_t *head, size_t size_bytes)
{
	return size_bytes >= EI_NIDENT && memcmp(head, ELFMAG, SELFMAG) == 0;
}

static struct error *read_exactly(const struct vmcore *core, void *buf, size_t size_bytes, uint64_t offset_bytes,
                                  const char *what)
{
	return corefile_read(&core->files[0], buf, size_bytes, offset_bytes, what);
}

static struct error *check_header(struct vmcore *core, const Elf64_Ehdr *ehdr)
{
	bool is_big = core->is_big_endian;

	if (ehdr->e_ident[EI_CLASS] != ELFCLASS64)
		return error_new(ERROR_UNSUPPORTED, "a dump of a 32-bit machine (ELF class %u)",
		                 ehdr->e_ident[EI_CLASS]);
	if (load_u16(&ehdr->e_type, is_big) != ET_CORE)
		return error_new(ERROR_BAD_DATA, "an ELF file, but not a core (e_type %u at offset 0x10)",
		                 load_u16(&ehdr->e_type, is_big));
	core->arch = arch_find(load_u16(&ehdr->e_machine, is_big));
	if (!core->arch)
		return error_new(ERROR_UNSUPPORTED, "ELF machine %u is not supported",
		                 load_u16(&ehdr->e_machine, is_big));
	if (load_u16(&ehdr->e_phentsize, is_big) != sizeof(Elf64_Phdr))
		return error_new(ERROR_BAD_DATA, "e_phentsize %u at offset 0x36, not %zu",
		                 load_u16(&ehdr->e_phentsize, is_big), sizeof(Elf64_Phdr));
	return NULL;
}

// gABI: if there are 0xffff or more program headers, e_phnum is PN_XNUM and the number is sh_info of section 0.
static struct error *header_count(const struct vmcore *core, const Elf64_Ehdr *ehdr, uint32_t *ret)
{
	bool is_big = core->is_big_endian;
	uint32_t count = load_u16(&ehdr->e_phnum, is_big);

	if (count == PN_XNUM) {
		Elf64_Shdr shdr;
		struct error *err =
			read_exactly(core, &shdr, sizeof(shdr), load_u64(&ehdr->e_shoff, is_big), "section header");

		if (err)
			return err;
		count = load_u32(&shdr.sh_info, is_big);
	}
	if (count == 0 || count > PHDRS_MAX)
		return error_new(ERROR_BAD_DATA, "%u program headers (e_phnum at offset 0x38)", count);
	*ret = count;
	return NULL;
}

static struct error *add_load(struct vmcore *core, const Elf64_Phdr *phdr)
{
	uint64_t limit = UINT64_C(1) << core->arch->physical_bits;
	bool is_big = core->is_big_endian;
	struct vmcore_load load = {
		.paddr = load_u64(&phdr->p_paddr, is_big),
		.vaddr = load_u64(&phdr->p_vaddr, is_big),
		.file_bytes = load_u64(&phdr->p_filesz, is_big),
		.memory_bytes = load_u64(&phdr->p_memsz, is_big),
		.offset_bytes = load_u64(&phdr->p_offset, is_big),
		.flags = load_u32(&phdr->p_flags, is_big),
	};

	// Memory that has only a virtual address: /proc/kcore lists vmalloc and modules this way (Linux kernel commit
	// 464920104bf7 ("/proc/kcore: update physical address for kcore ram and text") (in v4.11)). The pages that are
	// mapped there are listed with those of the direct map.
	if (load.paddr == UINT64_MAX) {
		core->is_live = true;
		return NULL;
	}
	if (load.file_bytes > load.memory_bytes)
		load.memory_bytes = load.file_bytes;
	if (load.paddr > limit || load.memory_bytes > limit - load.paddr ||
	    load.offset_bytes + load.file_bytes < load.offset_bytes)
		return error_new(ERROR_BAD_DATA,
		                 "a PT_LOAD is beyond what the machine can have: address %#jx, size %#jx, offset %#jx",
		                 (uintmax_t)load.paddr, (uintmax_t)load.memory_bytes, (uintmax_t)load.offset_bytes);
	core->loads[core->load_count++] = load;
	return NULL;
}

static struct error *add_notes(struct vmcore *core, const Elf64_Phdr *phdr)
{
	bool is_big = core->is_big_endian;
	uint64_t size = load_u64(&phdr->p_filesz, is_big);
	uint64_t offset = load_u64(&phdr->p_offset, is_big);

	// Linux makes one; of several the first counts.
	if (core->notes || size == 0)
		return NULL;
	return vmcore_read_notes(core, &core->files[0], offset, size);
}

static struct error *read_headers(struct vmcore *core, uint64_t offset_bytes, uint32_t count)
{
	_cleanup_free_ Elf64_Phdr *phdrs = calloc(count, sizeof(*phdrs));
	struct error *err;

	core->loads = calloc(count, sizeof(*core->loads));
	if (!phdrs || !core->loads)
		return error_new(ERROR_NOMEM, "no memory for %u program headers", count);
	err = read_exactly(core, phdrs, count * sizeof(*phdrs), offset_bytes, "program headers");
	for (uint32_t i = 0; !err && i < count; i++) {
		uint32_t type = load_u32(&phdrs[i].p_type, core->is_big_endian);

		if (type == PT_LOAD)
			err = add_load(core, &phdrs[i]);
		else if (type == PT_NOTE)
			err = add_notes(core, &phdrs[i]);
		err = error_wrap(err, "program header %u at offset %#jx", i,
		                 (uintmax_t)(offset_bytes + i * sizeof(*phdrs)));
	}
	return err;
}

static struct error *elfcore_open(struct vmcore *core)
{
	Elf64_Ehdr ehdr;
	uint32_t count = 0;
	struct error *err = read_exactly(core, &ehdr, sizeof(ehdr), 0, "ELF header");

	if (err)
		return err;
	core->is_big_endian = ehdr.e_ident[EI_DATA] == ELFDATA2MSB;
	// makedumpfile elf_info.c: DUMP_ELF_INCOMPLETE.
	core->is_incomplete = load_u32(&ehdr.e_flags, core->is_big_endian) & 1;
	err = check_header(core, &ehdr);
	if (!err)
		err = header_count(core, &ehdr, &count);
	if (!err)
		err = read_headers(core, load_u64(&ehdr.e_phoff, core->is_big_endian), count);
	return err;
}

const struct core_format elfcore_format = {
	.name = "ELF",
	.probe = elfcore_probe,
	.open = elfcore_open,
};
