// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A BTF section that a test makes, type by type.
 *
 * Does not check that it makes sense. Source: Linux Documentation/bpf/btf.rst.
 */
#ifndef FAKEBTF_H
#define FAKEBTF_H

#include "fakecore.h"

/** A section while it is made; fakebtf_init(), add, fakebtf_put(). */
struct fakebtf {
	uint8_t types[32768];
	uint32_t type_bytes;
	char strings[32768];
	uint32_t string_bytes;
	uint32_t type_count;
};

static inline void fakebtf_init(struct fakebtf *btf)
{
	memset(btf, 0, sizeof(*btf));
	btf->string_bytes = 1;
}

/** A name; NULL: none. Returns its offset. */
static inline uint32_t fakebtf_name(struct fakebtf *btf, const char *name)
{
	uint32_t at = btf->string_bytes;

	if (!name)
		return 0;
	for (uint32_t old = 1; old < at; old += (uint32_t)strlen(btf->strings + old) + 1) {
		if (strcmp(btf->strings + old, name) == 0)
			return old;
	}
	strcpy(btf->strings + at, name);
	btf->string_bytes += (uint32_t)strlen(name) + 1;
	check(btf->string_bytes < sizeof(btf->strings));
	return at;
}

static inline void fakebtf_words(struct fakebtf *btf, const uint32_t *words, size_t count)
{
	check(btf->type_bytes + 4 * count <= sizeof(btf->types));
	memcpy(btf->types + btf->type_bytes, words, 4 * count);
	btf->type_bytes += 4 * (uint32_t)count;
}

/** The fixed part of a type; what follows it is added next. Returns its number. */
static inline uint32_t fakebtf_type(struct fakebtf *btf, const char *name, unsigned int kind, bool flag, uint32_t count,
                                    uint32_t value)
{
	uint32_t words[] = {fakebtf_name(btf, name), (uint32_t)flag << 31 | kind << 24 | count, value};

	fakebtf_words(btf, words, 3);
	return ++btf->type_count;
}

static inline void fakebtf_member(struct fakebtf *btf, const char *name, uint32_t type, uint32_t bits)
{
	uint32_t words[] = {fakebtf_name(btf, name), type, bits};

	fakebtf_words(btf, words, 3);
}

static inline uint32_t fakebtf_int(struct fakebtf *btf, const char *name, uint32_t bytes)
{
	uint32_t number = fakebtf_type(btf, name, 1, false, 0, bytes), bits = bytes * 8;

	fakebtf_words(btf, &bits, 1);
	return number;
}

/** Bytes of the section. */
static inline uint64_t fakebtf_bytes(const struct fakebtf *btf)
{
	return 24 + btf->type_bytes + btf->string_bytes;
}

/** Write the section into a fake dump. */
static inline void fakebtf_put(const struct fakebtf *btf, struct fakecore *fake, uint64_t paddr)
{
	uint32_t header[6] = {0x0001eb9f, 24, 0, btf->type_bytes, btf->type_bytes, btf->string_bytes};

	memcpy(fake->memory + paddr, header, sizeof(header));
	memcpy(fake->memory + paddr + 24, btf->types, btf->type_bytes);
	memcpy(fake->memory + paddr + 24 + btf->type_bytes, btf->strings, btf->string_bytes);
}

#endif
