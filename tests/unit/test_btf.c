// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/btf.h"
#include "core/btf_describe.h"

#include "fakebtf.h"
#include "fakesyms.h"
#include "test.h"

enum { MEMORY_BYTES = 2 << 20, TABLE_PADDR = 0x110000, BTF_PADDR = 0x140000, FILLERS = 700 };

static const uint64_t stext = UINT64_C(0xffffffff80100000);

// struct page as pahole shows it: members in anonymous unions of anonymous structures.
static void make_page(struct fakebtf *maker, uint32_t u64, uint32_t u8)
{
	uint32_t inner, both, array[3] = {u64, u64, 3}, list, pointer;
	uint32_t number = fakebtf_type(maker, "ulong", 8, false, 0, u64);

	list = fakebtf_type(maker, NULL, 3, false, 0, 0);
	fakebtf_words(maker, array, 3);
	pointer = fakebtf_type(maker, NULL, 2, false, 0, u8);
	inner = fakebtf_type(maker, NULL, 4, false, 2, 16);
	fakebtf_member(maker, "compound_head", u64, 0);
	fakebtf_member(maker, "compound_order", u8, 72);
	both = fakebtf_type(maker, NULL, 5, false, 2, 24);
	fakebtf_member(maker, NULL, inner, 0);
	fakebtf_member(maker, "lru", list, 0);
	fakebtf_type(maker, "page", 4, true, 5, 64);
	fakebtf_member(maker, "flags", number, 0);
	fakebtf_member(maker, NULL, both, 64);
	fakebtf_member(maker, "mapping", pointer, 256);
	fakebtf_member(maker, "id", u64, 320 | 12 << 24);
	fakebtf_member(maker, "range", u64, 332 | 20 << 24);
}

static void make_enums(struct fakebtf *maker)
{
	uint32_t words[3];

	fakebtf_type(maker, "pageflags", 6, false, 2, 4);
	words[0] = fakebtf_name(maker, "PG_locked");
	words[1] = 0;
	fakebtf_words(maker, words, 2);
	words[0] = fakebtf_name(maker, "PG_head");
	words[1] = 6;
	fakebtf_words(maker, words, 2);
	fakebtf_type(maker, NULL, 6, true, 1, 4);
	words[0] = fakebtf_name(maker, "LESS");
	words[1] = (uint32_t)-5;
	fakebtf_words(maker, words, 2);
	fakebtf_type(maker, "wide", 19, false, 1, 8);
	words[0] = fakebtf_name(maker, "WIDE");
	words[1] = 7;
	words[2] = 0x10;
	fakebtf_words(maker, words, 3);
}

static void make_all(struct fakebtf *maker)
{
	uint32_t u64, u8;

	fakebtf_init(maker);
	u64 = fakebtf_int(maker, "unsigned long", 8);
	u8 = fakebtf_int(maker, "unsigned char", 1);
	// So many that types lie on both sides of the marks of the index.
	for (int i = 0; i < FILLERS; i++)
		fakebtf_type(maker, NULL, 10, false, 0, u64);
	make_page(maker, u64, u8);
	make_enums(maker);
	fakebtf_type(maker, "page", 7, false, 0, 0);
}

// Symbols: 3, or 1: BTF must be searched.
static void setup_with(struct fakecore *fake, const struct fakebtf *maker, struct kallsyms **table, size_t symbols,
                       uint64_t btf_paddr)
{
	uint64_t start = fakecore_image + btf_paddr;
	const struct fakesym list[] = {
		{'T', "_stext", stext}, {'r', "__start_BTF", start}, {'r', "__stop_BTF", start + fakebtf_bytes(maker)}};
	struct fakesyms syms = {.list = list, .count = symbols, .marker_bytes = 4, .paddr = TABLE_PADDR};

	fakecore_init(fake, MEMORY_BYTES);
	fakecore_info(fake, "SYMBOL(_stext)=%jx\n", (uintmax_t)stext);
	fakesyms_write(fake, &syms);
	fakebtf_put(maker, fake, btf_paddr);
	// A part of the image that was given back.
	fakecore_map_without(fake, fakecore_image + BTF_PADDR - 0x10000, BTF_PADDR - 0x10000, 4096, 1);
	fakecore_open(fake);
	check_ok(kallsyms_create(fake->core, &fake->xlat, &fake->reader, table));
}

static void setup(struct fakecore *fake, const struct fakebtf *maker, struct kallsyms **table)
{
	setup_with(fake, maker, table, 3, BTF_PADDR);
}

static void teardown(struct fakecore *fake, struct kallsyms *table)
{
	kallsyms_destroy(table);
	fakecore_deinit(fake);
}

static bool is_at(const struct btf_query *query, uint64_t offset, uint64_t size)
{
	return query->is_found && query->offset_bytes == offset && query->size_bytes == size;
}

static void members(void)
{
	struct btf_query queries[] = {
		{.type = "page"},
		{.type = "page", .member = "flags"},
		{.type = "page", .member = "compound_head"},
		{.type = "page", .member = "compound_order"},
		{.type = "page", .member = "lru"},
		{.type = "page", .member = "mapping"},
		{.type = "page", .member = "range"},
		{.type = "page", .member = "nothing"},
		{.type = "nothing", .member = "flags"},
		{.type = "nothing"},
	};
	static struct fakebtf maker;
	struct kallsyms *table;
	struct fakecore fake;

	make_all(&maker);
	setup(&fake, &maker, &table);
	check_ok(btf_lookup(fake.core, &fake.xlat, table, &fake.reader, queries, array_size(queries)));
	check(queries[0].is_found && queries[0].size_bytes == 64);
	check(is_at(&queries[1], 0, 8));
	check(is_at(&queries[2], 8, 8));
	check(is_at(&queries[3], 17, 1));
	check(is_at(&queries[4], 8, 24));
	check(is_at(&queries[5], 32, 8));
	check(queries[6].is_found && queries[6].offset_bytes == 41);
	check(!queries[7].is_found && !queries[8].is_found && !queries[9].is_found);
	teardown(&fake, table);
}

// Also where its header lies on two pages, behind headers of which the sections do not fit in the memory.
static void found_without_symbols(void)
{
	static const uint64_t places[] = {BTF_PADDR, BTF_PADDR + 4096 - 8, BTF_PADDR + 4096 - 4};
	static const uint32_t header[] = {0x1eb9f, 24, 0, 1 << 24, 1 << 24, 1 << 24};
	static struct fakebtf maker;

	make_all(&maker);
	for (size_t i = 0; i < array_size(places); i++) {
		struct btf_query query = {.type = "page", .member = "mapping"};
		struct kallsyms *table;
		struct fakecore fake;

		setup_with(&fake, &maker, &table, 1, places[i]);
		fakecore_poke(&fake, BTF_PADDR - 4096, header, sizeof(header));
		check_ok(btf_lookup(fake.core, &fake.xlat, table, &fake.reader, &query, 1));
		check(is_at(&query, 32, 8));
		teardown(&fake, table);
	}
}

static void enumerators(void)
{
	struct btf_query queries[] = {
		{.member = "PG_head", .is_enumerator = true},
		{.type = "pageflags", .member = "PG_locked", .is_enumerator = true},
		{.member = "LESS", .is_enumerator = true},
		{.member = "WIDE", .is_enumerator = true},
		{.type = "wide", .member = "PG_head", .is_enumerator = true},
		{.member = "flags", .is_enumerator = true},
		{.type = "pageflags"},
	};
	static struct fakebtf maker;
	struct kallsyms *table;
	struct fakecore fake;

	make_all(&maker);
	setup(&fake, &maker, &table);
	check_ok(btf_lookup(fake.core, &fake.xlat, table, &fake.reader, queries, array_size(queries)));
	check(queries[0].is_found && queries[0].value == 6);
	check(queries[1].is_found && queries[1].value == 0);
	check(queries[2].is_found && queries[2].value == -5);
	check(queries[3].is_found && queries[3].value == INT64_C(0x1000000007));
	check(!queries[4].is_found && !queries[5].is_found);
	check(queries[6].is_found && queries[6].size_bytes == 4);
	teardown(&fake, table);
}

static void absent(void)
{
	const struct fakesym list[] = {{'T', "_stext", stext}};
	struct fakesyms syms = {.list = list, .count = 1, .marker_bytes = 4, .paddr = TABLE_PADDR};
	struct btf_query query = {.type = "page"};
	struct kallsyms *table;
	struct fakecore fake;

	fakecore_init(&fake, MEMORY_BYTES);
	fakecore_info(&fake, "SYMBOL(_stext)=%jx\n", (uintmax_t)stext);
	fakesyms_write(&fake, &syms);
	fakecore_open(&fake);
	check_ok(kallsyms_create(fake.core, &fake.xlat, &fake.reader, &table));
	check_error(btf_lookup(fake.core, &fake.xlat, table, &fake.reader, &query, 1), ERROR_UNSUPPORTED, "no BTF");
	teardown(&fake, table);
}

// An anonymous structure that contains itself many times: the search ends.
static void endless(void)
{
	struct btf_query query = {.type = "loop", .member = "absent"};
	static struct fakebtf maker;
	struct kallsyms *table;
	struct fakecore fake;
	uint32_t self;

	fakebtf_init(&maker);
	fakebtf_name(&maker, "absent");
	self = fakebtf_type(&maker, NULL, 4, false, 200, 8);
	for (int i = 0; i < 200; i++)
		fakebtf_member(&maker, NULL, self, 0);
	fakebtf_type(&maker, "loop", 4, false, 1, 8);
	fakebtf_member(&maker, NULL, self, 0);
	setup(&fake, &maker, &table);
	check_error(btf_lookup(fake.core, &fake.xlat, table, &fake.reader, &query, 1), ERROR_BAD_DATA, "without end");
	teardown(&fake, table);
}

static void damage(void)
{
	static struct fakebtf maker;
	struct kallsyms *table;
	struct fakecore fake;

	make_all(&maker);
	setup(&fake, &maker, &table);
	srand(1);
	for (unsigned int i = 0; i < 500; i++) {
		struct btf_query queries[] = {{.type = "page", .member = "mapping"},
		                              {.member = "PG_head", .is_enumerator = true}};
		uint64_t at = BTF_PADDR + (uint64_t)rand() % (i % 2 ? 24 : fakebtf_bytes(&maker));
		uint64_t old, value = i % 3 ? (uint64_t)rand() : UINT64_MAX;

		memcpy(&old, fake.memory + at, 8);
		fakecore_poke(&fake, at, &value, 1 + (size_t)rand() % 8);
		error_free(btf_lookup(fake.core, &fake.xlat, table, &fake.reader, queries, array_size(queries)));
		fakecore_poke(&fake, at, &old, 8);
	}
	teardown(&fake, table);
}

static void add_row(void *context, const struct btf_describe *row)
{
	char *text = context;
	size_t used = strlen(text);

	snprintf(text + used, 2048 - used, "%u %ju+%u %ju %jd %s|%s\n", row->depth, (uintmax_t)row->offset_bits,
	         row->width_bits, (uintmax_t)row->size_bytes, (intmax_t)row->value, row->type, row->name);
}

// depth, first bit + bits of a bit-field, bytes, value of an enumerator, type | name.
static void described(void)
{
	char text[2048] = "";
	struct kallsyms *table;
	struct fakebtf maker;
	struct fakecore fake;

	make_all(&maker);
	setup(&fake, &maker, &table);
	check_ok(btf_describe(fake.core, &fake.xlat, table, &fake.reader, "page", add_row, text));
	check_text(text, "0 0+0 64 0 struct|page\n"
	                 "1 0+0 8 0 ulong|flags\n"
	                 "1 64+0 24 0 union {...}|\n"
	                 "2 64+0 16 0 struct {...}|\n"
	                 "3 64+0 8 0 unsigned long|compound_head\n"
	                 "3 136+0 1 0 unsigned char|compound_order\n"
	                 "2 64+0 24 0 unsigned long [3]|lru\n"
	                 "1 256+0 8 0 unsigned char *|mapping\n"
	                 "1 320+12 8 0 unsigned long|id\n"
	                 "1 332+20 8 0 unsigned long|range\n");
	text[0] = '\0';
	check_ok(btf_describe(fake.core, &fake.xlat, table, &fake.reader, "wide", add_row, text));
	check_text(text, "0 0+0 8 0 enum|wide\n1 0+0 0 68719476743 |WIDE\n");
	check_error(btf_describe(fake.core, &fake.xlat, table, &fake.reader, "nothing", add_row, text), ERROR_BAD_DATA,
	            "there is no type nothing");
	teardown(&fake, table);
}

static const struct test tests[] = {
	TEST(members),   TEST(found_without_symbols), TEST(enumerators), TEST(absent), TEST(endless), TEST(damage),
	TEST(described),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
