// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/partition.h"

#include <stddef.h>

#include "base/endian.h"
#include "fakepartition.h"

enum { MIB = 1 << 20 };

static size_t count_records(struct partition *partition)
{
	struct partition_record record;
	bool is_found;
	size_t count = 0;

	check_ok(partition_next(partition, NULL, &record, &is_found));
	for (; is_found; count++)
		check_ok(partition_next(partition, &record, &record, &is_found));
	return count;
}

static void read_text(struct partition *partition, const struct partition_file *file, char ret[100])
{
	struct partition_reader reader;
	size_t got;

	check(file != NULL);
	partition_reader_init(&reader, partition, file);
	check_ok(partition_reader_read(&reader, ret, 99, &got));
	ret[got] = '\0';
	check_ok(partition_reader_check(&reader));
}

static void old_content(void)
{
	struct partition partition;
	struct partition_record record;

	fakepartition_init(&partition, FAKEPARTITION_BYTES);
	check(count_records(&partition) == 0);
	check_error(partition_find(&partition, FAKEPARTITION_NAME, &record), ERROR_BAD_DATA, "is not on the partition");
	check_ok(partition_trim(&partition));
	fakepartition_deinit(&partition);
}

static void round_trip(void)
{
	struct partition partition;
	struct partition_record record, again;
	char text[100];

	fakepartition_init(&partition, FAKEPARTITION_BYTES);
	check_ok(partition_create(&partition, FAKEPARTITION_NAME, &record));
	fakepartition_put(&partition, &record, "plan", "the plan");
	fakepartition_put(&partition, &record, "empty", "");
	fakepartition_put(&partition, &record, "log", "a log");
	record.state = PARTITION_COMPLETE;
	check_ok(partition_write(&partition, &record));
	check_ok(partition_find(&partition, FAKEPARTITION_NAME, &again));
	check(again.state == PARTITION_COMPLETE && again.taken == PARTITION_KEPT && again.count == 3);
	check(again.generation == record.generation);
	read_text(&partition, partition_file(&again, "plan"), text);
	check_text(text, "the plan");
	read_text(&partition, partition_file(&again, "empty"), text);
	check_text(text, "");
	read_text(&partition, partition_file(&again, "log"), text);
	check_text(text, "a log");
	check(partition_file(&again, "other") == NULL);
	fakepartition_deinit(&partition);
}

// Byte by byte, as the header describes it.
static void bytes(void)
{
	static const uint8_t abc[] = {0xba, 0x78, 0x16, 0xbf}; // FIPS 180-4, of "abc".
	struct partition partition;
	struct partition_record record;
	uint8_t blocks[2][4096], sum[32], text[3];
	size_t got;

	fakepartition_init(&partition, FAKEPARTITION_BYTES);
	check_ok(partition_create(&partition, FAKEPARTITION_NAME, &record));
	fakepartition_put(&partition, &record, "plan", "abc");
	check_ok(io_pread(partition.fd, blocks, sizeof(blocks), 0, &got));
	// The second generation is in the first block, the first one in the other.
	check(load_u64(blocks[0] + 24, false) == 2 && load_u64(blocks[1] + 24, false) == 1);
	check(memcmp(blocks[0], "KDUMPART", 8) == 0 && load_u32(blocks[0] + 8, false) == 1);
	check(load_u32(blocks[0] + 12, false) == 1 && load_u32(blocks[0] + 16, false) == 0);
	check(load_u32(blocks[0] + 20, false) == 1 && load_u64(blocks[0] + 32, false) == 0);
	check_text((char *)blocks[0] + 56, FAKEPARTITION_NAME);
	check_text((char *)blocks[0] + 2048, "plan");
	check(load_u64(blocks[0] + 2048 + 64, false) == 4 * MIB && load_u64(blocks[0] + 2048 + 72, false) == 3);
	check(memcmp(blocks[0] + 2048 + 80, abc, sizeof(abc)) == 0);
	memcpy(sum, blocks[0] + 312, 32);
	fakepartition_sum(blocks[0]);
	check(memcmp(sum, blocks[0] + 312, 32) == 0);
	// Where others have their marks.
	for (size_t i = 344; i < 2048; i++)
		check(!blocks[0][i]);
	check_ok(io_pread(partition.fd, text, 3, 4 * MIB, &got));
	check(memcmp(text, "abc", 3) == 0);
	fakepartition_deinit(&partition);
}

static void replaced(void)
{
	struct partition partition;
	struct partition_record record;
	uint64_t generation, offset;
	char text[100];

	fakepartition_init(&partition, FAKEPARTITION_BYTES);
	check_ok(partition_create(&partition, FAKEPARTITION_NAME, &record));
	fakepartition_put(&partition, &record, "plan", "the plan");
	generation = record.generation;
	fakepartition_put(&partition, &record, "plan", "the plan");
	check(record.generation == generation);
	offset = record.files[0].offset_bytes;
	fakepartition_put(&partition, &record, "plan", "another");
	check(record.count == 1 && record.files[0].offset_bytes > offset);
	read_text(&partition, &record.files[0], text);
	check_text(text, "another");
	check_ok(partition_remove(&partition, &record, "plan"));
	check_ok(partition_remove(&partition, &record, "plan"));
	check_ok(partition_find(&partition, FAKEPARTITION_NAME, &record));
	check(record.count == 0);
	fakepartition_deinit(&partition);
}

static void chain(void)
{
	struct partition partition;
	struct partition_record first, second, found;

	fakepartition_init(&partition, FAKEPARTITION_BYTES);
	check_ok(partition_create(&partition, FAKEPARTITION_NAME, &first));
	fakepartition_put(&partition, &first, "plan", "one");
	check_ok(partition_create(&partition, FAKEPARTITION_SECOND, &second));
	check(second.offset_bytes == 5 * MIB && memcmp(first.chain, second.chain, sizeof(first.chain)) == 0);
	fakepartition_put(&partition, &second, "plan", "two");
	check(second.files[0].offset_bytes == 5 * MIB + 8192);
	check(count_records(&partition) == 2);
	// What lies behind one that is still needed stays where it is, and is no longer needed itself.
	second.taken = PARTITION_TAKEN;
	check_ok(partition_write(&partition, &second));
	check_ok(partition_trim(&partition));
	check(count_records(&partition) == 1);
	check_ok(partition_find(&partition, FAKEPARTITION_NAME, &found));
	first.taken = PARTITION_TAKEN;
	check_ok(partition_write(&partition, &first));
	check_ok(partition_trim(&partition));
	check(count_records(&partition) == 0);
	fakepartition_deinit(&partition);
}

// Headers that an earlier chain left behind its end, as memory of a crashed kernel could hold them, too.
static void stale_record(void)
{
	struct partition partition;
	struct partition_record first, second;
	uint8_t forged[8192];
	size_t got;

	fakepartition_init(&partition, FAKEPARTITION_BYTES);
	check_ok(partition_create(&partition, FAKEPARTITION_NAME, &first));
	fakepartition_put(&partition, &first, "plan", "one");
	check_ok(partition_create(&partition, FAKEPARTITION_SECOND, &second));
	check_ok(io_pread(partition.fd, forged, sizeof(forged), second.offset_bytes, &got));
	second.taken = first.taken = PARTITION_TAKEN;
	check_ok(partition_write(&partition, &second));
	check_ok(partition_write(&partition, &first));
	check_ok(partition_trim(&partition));
	check_ok(io_pwrite(partition.fd, forged, sizeof(forged), second.offset_bytes));
	check_ok(partition_create(&partition, FAKEPARTITION_NAME, &first));
	fakepartition_put(&partition, &first, "plan", "one");
	check(count_records(&partition) == 1);
	fakepartition_deinit(&partition);
}

// The newer header is torn, at any sector: the older one counts.
static void torn(void)
{
	for (size_t at = 0; at < 4096; at += 512) {
		struct partition partition;
		struct partition_record record, found;
		uint8_t block[4096];
		size_t got;

		fakepartition_init(&partition, FAKEPARTITION_BYTES);
		check_ok(partition_create(&partition, FAKEPARTITION_NAME, &record));
		fakepartition_put(&partition, &record, "plan", "one");
		check_ok(io_pread(partition.fd, block, sizeof(block), 0, &got));
		memset(block + at, 0x77, sizeof(block) - at);
		check_ok(io_pwrite(partition.fd, block, sizeof(block), 0));
		check_ok(partition_find(&partition, FAKEPARTITION_NAME, &found));
		check(found.generation == 1 && found.count == 0);
		fakepartition_deinit(&partition);
	}
}

static void full(void)
{
	struct partition partition;
	struct partition_record record, second;
	_cleanup_free_ uint8_t *much = calloc(1, 10 * MIB);
	struct sink *sink;
	struct error *err = NULL;
	int fd = fakepartition_memory(20 * MIB);
	uint64_t room;

	fakepartition_init(&partition, 16 * MIB);
	check_ok(partition_create(&partition, FAKEPARTITION_NAME, &record));
	room = partition_room(&partition, &record);
	check(room == 10 * MIB);
	check_error(partition_put(&partition, &record, fd, "large"), ERROR_NOSPC, "no room");
	check(record.count == 0 && partition_room(&partition, &record) == room);
	check_ok(partition_sink_create(&partition, &record, "vmcore.flat", &sink));
	check_ok(sink_write(sink, 0, much, 10 * MIB));
	err = sink_write(sink, 10 * MIB, much, MIB);
	check_error(err, ERROR_NOSPC, "vmcore.flat: no room");
	check_error(sink_write(sink, 11 * MIB, much, 1), ERROR_CANCELED, "missing");
	sink_destroy(sink);
	// What a large file leaves is for small ones.
	check(partition_room(&partition, &record) == 0);
	fakepartition_put(&partition, &record, "capture.log", "it was full");
	check_error(partition_create(&partition, FAKEPARTITION_SECOND, &second), ERROR_NOSPC, "behind 1 dump that");
	check_ok(partition_find(&partition, FAKEPARTITION_NAME, &record));
	check(record.count == 2 && record.files[0].size_bytes == 10 * MIB && !record.files[0].has_sum);
	// The end belongs to others.
	for (uint64_t at = 15 * MIB; at < 16 * MIB; at += 4096) {
		uint8_t byte;
		size_t got;

		check_ok(io_pread(partition.fd, &byte, 1, at, &got));
		check(byte == 0x5a);
	}
	close(fd);
	fakepartition_deinit(&partition);
}

static void too_small(void)
{
	struct partition partition;
	int fd = fakepartition_memory(6 * MIB - 1);

	check_error(partition_init(fd, &partition), ERROR_NOSPC, "has 6291455 bytes");
	close(fd);
}

// What is there when the writer is killed: what the header told last.
static void sink_tells(void)
{
	enum { TOLD = 64 * MIB, MORE = 5 * MIB };
	struct partition partition;
	struct partition_record record, found;
	_cleanup_free_ uint8_t *much = calloc(1, MIB);
	struct sink *sink;
	uint64_t at = 0;

	check(much != NULL);
	fakepartition_init(&partition, 100 * MIB);
	check_ok(partition_create(&partition, FAKEPARTITION_NAME, &record));
	check_ok(partition_sink_create(&partition, &record, "vmcore.flat", &sink));
	check_ok(partition_find(&partition, FAKEPARTITION_NAME, &found));
	check(found.count == 1 && found.files[0].size_bytes == 0);
	for (; at < TOLD + MORE; at += MIB)
		check_ok(sink_write(sink, at, much, MIB));
	check_ok(sink_write(sink, at, "end", 3));
	check_ok(partition_find(&partition, FAKEPARTITION_NAME, &found));
	check(found.files[0].size_bytes == TOLD && !found.files[0].has_sum);
	check_error(sink_write(sink, at, "end", 3), ERROR_UNSUPPORTED, "in order");
	sink_destroy(sink);
	check_ok(partition_find(&partition, FAKEPARTITION_NAME, &found));
	check(found.files[0].size_bytes == TOLD + MORE + 3 && !found.files[0].has_sum);
	fakepartition_deinit(&partition);
}

static void sink_finished(void)
{
	struct partition partition;
	struct partition_record record;
	struct sink *sink;
	char text[100];

	fakepartition_init(&partition, FAKEPARTITION_BYTES);
	check_ok(partition_create(&partition, FAKEPARTITION_NAME, &record));
	check_ok(partition_sink_create(&partition, &record, "vmcore.flat", &sink));
	check_ok(sink_write(sink, 0, "one ", 4));
	check_ok(sink_write(sink, 4, "two", 3));
	check_error(sink_finish(sink, 8), ERROR_CANCELED, "missing");
	check_ok(sink_finish(sink, 7));
	sink_destroy(sink);
	// Another try has the name.
	check_ok(partition_find(&partition, FAKEPARTITION_NAME, &record));
	check(record.files[0].has_sum);
	read_text(&partition, &record.files[0], text);
	check_text(text, "one two");
	check_ok(partition_sink_create(&partition, &record, "vmcore.flat", &sink));
	check_ok(sink_write(sink, 0, "three", 5));
	check_ok(sink_finish(sink, 5));
	sink_destroy(sink);
	check_ok(partition_find(&partition, FAKEPARTITION_NAME, &record));
	check(record.count == 1);
	read_text(&partition, &record.files[0], text);
	check_text(text, "three");
	fakepartition_deinit(&partition);
}

static void damaged_file(void)
{
	struct partition partition;
	struct partition_record record;
	struct partition_reader reader;

	fakepartition_init(&partition, FAKEPARTITION_BYTES);
	check_ok(partition_create(&partition, FAKEPARTITION_NAME, &record));
	fakepartition_put(&partition, &record, "plan", "the plan");
	check_ok(io_pwrite(partition.fd, "X", 1, record.files[0].offset_bytes));
	partition_reader_init(&reader, &partition, &record.files[0]);
	check_error(partition_reader_check(&reader), ERROR_BAD_DATA, "checksum is wrong");
	fakepartition_deinit(&partition);
}

static void names(void)
{
	static const char *const bad_files[] = {"", ".hidden", "a/b", "a b", "a\n", "\x7f", "ä"};
	static const char *const bad_dumps[] = {"", "node1", "../x-2026-01-02T03-04-05Z-0a1b2c3d",
	                                        ".x-2026-01-02T03-04-05Z-0a1b2c3d", FAKEPARTITION_NAME ".incomplete"};
	struct partition partition;
	struct partition_record record;
	char name[70];
	int fd = fakepartition_memory(1);

	fakepartition_init(&partition, FAKEPARTITION_BYTES);
	for (size_t i = 0; i < array_size(bad_dumps); i++)
		check_error(partition_create(&partition, bad_dumps[i], &record), ERROR_BAD_DATA, "no name of a dump");
	check_ok(partition_create(&partition, FAKEPARTITION_NAME, &record));
	for (size_t i = 0; i < array_size(bad_files); i++)
		check_error(partition_put(&partition, &record, fd, bad_files[i]), ERROR_UNSUPPORTED,
		            "cannot have the name");
	memset(name, 'x', sizeof(name));
	name[64] = '\0';
	check_error(partition_put(&partition, &record, fd, name), ERROR_UNSUPPORTED, "cannot have the name");
	name[63] = '\0';
	check_ok(partition_put(&partition, &record, fd, name));
	for (int i = 1; i < PARTITION_FILES_MAX; i++) {
		snprintf(name, sizeof(name), "file%d", i);
		check_ok(partition_put(&partition, &record, fd, name));
	}
	check_error(partition_put(&partition, &record, fd, "more"), ERROR_UNSUPPORTED, "16 files at most");
	check_ok(partition_find(&partition, FAKEPARTITION_NAME, &record));
	check(record.count == 16);
	close(fd);
	fakepartition_deinit(&partition);
}

// What a header with a right sum may still not say.
static void hostile(void)
{
	enum { NAME = 56, FILES = 2048, SIZE = 128, LIMIT = 31 * MIB };
	static const struct {
		size_t offset;
		uint64_t value;
		size_t size_bytes;
	} wrongs[] = {
		{0, 'X', 1},
		{8, 2, 4},
		{12, 0, 4},
		{12, 3, 4},
		{16, 4, 4},
		{16, UINT32_MAX, 4},
		{20, 17, 4},
		{20, UINT32_MAX, 4},
		{20, 3, 4}, // The third one has no name.
		{32, MIB, 8},
		{NAME, '/', 1},
		{NAME, '.', 1},
		{NAME, 0, 1},
		{NAME + 4, '/', 1},
		{FILES, '.', 1},
		{FILES, 0, 1},
		{FILES + 1, '/', 1},
		{FILES + 1, 0x0a, 1},
		{FILES + 1, 0x80, 1},
		{FILES + 64, 0, 8}, // In the headers.
		{FILES + 64, 4096, 8},
		{FILES + 64, 4 * MIB - 4096, 8},
		{FILES + 64, 4 * MIB + 1, 8},
		{FILES + 64, LIMIT + 4096, 8},
		{FILES + 64, UINT64_MAX - 4095, 8},
		{FILES + 72, LIMIT - 4 * MIB + 1, 8},
		{FILES + 72, UINT64_MAX, 8},
		{FILES + 72, UINT64_MAX - 4 * MIB + 1, 8},
		{FILES + SIZE + 72, UINT64_MAX - 4 * MIB - 4095, 8},
	};
	struct partition partition;
	struct partition_record record, ret = {.count = 99};
	uint8_t block[4096], changed[4096];

	fakepartition_init(&partition, FAKEPARTITION_BYTES);
	check_ok(partition_create(&partition, FAKEPARTITION_NAME, &record));
	fakepartition_put(&partition, &record, "plan", "the plan");
	fakepartition_put(&partition, &record, "log", "the log");
	partition_format(&record, block);
	for (size_t i = 0; i < array_size(wrongs); i++) {
		uint64_t value = htole64(wrongs[i].value);

		memcpy(changed, block, sizeof(block));
		memcpy(changed + wrongs[i].offset, &value, wrongs[i].size_bytes);
		fakepartition_sum(changed);
		check(!partition_parse(changed, 0, LIMIT, &ret));
	}
	// Two of one name; a name without an end.
	memcpy(changed, block, sizeof(block));
	memcpy(changed + FILES + SIZE, changed + FILES, 64);
	fakepartition_sum(changed);
	check(!partition_parse(changed, 0, LIMIT, &ret));
	memcpy(changed, block, sizeof(block));
	memset(changed + FILES, 'x', 64);
	fakepartition_sum(changed);
	check(!partition_parse(changed, 0, LIMIT, &ret));
	// Each bit counts.
	for (size_t i = 0; i < 4096; i += 7) {
		memcpy(changed, block, sizeof(block));
		changed[i] ^= 1;
		check(!partition_parse(changed, 0, LIMIT, &ret));
	}
	check(ret.count == 99);
	// As far as it may go.
	memcpy(changed, block, sizeof(block));
	memcpy(changed + FILES + 72, &(uint64_t){htole64(LIMIT - 4 * MIB)}, 8);
	fakepartition_sum(changed);
	check(partition_parse(changed, 0, LIMIT, &ret) && ret.count == 2);
	check(!partition_parse(changed, 0, LIMIT - 1, &ret));
	fakepartition_deinit(&partition);
}

static const struct test tests[] = {
	TEST(old_content),   TEST(round_trip),   TEST(bytes), TEST(replaced),  TEST(chain),
	TEST(stale_record),  TEST(torn),         TEST(full),  TEST(too_small), TEST(sink_tells),
	TEST(sink_finished), TEST(damaged_file), TEST(names), TEST(hostile),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
