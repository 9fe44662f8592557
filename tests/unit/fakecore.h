// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A small x86-64 dump in memory: physical memory from 0 up, its first page tables, a VMCOREINFO text. The end of the memory may
 * lie elsewhere, at a far physical address.
 *
 * Does not know what the memory holds; whole machines are made by tests/model.
 */
#ifndef FAKECORE_H
#define FAKECORE_H

#include <elf.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "core/vmreader.h"
#include "core/xlat.h"
#include "test.h"

/** Virtual address of physical address 0: phys_base is 0. */
static const uint64_t fakecore_image = UINT64_C(0xffffffff80000000);

enum {
	FAKECORE_PGD = 0x1000, /**< Root of the page tables; the others follow. */
	FAKECORE_INFO_BYTES = 16384, /**< Room for VMCOREINFO. */
	FAKECORE_FIRST = 0x100000, /**< Below lie page tables. */
};

/** The dump. fakecore_init(), write, fakecore_open(), read, fakecore_deinit(). */
struct fakecore {
	uint8_t *memory;
	size_t memory_bytes;
	uint64_t paddr_start; /**< Where the memory lies. */
	uint16_t machine; /**< EM_* */
	size_t far_bytes; /**< The last bytes of the memory that lie … */
	uint64_t far_paddr; /**< … here. */
	uint64_t next_table;
	char info[FAKECORE_INFO_BYTES];
	int fd;
	char path[64];
	struct vmcore *core;
	struct xlat xlat;
	struct vmreader reader;
};

static inline void fakecore_info(struct fakecore *fake, const char *fmt, ...) printf_format(2, 3);
static inline void fakecore_info(struct fakecore *fake, const char *fmt, ...)
{
	size_t used = strlen(fake->info);
	va_list args;

	va_start(args, fmt);
	vsnprintf(fake->info + used, sizeof(fake->info) - used, fmt, args);
	va_end(args);
}

/** Map a page, or a large one; clear: bits that its entry is not to have (2: it may be written). */
static inline void fakecore_map_without(struct fakecore *fake, uint64_t vaddr, uint64_t paddr, uint64_t page_bytes,
                                        uint64_t clear)
{
	unsigned int leaf = page_bytes == 4096 ? 0 : page_bytes == 2 << 20 ? 1 : 2;
	uint64_t table = FAKECORE_PGD;

	for (unsigned int level = 3;; level--) {
		uint64_t *entry = (uint64_t *)(fake->memory + table) + (vaddr >> (12 + 9 * level) & 511);

		if (level == leaf) {
			*entry = (paddr | 0x63 | (leaf ? 0x80 : 0)) & ~clear;
			return;
		}
		if (!*entry) {
			*entry = fake->next_table | 0x67;
			fake->next_table += 4096;
			check(fake->next_table <= FAKECORE_FIRST);
		}
		table = *entry & UINT64_C(0xffffffffff000);
	}
}

/** Map a page that may be written. */
static inline void fakecore_map(struct fakecore *fake, uint64_t vaddr, uint64_t paddr, uint64_t page_bytes)
{
	fakecore_map_without(fake, vaddr, paddr, page_bytes, 0);
}

/** Memory of whole MiB, mapped at fakecore_image. */
static inline void fakecore_init(struct fakecore *fake, size_t memory_bytes)
{
	*fake = (struct fakecore){
		.memory_bytes = memory_bytes, .machine = EM_X86_64, .next_table = FAKECORE_PGD + 4096, .fd = -1};
	fake->memory = calloc(1, memory_bytes);
	check(fake->memory);
	for (uint64_t paddr = 0; paddr < memory_bytes; paddr += 4096)
		fakecore_map(fake, fakecore_image + paddr, paddr, 4096);
	fakecore_info(fake, "OSRELEASE=6.1.0\nPAGESIZE=4096\nNUMBER(phys_base)=0\nSYMBOL(swapper_pg_dir)=%jx\n",
	              (uintmax_t)(fakecore_image + FAKECORE_PGD));
}

/** Write the file and open it. */
static inline void fakecore_open(struct fakecore *fake)
{
	Elf64_Ehdr ehdr = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
	                   .e_type = ET_CORE,
	                   .e_machine = fake->machine,
	                   .e_version = EV_CURRENT,
	                   .e_phoff = sizeof(ehdr),
	                   .e_ehsize = sizeof(ehdr),
	                   .e_phentsize = sizeof(Elf64_Phdr),
	                   .e_phnum = fake->far_bytes ? 3 : 2};
	uint32_t note[6] = {11, (uint32_t)strlen(fake->info), 0};
	size_t note_bytes = sizeof(note) + (strlen(fake->info) + 3) / 4 * 4;
	size_t near_bytes = fake->memory_bytes - fake->far_bytes;
	Elf64_Phdr phdrs[3] = {{.p_type = PT_NOTE, .p_offset = 4096, .p_filesz = note_bytes},
	                       {.p_type = PT_LOAD,
	                        .p_offset = 1 << 20,
	                        .p_vaddr = fakecore_image,
	                        .p_paddr = fake->paddr_start,
	                        .p_filesz = near_bytes,
	                        .p_memsz = near_bytes},
	                       {.p_type = PT_LOAD,
	                        .p_offset = (1 << 20) + near_bytes,
	                        .p_paddr = fake->far_paddr,
	                        .p_filesz = fake->far_bytes,
	                        .p_memsz = fake->far_bytes}};

	memcpy(&note[3], "VMCOREINFO", 11);
	fake->fd = memfd_create("vmcore", MFD_CLOEXEC);
	check(fake->fd >= 0);
	check_ok(io_pwrite(fake->fd, &ehdr, sizeof(ehdr), 0));
	check_ok(io_pwrite(fake->fd, phdrs, sizeof(phdrs), sizeof(ehdr)));
	check_ok(io_pwrite(fake->fd, note, sizeof(note), 4096));
	check_ok(io_pwrite(fake->fd, fake->info, strlen(fake->info), 4096 + sizeof(note)));
	check_ok(io_pwrite(fake->fd, fake->memory, fake->memory_bytes, 1 << 20));
	snprintf(fake->path, sizeof(fake->path), "/proc/self/fd/%d", fake->fd);
	check_ok(vmcore_open(fake->path, &fake->core));
	check_ok(xlat_init(&fake->xlat, fake->core));
	vmreader_init(&fake->reader, fake->core, VMREADER_WINDOW_TABLE_BYTES);
}

/** Change bytes of the opened dump. */
static inline void fakecore_poke(struct fakecore *fake, uint64_t paddr, const void *buf, size_t size_bytes)
{
	check_ok(io_pwrite(fake->fd, buf, size_bytes, (1 << 20) + paddr));
}

static inline void fakecore_deinit(struct fakecore *fake)
{
	vmreader_deinit(&fake->reader);
	vmcore_close(fake->core);
	if (fake->fd >= 0)
		close(fake->fd);
	free(fake->memory);
}

#endif
