// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/kallsyms_scan.h"

#include <string.h>

#include "base/endian.h"
#include "core/imagesearch.h"

enum {
	TOKEN_COUNT = 256,
	TOKEN_DIGIT_0 = 0x30,
	TOKEN_TABLE_MAX_BYTES = 1 << 16, // Its index has 16 bits.
	ALIGN_BYTES = 8,
	NAMES_PER_MARKER = 256,
	// Between the name that the last marker points to and the end of the names: 256 names of at most 128 bytes.
	LAST_NAMES_MAX_BYTES = NAMES_PER_MARKER * 129,
	// Reads while what was found is looked at. A table takes some ten thousand; the limit is for memory made to mislead.
	READS_MAX = 1 << 18,
};

// Digits are used in names, and too short to be replaced: they stand in every table, one after the other.
static const char digits[] = "0\0001\0002\0003\0004\0005\0006\0007\0008\0009";

struct scan {
	const struct xlat *xlat;
	struct vmreader *reader;
	bool is_big_endian;
	unsigned int reads_left;
	struct kallsyms_place place; // The one that was found.
};

static uint64_t align_up(uint64_t value)
{
	return (value + ALIGN_BYTES - 1) & ~(uint64_t)(ALIGN_BYTES - 1);
}

// Reads that fail mean "not here"; the search goes on.
static bool get(struct scan *scan, uint64_t vaddr, void *buf, size_t size_bytes)
{
	struct error *err;

	if (!scan->reads_left)
		return false;
	scan->reads_left--;
	err = xlat_read(scan->xlat, scan->reader, vaddr, buf, size_bytes);
	error_free(err);
	return !err;
}

static bool get_uint(struct scan *scan, uint64_t vaddr, unsigned int size_bytes, uint64_t *ret)
{
	uint8_t raw[8];

	if (!get(scan, vaddr, raw, size_bytes))
		return false;
	*ret = size_bytes == 4 ? load_u32(raw, scan->is_big_endian) : load_u64(raw, scan->is_big_endian);
	return true;
}

// End of the text of the last token, from that of "0".
static bool skip_tokens(struct scan *scan, uint64_t digit_vaddr, uint64_t *end_ret)
{
	unsigned int left = TOKEN_COUNT - TOKEN_DIGIT_0;
	uint8_t buf[256];

	for (uint64_t done = 0; done < TOKEN_TABLE_MAX_BYTES; done += sizeof(buf)) {
		if (!get(scan, digit_vaddr + done, buf, sizeof(buf)))
			return false;
		for (size_t i = 0; i < sizeof(buf); i++) {
			if (!buf[i] && --left == 0) {
				*end_ret = digit_vaddr + done + i + 1;
				return true;
			}
		}
	}
	return false;
}

static bool find_tokens(struct scan *scan, uint64_t digit_vaddr, struct kallsyms_place *place)
{
	uint8_t index[2 * TOKEN_COUNT];
	uint64_t end;

	if (!skip_tokens(scan, digit_vaddr, &end))
		return false;
	place->token_index = align_up(end);
	if (!get(scan, place->token_index, index, sizeof(index)) || load_u16(index, scan->is_big_endian))
		return false;
	for (unsigned int i = 1; i < TOKEN_COUNT; i++) {
		if (load_u16(index + 2 * i, scan->is_big_endian) <= load_u16(index + 2 * (i - 1), scan->is_big_endian))
			return false;
	}
	place->token_table = digit_vaddr - load_u16(index + 2 * TOKEN_DIGIT_0, scan->is_big_endian);
	return place->token_table % ALIGN_BYTES == 0;
}

// Markers lie before the tokens and fall to 0 towards their start. Their width was 8 bytes before v4.20.
static bool find_markers(struct scan *scan, uint64_t end_vaddr, unsigned int width, uint64_t *start_ret,
                         uint64_t *last_ret)
{
	uint64_t vaddr = end_vaddr, value, above = 0;

	for (uint64_t count = 0; count < KALLSYMS_MAX_SYMBOLS / NAMES_PER_MARKER + 2; count++) {
		vaddr -= width;
		if (!get_uint(scan, vaddr, width, &value))
			return false;
		if (above == 0) {
			if (value == 0 && count == 0 && width < ALIGN_BYTES)
				continue; // Padding.
			*last_ret = value;
		} else if (value >= above) {
			return false;
		}
		if (value == 0) {
			*start_ret = vaddr;
			return *last_ret != 0;
		}
		above = value;
	}
	return false;
}

// Whether the names at an address have the length that the second marker says.
static bool check_names(struct scan *scan, uint64_t names, uint64_t marker)
{
	uint64_t at = 0;

	if (marker < 2 * NAMES_PER_MARKER || marker > LAST_NAMES_MAX_BYTES)
		return false;
	for (unsigned int i = 0; i < NAMES_PER_MARKER; i++) {
		uint8_t length;

		if (!get(scan, names + at, &length, 1) || !length)
			return false;
		at += 1 + (uint64_t)length;
	}
	return at == marker;
}

static bool find_names(struct scan *scan, unsigned int width, struct kallsyms_place *place)
{
	uint64_t markers, last, second, count, marker_count;

	if (!find_markers(scan, place->token_table, width, &markers, &last))
		return false;
	marker_count = (place->token_table - markers) / width;
	if (marker_count < 2 || !get_uint(scan, markers + width, width, &second) || last > markers)
		return false;
	for (uint64_t room = 2; room < LAST_NAMES_MAX_BYTES; room += ALIGN_BYTES) {
		uint64_t names = (markers - last - room) & ~(uint64_t)(ALIGN_BYTES - 1);

		if (!get_uint(scan, names - ALIGN_BYTES, 4, &count) || count > marker_count * NAMES_PER_MARKER ||
		    count + 2 * NAMES_PER_MARKER <= marker_count * NAMES_PER_MARKER ||
		    !check_names(scan, names, second))
			continue;
		place->names = names;
		place->count = count;
		place->relative_base = names - 2 * ALIGN_BYTES;
		place->has_relative_base = true;
		place->offsets = place->relative_base - align_up(4 * count);
		return true;
	}
	return false;
}

static bool find_all(struct scan *scan, uint64_t digit_vaddr, struct kallsyms_place *place)
{
	return find_tokens(scan, digit_vaddr, place) && (find_names(scan, 4, place) || find_names(scan, 8, place));
}

// Whether a table is around these digits.
static bool is_table(void *context, uint64_t vaddr)
{
	struct scan *scan = context;
	struct kallsyms_place place = {0};

	if (!find_all(scan, vaddr, &place))
		return false;
	scan->place = place;
	return true;
}

struct error *kallsyms_scan(const struct vmcore *core, const struct xlat *xlat, struct vmreader *reader,
                            struct kallsyms_place *ret)
{
	struct scan scan = {
		.xlat = xlat,
		.reader = reader,
		.is_big_endian = core->is_big_endian,
		.reads_left = READS_MAX,
	};
	uint64_t start;

	if (!vmcoreinfo_symbol(&core->info, "_stext", &start))
		return error_new(ERROR_BAD_DATA, "VMCOREINFO lacks SYMBOL(_stext)");
	if (!imagesearch(core, xlat, reader, digits, sizeof(digits), is_table, &scan))
		return error_new(ERROR_BAD_DATA, "no symbol table was found in the kernel image");
	*ret = scan.place;
	return NULL;
}
