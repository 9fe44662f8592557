// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/symbolfile.h"

#include <ctype.h>
#include <elf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/arch.h"

// A symbol that was met.
struct symbol {
	uint64_t vaddr, size_bytes;
	uint32_t name_at; // In the names.
	uint32_t section; // Number of it; SHN_ABS: none.
	const struct modlist_module *module;
	char type;
};

// Addresses [start, end) with the symbols of one kind: code or data, of the kernel or of a module.
struct section {
	uint64_t start, end;
	const struct modlist_module *module;
	bool is_code;
	uint32_t name_at; // In the names of sections.
};

struct text {
	char *bytes;
	size_t size, room;
};

struct writer {
	const struct kernel *kernel;
	bool has_kernel;
	FILE *out;
	struct symbol *list;
	size_t count, room;
	struct section *sections;
	size_t section_count;
	struct text names, section_names;
	bool is_failed; // No memory.
};

static bool grow(void **list, size_t *room, size_t item_bytes)
{
	size_t next = *room ? 2 * *room : 1024;
	void *grown = reallocarray(*list, next, item_bytes);

	if (!grown)
		return false;
	*list = grown;
	*room = next;
	return true;
}

// Where it is put; the empty one is at 0.
static uint32_t add_text(struct writer *writer, struct text *text, const char *name)
{
	size_t size = strlen(name) + 1, at = text->size;

	while (!writer->is_failed && text->room - text->size < size)
		writer->is_failed = text->size > UINT32_MAX / 2 || !grow((void **)&text->bytes, &text->room, 1);
	if (writer->is_failed)
		return 0;
	memcpy(text->bytes + at, name, size);
	text->size += size;
	return (uint32_t)at;
}

static void take(void *context, const struct symbols_place *place)
{
	struct writer *writer = context;
	struct symbol *symbol;

	if (writer->is_failed || writer->count == SYMBOLFILE_SYMBOLS_MAX || (!place->module && !writer->has_kernel))
		return;
	// Undefined ones say nothing of an address.
	if (place->type == 'U' || place->type == 'u')
		return;
	if (writer->count == writer->room && !grow((void **)&writer->list, &writer->room, sizeof(*writer->list))) {
		writer->is_failed = true;
		return;
	}
	symbol = &writer->list[writer->count];
	*symbol = (struct symbol){
		.vaddr = place->vaddr,
		.size_bytes = place->size_bytes,
		.name_at = add_text(writer, &writer->names, place->name),
		.section = SHN_ABS,
		.module = place->module,
		.type = place->type,
	};
	writer->count += !writer->is_failed;
}

static bool is_code(const struct symbol *symbol)
{
	int type = tolower((unsigned char)symbol->type);

	return type == 't' || type == 'w' || type == 'i';
}

// By address, and in the order of the names where that is the same, so that the result is.
static int compare(const void *a, const void *b)
{
	const struct symbol *first = a, *second = b;

	if (first->vaddr != second->vaddr)
		return first->vaddr < second->vaddr ? -1 : 1;
	return first->name_at < second->name_at ? -1 : first->name_at > second->name_at;
}

// The piece of its module that an address is in; the whole of what is behind it, if it is in none.
static uint64_t end_of(const struct symbol *symbol)
{
	const struct modlist_module *module = symbol->module;

	for (size_t i = 0; module && i < module->range_count; i++)
		if (symbol->vaddr - module->ranges[i].vaddr < module->ranges[i].size_bytes)
			return module->ranges[i].vaddr + module->ranges[i].size_bytes;
	return symbol->vaddr + 1;
}

// Symbols below all addresses of the kernel are those of variables that each CPU has, which are distances.
static bool has_section(const struct writer *writer, const struct symbol *symbol)
{
	return symbol->vaddr >= writer->kernel->xlat.vaddr_min && symbol->vaddr != UINT64_MAX;
}

static bool is_same(const struct symbol *a, const struct symbol *b)
{
	return a->module == b->module && is_code(a) == is_code(b) && (!a->module || b->vaddr < end_of(a));
}

static void add_section(struct writer *writer, const struct symbol *first, size_t *room)
{
	if (writer->section_count == *room && !grow((void **)&writer->sections, room, sizeof(*writer->sections))) {
		writer->is_failed = true;
		return;
	}
	writer->sections[writer->section_count++] =
		(struct section){first->vaddr, first->vaddr, first->module, is_code(first), 0};
}

// With its last symbol, and the first one behind it, if there is one. The kernel's own sections have no gaps between them.
static void end_section(struct writer *writer, const struct symbol *last, const struct symbol *next)
{
	struct section *section = &writer->sections[writer->section_count - 1];
	uint64_t end = end_of(last);

	if (next && ((!last->module && !next->module) || next->vaddr < end))
		end = next->vaddr;
	// A damaged module may have more memory than there are addresses.
	section->end = end < section->start ? section->start : end;
}

// A section begins where another kind of symbols does.
static void make_sections(struct writer *writer)
{
	const struct symbol *last = NULL;
	size_t room = 0;

	for (size_t i = 0; i < writer->count && !writer->is_failed; i++) {
		struct symbol *symbol = &writer->list[i];

		if (!has_section(writer, symbol))
			continue;
		if (!last || (!is_same(last, symbol) && writer->section_count < SYMBOLFILE_SECTIONS_MAX)) {
			if (last)
				end_section(writer, last, symbol);
			add_section(writer, symbol, &room);
		}
		symbol->section = (uint32_t)writer->section_count;
		last = symbol;
	}
	if (last && !writer->is_failed)
		end_section(writer, last, NULL);
}

static void put(const struct writer *writer, const void *bytes, size_t size_bytes)
{
	fwrite(bytes, 1, size_bytes, writer->out);
}

static void put_symbols(const struct writer *writer, bool is_global)
{
	for (size_t i = 0; i < writer->count; i++) {
		const struct symbol *symbol = &writer->list[i];
		unsigned char letter = (unsigned char)symbol->type;
		Elf64_Sym raw = {
			.st_name = symbol->name_at,
			.st_shndx = (Elf64_Section)symbol->section,
			.st_value = symbol->vaddr,
			.st_size = symbol->size_bytes,
		};

		if (!!isupper(letter) != is_global)
			continue;
		raw.st_info = (unsigned char)ELF64_ST_INFO(is_global ? STB_GLOBAL : STB_LOCAL,
		                                           symbol->section == SHN_ABS ? STT_NOTYPE
		                                           : is_code(symbol)          ? STT_FUNC
		                                                                      : STT_OBJECT);
		put(writer, &raw, sizeof(raw));
	}
}

static size_t count_local(const struct writer *writer)
{
	size_t count = 0;

	for (size_t i = 0; i < writer->count; i++)
		count += !isupper((unsigned char)writer->list[i].type);
	return count;
}

static void name_sections(struct writer *writer)
{
	char name[MODLIST_NAME_BYTES + 16];

	for (size_t i = 0; i < writer->section_count; i++) {
		struct section *section = &writer->sections[i];

		if (section->module)
			snprintf(name, sizeof(name), "[%s]%s", section->module->name, section->is_code ? "" : ".data");
		else
			snprintf(name, sizeof(name), "%s", section->is_code ? ".text" : ".data");
		section->name_at = add_text(writer, &writer->section_names, name);
	}
}

// The table of sections: none, ours, then three that are in the file.
static void put_sections(const struct writer *writer, const Elf64_Shdr *tables, size_t table_count)
{
	static const Elf64_Shdr none;

	put(writer, &none, sizeof(none));
	for (size_t i = 0; i < writer->section_count; i++) {
		const struct section *section = &writer->sections[i];
		Elf64_Shdr raw = {
			.sh_name = section->name_at,
			.sh_type = SHT_NOBITS,
			.sh_flags = SHF_ALLOC | (section->is_code ? SHF_EXECINSTR : SHF_WRITE),
			.sh_addr = section->start,
			.sh_size = section->end - section->start,
			.sh_addralign = 1,
		};

		put(writer, &raw, sizeof(raw));
	}
	put(writer, tables, table_count * sizeof(*tables));
}

// Tables that are in the file: symbols, their names, names of sections.
enum { TABLE_SYMBOLS, TABLE_NAMES, TABLE_SECTION_NAMES, TABLE_COUNT };

static void make_tables(struct writer *writer, Elf64_Shdr tables[TABLE_COUNT])
{
	static const char *const names[TABLE_COUNT] = {".symtab", ".strtab", ".shstrtab"};

	for (size_t i = 0; i < TABLE_COUNT; i++)
		tables[i] = (Elf64_Shdr){
			.sh_name = add_text(writer, &writer->section_names, names[i]),
			.sh_type = SHT_STRTAB,
			.sh_addralign = 1,
		};
	tables[TABLE_SYMBOLS] = (Elf64_Shdr){
		.sh_name = tables[TABLE_SYMBOLS].sh_name,
		.sh_type = SHT_SYMTAB,
		.sh_offset = sizeof(Elf64_Ehdr),
		.sh_size = (writer->count + 1) * sizeof(Elf64_Sym),
		.sh_link = (Elf64_Word)(1 + writer->section_count + TABLE_NAMES),
		.sh_info = (Elf64_Word)count_local(writer) + 1,
		.sh_addralign = 8,
		.sh_entsize = sizeof(Elf64_Sym),
	};
	tables[TABLE_NAMES].sh_offset = tables[TABLE_SYMBOLS].sh_offset + tables[TABLE_SYMBOLS].sh_size;
	// What follows is aligned.
	tables[TABLE_NAMES].sh_size = (writer->names.size + 7) & ~(size_t)7;
	tables[TABLE_SECTION_NAMES].sh_size = writer->section_names.size;
}

// Symbols, their names, the table of sections and its names: in this order behind the header.
static void put_file(struct writer *writer)
{
	size_t section_total = 1 + writer->section_count + TABLE_COUNT;
	Elf64_Shdr tables[TABLE_COUNT];
	Elf64_Ehdr header = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
	                    writer->kernel->core->is_big_endian ? ELFDATA2MSB : ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = writer->kernel->core->arch->elf_machine,
		.e_version = EV_CURRENT,
		.e_ehsize = sizeof(header),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = (Elf64_Half)section_total,
		.e_shstrndx = (Elf64_Half)(section_total - 1),
	};
	static const Elf64_Sym no_symbol;
	static const char no_bytes[8];

	make_tables(writer, tables);
	header.e_shoff = tables[TABLE_NAMES].sh_offset + tables[TABLE_NAMES].sh_size;
	tables[TABLE_SECTION_NAMES].sh_offset = header.e_shoff + section_total * sizeof(Elf64_Shdr);
	put(writer, &header, sizeof(header));
	put(writer, &no_symbol, sizeof(no_symbol));
	put_symbols(writer, false);
	put_symbols(writer, true);
	put(writer, writer->names.bytes, writer->names.size);
	put(writer, no_bytes, (size_t)tables[TABLE_NAMES].sh_size - writer->names.size);
	put_sections(writer, tables, TABLE_COUNT);
	put(writer, writer->section_names.bytes, writer->section_names.size);
}

struct error *symbolfile_write(const struct kernel *kernel, struct symbols *symbols, bool has_kernel, FILE *out,
                               size_t *count_ret, char why[KERNEL_WHY_BYTES])
{
	struct writer writer = {.kernel = kernel, .has_kernel = has_kernel, .out = out};
	struct error *err = NULL;

	if (kernel->core->is_big_endian == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)) {
		add_text(&writer, &writer.names, "");
		add_text(&writer, &writer.section_names, "");
		err = symbols_each(symbols, NULL, take, &writer);
	} else {
		err = error_new(ERROR_UNSUPPORTED, "symbols of a machine with the other byte order");
	}
	// A table that is damaged, or not all there, is as good as what stands before that.
	kernel_explain(why, err);
	if (writer.count) {
		qsort(writer.list, writer.count, sizeof(*writer.list), compare);
		make_sections(&writer);
		name_sections(&writer);
		if (!writer.is_failed)
			put_file(&writer);
	}
	err = writer.is_failed ? error_new(ERROR_NOMEM, "no memory for the symbols") : NULL;
	if (!err)
		*count_ret = writer.count;
	free(writer.list);
	free(writer.sections);
	free(writer.names.bytes);
	free(writer.section_names.bytes);
	return err;
}
