// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/cpio_reader.h"

#include <limits.h>
#include <string.h>

#include "boot/unpack.h"

enum {
	HEADER_BYTES = 110,
	MAGIC_BYTES = 6,
	FIELD_DIGITS = 8,
	ALIGNMENT = 4,
	NAME_MAX_BYTES = PATH_MAX, // As the kernel has it, with the NUL.
	PIECE_BYTES = 16 * 1024,
	// Between archives of one part: what fills up a block of a tape, and far more.
	ZEROS_MAX = 1 << 20,
};

// Places of the fields behind the magic number.
enum { FIELD_MODE = 1, FIELD_LINKS = 4, FIELD_SIZE = 6, FIELD_NAME_SIZE = 11 };

static const char last_name[] = "TRAILER!!!";

struct cpio_reader {
	struct unpack *unpack;
	bool is_part, is_plain; // Of the part that is being read.
	unsigned int count;
	struct cpio_reader_entry entry;
	uint64_t left_bytes; // Of its content.
	size_t padding_bytes; // Behind it.
	char name[NAME_MAX_BYTES];
};

static size_t padding(uint64_t bytes)
{
	return (size_t)(-bytes & (ALIGNMENT - 1));
}

struct error *cpio_reader_open(int fd, struct cpio_reader **ret)
{
	struct cpio_reader *reader = calloc(1, sizeof(*reader));
	struct error *err =
		reader ? unpack_open(fd, &reader->unpack) : error_new(ERROR_NOMEM, "no memory to read an initramfs");

	if (err) {
		free(reader);
		return err;
	}
	*ret = reader;
	return NULL;
}

void cpio_reader_close(struct cpio_reader *reader)
{
	if (!reader)
		return;
	unpack_close(reader->unpack);
	free(reader);
}

static struct error *read_all(struct cpio_reader *reader, void *buf, size_t size_bytes)
{
	size_t got = 0;
	struct error *err = unpack_read(reader->unpack, buf, size_bytes, &got);

	if (!err && got < size_bytes)
		err = error_new(ERROR_BAD_DATA, "it ends in the middle of an archive, behind %s",
		                *reader->name ? reader->name : "its start");
	return err;
}

// What is left of an entry, and what fills it up, which may be missing at the end of a file.
static struct error *skip_content(struct cpio_reader *reader)
{
	uint8_t piece[PIECE_BYTES];
	struct error *err = NULL;
	size_t got;

	while (!err && reader->left_bytes) {
		size_t size = reader->left_bytes < sizeof(piece) ? (size_t)reader->left_bytes : sizeof(piece);

		err = read_all(reader, piece, size);
		reader->left_bytes -= size;
	}
	if (!err && reader->padding_bytes)
		err = unpack_read(reader->unpack, piece, reader->padding_bytes, &got);
	reader->padding_bytes = 0;
	return err;
}

// The first byte of an entry. Between archives of one part there may be zeros; where it ends the next one begins.
static struct error *find_start(struct cpio_reader *reader, char *first_ret)
{
	struct error *err = NULL;
	unsigned int zeros = 0;

	*first_ret = '\0';
	while (!err && !*first_ret) {
		size_t got = 0;

		if (reader->is_part)
			err = unpack_read(reader->unpack, first_ret, 1, &got);
		if (!err && got && !*first_ret && ++zeros > ZEROS_MAX)
			err = error_new(ERROR_BAD_DATA, "there are only zeros where an archive should begin");
		if (err || got)
			continue;
		err = unpack_next(reader->unpack, &reader->is_part, &reader->is_plain);
		if (!err && !reader->is_part)
			return NULL;
	}
	return err;
}

static struct error *parse_field(const char *header, size_t number, uint32_t *ret)
{
	const char *digits = header + MAGIC_BYTES + number * FIELD_DIGITS;

	*ret = 0;
	for (size_t i = 0; i < FIELD_DIGITS; i++) {
		static const char hex[] = "0123456789abcdef0123456789ABCDEF";
		const char *at = digits[i] ? strchr(hex, digits[i]) : NULL;

		if (!at)
			return error_new(ERROR_BAD_DATA, "an archive in it has a header that is no numbers");
		*ret = *ret << 4 | (uint32_t)((at - hex) & 15);
	}
	return NULL;
}

static struct error *check_magic(const char *header)
{
	// With and without a sum of each file.
	if (memcmp(header, "070701", MAGIC_BYTES) == 0 || memcmp(header, "070702", MAGIC_BYTES) == 0)
		return NULL;
	if (memcmp(header, "070707", MAGIC_BYTES) == 0)
		return error_new(ERROR_UNSUPPORTED, "it has an archive of an old form, which the kernel refuses too");
	return error_new(ERROR_BAD_DATA, "there is something in it that is no archive");
}

static struct error *read_name(struct cpio_reader *reader, uint32_t name_bytes)
{
	size_t start, got;
	struct error *err;

	if (!name_bytes || name_bytes > sizeof(reader->name))
		return error_new(ERROR_BAD_DATA, "an archive in it has a name of %u bytes", name_bytes);
	err = read_all(reader, reader->name, name_bytes);
	if (!err && (reader->name[name_bytes - 1] || strlen(reader->name) != name_bytes - 1))
		err = error_new(ERROR_BAD_DATA, "an archive in it has a name without an end");
	if (err) {
		*reader->name = '\0';
		return err;
	}
	start = strspn(reader->name, "/");
	while (reader->name[start] == '.' && (!reader->name[start + 1] || reader->name[start + 1] == '/'))
		start += 1 + strspn(reader->name + start + 1, "/");
	reader->entry.name = reader->name + start;
	if (padding(HEADER_BYTES + name_bytes)) {
		char zeros[ALIGNMENT];

		err = unpack_read(reader->unpack, zeros, padding(HEADER_BYTES + name_bytes), &got);
	}
	return err;
}

static struct error *read_entry(struct cpio_reader *reader, char first)
{
	char header[HEADER_BYTES];
	uint32_t mode, links, size, name_bytes;
	struct error *err = read_all(reader, header + 1, sizeof(header) - 1);

	header[0] = first;
	if (!err)
		err = check_magic(header);
	if (!err)
		err = parse_field(header, FIELD_MODE, &mode);
	if (!err)
		err = parse_field(header, FIELD_LINKS, &links);
	if (!err)
		err = parse_field(header, FIELD_SIZE, &size);
	if (!err)
		err = parse_field(header, FIELD_NAME_SIZE, &name_bytes);
	if (!err && ++reader->count > CPIO_READER_ENTRIES_MAX)
		err = error_new(ERROR_BAD_DATA, "there are more than %d files in it", CPIO_READER_ENTRIES_MAX);
	if (!err)
		err = read_name(reader, name_bytes);
	if (err)
		return err;
	reader->entry.mode = mode;
	reader->entry.links = links;
	reader->entry.size_bytes = reader->left_bytes = size;
	reader->padding_bytes = padding(size);
	return NULL;
}

struct error *cpio_reader_next(struct cpio_reader *reader, const struct cpio_reader_entry **ret)
{
	bool is_last = true;
	struct error *err = NULL;

	*ret = NULL;
	while (!err && is_last) {
		char first;

		err = skip_content(reader);
		if (!err)
			err = find_start(reader, &first);
		if (err || !reader->is_part)
			return err;
		err = read_entry(reader, first);
		is_last = !err && strcmp(reader->name, last_name) == 0;
		// Behind it anything may follow.
		if (is_last && reader->is_plain)
			reader->is_part = false;
	}
	if (!err)
		*ret = &reader->entry;
	return err;
}

struct error *cpio_reader_content(struct cpio_reader *reader, size_t max_bytes, char **ret)
{
	size_t size = (size_t)reader->left_bytes;
	_cleanup_free_ char *buf = NULL;
	struct error *err;

	if (reader->left_bytes > max_bytes)
		return error_new(ERROR_BAD_DATA, "%s in it is larger than %zu bytes", reader->name, max_bytes);
	buf = malloc(size + 1);
	if (!buf)
		return error_new(ERROR_NOMEM, "no memory for %s", reader->name);
	err = read_all(reader, buf, size);
	buf[size] = '\0';
	reader->left_bytes = 0;
	if (!err)
		*ret = take_ptr(buf);
	return err;
}
