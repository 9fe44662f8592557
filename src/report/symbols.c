// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/symbols.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"

enum {
	MEMO_COUNT = 256,
	// include/uapi/linux/elf.h: Elf64_Sym.
	SYM_BYTES = 24,
	SYM_NAME = 0,
	SYM_INFO = 4,
	SYM_SHNDX = 6,
	SYM_VALUE = 8,
	SYM_SIZE = 16,
	SHN_UNDEF_ = 0,
	STT_MASK = 15,
	STT_FUNC_ = 2,
	// More symbols than any module has: amdgpu's are 30,000.
	MODULE_SYMBOLS_MAX = 1 << 18,
	// Symbols that are read at a time.
	BATCH = 64,
	// Symbols nearest to an address whose names are read: a few may turn out to be labels.
	NEAREST_COUNT = 16,
};

struct symbols {
	struct kernel *kernel;
	const struct modlist *modules;
	struct {
		uint64_t vaddr; // Asked for; 0: empty.
		struct symbols_place place;
	} memo[MEMO_COUNT];
};

struct error *symbols_create(struct kernel *kernel, const struct modlist *modules, struct symbols **ret)
{
	struct symbols *symbols = calloc(1, sizeof(*symbols));

	if (!symbols)
		return error_new(ERROR_NOMEM, "no memory for names");
	symbols->kernel = kernel;
	symbols->modules = modules;
	*ret = symbols;
	return NULL;
}

void symbols_destroy(struct symbols *symbols)
{
	free(symbols);
}

const struct modlist *symbols_modules(const struct symbols *symbols)
{
	return symbols->modules;
}

// A module's table, while it is gone through.
struct table {
	struct kernel *kernel;
	bool is_big_endian;
	uint64_t symtab, strtab, count;
	uint64_t next; // Number of the symbol that comes next.
	uint8_t batch[BATCH * SYM_BYTES];
};

struct entry {
	uint64_t vaddr, size_bytes, name_vaddr;
	bool is_function;
};

static struct error *table_open(struct kernel *kernel, const struct modlist_module *module, struct table *ret)
{
	struct error *err;

	ret->kernel = kernel;
	ret->is_big_endian = kernel->core->is_big_endian;
	ret->next = 0;
	if (!module->kallsyms_vaddr)
		return error_new(ERROR_UNSUPPORTED, "%s has no symbols", module->name);
	err = kernel_get(kernel, module->kallsyms_vaddr, KERNEL_KALLSYMS_SYMTAB, &ret->symtab);
	if (!err)
		err = kernel_get(kernel, module->kallsyms_vaddr, KERNEL_KALLSYMS_STRTAB, &ret->strtab);
	if (!err)
		err = kernel_get(kernel, module->kallsyms_vaddr, KERNEL_KALLSYMS_NUM_SYMTAB, &ret->count);
	if (!err && ret->count > MODULE_SYMBOLS_MAX)
		err = error_new(ERROR_BAD_DATA, "%s has %ju symbols", module->name, (uintmax_t)ret->count);
	return err;
}

// Gives false at the end, and where nothing can be read any more.
static bool table_next(struct table *table, struct entry *ret)
{
	while (table->next < table->count) {
		const uint8_t *at = table->batch + table->next % BATCH * SYM_BYTES;
		uint64_t left = table->count - table->next;

		if (table->next % BATCH == 0) {
			struct error *err = vmemory_read(table->kernel->memory, table->symtab + table->next * SYM_BYTES,
			                                 table->batch, (left < BATCH ? left : BATCH) * SYM_BYTES);

			error_free(err);
			if (err)
				return false;
		}
		table->next++;
		if (load_u16(at + SYM_SHNDX, table->is_big_endian) == SHN_UNDEF_)
			continue;
		ret->vaddr = load_u64(at + SYM_VALUE, table->is_big_endian);
		ret->size_bytes = load_u64(at + SYM_SIZE, table->is_big_endian);
		ret->name_vaddr = table->strtab + load_u32(at + SYM_NAME, table->is_big_endian);
		ret->is_function = (at[SYM_INFO] & STT_MASK) == STT_FUNC_;
		return true;
	}
	return false;
}

// As the kernel does (kernel/module/kallsyms.c: is_mapping_symbol()).
static bool is_label(const char *name)
{
	return !name[0] || name[0] == '$' || (name[0] == '.' && name[1] == 'L') || (name[0] == 'L' && name[1] == '0') ||
	       strncmp(name, "__pfx_", 6) == 0;
}

static bool read_name(struct kernel *kernel, const struct entry *entry, struct symbols_place *place)
{
	struct error *err = vmemory_text(kernel->memory, entry->name_vaddr, place->name, sizeof(place->name));

	error_free(err);
	if (err || is_label(place->name))
		place->name[0] = '\0';
	return place->name[0];
}

// The nearest ones before an address, the nearest first; of those at one place, as the table has them.
struct nearest {
	struct entry list[NEAREST_COUNT];
	size_t count;
};

static void nearest_add(struct nearest *nearest, const struct entry *entry)
{
	size_t at = nearest->count;

	while (at && nearest->list[at - 1].vaddr < entry->vaddr)
		at--;
	if (at == NEAREST_COUNT)
		return;
	nearest->count += nearest->count < NEAREST_COUNT;
	memmove(&nearest->list[at + 1], &nearest->list[at], (nearest->count - 1 - at) * sizeof(*nearest->list));
	nearest->list[at] = *entry;
}

// Names are read of the nearest ones alone, however a damaged table sorts its symbols.
static void find_in_module(struct symbols *symbols, const struct modlist_module *module, uint64_t vaddr,
                           struct symbols_place *ret)
{
	struct table table;
	struct entry entry;
	struct nearest nearest = {.count = 0};
	uint64_t next = UINT64_MAX;
	struct error *err = table_open(symbols->kernel, module, &table);

	ret->module = module;
	error_free(err);
	while (!err && table_next(&table, &entry)) {
		if (entry.vaddr > vaddr && entry.vaddr < next)
			next = entry.vaddr;
		if (entry.vaddr && entry.vaddr <= vaddr)
			nearest_add(&nearest, &entry);
	}
	for (size_t i = 0; i < nearest.count && !ret->name[0]; i++) {
		const struct entry *found = &nearest.list[i];

		if (!read_name(symbols->kernel, found, ret))
			continue;
		ret->vaddr = found->vaddr;
		ret->size_bytes = found->size_bytes;
		ret->offset_bytes = vaddr - found->vaddr;
		ret->type = found->is_function ? 't' : 'd';
	}
	if (ret->name[0] && !ret->size_bytes && next != UINT64_MAX)
		ret->size_bytes = next - ret->vaddr;
}

static void find_in_kernel(struct symbols *symbols, uint64_t vaddr, struct symbols_place *ret)
{
	struct kernel *kernel = symbols->kernel;
	struct kallsyms_symbol symbol;
	bool is_found = false;
	struct error *err = kernel->syms ? kallsyms_at(kernel->syms, &kernel->reader, vaddr, &symbol, &is_found) : NULL;

	error_free(err);
	// Those of variables of each CPU are offsets, below all addresses; behind the last one anything may be.
	if (err || !is_found || symbol.vaddr < kernel->xlat.vaddr_min ||
	    (symbol.vaddr_end == symbol.vaddr && symbol.vaddr != vaddr))
		return;
	snprintf(ret->name, sizeof(ret->name), "%.*s", (int)sizeof(ret->name) - 1, symbol.name);
	kernel_plain(ret->name);
	ret->vaddr = symbol.vaddr;
	ret->offset_bytes = vaddr - symbol.vaddr;
	ret->size_bytes = symbol.vaddr_end - symbol.vaddr;
	ret->type = symbol.type;
}

void symbols_find(struct symbols *symbols, uint64_t vaddr, struct symbols_place *ret)
{
	size_t slot = (size_t)((vaddr ^ vaddr >> 8 ^ vaddr >> 16) % MEMO_COUNT);
	const struct modlist_module *module;

	if (symbols->memo[slot].vaddr == vaddr && vaddr) {
		*ret = symbols->memo[slot].place;
		return;
	}
	*ret = (struct symbols_place){0};
	module = modlist_find(symbols->modules, vaddr);
	if (module)
		find_in_module(symbols, module, vaddr, ret);
	else if (vaddr >= symbols->kernel->xlat.vaddr_min)
		find_in_kernel(symbols, vaddr, ret);
	symbols->memo[slot].vaddr = vaddr;
	symbols->memo[slot].place = *ret;
}

bool symbols_is_text(const struct symbols *symbols, uint64_t vaddr)
{
	const uint64_t *known = symbols->kernel->symbols;

	if (known[KERNEL_STEXT] && vaddr >= known[KERNEL_STEXT] && vaddr < known[KERNEL_ETEXT])
		return true;
	return modlist_is_code(symbols->modules, vaddr);
}

void symbols_format(const struct symbols_place *place, uint64_t vaddr, char text[SYMBOLS_TEXT_BYTES])
{
	char size[32] = "";

	if (place->size_bytes)
		snprintf(size, sizeof(size), "/%#" PRIx64, place->size_bytes);
	if (place->name[0])
		snprintf(text, SYMBOLS_TEXT_BYTES, "%s+%#" PRIx64 "%s%s%s%s", place->name, place->offset_bytes, size,
		         place->module ? " [" : "", place->module ? place->module->name : "", place->module ? "]" : "");
	else
		snprintf(text, SYMBOLS_TEXT_BYTES, "%#" PRIx64 "%s%s%s", vaddr, place->module ? " [" : "",
		         place->module ? place->module->name : "", place->module ? "]" : "");
}

// A search for a name.
struct search {
	const char *name;
	void (*each)(void *context, const struct symbols_place *place);
	void *context;
};

static void take_kernel_symbol(void *context, const struct kallsyms_symbol *symbol)
{
	const struct search *search = context;
	struct symbols_place place = {.vaddr = symbol->vaddr, .type = symbol->type};

	snprintf(place.name, sizeof(place.name), "%.*s", (int)sizeof(place.name) - 1, symbol->name);
	kernel_plain(place.name);
	search->each(search->context, &place);
}

static void search_module(struct symbols *symbols, const struct modlist_module *module, const struct search *search)
{
	struct table table;
	struct entry entry;
	struct error *err = table_open(symbols->kernel, module, &table);

	error_free(err);
	while (!err && table_next(&table, &entry)) {
		struct symbols_place place = {.module = module};

		if (!read_name(symbols->kernel, &entry, &place) ||
		    (search->name && strcmp(place.name, search->name) != 0))
			continue;
		place.vaddr = entry.vaddr;
		place.size_bytes = entry.size_bytes;
		place.type = entry.is_function ? 't' : 'd';
		search->each(search->context, &place);
	}
}

struct error *symbols_each(struct symbols *symbols, const char *name,
                           void (*each)(void *context, const struct symbols_place *place), void *context)
{
	struct search search = {.name = name, .each = each, .context = context};
	struct kernel *kernel = symbols->kernel;
	struct error *err;

	if (!kernel->syms)
		return error_new(ERROR_UNSUPPORTED, "%s", kernel->symbols_why);
	err = kallsyms_each(kernel->syms, &kernel->reader, name, take_kernel_symbol, &search);
	for (size_t i = 0; !err && i < symbols->modules->count; i++)
		search_module(symbols, &symbols->modules->list[i], &search);
	return err;
}
