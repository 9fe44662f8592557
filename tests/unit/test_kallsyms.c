// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/kallsyms.h"

#include "fakesyms.h"
#include "test.h"

enum { SYMBOLS = 700, TABLE_PADDR = 0x180000, MEMORY_BYTES = 2 << 20 };

static const uint64_t stext = UINT64_C(0xffffffff80100000);

// Symbols as a kernel sorts them: per-CPU ones with small addresses first, then by address.
static struct fakesym *make_list(char names[SYMBOLS][400])
{
	struct fakesym *list = calloc(SYMBOLS, sizeof(*list));

	check(list);
	for (size_t i = 0; i < SYMBOLS; i++) {
		snprintf(names[i], 400, "sym_init_%zu", i);
		list[i] = (struct fakesym){i % 3 ? 't' : 'd', names[i], stext + 0x40 * i};
	}
	list[0] = (struct fakesym){'A', "runqueues", 0x1240};
	list[1] = (struct fakesym){'T', "_stext", stext};
	list[10] = (struct fakesym){'t', "twice", stext + 0x1000};
	list[20] = (struct fakesym){'D', "twice", stext + 0x2000};
	list[30] = (struct fakesym){'d', "twice", stext + 0x3000};
	list[40] = (struct fakesym){'t', "same", stext + 0x4000};
	list[50] = (struct fakesym){'T', "same", stext + 0x5000};
	return list;
}

static void setup(struct fakecore *fake, struct fakesyms *syms)
{
	fakecore_init(fake, MEMORY_BYTES);
	fakecore_info(fake, "SYMBOL(_stext)=%jx\n", (uintmax_t)stext);
	fakesyms_write(fake, syms);
	fakecore_open(fake);
}

static void lookup_all(struct fakesyms *syms, const struct fakesym *list)
{
	_cleanup_(kallsyms_destroyp) struct kallsyms *table = NULL;
	struct kallsyms_query queries[] = {
		{.name = "_stext"},       {.name = "twice"},  {.name = "same"},
		{.name = "sym_init_699"}, {.name = "nobody"}, {.name = "sym_init_300"},
	};
	struct kallsyms_extent extent;
	struct fakecore fake;

	setup(&fake, syms);
	check_ok(kallsyms_create(fake.core, &fake.xlat, &fake.reader, &table));
	check(kallsyms_count(table) == syms->count);
	extent = kallsyms_extent(table);
	check(extent.vaddr <= fakecore_image + syms->names_paddr && extent.vaddr >= fakecore_image + syms->paddr);
	check(extent.vaddr_end > fakecore_image + syms->index_paddr);
	check(extent.vaddr_end <= fakecore_image + syms->end_paddr);
	check_ok(kallsyms_lookup(table, &fake.reader, queries, array_size(queries)));
	check(queries[0].is_found && queries[0].vaddr == stext && queries[0].type == 'T');
	check(queries[1].is_found && queries[1].vaddr == stext + 0x2000 && queries[1].type == 'D');
	check(queries[2].is_found && queries[2].vaddr == stext + 0x4000);
	check(queries[3].is_found && queries[3].vaddr == list[699].vaddr);
	check(!queries[4].is_found);
	check(queries[5].is_found && queries[5].vaddr == list[300].vaddr);
	if (syms->encoding == FAKESYMS_ABSOLUTE_PERCPU) {
		struct kallsyms_query percpu = {.name = "runqueues"};

		check_ok(kallsyms_lookup(table, &fake.reader, &percpu, 1));
		check(percpu.is_found && percpu.vaddr == 0x1240);
	}
	kallsyms_destroy(take_ptr(table));
	fakecore_deinit(&fake);
}

static void encodings(void)
{
	static char names[SYMBOLS][400];
	struct fakesym *list = make_list(names);

	for (int encoding = FAKESYMS_RELATIVE; encoding <= FAKESYMS_PLACE_RELATIVE; encoding++) {
		struct fakesyms syms = {list, SYMBOLS, (enum fakesyms_encoding)encoding, .marker_bytes = 4,
		                        .paddr = TABLE_PADDR};

		lookup_all(&syms, list);
	}
	free(list);
}

// Of very many names at one place only the last ones count: looking for a name must come to an end.
static void same_place(void)
{
	static char names[SYMBOLS][400];
	struct fakesym *list = make_list(names);
	struct fakesyms syms = {list, SYMBOLS, FAKESYMS_RELATIVE, .marker_bytes = 4, .paddr = TABLE_PADDR};
	_cleanup_(kallsyms_destroyp) struct kallsyms *table = NULL;
	struct kallsyms_symbol symbol;
	struct fakecore fake;
	bool is_found;

	for (size_t i = 300; i < 500; i++) {
		list[i].vaddr = list[300].vaddr;
		list[i].type = 't';
	}
	// All files know these two: the one that is near enough to the end is taken.
	list[300].type = 'T';
	list[450].type = 'T';
	setup(&fake, &syms);
	check_ok(kallsyms_create(fake.core, &fake.xlat, &fake.reader, &table));
	check_ok(kallsyms_at(table, &fake.reader, list[300].vaddr, &symbol, &is_found));
	check(is_found && strcmp(symbol.name, "sym_init_450") == 0);
	kallsyms_destroy(take_ptr(table));
	fakecore_deinit(&fake);
	list[450].type = 't';
	setup(&fake, &syms);
	check_ok(kallsyms_create(fake.core, &fake.xlat, &fake.reader, &table));
	check_ok(kallsyms_at(table, &fake.reader, list[300].vaddr, &symbol, &is_found));
	check(is_found && strcmp(symbol.name, "sym_init_499") == 0);
	kallsyms_destroy(take_ptr(table));
	fakecore_deinit(&fake);
	free(list);
}

static void long_names(void)
{
	static char names[SYMBOLS][400];
	struct fakesym *list = make_list(names);
	struct fakesyms syms = {list, SYMBOLS, FAKESYMS_RELATIVE, .marker_bytes = 4, .paddr = TABLE_PADDR};

	for (size_t i = 100; i < 400; i += 50)
		memset(names[i], 'x', 120 + i / 2);
	names[300][0] = 0;
	strcpy(names[300], "sym_init_300");
	lookup_all(&syms, list);
	free(list);
}

// Before v6.1 the high bit of a length is part of a number.
static void old_lengths(void)
{
	static char names[SYMBOLS][400];
	struct fakesym *list = make_list(names);
	struct fakesyms syms = {list, SYMBOLS, FAKESYMS_RELATIVE, .marker_bytes = 4, .paddr = TABLE_PADDR};
	_cleanup_(kallsyms_destroyp) struct kallsyms *table = NULL;
	struct kallsyms_query query = {.name = "sym_init_600"};
	struct fakecore fake;
	uint64_t at;

	memset(names[500], 'y', 199);
	fakecore_init(&fake, MEMORY_BYTES);
	fakecore_info(&fake, "SYMBOL(_stext)=%jx\n", (uintmax_t)stext);
	fakesyms_write(&fake, &syms);
	// Turn the one long length, 200 with its type, into one byte; everything behind moves by one.
	at = (uint64_t)((uint8_t *)memmem(fake.memory + syms.names_paddr, 65536, "\xc8\x01t", 3) - fake.memory);
	check(at > syms.names_paddr && at < syms.tokens_paddr);
	fake.memory[at] = 200;
	memmove(fake.memory + at + 1, fake.memory + at + 2, syms.tokens_paddr - 16 - at - 2);
	fakecore_open(&fake);
	check_ok(kallsyms_create(fake.core, &fake.xlat, &fake.reader, &table));
	check_ok(kallsyms_lookup(table, &fake.reader, &query, 1));
	check(query.is_found && query.vaddr == list[600].vaddr);
	kallsyms_destroy(take_ptr(table));
	fakecore_deinit(&fake);
	free(list);
}

static void scan(void)
{
	static char names[SYMBOLS][400];
	struct fakesym *list = make_list(names);

	for (unsigned int width = 4; width <= 8; width += 4) {
		for (uint64_t shift = 0; shift < 4096; shift += 8) {
			struct fakesyms syms = {.list = list,
			                        .count = SYMBOLS,
			                        .encoding = FAKESYMS_ABSOLUTE_PERCPU,
			                        .is_hidden = true,
			                        .marker_bytes = width,
			                        .paddr = TABLE_PADDR + shift};

			// All places of the digits relative to a page once would take long; a few are enough.
			if (shift % 2048 == 0 || shift % 1024 == 1016)
				lookup_all(&syms, list);
		}
	}
	free(list);
}

static void refuses(void)
{
	static char names[SYMBOLS][400];
	struct fakesym *list = make_list(names);
	struct fakesyms syms = {list, SYMBOLS, FAKESYMS_RELATIVE, .marker_bytes = 4, .paddr = TABLE_PADDR};
	struct kallsyms *table = NULL;
	struct fakecore fake;

	fakecore_init(&fake, MEMORY_BYTES);
	fakecore_open(&fake);
	check_error(kallsyms_create(fake.core, &fake.xlat, &fake.reader, &table), ERROR_BAD_DATA, "_stext");
	fakecore_deinit(&fake);

	fakecore_init(&fake, MEMORY_BYTES);
	fakecore_info(&fake, "SYMBOL(_stext)=%jx\n", (uintmax_t)stext);
	fakecore_open(&fake);
	check_error(kallsyms_create(fake.core, &fake.xlat, &fake.reader, &table), ERROR_BAD_DATA, "no symbol table");
	fakecore_deinit(&fake);

	fakecore_init(&fake, MEMORY_BYTES);
	fakecore_info(&fake, "SYMBOL(_stext)=%jx\n", (uintmax_t)(stext + 8));
	fakesyms_write(&fake, &syms);
	fakecore_open(&fake);
	check_error(kallsyms_create(fake.core, &fake.xlat, &fake.reader, &table), ERROR_BAD_DATA, "_stext");
	fakecore_deinit(&fake);
	free(list);
}

// Damaged tables are refused or give wrong answers; nothing else happens.
static void damage(void)
{
	static char names[SYMBOLS][400];
	struct fakesym *list = make_list(names);

	for (unsigned int hidden = 0; hidden < 2; hidden++) {
		struct fakesyms syms = {
			.list = list, .count = SYMBOLS, .is_hidden = hidden, .marker_bytes = 4, .paddr = TABLE_PADDR};
		struct fakecore fake;

		setup(&fake, &syms);
		srand(1);
		for (unsigned int i = 0; i < 200; i++) {
			_cleanup_(kallsyms_destroyp) struct kallsyms *table = NULL;
			struct kallsyms_query query = {.name = "twice"};
			uint64_t at = syms.paddr + (uint64_t)rand() % (syms.end_paddr - syms.paddr);
			uint64_t old, value = i % 3 ? (uint64_t)rand() : i % 2 ? UINT64_MAX : 0;
			size_t bytes = 1 + (size_t)rand() % 8;
			struct error *err;

			memcpy(&old, fake.memory + at, 8);
			fakecore_poke(&fake, at, &value, bytes);
			err = kallsyms_create(fake.core, &fake.xlat, &fake.reader, &table);
			if (!err)
				err = kallsyms_lookup(table, &fake.reader, &query, 1);
			error_free(err);
			fakecore_poke(&fake, at, &old, 8);
		}
		fakecore_deinit(&fake);
	}
	free(list);
}

static const struct test tests[] = {
	TEST(encodings), TEST(same_place), TEST(long_names), TEST(old_lengths), TEST(scan), TEST(refuses), TEST(damage),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
