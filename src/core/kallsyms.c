// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/kallsyms.h"

#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "core/kallsyms_scan.h"

enum {
	TOKEN_COUNT = 256,
	TOKEN_TABLE_MAX_BYTES = 1 << 16,
	// include/linux/kallsyms.h: KSYM_NAME_LEN is 512 since v6.1, 128 before; one more for the type.
	NAME_MAX_BYTES = 513,
	// Since Linux kernel commit 73bbb94466fd ("kallsyms: support "big" kernel symbols") (in v6.1) a length of 128 and more
	// has two bytes, the lower seven bits first.
	LONG_LENGTH = 0x80,
	LENGTH_MAX = 1 << 14,
	WINDOW_BYTES = 4096,
	NAMES_PER_MARKER = 256,
	ALIGN_BYTES = 8,
	FILTER_BITS = 8192,
	// All names together: those of a distribution's kernel have 3 MiB. A limit for tables made to mislead.
	NAMES_MAX_BYTES = 16 << 20,
	// Names of one place among which is chosen.
	SAME_PLACE_MAX = 64,
};

// How an address is kept in 32 bits.
enum encoding {
	ENCODING_UNKNOWN,
	ENCODING_RELATIVE, // relative_base + unsigned offset
	ENCODING_ABSOLUTE_PERCPU, // offset >= 0: itself; else relative_base - 1 - offset (CONFIG_KALLSYMS_ABSOLUTE_PERCPU)
	ENCODING_PLACE_RELATIVE, // address of the offset + offset (since v7.0)
};

struct kallsyms {
	const struct xlat *xlat;
	bool is_big_endian;
	bool has_long_names; // Two-byte lengths are in use.
	enum encoding encoding;
	struct kallsyms_place place;
	uint64_t base; // Value of relative_base.
	uint64_t token_table_bytes;
	uint16_t token_index[TOKEN_COUNT];
	char *tokens; // Text of the tokens, token_table_bytes and a NUL.
	uint16_t token_bytes[TOKEN_COUNT]; // Of each text.
	char token_last[TOKEN_COUNT]; // Last character of each; 0: it has none.
	uint32_t *marks; // Where in the names each NAMES_PER_MARKER-th begins. The kernel's own markers have no symbol.
	uint64_t mark_count; // Less than all, if names could not be read.
};

// The names, in their order, through a small window.
struct names {
	const struct kallsyms *syms;
	struct vmreader *reader;
	uint64_t vaddr; // Of the next byte.
	uint64_t window_at; // Virtual address of the first byte of the window.
	size_t window_bytes;
	uint64_t left_bytes; // Names have no more.
	bool has_long_names;
	uint8_t window[WINDOW_BYTES];
};

static struct error *names_fill(struct names *names)
{
	// Not beyond the page: what follows the last name need not be mapped.
	size_t bytes = WINDOW_BYTES - (size_t)(names->vaddr % WINDOW_BYTES);
	struct error *err = xlat_read(names->syms->xlat, names->reader, names->vaddr, names->window, bytes);

	names->window_at = names->vaddr;
	names->window_bytes = err ? 0 : bytes;
	return error_wrap(err, "names of symbols");
}

static struct error *names_byte(struct names *names, uint8_t *ret)
{
	if (names->vaddr - names->window_at >= names->window_bytes) {
		struct error *err = names_fill(names);

		if (err)
			return err;
	}
	*ret = names->window[names->vaddr - names->window_at];
	names->vaddr++;
	return NULL;
}

static struct error *names_length(struct names *names, uint64_t *ret)
{
	uint8_t low, high = 0;
	struct error *err = names_byte(names, &low);
	bool is_long = names->has_long_names && low & LONG_LENGTH;

	if (!err && is_long)
		err = names_byte(names, &high);
	if (err)
		return err;
	*ret = is_long ? (uint64_t)(low & (LONG_LENGTH - 1)) | (uint64_t)high << 7 : low;
	if (*ret >= LENGTH_MAX)
		return error_new(ERROR_BAD_DATA, "kallsyms: a name of %ju bytes", (uintmax_t)*ret);
	if (*ret > names->left_bytes)
		return error_new(ERROR_BAD_DATA, "kallsyms: names of more than %d bytes", NAMES_MAX_BYTES);
	names->left_bytes -= *ret;
	return NULL;
}

static struct error *names_skip(struct names *names)
{
	uint64_t length;
	struct error *err = names_length(names, &length);

	if (!err)
		names->vaddr += length;
	return err;
}

// Next name as text: type letter, then the name. What is longer than the room is cut.
static struct error *names_next(struct names *names, char text[static NAME_MAX_BYTES + 1])
{
	const struct kallsyms *syms = names->syms;
	size_t size = 0;
	uint64_t length;
	struct error *err = names_length(names, &length);

	while (!err && length--) {
		const char *token;
		uint8_t number;

		err = names_byte(names, &number);
		if (err)
			break;
		token = syms->tokens + syms->token_index[number];
		while (*token && size < NAME_MAX_BYTES)
			text[size++] = *token++;
	}
	text[size] = 0;
	return err;
}

static void names_init(struct names *ret, const struct kallsyms *syms, struct vmreader *reader)
{
	ret->syms = syms;
	ret->reader = reader;
	ret->vaddr = syms->place.names;
	ret->window_at = ret->vaddr;
	ret->window_bytes = 0;
	ret->left_bytes = NAMES_MAX_BYTES;
	ret->has_long_names = syms->has_long_names;
}

// Places from VMCOREINFO. Since Linux kernel commit f09bddbd8661 ("vmcoreinfo: add kallsyms_num_syms symbol") (in v6.0)
// all of them are there.
static bool find_in_vmcoreinfo(const struct vmcore *core, struct kallsyms_place *place, uint64_t *count_vaddr_ret)
{
	const struct vmcoreinfo *info = &core->info;

	place->has_relative_base = vmcoreinfo_symbol(info, "kallsyms_relative_base", &place->relative_base);
	return vmcoreinfo_symbol(info, "kallsyms_names", &place->names) &&
	       vmcoreinfo_symbol(info, "kallsyms_num_syms", count_vaddr_ret) &&
	       vmcoreinfo_symbol(info, "kallsyms_token_table", &place->token_table) &&
	       vmcoreinfo_symbol(info, "kallsyms_token_index", &place->token_index) &&
	       vmcoreinfo_symbol(info, "kallsyms_offsets", &place->offsets);
}

static struct error *find_place(const struct vmcore *core, struct vmreader *reader, struct kallsyms *syms)
{
	struct error *err;
	uint64_t count_vaddr;

	if (!find_in_vmcoreinfo(core, &syms->place, &count_vaddr)) {
		err = kallsyms_scan(core, syms->xlat, reader, &syms->place);
		if (err)
			return err;
	} else {
		err = xlat_read_uint(syms->xlat, reader, count_vaddr, 4, &syms->place.count);
		if (err)
			return error_wrap(err, "kallsyms_num_syms");
	}
	if (!syms->place.count || syms->place.count > KALLSYMS_MAX_SYMBOLS)
		return error_new(ERROR_BAD_DATA, "kallsyms: %ju symbols", (uintmax_t)syms->place.count);
	if (!syms->place.has_relative_base)
		return NULL;
	err = xlat_read_uint(syms->xlat, reader, syms->place.relative_base, 8, &syms->base);
	return error_wrap(err, "kallsyms_relative_base");
}

static void measure_tokens(struct kallsyms *syms)
{
	for (unsigned int i = 0; i < TOKEN_COUNT; i++) {
		const char *text = syms->tokens + syms->token_index[i];
		// The table of a damaged dump may be one text.
		size_t size = strnlen(text, NAME_MAX_BYTES + 1);

		syms->token_bytes[i] = (uint16_t)size;
		syms->token_last[i] = size ? text[size - 1] : 0;
	}
}

// Bytes of the longest text behind the last index: tokens are as long as names at most.
static struct error *read_tokens(struct vmreader *reader, struct kallsyms *syms)
{
	uint8_t raw[2 * TOKEN_COUNT];
	uint64_t last = 0;
	struct error *err = xlat_read(syms->xlat, reader, syms->place.token_index, raw, sizeof(raw));

	if (err)
		return error_wrap(err, "kallsyms_token_index");
	for (unsigned int i = 0; i < TOKEN_COUNT; i++) {
		syms->token_index[i] = load_u16(raw + 2 * i, syms->is_big_endian);
		if (syms->token_index[i] > last)
			last = syms->token_index[i];
	}
	syms->tokens = calloc(1, last + NAME_MAX_BYTES + 1);
	if (!syms->tokens)
		return error_new(ERROR_NOMEM, "out of memory");
	err = xlat_read(syms->xlat, reader, syms->place.token_table, syms->tokens, last);
	// The last one byte by byte: the table may end where the mapping does.
	for (uint64_t at = last; !err && at < last + NAME_MAX_BYTES; at++) {
		err = xlat_read(syms->xlat, reader, syms->place.token_table + at, syms->tokens + at, 1);
		if (!err && !syms->tokens[at]) {
			syms->token_table_bytes = at + 1;
			measure_tokens(syms);
			return NULL;
		}
	}
	return err ? error_wrap(err, "kallsyms_token_table")
	           : error_new(ERROR_BAD_DATA, "kallsyms: the last token has no end");
}

// Whether all names, read with one kind of lengths, end where they must: behind them lie the markers (one of 4 or, before
// v4.20, 8 bytes for 256 names), in v6.2 and v6.3 (and in updates of v6.1) the order of the names, 3 bytes each, and then the
// tokens.
static struct error *names_fit(struct kallsyms *syms, struct vmreader *reader, bool has_long_names, bool *ret)
{
	uint64_t markers = (syms->place.count + NAMES_PER_MARKER - 1) / NAMES_PER_MARKER;
	uint64_t limit = syms->place.token_table, gap;
	struct names names;
	struct error *err = NULL;

	*ret = false;
	names_init(&names, syms, reader);
	names.has_long_names = has_long_names;
	syms->mark_count = 0;
	for (uint64_t i = 0; !err && i < syms->place.count; i++) {
		// Names have at most NAMES_MAX_BYTES, and two bytes for each length.
		if (i % NAMES_PER_MARKER == 0)
			syms->marks[syms->mark_count++] = (uint32_t)(names.vaddr - syms->place.names);
		err = names_skip(&names);
		if (limit > syms->place.names && names.vaddr > limit)
			return err;
	}
	if (err)
		return err;
	gap = limit - names.vaddr;
	for (unsigned int width = 4; width <= 8; width += 4) {
		for (unsigned int order = 0; order <= 3; order += 3) {
			uint64_t least = width * markers + order * syms->place.count;

			*ret |= gap >= least && gap < least + 3 * ALIGN_BYTES;
		}
	}
	return NULL;
}

static struct error *find_name_kind(struct kallsyms *syms, struct vmreader *reader)
{
	bool is_long, is_short;
	uint64_t mark_count = (syms->place.count + NAMES_PER_MARKER - 1) / NAMES_PER_MARKER;
	struct error *err;

	syms->marks = calloc(mark_count, sizeof(*syms->marks));
	if (!syms->marks)
		return error_new(ERROR_NOMEM, "out of memory");
	err = names_fit(syms, reader, true, &is_long);
	syms->has_long_names = true;
	if ((err && !error_catch(&err, ERROR_FAULT) && !error_catch(&err, ERROR_BAD_DATA)) || is_long)
		return err;
	err = names_fit(syms, reader, false, &is_short);
	if (err && !error_catch(&err, ERROR_FAULT) && !error_catch(&err, ERROR_BAD_DATA))
		return err;
	// If neither fits the parts lie in an order that is not known; the test of an address decides.
	syms->has_long_names = !is_short;
	if (is_short)
		return NULL;
	err = names_fit(syms, reader, true, &is_long);
	return err && !error_catch(&err, ERROR_FAULT) && !error_catch(&err, ERROR_BAD_DATA) ? err : NULL;
}

static struct error *read_address(const struct kallsyms *syms, struct vmreader *reader, enum encoding encoding,
                                  uint64_t index, uint64_t *ret)
{
	uint64_t vaddr = syms->place.offsets + 4 * index, raw;
	struct error *err = xlat_read_uint(syms->xlat, reader, vaddr, 4, &raw);
	int64_t offset;

	if (err)
		return error_wrap(err, "kallsyms_offsets");
	offset = (int32_t)(uint32_t)raw;
	switch (encoding) {
	case ENCODING_PLACE_RELATIVE:
		*ret = vaddr + (uint64_t)offset;
		break;
	case ENCODING_ABSOLUTE_PERCPU:
		*ret = offset >= 0 ? (uint64_t)offset : syms->base - 1 - (uint64_t)offset;
		break;
	default:
		*ret = syms->base + raw;
		break;
	}
	return NULL;
}

// The encoding is the one that gives _stext the address that VMCOREINFO says.
static struct error *test_encodings(struct kallsyms *syms, struct vmreader *reader, uint64_t index, uint64_t stext)
{
	for (enum encoding encoding = ENCODING_RELATIVE; encoding <= ENCODING_PLACE_RELATIVE; encoding++) {
		uint64_t vaddr;
		struct error *err;

		if ((encoding == ENCODING_PLACE_RELATIVE) == syms->place.has_relative_base)
			continue;
		err = read_address(syms, reader, encoding, index, &vaddr);
		if (err)
			return err;
		if (vaddr == stext)
			syms->encoding = encoding;
	}
	return NULL;
}

static struct error *find_encoding(const struct vmcore *core, struct kallsyms *syms, struct vmreader *reader)
{
	char text[NAME_MAX_BYTES + 1];
	struct error *err = NULL;
	struct names names;
	uint64_t stext;

	if (!vmcoreinfo_symbol(&core->info, "_stext", &stext))
		return error_new(ERROR_BAD_DATA, "VMCOREINFO lacks SYMBOL(_stext)");
	names_init(&names, syms, reader);
	for (uint64_t i = 0; !err && !syms->encoding && i < syms->place.count; i++) {
		err = names_next(&names, text);
		if (!err && text[0] && !strcmp(text + 1, "_stext"))
			err = test_encodings(syms, reader, i, stext);
	}
	if (!err && !syms->encoding)
		err = error_new(ERROR_BAD_DATA, "kallsyms: the table does not have _stext at %#jx", (uintmax_t)stext);
	return err;
}

struct error *kallsyms_create(const struct vmcore *core, const struct xlat *xlat, struct vmreader *reader,
                              struct kallsyms **ret)
{
	_cleanup_(kallsyms_destroyp) struct kallsyms *syms = calloc(1, sizeof(*syms));
	struct error *err;

	if (!syms)
		return error_new(ERROR_NOMEM, "out of memory");
	syms->xlat = xlat;
	syms->is_big_endian = core->is_big_endian;
	err = find_place(core, reader, syms);
	if (!err)
		err = read_tokens(reader, syms);
	if (!err)
		err = find_name_kind(syms, reader);
	if (!err)
		err = find_encoding(core, syms, reader);
	if (!err)
		*ret = take_ptr(syms);
	return err;
}

uint64_t kallsyms_count(const struct kallsyms *syms)
{
	return syms->place.count;
}

struct kallsyms_extent kallsyms_extent(const struct kallsyms *syms)
{
	const struct kallsyms_place *place = &syms->place;
	const struct kallsyms_extent parts[] = {
		// Where the names end is known to who reads them all; other parts follow.
		{place->names, place->names},
		{place->token_table, place->token_table + syms->token_table_bytes},
		{place->token_index, place->token_index + sizeof(syms->token_index)},
		{place->offsets, place->offsets + place->count * sizeof(int32_t)},
	};
	struct kallsyms_extent whole = parts[0];

	for (size_t i = 1; i < array_size(parts); i++) {
		whole.vaddr = parts[i].vaddr < whole.vaddr ? parts[i].vaddr : whole.vaddr;
		whole.vaddr_end = parts[i].vaddr_end > whole.vaddr_end ? parts[i].vaddr_end : whole.vaddr_end;
	}
	return whole;
}

void kallsyms_destroy(struct kallsyms *syms)
{
	if (!syms)
		return;
	free(syms->tokens);
	free(syms->marks);
	free(syms);
}

static bool is_data(char type)
{
	return type == 'D' || type == 'd' || type == 'B' || type == 'b';
}

static struct error *answer(const struct kallsyms *syms, struct vmreader *reader, const char *text, uint64_t index,
                            struct kallsyms_query *query)
{
	struct error *err;

	if (strcmp(text + 1, query->name) != 0 || (query->is_found && (is_data(query->type) || !is_data(text[0]))))
		return NULL;
	err = read_address(syms, reader, syms->encoding, index, &query->vaddr);
	if (!err) {
		query->is_found = true;
		query->type = text[0];
	}
	return err;
}

// Most names need not be put together to see that they are none of those that are looked for.
struct filter {
	uint8_t bits[FILTER_BITS / 8];
};

static unsigned int filter_key(size_t size_bytes, char last)
{
	return (unsigned int)(size_bytes * 61 + (unsigned char)last) % FILTER_BITS;
}

static void filter_add(struct filter *filter, const char *name)
{
	// With the letter of its type in front.
	size_t size = strlen(name) + 1;
	unsigned int key = filter_key(size < NAME_MAX_BYTES ? size : NAME_MAX_BYTES, size > 1 ? name[size - 2] : 0);

	filter->bits[key / 8] |= (uint8_t)(1U << key % 8);
}

// Goes on to the next name that may be one of those, counting. What is not whole in the window may be.
static struct error *names_seek(struct names *names, const struct filter *filter, uint64_t *index)
{
	const struct kallsyms *syms = names->syms;

	for (; *index < syms->place.count; ++*index) {
		uint64_t vaddr = names->vaddr, left = names->left_bytes, length;
		struct error *err = names_length(names, &length);
		uint64_t skip = names->vaddr - names->window_at;
		unsigned int key;
		size_t size = 0;
		char last = 0;

		if (err)
			return err;
		for (uint64_t i = 0; skip + length <= names->window_bytes && i < length; i++) {
			uint8_t token = names->window[skip + i];

			size += syms->token_bytes[token];
			last = syms->token_last[token] ? syms->token_last[token] : last;
		}
		key = filter_key(size, last);
		if (skip + length > names->window_bytes || size >= NAME_MAX_BYTES ||
		    filter->bits[key / 8] >> key % 8 & 1) {
			names->vaddr = vaddr;
			names->left_bytes = left;
			return NULL;
		}
		names->vaddr += length;
	}
	return NULL;
}

struct error *kallsyms_lookup(const struct kallsyms *syms, struct vmreader *reader, struct kallsyms_query *queries,
                              size_t count)
{
	char text[NAME_MAX_BYTES + 1];
	struct filter filter = {0};
	struct error *err = NULL;
	struct names names;
	uint64_t i = 0;

	for (size_t q = 0; q < count; q++) {
		queries[q].is_found = false;
		queries[q].type = 0;
		filter_add(&filter, queries[q].name);
	}
	names_init(&names, syms, reader);
	for (err = names_seek(&names, &filter, &i); !err && i < syms->place.count;
	     err = err ? err : names_seek(&names, &filter, &i)) {
		err = names_next(&names, text);
		for (size_t q = 0; !err && q < count && text[0]; q++)
			err = answer(syms, reader, text, i, &queries[q]);
		i++;
	}
	return err;
}

// The name of a symbol by its number.
static struct error *name_at(const struct kallsyms *syms, struct vmreader *reader, uint64_t index,
                             char text[static NAME_MAX_BYTES + 1])
{
	struct error *err = NULL;
	struct names names;

	if (index / NAMES_PER_MARKER >= syms->mark_count)
		return error_new(ERROR_BAD_DATA, "kallsyms: the names end before symbol %ju", (uintmax_t)index);
	names_init(&names, syms, reader);
	names.vaddr += syms->marks[index / NAMES_PER_MARKER];
	names.window_at = names.vaddr;
	for (uint64_t i = 0; !err && i < index % NAMES_PER_MARKER; i++)
		err = names_skip(&names);
	return err ? err : names_next(&names, text);
}

// The first symbol whose address is above one; symbols are sorted by their addresses.
static struct error *first_above(const struct kallsyms *syms, struct vmreader *reader, uint64_t vaddr, uint64_t *ret)
{
	uint64_t low = 0, high = syms->place.count;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2, at = 0;
		struct error *err = read_address(syms, reader, syms->encoding, middle, &at);

		if (err)
			return err;
		if (at <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	*ret = low;
	return NULL;
}

// Names that stand for the start of what follows, beside the name of that itself.
static bool is_mark(const char *name)
{
	static const char *const marks[] = {"__pfx_", "__cfi_"};
	size_t size = strlen(name);

	for (size_t i = 0; i < array_size(marks); i++)
		if (strncmp(name, marks[i], strlen(marks[i])) == 0)
			return true;
	return (size > 6 && strcmp(name + size - 6, "_start") == 0) ||
	       (size > 4 && strcmp(name + size - 4, "_end") == 0) || strcmp(name, "_stext") == 0 ||
	       strcmp(name, "_text") == 0 || strcmp(name, "_etext") == 0;
}

// Of names for one place: what is no mark, then what all files of the kernel know, then the last one, as the crash utility
// has it: of system calls that is the one of the machine's own kind.
static bool is_better(const char *text, const struct kallsyms_symbol *than)
{
	bool is_global = text[0] >= 'A' && text[0] <= 'Z', was_global = than->type >= 'A' && than->type <= 'Z';

	if (is_mark(text + 1) != is_mark(than->name))
		return is_mark(than->name);
	return is_global || !was_global;
}

struct error *kallsyms_at(const struct kallsyms *syms, struct vmreader *reader, uint64_t vaddr,
                          struct kallsyms_symbol *ret, bool *is_found_ret)
{
	uint64_t above = 0, first = 0, at = 0, end;
	char text[NAME_MAX_BYTES + 1];
	struct error *err = first_above(syms, reader, vaddr, &above);

	*is_found_ret = false;
	if (err || !above)
		return err;
	err = read_address(syms, reader, syms->encoding, above - 1, &at);
	end = at;
	if (!err && above < syms->place.count)
		err = read_address(syms, reader, syms->encoding, above, &end);
	if (!err)
		err = at ? first_above(syms, reader, at - 1, &first) : NULL;
	if (err || !at)
		return err;
	// A damaged table may have all its symbols at one place: the last ones are those that count.
	if (above - first > SAME_PLACE_MAX)
		first = above - SAME_PLACE_MAX;
	for (uint64_t i = first; !err && i < above; i++) {
		err = name_at(syms, reader, i, text);
		if (err || !text[0] || (*is_found_ret && !is_better(text, ret)))
			continue;
		ret->vaddr = at;
		ret->vaddr_end = end;
		ret->type = text[0];
		memcpy(ret->name, text + 1, sizeof(ret->name));
		ret->name[sizeof(ret->name) - 1] = '\0';
		*is_found_ret = true;
	}
	return err;
}

struct error *kallsyms_each(const struct kallsyms *syms, struct vmreader *reader, const char *name,
                            void (*each)(void *context, const struct kallsyms_symbol *symbol), void *context)
{
	char text[NAME_MAX_BYTES + 1];
	struct error *err = NULL;
	struct names names;

	names_init(&names, syms, reader);
	for (uint64_t i = 0; !err && i < syms->place.count; i++) {
		struct kallsyms_symbol symbol = {0};

		err = names_next(&names, text);
		if (err || !text[0] || (name && strcmp(text + 1, name) != 0))
			continue;
		err = read_address(syms, reader, syms->encoding, i, &symbol.vaddr);
		symbol.vaddr_end = symbol.vaddr;
		symbol.type = text[0];
		memcpy(symbol.name, text + 1, sizeof(symbol.name));
		symbol.name[sizeof(symbol.name) - 1] = '\0';
		if (!err)
			each(context, &symbol);
	}
	return err;
}
