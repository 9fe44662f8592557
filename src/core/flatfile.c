// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/flatfile.h"

#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "base/io.h"

// All numbers are big-endian on every machine.
enum {
	VERSION_END_BYTES = 32, // All that is read of the header.
	HEADER_TYPE = 1,
	HEADER_VERSION = 1,
	FIRST_ROOM = 1024,
};

static const char signature[FLATFILE_SIGNATURE_BYTES] = "makedumpfile";

bool flatfile_probe(const uint8_t *head, size_t size_bytes)
{
	return size_bytes >= sizeof(signature) && memcmp(head, signature, sizeof(signature)) == 0;
}

struct error *flatfile_check_header(const uint8_t *header, size_t size_bytes)
{
	uint64_t type, version;

	if (size_bytes < VERSION_END_BYTES)
		return error_new(ERROR_BAD_DATA, "flattened: the file ends at offset %#zx, inside the header",
		                 size_bytes);
	type = load_u64(header + 16, true);
	version = load_u64(header + 24, true);
	if (type != HEADER_TYPE || version != HEADER_VERSION)
		return error_new(ERROR_UNSUPPORTED, "flattened: type %ju, version %ju (offset 0x10); 1 and 1 are known",
		                 (uintmax_t)type, (uintmax_t)version);
	return NULL;
}

static struct error *check_header(int fd)
{
	uint8_t header[VERSION_END_BYTES];
	size_t got;
	struct error *err = io_pread(fd, header, sizeof(header), 0, &got);

	return err ? err : flatfile_check_header(header, got);
}

struct error *flatfile_parse_record(const uint8_t *header, struct flatfile_record *record, bool *is_end_ret)
{
	uint64_t offset = load_u64(header, true), size = load_u64(header + 8, true);

	*is_end_ret = offset == UINT64_MAX && size == UINT64_MAX;
	if (*is_end_ret)
		return NULL;
	if (size == 0 || offset > INT64_MAX || size > INT64_MAX - offset)
		return error_new(ERROR_BAD_DATA, "flattened: the record at %#jx says offset %#jx, size %#jx",
		                 (uintmax_t)record->place_bytes, (uintmax_t)offset, (uintmax_t)size);
	record->offset_bytes = offset;
	record->size_bytes = size;
	return NULL;
}

static struct error *add_record(struct flatfile *flat, size_t *room, struct flatfile_record record)
{
	if (flat->record_count == FLATFILE_RECORDS_MAX)
		return error_new(ERROR_BAD_DATA, "flattened: more than %d records", FLATFILE_RECORDS_MAX);
	if (flat->record_count == *room) {
		size_t more = *room ? *room * 2 : FIRST_ROOM;
		struct flatfile_record *grown = reallocarray(flat->records, more, sizeof(*grown));

		if (!grown)
			return error_new(ERROR_NOMEM, "no memory for %zu records", more);
		flat->records = grown;
		*room = more;
	}
	flat->records[flat->record_count++] = record;
	return NULL;
}

// Reads the header of the record at a place; false at the end of the stream, whole or cut.
static struct error *read_record(struct flatfile *flat, uint64_t file_bytes, uint64_t at, struct flatfile_record *ret,
                                 bool *go_on_ret)
{
	uint8_t header[FLATFILE_RECORD_HEADER_BYTES];
	struct flatfile_record record = {.place_bytes = at};
	bool is_end;
	size_t got;
	struct error *err = io_pread(flat->fd, header, sizeof(header), at, &got);

	*go_on_ret = false;
	if (err)
		return err;
	flat->is_cut = got < sizeof(header);
	if (flat->is_cut)
		return NULL;
	err = flatfile_parse_record(header, &record, &is_end);
	if (err || is_end)
		return err;
	at += sizeof(header);
	if (record.size_bytes > file_bytes - at) {
		record.size_bytes = file_bytes - at;
		flat->is_cut = true;
	}
	record.place_bytes = at;
	*ret = record;
	*go_on_ret = record.size_bytes > 0;
	return NULL;
}

static struct error *read_records(struct flatfile *flat, uint64_t file_bytes)
{
	uint64_t at = FLATFILE_HEADER_BYTES;
	bool go_on = true;
	size_t room = 0;

	while (go_on) {
		struct flatfile_record record;
		struct error *err = read_record(flat, file_bytes, at, &record, &go_on);

		if (!err && go_on)
			err = add_record(flat, &room, record);
		if (err)
			return err;
		if (go_on)
			at = record.place_bytes + record.size_bytes;
	}
	return NULL;
}

static int compare_records(const void *a, const void *b)
{
	const struct flatfile_record *left = a, *right = b;

	return left->offset_bytes < right->offset_bytes ? -1 : left->offset_bytes > right->offset_bytes;
}

// Which of two records for one place counts is not defined; readers in the field differ.
static struct error *sort_records(struct flatfile *flat)
{
	uint64_t end = 0;

	if (flat->record_count)
		qsort(flat->records, flat->record_count, sizeof(*flat->records), compare_records);
	for (size_t i = 0; i < flat->record_count; i++) {
		const struct flatfile_record *record = &flat->records[i];

		if (record->offset_bytes < end)
			return error_new(ERROR_BAD_DATA,
			                 "flattened: two records for offset %#jx, one of them at %#jx of the file",
			                 (uintmax_t)record->offset_bytes,
			                 (uintmax_t)(record->place_bytes - FLATFILE_RECORD_HEADER_BYTES));
		end = record->offset_bytes + record->size_bytes;
	}
	flat->size_bytes = end;
	return NULL;
}

struct error *flatfile_create(int fd, uint64_t file_bytes, struct flatfile **ret)
{
	struct flatfile *flat = calloc(1, sizeof(*flat));
	struct error *err;

	if (!flat)
		return error_new(ERROR_NOMEM, "no memory for an index");
	flat->fd = fd;
	err = check_header(fd);
	if (!err)
		err = read_records(flat, file_bytes);
	if (!err)
		err = sort_records(flat);
	if (err) {
		flatfile_destroy(flat);
		return err;
	}
	*ret = flat;
	return NULL;
}

void flatfile_destroy(struct flatfile *flat)
{
	if (flat)
		free(flat->records);
	free(flat);
}

// First record that ends behind an offset; the number of records if there is none.
static size_t find_record(const struct flatfile *flat, uint64_t offset)
{
	size_t low = 0, high = flat->record_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (flat->records[mid].offset_bytes + flat->records[mid].size_bytes > offset)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

struct error *flatfile_pread(const struct flatfile *flat, void *buf, size_t size_bytes, uint64_t offset_bytes,
                             size_t *got_ret)
{
	size_t index = find_record(flat, offset_bytes), done = 0;
	uint8_t *out = buf;

	for (; done < size_bytes && index < flat->record_count; index++) {
		const struct flatfile_record *record = &flat->records[index];
		uint64_t at = offset_bytes + done, left = size_bytes - done, skip, part;
		struct error *err;
		size_t got;

		if (record->offset_bytes > at) {
			uint64_t gap = record->offset_bytes - at < left ? record->offset_bytes - at : left;

			if (flat->is_cut)
				break;
			memset(out + done, 0, gap);
			done += gap;
			at += gap;
			left -= gap;
		}
		skip = left ? at - record->offset_bytes : 0;
		part = record->size_bytes - skip < left ? record->size_bytes - skip : left;
		err = io_pread(flat->fd, out + done, part, record->place_bytes + skip, &got);
		if (err)
			return err;
		done += got;
		if (got < part)
			break;
	}
	*got_ret = done;
	return NULL;
}

uint64_t flatfile_next_data(const struct flatfile *flat, uint64_t offset_bytes)
{
	size_t index = find_record(flat, offset_bytes);

	if (flat->is_cut)
		return offset_bytes;
	if (index == flat->record_count)
		return flat->size_bytes;
	return flat->records[index].offset_bytes > offset_bytes ? flat->records[index].offset_bytes : offset_bytes;
}
