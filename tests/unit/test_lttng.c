// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/lttng.h"

#include <unistd.h>

#include "fakecrash.h"
#include "report/lttng_reader.h"
#include "report/machine.h"
#include "test.h"

// Where things are, from fakecore_image on.
enum {
	HEAD = FAKECRASH_MODULE_TEXT + 0x800, // The list of sessions: the module's second symbol.
	MODULE_TEXT = FAKECRASH_MODULE + 0x900,
	SESSION = FAKECRASH_FREE, // struct lttng_kernel_session_private, with a table of 32 KiB in it.
	CACHE = FAKECRASH_FREE + 0x9000,
	METADATA = FAKECRASH_FREE + 0x9100,
	CHANNEL = FAKECRASH_FREE + 0xa000,
	METADATA_CHANNEL = FAKECRASH_FREE + 0xa200,
	RING = FAKECRASH_FREE + 0xa400,
	WRITERS = FAKECRASH_FREE + 0xa800, // Identifiers of sub-buffers.
	HOT = FAKECRASH_FREE + 0xa900,
	COLD = FAKECRASH_FREE + 0xaa00,
	ARRAY = FAKECRASH_FREE + 0xab00,
	PAGES = FAKECRASH_FREE + 0xac00, // Lists of pages, 0x100 bytes each.
	DATA = FAKECRASH_FREE + 0x10000, // 8 KiB each.
	TYPES = FAKECRASH_FREE + 0x20000,
	BTF_MODULE = FAKECRASH_FREE + 0x28000, // struct btf_module; behind it struct btf.
	PER_CPU = 0xa00, // What the only CPU has.
	SUBBUF_BYTES = 8192,
	SUBBUFS = 2,
	OWN_TYPES = 5000, // Number of the module's first one.
	ID = 7, // Of the channel.
	MOVED_ID = 176, // Where the types say that it is.
};

static const struct fakecrash_struct structs[] = {
	{"module",
         0x200,
         {{"list", 8, 8},
          {"name", 24, 8},
          {"taints", 80, 8},
          {"mem", 128, 48},
          {"core_layout", 176, 16},
          {"init_layout", 192, 16},
          {"arch", 256, 8},
          {"kallsyms", 320, 8},
          {"version", 360, 8}}},
	{"btf_module", 64, {{"list", 8, 8}, {"btf", 32, 8}}},
	{"btf", 128, {{"data", 0, 8}, {"data_size", 24, 4}, {"start_id", 32, 4}, {"name", 40, 8}}},
};

static const struct fakesym symbols[] = {{'d', "btf_modules", fakecore_image + BTF_MODULE + 0x200}};

struct opened {
	struct fakecore fake;
	struct machine *machine;
	struct lttng *lttng;
	struct lttng_reader *reader;
};

static uint64_t at(uint64_t place)
{
	return fakecore_image + place;
}

static uint64_t buffer(void)
{
	return at(FAKECRASH_PER_CPU + PER_CPU);
}

static void put(struct opened *opened, uint64_t place, uint64_t value)
{
	fakecrash_put(&opened->fake, place, value, 8);
}

// A list of one or two.
static void link_list(struct opened *opened, uint64_t head, uint64_t first, uint64_t second)
{
	put(opened, head, first);
	put(opened, first, second ? second : head);
	if (second)
		put(opened, second, head);
}

// A packet's header, as src/lttng-ring-buffer-client.h of lttng-modules has it.
static void put_header(struct opened *opened, uint64_t data, uint64_t sequence, uint64_t begin, uint64_t end,
                       uint64_t content_bits, uint64_t packet_bits)
{
	fakecrash_put(&opened->fake, data, 0xC1FC1FC1, 4);
	memset(opened->fake.memory + (data - fakecore_image) + 4, 0xab, 16);
	fakecrash_put(&opened->fake, data + 20, ID, 4);
	put(opened, data + 24, 0);
	put(opened, data + 32, begin);
	put(opened, data + 40, end);
	put(opened, data + 48, content_bits);
	put(opened, data + 56, packet_bits);
	put(opened, data + 64, sequence);
	put(opened, data + 72, 3);
	fakecrash_put(&opened->fake, data + 80, 0, 4);
}

static void make_session(struct opened *opened)
{
	static const char name[] = "auto/..\033[2J", metadata[] = "trace { };\n\nevent { };\n\neve";
	uint8_t *memory = opened->fake.memory;

	link_list(opened, at(HEAD), at(SESSION) + 56, 0);
	link_list(opened, at(SESSION) + 24, at(METADATA_CHANNEL) + 152, at(CHANNEL) + 152);
	memset(memory + SESSION + 76, 0xab, 16);
	put(opened, at(SESSION) + 96, at(CACHE));
	memcpy(memory + SESSION + 32896, name, sizeof(name));
	put(opened, at(CACHE), at(METADATA));
	fakecrash_put(&opened->fake, at(CACHE) + 8, 4096, 4);
	fakecrash_put(&opened->fake, at(CACHE) + 12, sizeof(metadata) - 1, 4);
	memcpy(memory + METADATA, metadata, sizeof(metadata));
}

// The first sub-buffer is whole, and was written for the second time; the other one is written to 300 bytes.
static void make_channel(struct opened *opened)
{
	fakecrash_put(&opened->fake, at(CHANNEL) + 112, ID, 4);
	put(opened, at(CHANNEL) + 136, at(RING));
	fakecrash_put(&opened->fake, at(METADATA_CHANNEL) + 124, 1, 4);
	put(opened, at(RING) + 8, UINT64_MAX >> 1);
	put(opened, at(RING) + 16, SUBBUFS * SUBBUF_BYTES);
	put(opened, at(RING) + 24, SUBBUF_BYTES);
	put(opened, at(RING) + 48, PER_CPU);
	put(opened, at(RING) + 56, SUBBUFS);
	put(opened, buffer(), 3 * SUBBUF_BYTES + 400);
	put(opened, buffer() + 8, at(HOT));
	put(opened, buffer() + 16, 2 * SUBBUF_BYTES + 12);
	put(opened, buffer() + 32, 5000);
	put(opened, buffer() + 40, at(WRITERS));
	put(opened, buffer() + 48, 2);
	put(opened, buffer() + 64, at(ARRAY));
	put(opened, buffer() + 80, at(RING));
	put(opened, buffer() + 112, at(COLD));
	put(opened, buffer() + 136, 4);
	put(opened, buffer() + 152, 5);
	for (uint64_t i = 0; i <= SUBBUFS; i++) {
		// The first two have changed places; the upper half has marks.
		put(opened, at(WRITERS) + 8 * i, (1 - i) | UINT64_C(3) << 32);
		put(opened, at(ARRAY) + 8 * i, at(PAGES) + 0x100 * i);
		put(opened, at(PAGES) + 0x100 * i + 32, at(DATA) + SUBBUF_BYTES * i);
		put(opened, at(PAGES) + 0x100 * i + 48, at(DATA) + SUBBUF_BYTES * i + 4096);
	}
	put(opened, at(HOT) + 8, 2 * SUBBUF_BYTES);
	put(opened, at(COLD), 2 * SUBBUF_BYTES);
	put(opened, at(HOT) + 16 + 8, SUBBUF_BYTES + 300);
	put(opened, at(COLD) + 8, SUBBUF_BYTES);
	put_header(opened, at(DATA) + SUBBUF_BYTES, 2, 1000, 2000, 8 * 500, 8 * 4096);
	put_header(opened, at(DATA), 3, 2100, 0, UINT64_MAX, UINT64_MAX);
	memset(opened->fake.memory + DATA + 84, 0x11, 400);
}

static void make(struct opened *opened, const char *version)
{
	const struct fakecrash_more more = {
		.structs = structs, .struct_count = array_size(structs), .symbols = symbols, .symbol_count = 1};
	char *memory;

	fakecrash_make_more(&opened->fake, 1, &more);
	memory = (char *)opened->fake.memory;
	strcpy(memory + FAKECRASH_MODULE + 24, "lttng_tracer");
	memcpy(memory + FAKECRASH_MODULE + 0x800 + 10, "sessions", 8);
	put(opened, at(FAKECRASH_MODULE) + 360, at(MODULE_TEXT));
	strcpy(memory + MODULE_TEXT, version);
	put(opened, at(BTF_MODULE) + 0x200, at(BTF_MODULE) + 0x200);
	make_session(opened);
	make_channel(opened);
}

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

	make(&opened, "2.13.9");
	open_reader(&opened);
	check_text(opened.lttng->types.from, "version 2.13.9");
	check_text(opened.lttng->sessions[0].name, "auto/..?[2J");
	check(opened.lttng->sessions[0].channels[0].id == ID);
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

	make(&opened, "2.16.0");
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

	make(&opened, "2.13.9");
	memcpy(opened.fake.memory + METADATA, metadata, sizeof(metadata));
	fakecrash_put(&opened.fake, at(CACHE) + 12, sizeof(metadata) - 1, 4);
	fakecrash_put(&opened.fake, at(CACHE) + 16, 1, 4);
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

	make(&opened, "2.13.9");
	fakecrash_put(&opened.fake, at(CACHE) + 16, 1, 4);
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

	make(&opened, "2.13.18");
	open_reader(&opened);
	check(lttng_reader_next(opened.reader, &packet));
	check(packet.size_bytes == 4096 && !packet.is_unfinished && packet.header.sequence == 2);
	check(memcmp(packet.bytes, opened.fake.memory + DATA + SUBBUF_BYTES, 4096) == 0);
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

	make(&opened, "2.13.9");
	put(&opened, at(WRITERS), 2);
	put(&opened, buffer() + 48, 1);
	put_header(&opened, at(DATA) + 2 * SUBBUF_BYTES, 0, 1, 2, 8 * 500, 8 * 4096);
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

	make(&opened, "2.13.9");
	put_header(&opened, at(DATA) + SUBBUF_BYTES, 2, 1000, 0, UINT64_MAX, UINT64_MAX);
	put(&opened, at(HOT) + 8, SUBBUF_BYTES + 200);
	put(&opened, at(COLD), SUBBUF_BYTES);
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

	make(&opened, "2.13.9");
	put(&opened, at(HOT) + 16 + 8, SUBBUF_BYTES);
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
		{DATA + SUBBUF_BYTES, 0},
		{DATA + SUBBUF_BYTES + 8, 0},
		{DATA + SUBBUF_BYTES + 48, 8 * 8192 + 8},
		{DATA + SUBBUF_BYTES + 48, 8 * 83},
		{DATA + SUBBUF_BYTES + 56, 8 * 16384},
		{DATA + SUBBUF_BYTES + 56, 8 * 4096 + 4},
		{DATA + SUBBUF_BYTES + 64, 4},
		{DATA + SUBBUF_BYTES + 80, 1},
		{DATA + SUBBUF_BYTES + 40, 999},
		{WRITERS, 3},
		{PAGES + 0x100 + 32, 0},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct lttng_reader_packet packet;
		struct opened opened = {0};

		make(&opened, "2.13.9");
		put(&opened, at(rows[i].place), rows[i].value);
		open_reader(&opened);
		check(lttng_reader_next(opened.reader, &packet) && packet.header.sequence == 3);
		check(damaged(&opened) == 1);
		close_all(&opened);
	}
}

static void wrong_channel(void)
{
	// Where in the ring, and what is put there.
	static const uint64_t rows[][2] = {{16, 3 * SUBBUF_BYTES}, {24, 0}, {24, 12288}, {24, 1}, {56, 0}, {56, 3}};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct opened opened = {0};

		make(&opened, "2.13.9");
		put(&opened, at(RING) + rows[i][0], rows[i][1]);
		open_machine(&opened);
		check_ok(lttng_open(opened.machine, &opened.lttng));
		check(opened.lttng->sessions[0].channels[0].why[0]);
		close_all(&opened);
	}
}

static void wrong_positions(void)
{
	// Where in the buffer, and what is put there.
	static const uint64_t rows[][2] = {{0, 2 * SUBBUF_BYTES - 1}, {16, 0}, {80, 1}, {88, 1}};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct lttng_session *found;
		struct opened opened = {0};

		make(&opened, "2.13.9");
		put(&opened, buffer() + rows[i][0], rows[i][1]);
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

	make(&opened, "2.13.9");
	put(&opened, at(SESSION) + 56, at(SESSION) + 56);
	put(&opened, at(METADATA_CHANNEL) + 152, at(METADATA_CHANNEL) + 152);
	open_machine(&opened);
	check_ok(lttng_open(opened.machine, &opened.lttng));
	check(strstr(opened.lttng->why, "no end") && opened.lttng->session_count == LTTNG_SESSIONS_MAX);
	check(strstr(opened.lttng->sessions[0].why, "no end"));
	close_all(&opened);
}

static void other_version(void)
{
	struct opened opened = {0};
	struct error *err;

	make(&opened, "2.12.3");
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

	make(&opened, "2.13.9");
	strcpy((char *)opened.fake.memory + FAKECRASH_MODULE + 24, "faulty");
	open_machine(&opened);
	err = lttng_open(opened.machine, &opened.lttng);
	check(err && err->code == ERROR_UNSUPPORTED && strstr(err->text, "LTTng was not in use"));
	error_free(err);
	close_all(&opened);
}

// The members of a structure, as the module's types have them: their names follow those of the kernel.
static void add_type(struct fakebtf *btf, const char *name, uint32_t bytes, const char *const *names,
                     const uint32_t *places)
{
	uint32_t count = 0;

	while (names[count])
		count++;
	fakebtf_type(btf, name, 4, false, count, bytes);
	for (uint32_t i = 0; i < count; i++)
		fakebtf_member(btf, names[i], 1, 8 * places[i]);
}

// With a union without a name in it, whose number is that of the module's first type.
static void add_backend(struct fakebtf *btf)
{
	fakebtf_type(btf, NULL, 5, false, 2, 8);
	fakebtf_member(btf, "global_buf", 1, 0);
	fakebtf_member(btf, "percpu_buf", 1, 0);
	fakebtf_type(btf, "channel_backend", 4, false, 4, 472);
	fakebtf_member(btf, "buf_size", 1, 0);
	fakebtf_member(btf, "subbuf_size", 1, 8 * 8);
	fakebtf_member(btf, NULL, OWN_TYPES, 8 * 32);
	fakebtf_member(btf, "num_subbuf", 1, 8 * 40);
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define PLACES(...) ((const uint32_t[]){__VA_ARGS__})

// As versions 2.14 and newer call them.
static void add_types(struct fakebtf *btf)
{
	add_backend(btf);
	add_type(btf, "lttng_kernel_session_private", 33184,
	         NAMES("chan_head", "node", "uuid", "metadata_cache", "name"), PLACES(24, 56, 76, 96, 32896));
	add_type(btf, "lttng_metadata_cache", 96, NAMES("data", "cache_alloc", "metadata_written", "producing"),
	         PLACES(0, 8, 12, 16));
	add_type(btf, "lttng_kernel_channel_buffer_private", 176, NAMES("id", "channel_type", "rb_chan"),
	         PLACES(MOVED_ID, 124, 136));
	add_type(btf, "lttng_kernel_channel_common_private", 160, NAMES("node"), PLACES(152));
	add_type(btf, "lttng_kernel_ring_buffer_channel", 792, NAMES("commit_count_mask", "backend"), PLACES(8, 16));
	add_type(btf, "lttng_kernel_ring_buffer", 456,
	         NAMES("offset", "commit_hot", "consumed", "last_timestamp", "backend", "commit_cold",
	               "records_lost_full", "records_lost_wrap", "records_lost_big"),
	         PLACES(0, 8, 16, 32, 40, 112, 136, 144, 152));
	add_type(btf, "lttng_kernel_ring_buffer_backend", 72, NAMES("buf_wsb", "buf_rsb", "array", "chan", "cpu"),
	         PLACES(0, 8, 24, 40, 48));
	add_type(btf, "commit_counters_hot", 16, NAMES("cc", "seq"), PLACES(0, 8));
	add_type(btf, "commit_counters_cold", 8, NAMES("cc_sb"), PLACES(0));
	add_type(btf, "lttng_kernel_ring_buffer_backend_pages", 32, NAMES("p"), PLACES(32));
	add_type(btf, "lttng_kernel_ring_buffer_backend_page", 16, NAMES("virt"), PLACES(0));
	add_type(btf, "lttng_kernel_ring_buffer_backend_subbuffer", 8, NAMES("id"), PLACES(0));
}

// Names that the kernel has too are its own.
static void put_types(struct opened *opened)
{
	static struct fakebtf btf;
	const uint8_t *base = opened->fake.memory + FAKECRASH_BTF;
	uint32_t header[6], own;

	memcpy(header, base, sizeof(header));
	fakebtf_init(&btf);
	memcpy(btf.strings, base + 24 + header[4], header[5]);
	btf.string_bytes = header[5];
	add_types(&btf);
	own = btf.string_bytes - header[5];
	check(own);
	header[3] = header[4] = btf.type_bytes;
	memcpy(opened->fake.memory + TYPES, header, sizeof(header));
	memcpy(opened->fake.memory + TYPES + 20, &own, 4);
	memcpy(opened->fake.memory + TYPES + 24, btf.types, btf.type_bytes);
	memcpy(opened->fake.memory + TYPES + 24 + btf.type_bytes, btf.strings + header[5], own);
	// Of both modules the same: each struct btf_module with its struct btf behind it.
	link_list(opened, at(BTF_MODULE) + 0x200, at(BTF_MODULE) + 8, at(BTF_MODULE) + 0x108);
	for (uint64_t i = 0; i < 2; i++) {
		uint64_t module = at(BTF_MODULE) + 0x100 * i;

		put(opened, module + 32, module + 0x40);
		put(opened, module + 0x40, at(TYPES));
		fakecrash_put(&opened->fake, module + 0x40 + 24, 24 + btf.type_bytes + own, 4);
		fakecrash_put(&opened->fake, module + 0x40 + 32, OWN_TYPES, 4);
		strcpy((char *)opened->fake.memory + (module - fakecore_image) + 0x40 + 40,
		       i ? "lttng_lib_ring_buffer" : "lttng_tracer");
	}
}

// Of a version that is not known, with a member where it never was.
static void module_types(void)
{
	struct lttng_reader_packet packet;
	struct opened opened = {0};

	make(&opened, "3.0.0");
	put_types(&opened);
	fakecrash_put(&opened.fake, at(CHANNEL) + 112, 0, 4);
	fakecrash_put(&opened.fake, at(CHANNEL) + MOVED_ID, ID, 4);
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
		{BTF_MODULE + 0x40 + 24, 23, "23 bytes of types"},
		{BTF_MODULE + 0x40 + 24, 100, "beyond their end"},
		{TYPES, 0, "do not begin"},
		{TYPES + 12, UINT64_MAX, "beyond their end"},
		{TYPES + 28, UINT32_MAX, "kind"},
		{BTF_MODULE + 0x40 + 40, 0, "built without them"},
		{BTF_MODULE + 8, fakecore_image + BTF_MODULE + 8, "built without them"},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct opened opened = {0};
		bool is_list = rows[i].place == BTF_MODULE + 8;

		make(&opened, "3.0.0");
		put_types(&opened);
		fakecrash_put(&opened.fake, at(rows[i].place), rows[i].value, is_list || rows[i].value == 0 ? 8 : 4);
		if (is_list)
			strcpy((char *)opened.fake.memory + BTF_MODULE + 0x40 + 40, "other");
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

		make(&opened, "2.13.9");
		fakecrash_damage(&opened.fake, CACHE, DATA + 0x100 - CACHE, seed);
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
		make(&opened, "2.13.9");
		for (uint64_t k = 0; k < 3; k++)
			put_header(&opened, at(DATA) + 4096 * k, k, 100 * (k + 1), 100 * (k + 1) + 50, 8 * 200,
			           8 * 4096);
		fakecrash_put(&opened.fake, at(DATA) + rows[i].place, rows[i].value, rows[i].value_bytes);
		check(write(fd, opened.fake.memory + DATA, rows[i].size_bytes) == (ssize_t)rows[i].size_bytes);
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
