// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/debugfile.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "base/io.h"
#include "report/gdbwire.h"

enum {
	NOTE_HEADER_BYTES = 12,
	NAMES_MAX_BYTES = 1 << 20, // Of all sections together.
};

static uint64_t align4(uint64_t size)
{
	return (size + 3) & ~UINT64_C(3);
}

bool debugfile_find_id(const uint8_t *notes, size_t size_bytes, bool is_big_endian, struct debugfile_id *ret)
{
	uint64_t at = 0;

	while (at < size_bytes && size_bytes - at >= NOTE_HEADER_BYTES) {
		const uint8_t *header = notes + at;
		uint32_t name_bytes = load_u32(header, is_big_endian), id_bytes = load_u32(header + 4, is_big_endian);
		uint64_t id_at = at + NOTE_HEADER_BYTES + align4(name_bytes);

		if (id_at > size_bytes || id_bytes > size_bytes - id_at)
			return false;
		if (load_u32(header + 8, is_big_endian) == NT_GNU_BUILD_ID && name_bytes == sizeof(ELF_NOTE_GNU) &&
		    memcmp(header + NOTE_HEADER_BYTES, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) == 0 && id_bytes &&
		    id_bytes <= DEBUGFILE_ID_BYTES) {
			memcpy(ret->bytes, notes + id_at, id_bytes);
			ret->size_bytes = id_bytes;
			return true;
		}
		at = id_at + align4(id_bytes);
	}
	return false;
}

bool debugfile_parse_id(const char *text, struct debugfile_id *ret)
{
	struct debugfile_id id;
	size_t size = gdbwire_bytes(text, id.bytes, sizeof(id.bytes));

	if (size == SIZE_MAX || !size)
		return false;
	id.size_bytes = size;
	*ret = id;
	return true;
}

void debugfile_format_id(const struct debugfile_id *id, char text[DEBUGFILE_TEXT_BYTES])
{
	gdbwire_hex(id->bytes, id->size_bytes, (uint8_t *)text);
	text[2 * id->size_bytes] = '\0';
}

bool debugfile_same_id(const struct debugfile_id *a, const struct debugfile_id *b)
{
	return a->size_bytes && a->size_bytes == b->size_bytes && memcmp(a->bytes, b->bytes, a->size_bytes) == 0;
}

// Bytes of the file, all of them; free() them.
static struct error *read_part(int fd, uint64_t offset, size_t size_bytes, uint8_t **ret)
{
	_cleanup_free_ uint8_t *bytes = malloc(size_bytes + 1);
	struct error *err;
	size_t got = 0;

	if (!bytes)
		return error_new(ERROR_NOMEM, "out of memory");
	if (offset > INT64_MAX)
		return error_new(ERROR_BAD_DATA, "its tables are behind all files");
	err = io_pread(fd, bytes, size_bytes, offset, &got);
	if (err)
		return err;
	if (got < size_bytes)
		return error_new(ERROR_BAD_DATA, "it is cut: %zu bytes at %#jx are not there", size_bytes,
		                 (uintmax_t)offset);
	bytes[size_bytes] = '\0';
	*ret = take_ptr(bytes);
	return NULL;
}

// Fields of Elf64_Ehdr and Elf64_Shdr in the byte order of the file.
struct sections {
	int fd;
	bool is_big;
	uint8_t *table;
	size_t count;
	char *names;
	size_t names_bytes;
};

static const uint8_t *section(const struct sections *sections, size_t which)
{
	return sections->table + which * sizeof(Elf64_Shdr);
}

static uint64_t word_of(const struct sections *sections, size_t which, size_t field)
{
	return load_u64(section(sections, which) + field, sections->is_big);
}

static uint32_t type_of(const struct sections *sections, size_t which)
{
	return load_u32(section(sections, which) + offsetof(Elf64_Shdr, sh_type), sections->is_big);
}

static struct error *read_sections(const uint8_t *header, struct sections *ret)
{
	uint64_t at = load_u64(header + offsetof(Elf64_Ehdr, e_shoff), ret->is_big);
	size_t names = load_u16(header + offsetof(Elf64_Ehdr, e_shstrndx), ret->is_big);
	struct error *err;
	uint64_t size;

	ret->count = load_u16(header + offsetof(Elf64_Ehdr, e_shnum), ret->is_big);
	if (load_u16(header + offsetof(Elf64_Ehdr, e_shentsize), ret->is_big) != sizeof(Elf64_Shdr) || !at ||
	    names >= ret->count)
		return error_new(ERROR_BAD_DATA, "it has no table of sections");
	err = read_part(ret->fd, at, ret->count * sizeof(Elf64_Shdr), &ret->table);
	if (err)
		return err;
	size = word_of(ret, names, offsetof(Elf64_Shdr, sh_size));
	if (size > NAMES_MAX_BYTES)
		return error_new(ERROR_BAD_DATA, "the names of its sections have %ju bytes", (uintmax_t)size);
	ret->names_bytes = (size_t)size;
	return read_part(ret->fd, word_of(ret, names, offsetof(Elf64_Shdr, sh_offset)), ret->names_bytes,
	                 (uint8_t **)&ret->names);
}

static void take_id(const struct sections *sections, size_t which, struct debugfile *file)
{
	uint64_t size = word_of(sections, which, offsetof(Elf64_Shdr, sh_size));
	_cleanup_free_ uint8_t *notes = NULL;
	struct error *err;

	if (file->id.size_bytes || size > DEBUGFILE_NOTES_BYTES)
		return;
	err = read_part(sections->fd, word_of(sections, which, offsetof(Elf64_Shdr, sh_offset)), (size_t)size, &notes);
	if (!err)
		debugfile_find_id(notes, (size_t)size, sections->is_big, &file->id);
	error_free(err);
}

static void take_section(const struct sections *sections, size_t which, struct debugfile *file)
{
	uint32_t name = load_u32(section(sections, which) + offsetof(Elf64_Shdr, sh_name), sections->is_big);
	uint64_t flags = word_of(sections, which, offsetof(Elf64_Shdr, sh_flags));
	const char *text = name < sections->names_bytes ? sections->names + name : "";

	if (strcmp(text, ".data..percpu") == 0 && !word_of(sections, which, offsetof(Elf64_Shdr, sh_addr)))
		file->is_per_cpu_at_0 = true;
	switch (type_of(sections, which)) {
	case SHT_NOTE:
		take_id(sections, which, file);
		break;
	case SHT_PROGBITS:
		file->has_code = file->has_code || (flags & SHF_ALLOC && flags & SHF_EXECINSTR);
		file->has_debug =
			file->has_debug || strcmp(text, ".debug_info") == 0 || strcmp(text, ".zdebug_info") == 0;
		break;
	default:
		break;
	}
}

struct error *debugfile_read(int fd, struct debugfile *ret)
{
	struct sections sections = {.fd = fd};
	struct debugfile file = {.elf_machine = 0};
	uint8_t header[sizeof(Elf64_Ehdr)];
	struct error *err;
	size_t got = 0;

	err = io_pread(fd, header, sizeof(header), 0, &got);
	if (err)
		return err;
	if (got < sizeof(header) || memcmp(header, ELFMAG, SELFMAG) != 0 || header[EI_CLASS] != ELFCLASS64)
		return error_new(ERROR_UNSUPPORTED, "it is no ELF file of 64 bits");
	sections.is_big = header[EI_DATA] == ELFDATA2MSB;
	file.elf_machine = load_u16(header + offsetof(Elf64_Ehdr, e_machine), sections.is_big);
	err = read_sections(header, &sections);
	for (size_t i = 0; !err && i < sections.count; i++)
		take_section(&sections, i, &file);
	free(sections.table);
	free(sections.names);
	if (!err)
		*ret = file;
	return err;
}
