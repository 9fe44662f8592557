// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A dump whose VMCOREINFO and kernel memory are the input: text up to the first NUL, then bytes of memory.
 *
 * Does not make the input hard to reach: page tables that work lie outside of it, and lines of VMCOREINFO that name them
 * follow those of the input, which count first. An input may thus bring page tables of its own.
 */
#ifndef FUZZ_CORE_H
#define FUZZ_CORE_H

#include "fakecore.h"
#include "fuzz.h"

enum {
	FUZZ_CORE_DATA = FAKECORE_FIRST, /**< Physical address of the input's memory; mapped at fakecore_image + it. */
	FUZZ_CORE_DATA_BYTES = 128 << 10,
	FUZZ_CORE_MEMORY_BYTES = FUZZ_CORE_DATA + FUZZ_CORE_DATA_BYTES,
	FUZZ_CORE_NOTE = 4096, /**< Place of the note in the file; memory starts at 1 MiB. */
	FUZZ_CORE_FILE_MEMORY = 1 << 20,
};

/** The dump, made once; only what the input fills changes. */
struct fuzz_core {
	uint8_t *file; /**< Shared mapping of the whole file. */
	size_t file_bytes;
	size_t used_bytes; /**< Of the data, by the last input. */
	char path[64];
	struct vmcore *core;
	struct xlat xlat;
	struct vmreader reader;
};

static inline void fuzz_core_make(struct fuzz_core *fuzz)
{
	struct fakecore fake;

	fakecore_init(&fake, FUZZ_CORE_MEMORY_BYTES);
	fakecore_open(&fake);
	fuzz->file_bytes = FUZZ_CORE_FILE_MEMORY + FUZZ_CORE_MEMORY_BYTES;
	fuzz->file = mmap(NULL, fuzz->file_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fake.fd, 0);
	fuzz_require(fuzz->file != MAP_FAILED);
	// The descriptor stays open: the dump is opened anew by its path for each input.
	snprintf(fuzz->path, sizeof(fuzz->path), "/proc/self/fd/%d", take_fd(&fake.fd));
	fakecore_deinit(&fake);
}

/**
 * Open the dump of an input.
 *
 * @return NULL if its page tables cannot be found; else fuzz_core_close() it.
 */
static inline struct fuzz_core *fuzz_core_open(const uint8_t *data, size_t size_bytes)
{
	static struct fuzz_core fuzz;
	size_t text_bytes = size_bytes ? strnlen((const char *)data, size_bytes) : 0;
	size_t rest = text_bytes < size_bytes ? size_bytes - text_bytes - 1 : 0;
	struct error *err;
	Elf64_Phdr *phdr;
	uint32_t *note;
	char *text;

	if (!fuzz.file)
		fuzz_core_make(&fuzz);
	if (text_bytes > FAKECORE_INFO_BYTES / 2)
		text_bytes = FAKECORE_INFO_BYTES / 2;
	if (rest > FUZZ_CORE_DATA_BYTES)
		rest = FUZZ_CORE_DATA_BYTES;
	note = (uint32_t *)(fuzz.file + FUZZ_CORE_NOTE);
	text = (char *)(note + 6);
	if (text_bytes)
		memcpy(text, data, text_bytes);
	text_bytes += (size_t)sprintf(text + text_bytes,
	                              "\nOSRELEASE=6.1.0\nPAGESIZE=4096\nNUMBER(phys_base)=0\n"
	                              "SYMBOL(swapper_pg_dir)=%jx\nSYMBOL(_stext)=%jx\n",
	                              (uintmax_t)(fakecore_image + FAKECORE_PGD),
	                              (uintmax_t)(fakecore_image + FUZZ_CORE_DATA));
	note[1] = (uint32_t)text_bytes;
	phdr = (Elf64_Phdr *)(fuzz.file + sizeof(Elf64_Ehdr));
	phdr->p_filesz = 24 + (text_bytes + 3) / 4 * 4;
	memset(fuzz.file + FUZZ_CORE_FILE_MEMORY + FUZZ_CORE_DATA, 0, fuzz.used_bytes);
	if (rest)
		memcpy(fuzz.file + FUZZ_CORE_FILE_MEMORY + FUZZ_CORE_DATA, data + size_bytes - rest, rest);
	fuzz.used_bytes = rest;
	fuzz_require(!vmcore_open(fuzz.path, &fuzz.core));
	err = xlat_init(&fuzz.xlat, fuzz.core);
	if (err) {
		fuzz_end(err, FUZZ_CODE(ERROR_BAD_DATA));
		vmcore_close(fuzz.core);
		return NULL;
	}
	vmreader_init(&fuzz.reader, fuzz.core, VMREADER_WINDOW_TABLE_BYTES);
	return &fuzz;
}

static inline void fuzz_core_close(struct fuzz_core *fuzz)
{
	vmreader_deinit(&fuzz->reader);
	vmcore_close(fuzz->core);
}

#endif
