// SPDX-License-Identifier: GPL-2.0-or-later
// Headers of records: from bytes and to bytes.
#include "capture/partition_format.h"

#include <assert.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

static const char magic[8] = "KDUMPART";

struct header_file {
	char name[PARTITION_NAME_BYTES];
	uint64_t offset;
	uint64_t size;
	uint8_t sum[SHA256_DIGEST_BYTES];
	uint8_t padding[16];
};

struct header {
	char magic[8];
	uint32_t version;
	uint32_t state;
	uint32_t taken;
	uint32_t count;
	uint64_t generation;
	uint64_t offset;
	uint8_t chain[PARTITION_CHAIN_BYTES];
	char name[DUMPDIR_NAME_BYTES];
	uint8_t sum[SHA256_DIGEST_BYTES];
	uint8_t padding[1704];
	struct header_file files[PARTITION_FILES_MAX];
};

static_assert(sizeof(struct header) == PARTITION_BLOCK_BYTES, "a header is one block");
static_assert(sizeof(struct header_file) == 128, "files have no padding but the one that is named");
static_assert(offsetof(struct header, chain) == 40 && offsetof(struct header, sum) == 312, "as in partition.h");
static_assert(offsetof(struct header, files) == 2048, "other formats have their marks before it");
static uint64_t align_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) / unit * unit;
}

uint64_t partition_first_place(uint64_t offset_bytes)
{
	uint64_t behind = offset_bytes + PARTITION_HEADERS_BYTES;

	return behind < PARTITION_HEAD_BYTES ? PARTITION_HEAD_BYTES : behind;
}

uint64_t partition_next_place(const struct partition_record *record)
{
	uint64_t place = partition_first_place(record->offset_bytes);

	for (size_t i = 0; i < record->count; i++) {
		const struct partition_file *file = &record->files[i];
		uint64_t end = align_up(file->offset_bytes + file->size_bytes, PARTITION_BLOCK_BYTES);

		place = end > place ? end : place;
	}
	return place;
}

static void hash_header(const struct header *header, uint8_t ret[SHA256_DIGEST_BYTES])
{
	struct header copy = *header;
	struct sha256 sha;

	memset(copy.sum, 0, sizeof(copy.sum));
	sha256_init(&sha);
	sha256_update(&sha, &copy, sizeof(copy));
	sha256_final(&sha, ret);
}

bool partition_is_file_name(const char name[PARTITION_NAME_BYTES])
{
	size_t size = strnlen(name, PARTITION_NAME_BYTES);

	if (!size || size == PARTITION_NAME_BYTES || name[0] == '.')
		return false;
	for (size_t i = 0; i < size; i++)
		if (name[i] <= ' ' || name[i] > '~' || name[i] == '/')
			return false;
	return true;
}

bool partition_is_dump_name(const char name[DUMPDIR_NAME_BYTES])
{
	size_t size = strnlen(name, DUMPDIR_NAME_BYTES), end = strlen(DUMPDIR_INCOMPLETE);

	// In a directory it may get DUMPDIR_INCOMPLETE behind it.
	return size < DUMPDIR_NAME_BYTES - end - 1 && name[0] != '.' && dumpdir_host_size(name) &&
	       !(size > end && strcmp(name + size - end, DUMPDIR_INCOMPLETE) == 0);
}

const struct partition_file *partition_file(const struct partition_record *record, const char *name)
{
	for (size_t i = 0; i < record->count; i++)
		if (strcmp(record->files[i].name, name) == 0)
			return &record->files[i];
	return NULL;
}

static bool parse_file(const struct header_file *from, uint64_t limit_bytes, struct partition_record *record)
{
	static const uint8_t unknown[SHA256_DIGEST_BYTES];
	struct partition_file file = {
		.offset_bytes = le64toh(from->offset),
		.size_bytes = le64toh(from->size),
		.has_sum = memcmp(from->sum, unknown, sizeof(unknown)) != 0,
	};

	if (!partition_is_file_name(from->name) || file.offset_bytes % PARTITION_BLOCK_BYTES ||
	    file.offset_bytes < partition_first_place(record->offset_bytes) || file.offset_bytes > limit_bytes ||
	    file.size_bytes > limit_bytes - file.offset_bytes || partition_file(record, from->name))
		return false;
	snprintf(file.name, sizeof(file.name), "%s", from->name);
	memcpy(file.sum, from->sum, sizeof(file.sum));
	record->files[record->count++] = file;
	return true;
}

bool partition_parse(const uint8_t *block, uint64_t offset_bytes, uint64_t limit_bytes, struct partition_record *ret)
{
	struct partition_record record = {.offset_bytes = offset_bytes};
	uint8_t sum[SHA256_DIGEST_BYTES];
	struct header header;
	uint32_t count;

	memcpy(&header, block, sizeof(header));
	count = le32toh(header.count);
	if (memcmp(header.magic, magic, sizeof(magic)) != 0 || le32toh(header.version) != PARTITION_VERSION ||
	    le64toh(header.offset) != offset_bytes || count > PARTITION_FILES_MAX ||
	    !partition_is_dump_name(header.name))
		return false;
	hash_header(&header, sum);
	record.state = le32toh(header.state);
	record.taken = le32toh(header.taken);
	record.generation = le64toh(header.generation);
	if (memcmp(sum, header.sum, sizeof(sum)) != 0 || record.taken > PARTITION_TAKEN ||
	    (record.state != PARTITION_INCOMPLETE && record.state != PARTITION_COMPLETE))
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (!parse_file(&header.files[i], limit_bytes, &record))
			return false;
	memcpy(record.chain, header.chain, sizeof(record.chain));
	snprintf(record.name, sizeof(record.name), "%s", header.name);
	*ret = record;
	return true;
}

void partition_format(const struct partition_record *record, uint8_t *block)
{
	struct header header = {
		.version = htole32(PARTITION_VERSION),
		.state = htole32(record->state),
		.taken = htole32(record->taken),
		.count = htole32((uint32_t)record->count),
		.generation = htole64(record->generation),
		.offset = htole64(record->offset_bytes),
	};

	memcpy(header.magic, magic, sizeof(magic));
	memcpy(header.chain, record->chain, sizeof(header.chain));
	memcpy(header.name, record->name, strnlen(record->name, sizeof(header.name) - 1));
	for (size_t i = 0; i < record->count; i++) {
		const struct partition_file *file = &record->files[i];
		struct header_file *to = &header.files[i];

		memcpy(to->name, file->name, strnlen(file->name, sizeof(to->name) - 1));
		to->offset = htole64(file->offset_bytes);
		to->size = htole64(file->size_bytes);
		if (file->has_sum)
			memcpy(to->sum, file->sum, sizeof(to->sum));
	}
	hash_header(&header, header.sum);
	memcpy(block, &header, sizeof(header));
}
