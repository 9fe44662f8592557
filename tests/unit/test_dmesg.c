// SPDX-License-Identifier: GPL-2.0-or-later
// A dump of 2 MiB in which only page tables and a kernel log are: x86-64, one large page, both forms of the log.
#include "report/dmesg.h"

#include <elf.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/mman.h>

#include "base/io.h"
#include "report/cause.h"
#include "test.h"

enum {
	MEMORY_BYTES = 2 << 20,
	FILE_OFFSET = 0x1000,
	// Places in memory.
	AT_PUD = 0x1000,
	AT_PMD = 0x2000,
	AT_SYMBOLS = 0x3000,
	AT_RING = 0x3100,
	AT_DESCS = 0x4000,
	AT_INFOS = 0x5000,
	AT_DATA = 0x6000,
	// Sizes of the ring: 4 records, 256 bytes of text.
	COUNT_BITS = 2,
	DATA_BITS = 8,
	DESC_BYTES = 24,
	INFO_BYTES = 40,
};

static const uint64_t paddr = 0x1000000;
static const uint64_t vaddr = UINT64_C(0xffffffff81000000);

struct machine {
	uint8_t *memory;
	char info[4096];
	char path[64];
};

static void put(struct machine *machine, size_t at, uint64_t value, size_t size_bytes)
{
	for (size_t i = 0; i < size_bytes; i++)
		machine->memory[at + i] = (uint8_t)(value >> 8 * i);
}

static void add_info(struct machine *machine, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add_info(struct machine *machine, const char *fmt, ...)
{
	size_t used = strlen(machine->info);
	va_list args;

	va_start(args, fmt);
	vsnprintf(machine->info + used, sizeof(machine->info) - used, fmt, args);
	va_end(args);
}

static void make_machine(struct machine *machine)
{
	memset(machine, 0, sizeof(*machine));
	machine->memory = calloc(1, MEMORY_BYTES);
	check(machine->memory != NULL);
	// Index 511, 510, 8: where the kernel image is.
	put(machine, 511 * 8, (paddr + AT_PUD) | 1, 8);
	put(machine, AT_PUD + 510 * 8, (paddr + AT_PMD) | 1, 8);
	put(machine, AT_PMD + 8 * 8, paddr | 0x81, 8);
	add_info(machine, "OSRELEASE=6.1.0-test\nPAGESIZE=4096\nSYMBOL(swapper_pg_dir)=%jx\nNUMBER(phys_base)=0\n",
	         (uintmax_t)vaddr);
}

static void write_file(struct machine *machine)
{
	static const char name[12] = "VMCOREINFO";
	size_t info_bytes = strlen(machine->info);
	Elf64_Ehdr ehdr = {
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(ehdr),
		.e_ehsize = sizeof(ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2,
	};
	Elf64_Nhdr nhdr = {.n_namesz = 11, .n_descsz = (uint32_t)info_bytes};
	Elf64_Phdr phdrs[2] = {
		{.p_type = PT_NOTE, .p_offset = 512, .p_filesz = sizeof(nhdr) + sizeof(name) + info_bytes},
		{.p_type = PT_LOAD,
	         .p_offset = FILE_OFFSET,
	         .p_vaddr = vaddr,
	         .p_paddr = paddr,
	         .p_filesz = MEMORY_BYTES,
	         .p_memsz = MEMORY_BYTES},
	};
	int fd;

	strcpy(machine->path, "/tmp/test-dmesg.XXXXXX");
	fd = mkstemp(machine->path);
	check(fd >= 0 && 512 + sizeof(nhdr) + sizeof(name) + info_bytes <= FILE_OFFSET);
	check_ok(io_pwrite(fd, &ehdr, sizeof(ehdr), 0));
	check_ok(io_pwrite(fd, phdrs, sizeof(phdrs), sizeof(ehdr)));
	check_ok(io_pwrite(fd, &nhdr, sizeof(nhdr), 512));
	check_ok(io_pwrite(fd, name, sizeof(name), 512 + sizeof(nhdr)));
	check_ok(io_pwrite(fd, machine->info, info_bytes, 512 + sizeof(nhdr) + sizeof(name)));
	check_ok(io_pwrite(fd, machine->memory, MEMORY_BYTES, FILE_OFFSET));
	close(fd);
}

// Runs it and returns its error; the text is in buf.
static struct error *run(struct machine *machine, char *buf, size_t room_bytes, struct dmesg_stats *stats)
{
	_cleanup_(vmcore_closep) struct vmcore *core = NULL;
	int fd = memfd_create("out", 0);
	struct error *err;
	ssize_t got;

	write_file(machine);
	check_ok(vmcore_open(machine->path, &core));
	unlink(machine->path);
	err = dmesg_write(core, fd, stats);
	got = pread(fd, buf, room_bytes - 1, 0);
	check(got >= 0);
	buf[got] = '\0';
	close(fd);
	free(machine->memory);
	return err;
}

static void make_ring(struct machine *machine, uint64_t tail_id, uint64_t head_id)
{
	make_machine(machine);
	add_info(machine, "SYMBOL(prb)=%jx\n", (uintmax_t)(vaddr + AT_SYMBOLS));
	add_info(machine,
	         "OFFSET(printk_ringbuffer.desc_ring)=0\nOFFSET(printk_ringbuffer.text_data_ring)=48\n"
	         "OFFSET(prb_desc_ring.count_bits)=0\nOFFSET(prb_desc_ring.descs)=8\nOFFSET(prb_desc_ring.infos)=16\n"
	         "OFFSET(prb_desc_ring.head_id)=24\nOFFSET(prb_desc_ring.tail_id)=32\n"
	         "OFFSET(prb_data_ring.size_bits)=0\nOFFSET(prb_data_ring.data)=8\nOFFSET(atomic_long_t.counter)=0\n");
	add_info(machine,
	         "SIZE(prb_desc)=%d\nOFFSET(prb_desc.state_var)=0\nOFFSET(prb_desc.text_blk_lpos)=8\n"
	         "OFFSET(prb_data_blk_lpos.begin)=0\nOFFSET(prb_data_blk_lpos.next)=8\nSIZE(printk_info)=%d\n"
	         "OFFSET(printk_info.ts_nsec)=8\nOFFSET(printk_info.text_len)=16\n",
	         DESC_BYTES, INFO_BYTES);
	put(machine, AT_SYMBOLS, vaddr + AT_RING, 8);
	put(machine, AT_RING, COUNT_BITS, 4);
	put(machine, AT_RING + 8, vaddr + AT_DESCS, 8);
	put(machine, AT_RING + 16, vaddr + AT_INFOS, 8);
	put(machine, AT_RING + 24, head_id, 8);
	put(machine, AT_RING + 32, tail_id, 8);
	put(machine, AT_RING + 48, DATA_BITS, 4);
	put(machine, AT_RING + 56, vaddr + AT_DATA, 8);
}

// state: 1 committed, 2 finalized, 3 reusable. Positions count on through the turns of the ring.
static void add_record(struct machine *machine, uint64_t id, unsigned int state, uint64_t begin, uint64_t next,
                       uint64_t ts_ns, const char *text)
{
	size_t desc = AT_DESCS + (id & 3) * DESC_BYTES, info = AT_INFOS + (id & 3) * INFO_BYTES;
	size_t start = begin >> DATA_BITS != (next - 1) >> DATA_BITS ? 0 : begin & 255;

	put(machine, desc, id | (uint64_t)state << 62, 8);
	put(machine, desc + 8, begin, 8);
	put(machine, desc + 16, next, 8);
	put(machine, info + 8, ts_ns, 8);
	put(machine, info + 16, strlen(text), 2);
	memcpy(machine->memory + AT_DATA + start + 8, text, strlen(text));
}

// Ids and positions have gone around several times; the last block did not fit and is at the start of the data.
static void ring(void)
{
	struct machine machine;
	struct dmesg_stats stats;
	char text[4096];

	make_ring(&machine, 41, 44);
	add_record(&machine, 41, 2, 2 * 256 + 64, 2 * 256 + 96, 1234567890, "first");
	add_record(&machine, 42, 2, 2 * 256 + 96, 2 * 256 + 160, 12345678901234, "two\nlines \x1b[31m\xc3\xa4");
	add_record(&machine, 43, 1, 1, 1, 5000, "");
	add_record(&machine, 44, 1, 2 * 256 + 240, 3 * 256 + 32, 99999999999999, "wrapped\ttext");
	check_ok(run(&machine, text, sizeof(text), &stats));
	check_text(text, "[    1.234567] first\n"
	                 "[12345.678901] two\n               lines .[31m..\n"
	                 "[    0.000005] \n"
	                 "[99999.999999] wrapped\ttext\n");
	check(stats.records == 4 && stats.unreadable == 0);
}

// Records that are being written, were given up, or belong to an older turn are no text.
static void ring_states(void)
{
	struct machine machine;
	struct dmesg_stats stats;
	char text[4096];

	make_ring(&machine, 8, 11);
	add_record(&machine, 8, 3, 0, 32, 1, "reusable");
	add_record(&machine, 5, 2, 32, 64, 1, "older turn");
	add_record(&machine, 10, 2, 64, 96, 0, "good");
	add_record(&machine, 11, 0, 96, 128, 1, "reserved");
	check_ok(run(&machine, text, sizeof(text), &stats));
	check_text(text, "[    0.000000] good\n");
}

// A length that is larger than the block gives no more than the block.
static void ring_hostile(void)
{
	struct machine machine;
	struct dmesg_stats stats;
	char text[4096];

	make_ring(&machine, 0, 3);
	add_record(&machine, 2, 2, UINT64_MAX - 2, 3, 0, "x");
	add_record(&machine, 1, 2, 16, 16, 0, "empty block");
	add_record(&machine, 0, 2, 0, 16, 0, "12345678ABCDEFGH");
	check_ok(run(&machine, text, sizeof(text), &stats));
	check_text(text, "[    0.000000] 12345678\n");

	// An id that is never reached: the loop ends after as many records as there are.
	make_ring(&machine, 0, 1000000);
	add_record(&machine, 0, 2, 0, 32, 0, "one");
	check_ok(run(&machine, text, sizeof(text), &stats));
	check(stats.records == 1);

	make_ring(&machine, 0, 3);
	put(&machine, AT_RING, 60, 4);
	check_error(run(&machine, text, sizeof(text), &stats), ERROR_BAD_DATA, "out of range");

	// More descriptors than the largest log has.
	make_ring(&machine, 0, UINT64_MAX >> 2);
	put(&machine, AT_RING, 31, 4);
	check_error(run(&machine, text, sizeof(text), &stats), ERROR_BAD_DATA, "out of range");

	make_ring(&machine, 0, 3);
	put(&machine, AT_SYMBOLS, 0xdead000000000000, 8);
	check_error(run(&machine, text, sizeof(text), &stats), ERROR_FAULT, "kernel log");

	// Descriptors that are nowhere: each record is counted, none is text.
	make_ring(&machine, 0, 3);
	put(&machine, AT_RING + 8, 0xffffffff90000000, 8);
	check_ok(run(&machine, text, sizeof(text), &stats));
	check(stats.records == 0 && stats.unreadable == 4);

	// Some of them on a page that is there, the last one partly: the large page that follows is not mapped.
	make_ring(&machine, 0, 999);
	put(&machine, AT_RING, 10, 4);
	put(&machine, AT_RING + 8, vaddr + MEMORY_BYTES - 2 * DESC_BYTES - 8, 8);
	check_ok(run(&machine, text, sizeof(text), &stats));
	check(stats.records == 0 && stats.unreadable == 1000 - 2);

	// As many as there can be, and nowhere.
	make_ring(&machine, 5, 4);
	put(&machine, AT_RING, 26, 4);
	put(&machine, AT_RING + 8, 0xffffffff90000000, 8);
	check_ok(run(&machine, text, sizeof(text), &stats));
	check(stats.records == 0 && stats.unreadable == 1 << 26);
}

static void ring_missing(void)
{
	struct machine machine;
	struct dmesg_stats stats;
	char text[64];

	make_machine(&machine);
	check_error(run(&machine, text, sizeof(text), &stats), ERROR_UNSUPPORTED, "SYMBOL(prb)");
	make_machine(&machine);
	add_info(&machine, "SYMBOL(prb)=%jx\n", (uintmax_t)(vaddr + AT_SYMBOLS));
	check_error(run(&machine, text, sizeof(text), &stats), ERROR_UNSUPPORTED, "printk_info");
}

enum { LOG_BUF_BYTES = 256, HEADER_BYTES = 16 };

static void make_records(struct machine *machine, const char *name, uint32_t first, uint32_t next)
{
	make_machine(machine);
	add_info(machine,
	         "SYMBOL(log_buf)=%jx\nSYMBOL(log_buf_len)=%jx\nSYMBOL(log_first_idx)=%jx\nSYMBOL(log_next_idx)=%jx\n",
	         (uintmax_t)(vaddr + AT_SYMBOLS), (uintmax_t)(vaddr + AT_SYMBOLS + 8),
	         (uintmax_t)(vaddr + AT_SYMBOLS + 12), (uintmax_t)(vaddr + AT_SYMBOLS + 16));
	add_info(
		machine,
		"SIZE(%s)=%d\nOFFSET(%s.ts_nsec)=0\nOFFSET(%s.len)=8\nOFFSET(%s.text_len)=10\nOFFSET(%s.dict_len)=12\n",
		name, HEADER_BYTES, name, name, name, name);
	put(machine, AT_SYMBOLS, vaddr + AT_DATA, 8);
	put(machine, AT_SYMBOLS + 8, LOG_BUF_BYTES, 4);
	put(machine, AT_SYMBOLS + 12, first, 4);
	put(machine, AT_SYMBOLS + 16, next, 4);
}

static void put_record(struct machine *machine, size_t at, uint64_t ts_ns, size_t len, const char *text)
{
	put(machine, AT_DATA + at, ts_ns, 8);
	put(machine, AT_DATA + at + 8, len, 2);
	put(machine, AT_DATA + at + 10, strlen(text), 2);
	memcpy(machine->memory + AT_DATA + at + HEADER_BYTES, text, strlen(text));
}

static void records(void)
{
	static const char *const names[] = {"printk_log", "log"};

	for (size_t i = 0; i < array_size(names); i++) {
		struct machine machine;
		struct dmesg_stats stats;
		char text[4096];

		make_records(&machine, names[i], 128, 64);
		put_record(&machine, 128, 1000, 32, "oldest");
		put_record(&machine, 160, 2000, 32, "second");
		put(&machine, AT_DATA + 192 + 8, 0, 2); // The rest is empty.
		put_record(&machine, 0, 3000, 64, "third\nand more");
		check_ok(run(&machine, text, sizeof(text), &stats));
		check_text(text, "[    0.000001] oldest\n[    0.000002] second\n[    0.000003] third\n               "
		                 "and more\n");
	}
}

static void records_hostile(void)
{
	struct machine machine;
	struct dmesg_stats stats;
	char text[4096];

	// A record that is smaller than its header.
	make_records(&machine, "printk_log", 0, 64);
	put_record(&machine, 0, 0, 4, "x");
	check_error(run(&machine, text, sizeof(text), &stats), ERROR_BAD_DATA, "smaller");
	// Lengths that lead past the index of the next record, and out of the buffer.
	make_records(&machine, "printk_log", 0, 64);
	put_record(&machine, 0, 0, 60000, "x");
	check_ok(run(&machine, text, sizeof(text), &stats));
	check_text(text, "[    0.000000] x\n");
	// An empty buffer of zeros.
	make_records(&machine, "printk_log", 128, 64);
	check_ok(run(&machine, text, sizeof(text), &stats));
	check_text(text, "");
	make_records(&machine, "printk_log", 1000, 64);
	check_error(run(&machine, text, sizeof(text), &stats), ERROR_BAD_DATA, "out of range");
}

// What of the log gets into the report is safe for a terminal; the log itself is what the crash utility prints.
static void terminals(void)
{
	_cleanup_(vmcore_closep) struct vmcore *core = NULL;
	struct machine machine;
	struct dmesg_stats stats;
	struct cause cause;
	char text[4096];

	make_ring(&machine, 41, 41);
	add_record(&machine, 41, 2, 2 * 256 + 64, 2 * 256 + 160, 1234567890,
	           "Kernel panic - not syncing: a\rb\x1b[2Jc\vd\fe\tf");
	write_file(&machine);
	check_ok(vmcore_open(machine.path, &core));
	unlink(machine.path);
	cause_init(&cause, core);
	check_text(cause.panic, "a b.[2Jc d e f");
	check_ok(run(&machine, text, sizeof(text), &stats));
	check_text(text, "[    1.234567] Kernel panic - not syncing: a\rb.[2Jc\vd\fe\tf\n");
}

static struct error *note_level(void *context, unsigned int level)
{
	fprintf(context, "<%u>", level);
	return NULL;
}

static struct error *put_piece(void *context, const char *bytes, size_t size_bytes)
{
	fwrite(bytes, 1, size_bytes, context);
	return NULL;
}

static void check_levels(struct machine *machine, const char *wanted)
{
	_cleanup_(vmcore_closep) struct vmcore *core = NULL;
	_cleanup_free_ char *text = NULL;
	struct dmesg_stats stats;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	check(out);
	write_file(machine);
	check_ok(vmcore_open(machine->path, &core));
	unlink(machine->path);
	check_ok(dmesg_tell_levels(core, note_level, put_piece, out, &stats));
	fclose(out);
	check_text(text, wanted);
	free(machine->memory);
}

// facility, and flags:5, level:3 behind it, are where the neighbours leave two bytes for them; else nothing is guessed.
static void levels(void)
{
	struct machine machine;

	for (unsigned int caller = 16; caller <= 24; caller += 4) {
		make_ring(&machine, 41, 42);
		add_info(&machine, "OFFSET(printk_info.caller_id)=%u\n", caller);
		add_record(&machine, 41, 2, 2 * 256 + 64, 2 * 256 + 96, 1000, "worst");
		add_record(&machine, 42, 2, 2 * 256 + 96, 2 * 256 + 160, 2000, "two\nlines");
		put(&machine, AT_INFOS + 1 * INFO_BYTES + 19, 0x1f, 1);
		put(&machine, AT_INFOS + 2 * INFO_BYTES + 19, 0xc5, 1);
		check_levels(&machine,
		             caller == 20 ? "<0>[    0.000001] worst\n<6>[    0.000002] two\n               lines\n"
		                          : "<8>[    0.000001] worst\n<8>[    0.000002] two\n               lines\n");
	}
	make_records(&machine, "printk_log", 0, 32);
	put_record(&machine, 0, 1000, 32, "a warning");
	put(&machine, AT_DATA + 15, 0x82, 1);
	check_levels(&machine, "<4>[    0.000001] a warning\n");
	make_records(&machine, "log", 0, 32);
	put_record(&machine, 0, 1000, 32, "a warning");
	put(&machine, AT_DATA + 15, 0x82, 1);
	check_levels(&machine, "<8>[    0.000001] a warning\n");
}

static const struct test tests[] = {
	TEST(levels),       TEST(terminals),    TEST(ring),    TEST(ring_states),
	TEST(ring_hostile), TEST(ring_missing), TEST(records), TEST(records_hostile),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
