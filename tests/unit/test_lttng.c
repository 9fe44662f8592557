// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/lttng.h"

#include <unistd.h>

#include "fakelttng.h"
#include "report/lttng_reader.h"
#include "report/machine.h"
#include "test.h"

struct opened {
	struct fakecore fake;
	struct machine *machine;
	struct lttng *lttng;
	struct lttng_reader *reader;
};

static void open_machine(struct opened *opened)
{
	fakecore_open(&opened->fake);
	check_ok(machine_open(opened->fake.core, 1000, &opened->machine));
}

static void open_reader(struct opened *opened)
{
	open_machine(opened);
	check_ok(lttng_open(opened->machine, &opened->lttng));
	check_text(opened->lttng->why, "");
	check(opened->lttng->session_count == 1 && opened->lttng->sessions[0].channel_count == 1);
	check_ok(lttng_reader_create(opened->lttng, &opened->lttng->sessions[0],
	                             &opened->lttng->sessions[0].channels[0], 0, &opened->reader));
	check(opened->reader);
}

static void close_all(struct opened *opened)
{
	lttng_reader_destroy(opened->reader);
	lttng_close(opened->lttng);
	machine_close(opened->machine);
	fakecore_deinit(&opened->fake);
}

static uint64_t damaged(const struct opened *opened)
{
	char why[KERNEL_WHY_BYTES];

	return lttng_reader_damaged(opened->reader, why);
}

static void session(void)
{
	struct opened opened = {0};
	char *text;
	size_t size;

	fakelttng_make(&opened.fake, "2.13.9");
	open_reader(&opened);
	check_text(opened.lttng->types.from, "version 2.13.9");
	check_text(opened.lttng->sessions[0].name, "auto/..?[2J");
	check(opened.lttng->sessions[0].channels[0].id == FAKELTTNG_ID);
	check_ok(lttng_metadata(opened.lttng, &opened.lttng->sessions[0], &text, &size));
	check(size == strlen("/* CTF 1.8 */\n\ntrace { };\n\nevent { };\n\neve") &&
	      memcmp(text, "/* CTF 1.8 */\n\ntrace { };\n\nevent { };\n\neve", size) == 0);
	free(text);
	close_all(&opened);
}

// Other structures, of which all is checked on a real machine.
static void newer_version(void)
{
	struct opened opened = {0};

	fakelttng_make(&opened.fake, "2.16.0");
	open_machine(&opened);
	check_ok(lttng_open(opened.machine, &opened.lttng));
	check_text(opened.lttng->types.from, "version 2.16.0");
	check(opened.lttng->types.at[LTTNG_TYPES_SESSION_LIST] == 65608);
	close_all(&opened);
}

// Of CTF 2: nothing is put before it.
static void json_metadata(void)
{
	static const char metadata[] = "\x1e{}\n\x1e{\"a\": 1}\n\x1e{\"b";
	struct opened opened = {0};
	char *text;
	size_t size;

	fakelttng_make(&opened.fake, "2.13.9");
	memcpy(opened.fake.memory + FAKELTTNG_METADATA, metadata, sizeof(metadata));
	fakecrash_put(&opened.fake, fakelttng_at(FAKELTTNG_CACHE) + 12, sizeof(metadata) - 1, 4);
	fakecrash_put(&opened.fake, fakelttng_at(FAKELTTNG_CACHE) + 16, 1, 4);
	open_reader(&opened);
	check_ok(lttng_metadata(opened.lttng, &opened.lttng->sessions[0], &text, &size));
	check(size == strlen("\x1e{}\n\x1e{\"a\": 1}\n") && memcmp(text, metadata, size) == 0);
	free(text);
	close_all(&opened);
}

// What was being added to it is left out.
static void changing_metadata(void)
{
	struct opened opened = {0};
	char *text;
	size_t size;

	fakelttng_make(&opened.fake, "2.13.9");
	fakecrash_put(&opened.fake, fakelttng_at(FAKELTTNG_CACHE) + 16, 1, 4);
	open_reader(&opened);
	check_ok(lttng_metadata(opened.lttng, &opened.lttng->sessions[0], &text, &size));
	check(size == strlen("/* CTF 1.8 */\n\ntrace { };\n\nevent { };\n\n"));
	free(text);
	close_all(&opened);
}

static void packets(void)
{
	struct lttng_reader_packet packet;
	struct opened opened = {0};
	struct ctf_packet header;

	fakelttng_make(&opened.fake, "2.13.18");
	open_reader(&opened);
	check(lttng_reader_next(opened.reader, &packet));
	check(packet.size_bytes == 4096 && !packet.is_unfinished && packet.header.sequence == 2);
	check(memcmp(packet.bytes, opened.fake.memory + FAKELTTNG_DATA + FAKELTTNG_SUBBUF_BYTES, 4096) == 0);
	check(lttng_reader_next(opened.reader, &packet));
	check(packet.size_bytes == 4096 && packet.is_unfinished && packet.header.sequence == 3);
	check(ctf_get(packet.bytes, false, &header));
	check(header.content_bits == 8 * 300 && header.packet_bits == 8 * 4096 && header.end == 5000);
	check(header.begin == 2100 && header.discarded == 9);
	// What is not committed is not shown.
	check(packet.bytes[299] == 0x11 && packet.bytes[300] == 0);
	check(!lttng_reader_next(opened.reader, &packet) && damaged(&opened) == 0);
	close_all(&opened);
}

// A reader has the pages of the first packet; where they were, there are those of an older one.
static void taken_by_reader(void)
{
	struct lttng_reader_packet packet;
	struct opened opened = {0};

	fakelttng_make(&opened.fake, "2.13.9");
	fakelttng_put(&opened.fake, fakelttng_at(FAKELTTNG_WRITERS), 2);
	fakelttng_put(&opened.fake, fakelttng_buffer() + 48, 1);
	fakelttng_header(&opened.fake, fakelttng_at(FAKELTTNG_DATA) + 2 * FAKELTTNG_SUBBUF_BYTES, 0, 1, 2, 8 * 500,
	                 8 * 4096);
	open_reader(&opened);
	check(lttng_reader_next(opened.reader, &packet) && packet.header.sequence == 2 && packet.header.begin == 1000);
	check(lttng_reader_next(opened.reader, &packet) && damaged(&opened) == 0);
	close_all(&opened);
}

// An event in the first sub-buffer was never committed, but others behind it were.
static void gap(void)
{
	struct lttng_reader_packet packet;
	struct opened opened = {0};

	fakelttng_make(&opened.fake, "2.13.9");
	fakelttng_header(&opened.fake, fakelttng_at(FAKELTTNG_DATA) + FAKELTTNG_SUBBUF_BYTES, 2, 1000, 0, UINT64_MAX,
	                 UINT64_MAX);
	fakelttng_put(&opened.fake, fakelttng_at(FAKELTTNG_HOT) + 8, FAKELTTNG_SUBBUF_BYTES + 200);
	fakelttng_put(&opened.fake, fakelttng_at(FAKELTTNG_COLD), FAKELTTNG_SUBBUF_BYTES);
	open_reader(&opened);
	check(lttng_reader_next(opened.reader, &packet) && packet.is_unfinished);
	// It ends where the next one begins.
	check(packet.header.content_bits == 8 * 200 && packet.header.end == 2100);
	check(lttng_reader_next(opened.reader, &packet) && packet.header.sequence == 3);
	close_all(&opened);
}

static void nothing_committed(void)
{
	struct lttng_reader_packet packet;
	struct opened opened = {0};

	fakelttng_make(&opened.fake, "2.13.9");
	fakelttng_put(&opened.fake, fakelttng_at(FAKELTTNG_HOT) + 16 + 8, FAKELTTNG_SUBBUF_BYTES);
	open_reader(&opened);
	check(lttng_reader_next(opened.reader, &packet) && packet.header.sequence == 2);
	check(!lttng_reader_next(opened.reader, &packet) && damaged(&opened) == 0);
	close_all(&opened);
}

static void wrong_packets(void)
{
	// Where, and what is put there.
	static const struct {
		uint64_t place, value;
	} rows[] = {
		{FAKELTTNG_DATA + FAKELTTNG_SUBBUF_BYTES, 0},
		{FAKELTTNG_DATA + FAKELTTNG_SUBBUF_BYTES + 8, 0},
		{FAKELTTNG_DATA + FAKELTTNG_SUBBUF_BYTES + 48, 8 * 8192 + 8},
		{FAKELTTNG_DATA + FAKELTTNG_SUBBUF_BYTES + 48, 8 * 83},
		{FAKELTTNG_DATA + FAKELTTNG_SUBBUF_BYTES + 56, 8 * 16384},
		{FAKELTTNG_DATA + FAKELTTNG_SUBBUF_BYTES + 56, 8 * 4096 + 4},
		{FAKELTTNG_DATA + FAKELTTNG_SUBBUF_BYTES + 64, 4},
		{FAKELTTNG_DATA + FAKELTTNG_SUBBUF_BYTES + 80, 1},
		{FAKELTTNG_DATA + FAKELTTNG_SUBBUF_BYTES + 40, 999},
		{FAKELTTNG_WRITERS, 3},
		{FAKELTTNG_PAGES + 0x100 + 32, 0},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct lttng_reader_packet packet;
		struct opened opened = {0};

		fakelttng_make(&opened.fake, "2.13.9");
		fakelttng_put(&opened.fake, fakelttng_at(rows[i].place), rows[i].value);
		open_reader(&opened);
		check(lttng_reader_next(opened.reader, &packet) && packet.header.sequence == 3);
		check(damaged(&opened) == 1);
		close_all(&opened);
	}
}

static void wrong_channel(void)
{
	// Where in the ring, and what is put there.
	static const uint64_t rows[][2] = {
		{16, 3 * FAKELTTNG_SUBBUF_BYTES}, {24, 0}, {24, 12288}, {24, 1}, {56, 0}, {56, 3}};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct opened opened = {0};

		fakelttng_make(&opened.fake, "2.13.9");
		fakelttng_put(&opened.fake, fakelttng_at(FAKELTTNG_RING) + rows[i][0], rows[i][1]);
		open_machine(&opened);
		check_ok(lttng_open(opened.machine, &opened.lttng));
		check(opened.lttng->sessions[0].channels[0].why[0]);
		close_all(&opened);
	}
}

static void wrong_positions(void)
{
	// Where in the buffer, and what is put there.
	static const uint64_t rows[][2] = {
		{0, 2 * FAKELTTNG_SUBBUF_BYTES - 1}, {0, UINT64_MAX}, {16, 0}, {80, 1}, {88, 1}};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct lttng_session *found;
		struct opened opened = {0};

		fakelttng_make(&opened.fake, "2.13.9");
		fakelttng_put(&opened.fake, fakelttng_buffer() + rows[i][0], rows[i][1]);
		open_machine(&opened);
		check_ok(lttng_open(opened.machine, &opened.lttng));
		found = &opened.lttng->sessions[0];
		check_error(lttng_reader_create(opened.lttng, found, &found->channels[0], 0, &opened.reader),
		            ERROR_BAD_DATA, "");
		close_all(&opened);
	}
}

static void endless_lists(void)
{
	struct opened opened = {0};

	fakelttng_make(&opened.fake, "2.13.9");
	fakelttng_put(&opened.fake, fakelttng_at(FAKELTTNG_SESSION) + 56, fakelttng_at(FAKELTTNG_SESSION) + 56);
	fakelttng_put(&opened.fake, fakelttng_at(FAKELTTNG_METADATA_CHANNEL) + 152,
	              fakelttng_at(FAKELTTNG_METADATA_CHANNEL) + 152);
	open_machine(&opened);
	check_ok(lttng_open(opened.machine, &opened.lttng));
	check(strstr(opened.lttng->why, "no end") && opened.lttng->session_count == 1);
	check(strstr(opened.lttng->sessions[0].why, "no end"));
	close_all(&opened);
}

// What a damaged dump has may be beyond what it could hold.
static void limits(void)
{
	struct lttng_reader_packet packet;
	struct opened opened = {0};

	fakelttng_make(&opened.fake, "2.13.9");
	open_reader(&opened);
	opened.lttng->pages_left = 3;
	check(lttng_reader_next(opened.reader, &packet) && packet.header.sequence == 2);
	check(!lttng_reader_next(opened.reader, &packet) && damaged(&opened) == 1);
	lttng_reader_destroy(opened.reader);
	opened.reader = NULL;
	opened.lttng->buffers_left = 0;
	check_error(lttng_reader_create(opened.lttng, &opened.lttng->sessions[0],
	                                &opened.lttng->sessions[0].channels[0], 0, &opened.reader),
	            ERROR_BAD_DATA, "too many buffers");
	close_all(&opened);
}

static void other_version(void)
{
	struct opened opened = {0};
	struct error *err;

	fakelttng_make(&opened.fake, "2.12.3");
	open_machine(&opened);
	err = lttng_open(opened.machine, &opened.lttng);
	check(err && err->code == ERROR_UNSUPPORTED && strstr(err->text, "LTTng-modules 2.12.3"));
	error_free(err);
	close_all(&opened);
}

static void no_module(void)
{
	struct opened opened = {0};
	struct error *err;

	fakelttng_make(&opened.fake, "2.13.9");
	strcpy((char *)opened.fake.memory + FAKECRASH_MODULE + 24, "faulty");
	open_machine(&opened);
	err = lttng_open(opened.machine, &opened.lttng);
	check(err && err->code == ERROR_UNSUPPORTED && strstr(err->text, "LTTng was not in use"));
	error_free(err);
	close_all(&opened);
}

// Of a version that is not known, with a member where it never was.
static void module_types(void)
{
	struct lttng_reader_packet packet;
	struct opened opened = {0};

	fakelttng_make(&opened.fake, "3.0.0");
	fakelttng_types(&opened.fake);
	fakecrash_put(&opened.fake, fakelttng_at(FAKELTTNG_CHANNEL) + 112, 0, 4);
	fakecrash_put(&opened.fake, fakelttng_at(FAKELTTNG_CHANNEL) + FAKELTTNG_MOVED_ID, FAKELTTNG_ID, 4);
	open_reader(&opened);
	check_text(opened.lttng->types.from, "types of the modules");
	check(lttng_reader_next(opened.reader, &packet) && packet.header.sequence == 2);
	check(lttng_reader_next(opened.reader, &packet) && packet.header.sequence == 3);
	close_all(&opened);
}

// Types that cannot be read are as none.
static void wrong_types(void)
{
	static const struct {
		uint64_t place, value;
		const char *words;
	} rows[] = {
		{FAKELTTNG_BTF_MODULE + 0x40 + 24, 23, "23 bytes of types"},
		{FAKELTTNG_BTF_MODULE + 0x40 + 24, 100, "beyond their end"},
		{FAKELTTNG_TYPES, 0, "do not begin"},
		{FAKELTTNG_TYPES + 12, UINT64_MAX, "beyond their end"},
		{FAKELTTNG_TYPES + 28, UINT32_MAX, "kind"},
		{FAKELTTNG_BTF_MODULE + 0x40 + 40, 0, "built without them"},
		{FAKELTTNG_BTF_MODULE + 8, fakecore_image + FAKELTTNG_BTF_MODULE + 8, "built without them"},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct opened opened = {0};
		bool is_list = rows[i].place == FAKELTTNG_BTF_MODULE + 8;

		fakelttng_make(&opened.fake, "3.0.0");
		fakelttng_types(&opened.fake);
		fakecrash_put(&opened.fake, fakelttng_at(rows[i].place), rows[i].value,
		              is_list || rows[i].value == 0 ? 8 : 4);
		if (is_list)
			strcpy((char *)opened.fake.memory + FAKELTTNG_BTF_MODULE + 0x40 + 40, "other");
		open_machine(&opened);
		check_error(lttng_open(opened.machine, &opened.lttng), ERROR_UNSUPPORTED,
		            is_list ? "no end" : rows[i].words);
		close_all(&opened);
	}
}

static void damage(void)
{
	for (unsigned int seed = 0; seed < 300; seed++) {
		struct lttng_reader_packet packet;
		struct opened opened = {0};
		struct error *err;

		fakelttng_make(&opened.fake, "2.13.9");
		fakecrash_damage(&opened.fake, FAKELTTNG_CACHE, FAKELTTNG_DATA + 0x100 - FAKELTTNG_CACHE, seed);
		open_machine(&opened);
		err = lttng_open(opened.machine, &opened.lttng);
		for (size_t i = 0; !err && i < opened.lttng->session_count; i++) {
			const struct lttng_session *found = &opened.lttng->sessions[i];

			for (size_t k = 0; k < found->channel_count; k++) {
				if (found->channels[k].why[0])
					continue;
				error_free(lttng_reader_create(opened.lttng, found, &found->channels[k], 0,
				                               &opened.reader));
				while (opened.reader && lttng_reader_next(opened.reader, &packet))
					check(packet.size_bytes <= found->channels[k].subbuf_bytes);
				lttng_reader_destroy(opened.reader);
				opened.reader = NULL;
			}
		}
		error_free(err);
		close_all(&opened);
	}
}

// A file of packets: what ends it, and how many bytes of it are whole.
static void files(void)
{
	static const struct {
		uint64_t place, value;
		size_t size_bytes, value_bytes;
		uint64_t packets;
	} rows[] = {
		{0, 0, 3 * 4096, 0, 3},
		{0, 0, 3 * 4096 - 1, 0, 2},
		{0, 0, 2 * 4096 + 83, 0, 2},
		{0, 0, 83, 0, 0},
		{4096, 0, 3 * 4096, 4, 1}, // No magic number.
		{2 * 4096 + 4, 0, 3 * 4096, 8, 2}, // Of another trace.
		{4096 + 20, 9, 3 * 4096, 4, 1}, // Of another stream.
		{4096 + 48, UINT64_MAX, 3 * 4096, 8, 1}, // Not ended.
		{4096 + 56, 8 * 4096 * 3, 3 * 4096, 8, 1},
		{4096 + 56, 0, 3 * 4096, 8, 1},
		{2 * 4096 + 64, 1, 3 * 4096, 8, 2}, // Its number once more.
		{2 * 4096 + 32, 0, 3 * 4096, 8, 2}, // Earlier than the one before.
	};
	uint8_t uuid[CTF_UUID_BYTES];

	memset(uuid, 0xab, sizeof(uuid));
	for (size_t i = 0; i < array_size(rows); i++) {
		static struct opened opened;
		struct ctf_file found;
		char path[] = "/tmp/test_lttng.XXXXXX";
		int fd = mkstemp(path);

		check(fd >= 0 && unlink(path) == 0);
		fakelttng_make(&opened.fake, "2.13.9");
		for (uint64_t k = 0; k < 3; k++)
			fakelttng_header(&opened.fake, fakelttng_at(FAKELTTNG_DATA) + 4096 * k, k, 100 * (k + 1),
			                 100 * (k + 1) + 50, 8 * 200, 8 * 4096);
		fakecrash_put(&opened.fake, fakelttng_at(FAKELTTNG_DATA) + rows[i].place, rows[i].value,
		              rows[i].value_bytes);
		check(write(fd, opened.fake.memory + FAKELTTNG_DATA, rows[i].size_bytes) ==
		      (ssize_t)rows[i].size_bytes);
		check_ok(ctf_look(fd, false, uuid, &found));
		check(found.packets == rows[i].packets && found.whole_bytes == 4096 * rows[i].packets);
		check(found.size_bytes == rows[i].size_bytes);
		check(!found.packets || found.last.sequence == found.packets - 1);
		close(fd);
		fakecore_open(&opened.fake);
		fakecore_deinit(&opened.fake);
	}
}

static const struct test tests[] = {
	TEST(session),
	TEST(json_metadata),
	TEST(newer_version),
	TEST(changing_metadata),
	TEST(packets),
	TEST(taken_by_reader),
	TEST(gap),
	TEST(nothing_committed),
	TEST(wrong_packets),
	TEST(wrong_channel),
	TEST(wrong_positions),
	TEST(endless_lists),
	TEST(limits),
	TEST(other_version),
	TEST(no_module),
	TEST(module_types),
	TEST(wrong_types),
	TEST(damage),
	TEST(files),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
