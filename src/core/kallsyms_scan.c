// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/kallsyms_scan.h"

#include <string.h>

#include "base/endian.h"

enum {
	TOKEN_COUNT = 256,
	TOKEN_DIGIT_0 = 0x30,
	TOKEN_TABLE_MAX_BYTES = 1 << 16, // Its index has 16 bits.
	ALIGN_BYTES = 8,
	NAMES_PER_MARKER = 256,
	SCAN_BYTES = 4096,
	// Kernel images are 20 to 80 MiB; beyond lies what the boot loader left.
	SCAN_MAX_BYTES = 256 << 20,
	// What is freed of the image (its ends, the code of its start) lies between parts that are aligned to large pages.
	SKIP_BYTES = 2 << 20,
	// Between the name that the last marker points to and the end of the names: 256 names of at most 128 bytes.
	LAST_NAMES_MAX_BYTES = NAMES_PER_MARKER * 129,
	// A kernel has one such table and hardly anything that looks like its middle; a limit for memory made to mislead.
	TRIES_MAX = 256,
	// Reads while what was found is looked at. A table takes some ten thousand; the limit is for memory made to mislead.
	READS_MAX = 1 << 18,
};

// Digits are used in names, and too short to be replaced: they stand in every table, one after the other.
static const char digits[] = "0\0001\0002\0003\0004\0005\0006\0007\0008\0009";

struct scan {
	const struct xlat *xlat;
	struct vmreader *reader;
	bool is_big_endian;
	unsigned int *reads_left;
};

static uint64_t align_up(uint64_t value)
{
	return (value + ALIGN_BYTES - 1) & ~(uint64_t)(ALIGN_BYTES - 1);
}

// Reads that fail mean "not here"; the search goes on.
static bool get(const struct scan *scan, uint64_t vaddr, void *buf, size_t size_bytes)
{
	struct error *err;

	if (!*scan->reads_left)
		return false;
	--*scan->reads_left;
	err = xlat_read(scan->xlat, scan->reader, vaddr, buf, size_bytes);
	error_free(err);
	return !err;
}

static bool get_uint(const struct scan *scan, uint64_t vaddr, unsigned int size_bytes, uint64_t *ret)
{
	uint8_t raw[8];

	if (!get(scan, vaddr, raw, size_bytes))
		return false;
	*ret = size_bytes == 4 ? load_u32(raw, scan->is_big_endian) : load_u64(raw, scan->is_big_endian);
	return true;
}

// End of the text of the last token, from that of "0".
static bool skip_tokens(const struct scan *scan, uint64_t digit_vaddr, uint64_t *end_ret)
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

static bool find_tokens(const struct scan *scan, uint64_t digit_vaddr, struct kallsyms_place *place)
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
static bool find_markers(const struct scan *scan, uint64_t end_vaddr, unsigned int width, uint64_t *start_ret,
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
static bool check_names(const struct scan *scan, uint64_t names, uint64_t marker)
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

static bool find_names(const struct scan *scan, unsigned int width, struct kallsyms_place *place)
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

static bool find_all(const struct scan *scan, uint64_t digit_vaddr, struct kallsyms_place *place)
{
	return find_tokens(scan, digit_vaddr, place) && (find_names(scan, 4, place) || find_names(scan, 8, place));
}

// The kernel image, page by page.
struct image {
	uint64_t vaddr; // Of the next page.
	uint64_t paddr; // The same, if run_bytes is not 0.
	uint64_t run_bytes; // Mapped in one piece from there on.
};

// Reads a page, or passes over what is not mapped.
static bool next_page(const struct scan *scan, struct image *image, uint8_t page[static SCAN_BYTES])
{
	struct error *err;

	if (image->run_bytes < SCAN_BYTES) {
		err = xlat_translate(scan->xlat, scan->reader, image->vaddr, &image->paddr, &image->run_bytes);
		if (err) {
			error_free(err);
			image->run_bytes = 0;
			image->vaddr = (image->vaddr & ~(uint64_t)(SKIP_BYTES - 1)) + SKIP_BYTES;
			return false;
		}
	}
	err = vmreader_read(scan->reader, image->paddr, page, SCAN_BYTES);
	error_free(err);
	image->vaddr += SCAN_BYTES;
	image->paddr += SCAN_BYTES;
	image->run_bytes -= SCAN_BYTES;
	return !err;
}

struct error *kallsyms_scan(const struct vmcore *core, const struct xlat *xlat, struct vmreader *reader,
                            struct kallsyms_place *ret)
{
	unsigned int reads_left = READS_MAX;
	struct scan scan = {xlat, reader, core->is_big_endian, &reads_left};
	// The end of one page stays in front of the next: the digits may lie across.
	uint8_t buf[sizeof(digits) + SCAN_BYTES];
	unsigned int tries = 0;
	struct image image = {0};
	uint64_t start;

	if (!vmcoreinfo_symbol(&core->info, "_stext", &start))
		return error_new(ERROR_BAD_DATA, "VMCOREINFO lacks SYMBOL(_stext)");
	start &= ~(uint64_t)(SCAN_BYTES - 1);
	image.vaddr = start;
	memset(buf, 0xff, sizeof(buf));
	while (image.vaddr - start < SCAN_MAX_BYTES) {
		const uint8_t *at = buf, *end = buf + sizeof(buf);
		uint64_t vaddr = image.vaddr - sizeof(digits);

		memmove(buf, end - sizeof(digits), sizeof(digits));
		if (!next_page(&scan, &image, buf + sizeof(digits))) {
			memset(buf, 0xff, sizeof(buf));
			continue;
		}
		while (tries < TRIES_MAX && (at = memmem(at, (size_t)(end - at), digits, sizeof(digits)))) {
			struct kallsyms_place place = {0};

			tries++;
			if (find_all(&scan, vaddr + (uint64_t)(at - buf), &place)) {
				*ret = place;
				return NULL;
			}
			at++;
		}
	}
	return error_new(ERROR_BAD_DATA, "no symbol table was found in the kernel image");
}
