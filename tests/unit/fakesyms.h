// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A symbol table as the kernel's scripts/kallsyms.c writes it, in a fake dump.
 *
 * Does not choose tokens as well as the kernel does: a few fixed ones.
 */
#ifndef FAKESYMS_H
#define FAKESYMS_H

#include "fakecore.h"

/** How addresses are kept. */
enum fakesyms_encoding { FAKESYMS_RELATIVE, FAKESYMS_ABSOLUTE_PERCPU, FAKESYMS_PLACE_RELATIVE };

/** A symbol. */
struct fakesym {
	char type;
	const char *name;
	uint64_t vaddr;
};

/** The table. Fill the first part, then fakesyms_write(). */
struct fakesyms {
	const struct fakesym *list;
	size_t count;
	enum fakesyms_encoding encoding;
	bool is_hidden; /**< VMCOREINFO says nothing of it. */
	unsigned int marker_bytes; /**< 4, or 8 as before v4.20. */
	uint64_t paddr; /**< Where it starts … */
	uint64_t end_paddr; /**< … and ends; filled in. */
	uint64_t names_paddr, tokens_paddr, index_paddr; /**< Filled in. */
};

/** Address that offsets count from. */
static const uint64_t fakesyms_base = UINT64_C(0xffffffff80000000);

// Tokens 1, 2 and 3 stand for more than one character, all printable ones for themselves, the rest for nothing.
static inline const char *fakesyms_token(unsigned int number, char room[2])
{
	static const char *const words[] = {"", "init", "kallsyms_", "__st"};

	room[0] = (char)number;
	room[1] = 0;
	if (number < array_size(words))
		return words[number];
	return number >= '$' && number <= 'z' ? room : "";
}

static inline size_t fakesyms_compress(const struct fakesym *sym, uint8_t *out)
{
	const char *at = sym->name;
	size_t size = 0;

	out[size++] = (uint8_t)sym->type;
	while (*at) {
		unsigned int word = 3;
		char room[2];

		while (word > 0 && strncmp(at, fakesyms_token(word, room), strlen(fakesyms_token(word, room))) != 0)
			word--;
		if (word) {
			at += strlen(fakesyms_token(word, room));
			out[size++] = (uint8_t)word;
		} else {
			out[size++] = (uint8_t)*at++;
		}
	}
	return size;
}

static inline int32_t fakesyms_offset(const struct fakesyms *syms, size_t index, uint64_t offsets_vaddr)
{
	uint64_t vaddr = syms->list[index].vaddr;

	switch (syms->encoding) {
	case FAKESYMS_RELATIVE:
		return (int32_t)(uint32_t)(vaddr - fakesyms_base);
	case FAKESYMS_ABSOLUTE_PERCPU:
		return vaddr < 0x7fffffff ? (int32_t)vaddr : (int32_t)(fakesyms_base - 1 - vaddr);
	default:
		return (int32_t)(vaddr - (offsets_vaddr + 4 * index));
	}
}

static inline uint64_t fakesyms_align(uint64_t value)
{
	return (value + 7) & ~UINT64_C(7);
}

static inline void fakesyms_tokens(struct fakecore *fake, struct fakesyms *syms, uint64_t at)
{
	uint16_t index[256];

	syms->tokens_paddr = at;
	for (unsigned int i = 0; i < 256; i++) {
		char room[2];
		const char *text = fakesyms_token(i, room);

		index[i] = (uint16_t)(at - syms->tokens_paddr);
		memcpy(fake->memory + at, text, strlen(text) + 1);
		at += strlen(text) + 1;
	}
	syms->index_paddr = fakesyms_align(at);
	memcpy(fake->memory + syms->index_paddr, index, sizeof(index));
	syms->end_paddr = syms->index_paddr + sizeof(index);
}

/** Write the table, in the order of v4.6 to v6.3, and its lines of VMCOREINFO. */
static inline void fakesyms_write(struct fakecore *fake, struct fakesyms *syms)
{
	uint64_t offsets = fakesyms_align(syms->paddr), base = fakesyms_align(offsets + 4 * syms->count);
	uint64_t count_at = base + 8, at = count_at + 8, marker_count = 0;
	uint64_t markers[64];
	uint32_t count = (uint32_t)syms->count;

	syms->names_paddr = at;
	for (size_t i = 0; i < syms->count; i++) {
		int32_t offset = fakesyms_offset(syms, i, fakecore_image + offsets);
		uint8_t name[1024];
		size_t size = fakesyms_compress(&syms->list[i], name);

		if (i % 256 == 0)
			markers[marker_count++] = at - syms->names_paddr;
		memcpy(fake->memory + offsets + 4 * i, &offset, 4);
		if (size < 0x80) {
			fake->memory[at++] = (uint8_t)size;
		} else {
			fake->memory[at++] = (uint8_t)(size & 0x7f) | 0x80;
			fake->memory[at++] = (uint8_t)(size >> 7);
		}
		memcpy(fake->memory + at, name, size);
		at += size;
	}
	memcpy(fake->memory + base, &fakesyms_base, 8);
	memcpy(fake->memory + count_at, &count, 4);
	at = fakesyms_align(at);
	for (size_t i = 0; i < marker_count; i++, at += syms->marker_bytes)
		memcpy(fake->memory + at, &markers[i], syms->marker_bytes);
	fakesyms_tokens(fake, syms, fakesyms_align(at));
	if (syms->is_hidden)
		return;
	fakecore_info(fake,
	              "SYMBOL(kallsyms_names)=%jx\nSYMBOL(kallsyms_num_syms)=%jx\nSYMBOL(kallsyms_token_table)=%jx\n",
	              (uintmax_t)(fakecore_image + syms->names_paddr), (uintmax_t)(fakecore_image + count_at),
	              (uintmax_t)(fakecore_image + syms->tokens_paddr));
	fakecore_info(fake, "SYMBOL(kallsyms_token_index)=%jx\nSYMBOL(kallsyms_offsets)=%jx\n",
	              (uintmax_t)(fakecore_image + syms->index_paddr), (uintmax_t)(fakecore_image + offsets));
	if (syms->encoding != FAKESYMS_PLACE_RELATIVE)
		fakecore_info(fake, "SYMBOL(kallsyms_relative_base)=%jx\n", (uintmax_t)(fakecore_image + base));
}

#endif
