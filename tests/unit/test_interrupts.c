// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/interrupts.h"

#include "report/idtree.h"

#include "fakecrash.h"
#include "test.h"

// Where things are, from fakecore_image on.
enum {
	TREE = FAKECRASH_FREE, // struct xarray, struct maple_tree.
	NODES = FAKECRASH_FREE + 0x1000, // Their nodes, 0x400 each.
	DESC = FAKECRASH_FREE + 0x4000, // struct irq_desc, 0x100 each.
	CHIP = FAKECRASH_FREE + 0x5000,
	NAMES = FAKECRASH_FREE + 0x5800, // 32 bytes each.
	ACTION = FAKECRASH_FREE + 0x6000, // 64 bytes each.
	CHAINED = FAKECRASH_FREE + 0x6800,
	SOFT_NAMES = FAKECRASH_FREE + 0x7000,
	TABLE = FAKECRASH_FREE + 0x7800,
	COUNTS = 0xd00, // What the only CPU has, 4 bytes for each descriptor.
	SOFT = 0xe00,
	STAT = 0xf00,
	HIDDEN = 1 << 20,
	LEVEL = 1 << 13,
	DOMAIN = 0x1234,
};

#define XA_NODE                                                                                                        \
	{                                                                                                              \
		"xa_node", 576,                                                                                        \
		{                                                                                                      \
			{"shift", 0, 1},                                                                               \
			{                                                                                              \
				"slots", 40, 512                                                                       \
			}                                                                                              \
		}                                                                                                      \
	}

static const struct fakecrash_struct structs[] = {
	{"xarray", 16, {{"xa_head", 8, 8}}},
	XA_NODE,
	{"maple_tree", 16, {{"ma_root", 8, 8}}},
	{"maple_node", 256, {{"mr64", 0, 256}, {"ma64", 0, 248}}},
	{"maple_range_64", 256, {{"pivot", 8, 120}, {"slot", 128, 128}}},
	{"maple_arange_64", 248, {{"pivot", 8, 72}, {"slot", 80, 80}}},
	{"irq_desc",
         256,
         {{"irq_data", 40, 56},
          {"kstat_irqs", 96, 8},
          {"action", 112, 8},
          {"status_use_accessors", 120, 4},
          {"name", 200, 8}}},
	{"irq_data", 56, {{"hwirq", 8, 8}, {"common", 16, 8}, {"chip", 24, 8}, {"domain", 32, 8}}},
	{"irq_common_data", 40, {{"state_use_accessors", 0, 4}, {"affinity", 24, 8}, {"effective_affinity", 32, 8}}},
	{"irq_chip", 64, {{"name", 8, 8}}},
	{"irqaction", 64, {{"next", 24, 8}, {"name", 40, 8}}},
	{"cpumask", 8, {{"bits", 0, 8}}},
	{"kernel_stat", 48, {{"irqs_sum", 0, 8}, {"softirqs", 8, 8}}},
	{"irq_cpustat_t", 64, {{"__nmi_count", 4, 4}, {"irq_hv_callback_count", 8, 4}}},
};

static const struct fakecrash_enumerator enumerators[] = {
	{"maple_type", "maple_leaf_64", 1}, {"maple_type", "maple_range_64", 2}, {"maple_type", "maple_arange_64", 3},
	{NULL, "IRQ_HIDDEN", HIDDEN},       {NULL, "IRQD_LEVEL", LEVEL},
};

static void put(struct fakecore *fake, uint64_t at, uint64_t value, size_t size_bytes)
{
	fakecrash_put(fake, fakecore_image + at, value, size_bytes);
}

static void put_pointer(struct fakecore *fake, uint64_t at, uint64_t to)
{
	put(fake, at, fakecore_image + to, 8);
}

static void put_text(struct fakecore *fake, uint64_t at, const char *text)
{
	strcpy((char *)fake->memory + at, text);
}

static void put_desc(struct fakecore *fake, unsigned int number, uint64_t action, uint64_t status, uint64_t count)
{
	uint64_t at = DESC + number * 0x100;

	// The common part is the descriptor's first member.
	put_pointer(fake, at + 40 + 16, at);
	put(fake, at, LEVEL | 4, 4);
	put(fake, at + 24, 1, 8);
	put(fake, at + 32, 1, 8);
	put(fake, at + 40 + 8, number + 100, 8);
	put_pointer(fake, at + 40 + 24, CHIP);
	put(fake, at + 40 + 32, DOMAIN, 8);
	put(fake, at + 96, COUNTS + 4 * number, 8);
	put(fake, at + 112, action ? fakecore_image + action : 0, 8);
	put(fake, at + 120, status, 4);
	put_pointer(fake, at + 200, NAMES);
	put(fake, FAKECRASH_PER_CPU + COUNTS + 4 * number, count, 4);
}

static void make(struct fakecore *fake, const char *tree)
{
	const struct fakesym symbols[] = {
		{'D', tree, fakecore_image + TREE},
		{'D', "chained_action", fakecore_image + CHAINED},
		{'D', "softirq_to_name", fakecore_image + SOFT_NAMES},
		{'A', "kstat", SOFT},
		{'A', "irq_stat", STAT},
	};
	const struct fakecrash_more more = {.structs = structs,
	                                    .struct_count = array_size(structs),
	                                    .enumerators = enumerators,
	                                    .enumerator_count = array_size(enumerators),
	                                    .symbols = symbols,
	                                    .symbol_count = array_size(symbols)};

	fakecrash_make_more(fake, 3, &more);
	put_text(fake, NAMES, "edge");
	put_text(fake, NAMES + 32,
	         "IO-\x07"
	         "APIC");
	put_text(fake, NAMES + 64, "first");
	put_text(fake, NAMES + 96, "second");
	put_text(fake, NAMES + 128, "HI");
	put_text(fake, NAMES + 160, "TIMER");
	put_pointer(fake, CHIP + 8, NAMES + 32);
	put_pointer(fake, ACTION + 24, ACTION + 64);
	put_pointer(fake, ACTION + 40, NAMES + 64);
	put_pointer(fake, ACTION + 64 + 40, NAMES + 96);
	put_pointer(fake, CHAINED + 40, NAMES + 64);
	put_pointer(fake, SOFT_NAMES, NAMES + 128);
	put_pointer(fake, SOFT_NAMES + 8, NAMES + 160);
	put(fake, FAKECRASH_PER_CPU + SOFT + 8, 17, 4);
	put(fake, FAKECRASH_PER_CPU + SOFT + 12, 18, 4);
	put(fake, FAKECRASH_PER_CPU + STAT + 4, 5, 4);
	put(fake, FAKECRASH_PER_CPU + STAT + 8, 6, 4);
	// With two handlers; without, never and once counted; hidden; one that leads to others.
	put_desc(fake, 0, ACTION, 0, 7);
	put_desc(fake, 1, 0, 0, 0);
	put_desc(fake, 2, 0, 0, 1);
	put_desc(fake, 3, ACTION, HIDDEN, 9);
	put_desc(fake, 4, CHAINED, 0, 0);
}

// Numbers 0, 1, 2, 64 and 130: two levels.
static void put_xarray(struct fakecore *fake)
{
	static const unsigned int slots[3][3] = {{0, 1, 2}, {0}, {2}}, descs[3][3] = {{0, 1, 2}, {3}, {4}},
				  counts[] = {3, 1, 1};

	put(fake, TREE + 8, fakecore_image + NODES + 2, 8);
	put(fake, NODES, 6, 1);
	for (unsigned int i = 0; i < 3; i++) {
		uint64_t node = NODES + (i + 1) * 0x400;

		put(fake, NODES + 40 + 8 * i, fakecore_image + node + 2, 8);
		for (unsigned int j = 0; j < counts[i]; j++)
			put_pointer(fake, node + 40 + 8 * slots[i][j], DESC + descs[i][j] * 0x100);
	}
}

static uint64_t maple(uint64_t node, unsigned int type)
{
	return fakecore_image + node + (type << 3 | 2);
}

static void put_pivot(struct fakecore *fake, uint64_t node, unsigned int slot, uint64_t pivot, uint64_t entry,
                      bool is_arange)
{
	put(fake, node + 8 + 8 * slot, pivot, 8);
	put(fake, node + (is_arange ? 80 : 128) + 8 * slot, entry, 8);
}

// The same numbers: an upper node, and leaves up to 63 and for all beyond.
static void put_maple(struct fakecore *fake)
{
	uint64_t desc = fakecore_image + DESC;

	put(fake, TREE + 8, maple(NODES, 3), 8);
	put_pivot(fake, NODES, 0, 63, maple(NODES + 0x400, 1), true);
	put_pivot(fake, NODES, 1, 0, maple(NODES + 0x800, 1), true);
	for (unsigned int i = 0; i < 3; i++)
		put_pivot(fake, NODES + 0x400, i, i, desc + i * 0x100, false);
	put_pivot(fake, NODES + 0x800, 0, 64, desc + 0x300, false);
	put_pivot(fake, NODES + 0x800, 1, 129, 0, false);
	put_pivot(fake, NODES + 0x800, 2, 130, desc + 0x400, false);
	// Where a last pivot would be are other things.
	put_pivot(fake, NODES + 0x800, 4, 0, 0x77, false);
}

static void check_lines(struct interrupts *interrupts)
{
	static const uint32_t numbers[] = {0, 1, 2, 64, 130}, counts[] = {7, 0, 1, 9, 0};
	static const bool shown[] = {true, false, true, false, false};
	struct interrupts_line line;

	check_text(interrupts->why, "");
	check(interrupts->count == array_size(numbers) && interrupts->cpu_count == 1);
	for (size_t i = 0; i < array_size(numbers); i++) {
		check_ok(interrupts_read(interrupts, i, &line));
		check(line.number == numbers[i] && line.vaddr == fakecore_image + DESC + i * 0x100);
		check(line.is_shown == shown[i] && interrupts->counts[0] == counts[i]);
		check(line.has_hardware_number && line.hardware_number == 100 + i);
	}
	check_ok(interrupts_read(interrupts, 0, &line));
	check_text(line.chip, "IO-?APIC");
	check_text(line.flow, "edge");
	check_text(line.actions, "first, second");
	check_text(line.trigger, "high");
	check_text(line.affinity, "0");
	check_text(line.effective, "0");
	check(line.is_level);
}

struct rows {
	struct interrupts *interrupts;
	char text[256];
};

static void take_row(void *context, const struct interrupts_row *row)
{
	struct rows *rows = context;
	size_t used = strlen(rows->text);

	snprintf(rows->text + used, sizeof(rows->text) - used, "%s %u %s\n", row->name, rows->interrupts->counts[0],
	         row->text);
}

static void check_tree(const char *name, void (*put_tree)(struct fakecore *fake))
{
	struct interrupts interrupts;
	struct rows rows = {.interrupts = &interrupts};
	struct kernel *kernel;
	struct fakecore fake;

	make(&fake, name);
	put_tree(&fake);
	fakecore_open(&fake);
	check_ok(kernel_open(fake.core, &kernel));
	check_ok(interrupts_init(&interrupts, kernel));
	check_lines(&interrupts);
	check_ok(interrupts_machine(&interrupts, take_row, &rows));
	check_ok(interrupts_soft(&interrupts, take_row, &rows));
	// Nobody uses the vector of a hypervisor.
	check_text(rows.text, "NMI 5 Non-maskable interrupts\nHI 17 \nTIMER 18 \n");
	interrupts_deinit(&interrupts);
	kernel_close(kernel);
	fakecore_deinit(&fake);
}

// As Linux v7.2 counts them: an array, and a table that says what is in it.
static void counts(void)
{
	static const struct fakecrash_struct table_structs[] = {
		{"irq_cpustat_t", 64, {{"counts", 4, 32}}},
		{"irq_stat_info", 24, {{"skip_vector", 0, 4}, {"symbol", 8, 8}, {"text", 16, 8}}},
	};
	static const struct fakecrash_enumerator most[] = {{"irq_stat_counts", "IRQ_COUNT_MAX", 5}};
	static const char *const names[] = {"NMI", "PLT", "SPU", "HYP", "PIN"};
	static const uint32_t vectors[] = {0, 0, UINT32_MAX, 0xf3, 0xf2};
	const struct fakesym symbols[] = {
		{'D', "sparse_irqs", fakecore_image + TREE},
		{'D', "irq_stat_info", fakecore_image + TABLE},
		{'D', "system_vectors", fakecore_image + TABLE + 0x200},
		{'A', "irq_stat", STAT},
	};
	const struct fakecrash_more more = {.structs = table_structs,
	                                    .struct_count = array_size(table_structs),
	                                    .enumerators = most,
	                                    .enumerator_count = array_size(most),
	                                    .symbols = symbols,
	                                    .symbol_count = array_size(symbols)};
	struct interrupts interrupts;
	struct rows rows = {.interrupts = &interrupts};
	struct kernel *kernel;
	struct fakecore fake;

	fakecrash_make_more(&fake, 3, &more);
	for (unsigned int i = 0; i < array_size(names); i++) {
		put(&fake, TABLE + 24 * i, vectors[i], 4);
		put_pointer(&fake, TABLE + 24 * i + 8, NAMES + 32 * i);
		put_text(&fake, NAMES + 32 * i, names[i]);
		put_pointer(&fake, TABLE + 24 * i + 16, NAMES + 0x200);
		put(&fake, FAKECRASH_PER_CPU + STAT + 4 + 4 * i, 10 + i, 4);
	}
	put_text(&fake, NAMES + 0x200, "  some interrupts\n");
	// The vector of posted interrupts is in use, that of a hypervisor is not.
	put(&fake, TABLE + 0x200 + 24, UINT64_C(1) << (0xf2 - 192), 8);
	fakecore_open(&fake);
	check_ok(kernel_open(fake.core, &kernel));
	check_ok(interrupts_init(&interrupts, kernel));
	check_ok(interrupts_machine(&interrupts, take_row, &rows));
	check_text(rows.text, "NMI 10 some interrupts\nPIN 14 some interrupts\n");
	interrupts_deinit(&interrupts);
	kernel_close(kernel);
	fakecore_deinit(&fake);
}

static void xarray(void)
{
	check_tree("irq_desc_tree", put_xarray);
}

static void maple_tree(void)
{
	check_tree("sparse_irqs", put_maple);
}

static void check_hostile(struct fakecore *fake, const char *words)
{
	struct interrupts interrupts;
	struct interrupts_line line;
	struct kernel *kernel;
	struct error *err = NULL;

	fakecore_open(fake);
	check_ok(kernel_open(fake->core, &kernel));
	check_ok(interrupts_init(&interrupts, kernel));
	for (size_t i = 0; i < interrupts.count && !err; i++)
		err = interrupts_read(&interrupts, i, &line);
	if (!strstr(err ? err->text : interrupts.why, words))
		fprintf(stderr, "it says \"%s\"\n", err ? err->text : interrupts.why);
	check(strstr(err ? err->text : interrupts.why, words));
	error_free(err);
	interrupts_deinit(&interrupts);
	kernel_close(kernel);
	fakecore_deinit(fake);
}

static void hostile(void)
{
	struct fakecore fake;

	// A node that is its own child.
	make(&fake, "irq_desc_tree");
	put_xarray(&fake);
	put(&fake, NODES + 40, fakecore_image + NODES + 2, 8);
	check_hostile(&fake, "is below itself");
	make(&fake, "irq_desc_tree");
	put_xarray(&fake);
	put(&fake, NODES, 200, 1);
	check_hostile(&fake, "has a shift of 200");
	make(&fake, "sparse_irqs");
	put_maple(&fake);
	put_pivot(&fake, NODES, 0, 63, maple(NODES, 3), true);
	check_hostile(&fake, "too deep");
	make(&fake, "sparse_irqs");
	put_maple(&fake);
	put_pivot(&fake, NODES, 0, 63, maple(NODES + 0x400, 7), true);
	check_hostile(&fake, "has type 7");
	// Numbers that no interrupt has.
	make(&fake, "sparse_irqs");
	put_maple(&fake);
	put_pivot(&fake, NODES + 0x800, 1, UINT64_C(1) << 40, 0, false);
	put_pivot(&fake, NODES + 0x800, 2, UINT64_C(1) << 41, fakecore_image + DESC, false);
	check_hostile(&fake, "interrupt 1099511627777");
	// Handlers in a circle.
	make(&fake, "sparse_irqs");
	put_maple(&fake);
	put_pointer(&fake, ACTION + 64 + 24, ACTION);
	check_hostile(&fake, "the handlers of interrupt 0 have no end");
	// Descriptors that are nowhere.
	make(&fake, "sparse_irqs");
	put_maple(&fake);
	put_pivot(&fake, NODES + 0x400, 0, 0, 0x1000, false);
	check_hostile(&fake, "interrupt 0: ");
}

// Whatever it is, it ends.
static void damaged(void)
{
	for (unsigned int seed = 0; seed < 100; seed++) {
		struct interrupts interrupts;
		struct interrupts_line line;
		struct kernel *kernel;
		struct fakecore fake;

		make(&fake, seed % 2 ? "sparse_irqs" : "irq_desc_tree");
		if (seed % 2)
			put_maple(&fake);
		else
			put_xarray(&fake);
		fakecrash_damage(&fake, NODES, 0x1000, seed);
		fakecrash_damage(&fake, DESC, 0x500, seed);
		fakecore_open(&fake);
		check_ok(kernel_open(fake.core, &kernel));
		check_ok(interrupts_init(&interrupts, kernel));
		for (size_t i = 0; i < interrupts.count; i++) {
			error_free(interrupts_read(&interrupts, i, &line));
			check(interrupts.count <= INTERRUPTS_MAX);
		}
		interrupts_deinit(&interrupts);
		kernel_close(kernel);
		fakecore_deinit(&fake);
	}
}

static const struct test tests[] = {TEST(xarray), TEST(maple_tree), TEST(counts), TEST(hostile), TEST(damaged)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
