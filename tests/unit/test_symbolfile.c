// SPDX-License-Identifier: GPL-2.0-or-later
// The ELF file of a kernel's symbols, read back by its headers.
#include "report/symbolfile.h"

#include <elf.h>

#include "fakecrash.h"
#include "report/machine.h"
#include "test.h"

struct world {
	struct fakecore fake;
	struct machine *machine;
	char *file;
	size_t size_bytes, count;
};

static void make_file(struct world *world, bool has_kernel)
{
	FILE *out = open_memstream(&world->file, &world->size_bytes);

	char why[KERNEL_WHY_BYTES];

	check_ok(
		symbolfile_write(world->machine->kernel, world->machine->symbols, has_kernel, out, &world->count, why));
	check_text(why, "");
	fclose(out);
}

static struct world *make_world(bool has_kernel)
{
	struct world *world = calloc(1, sizeof(*world));

	check(world);
	fakecrash_make(&world->fake, ORC_FORM_3);
	fakecore_open(&world->fake);
	check_ok(machine_open(world->fake.core, MACHINE_TASKS, &world->machine));
	make_file(world, has_kernel);
	return world;
}

static void close_world(struct world *world)
{
	machine_close(world->machine);
	fakecore_deinit(&world->fake);
	free(world->file);
	free(world);
}

static const Elf64_Shdr *section(const struct world *world, size_t which)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)world->file;

	check(which < header->e_shnum);
	check(header->e_shoff + (which + 1) * sizeof(Elf64_Shdr) <= world->size_bytes);
	return (const Elf64_Shdr *)(world->file + header->e_shoff) + which;
}

static const char *text_of(const struct world *world, const Elf64_Shdr *table, size_t at)
{
	check(at < table->sh_size && table->sh_offset + table->sh_size <= world->size_bytes);
	return world->file + table->sh_offset + at;
}

// A symbol by its name; NULL: there is none.
static const Elf64_Sym *find(const struct world *world, const char *name)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)world->file;
	const Elf64_Shdr *table = section(world, header->e_shnum - 3u), *names = section(world, header->e_shnum - 2u);
	const Elf64_Sym *list = (const Elf64_Sym *)(world->file + table->sh_offset);

	check(table->sh_type == SHT_SYMTAB && table->sh_link == header->e_shnum - 2u);
	check(table->sh_size == (world->count + 1) * sizeof(*list));
	for (size_t i = 1; i <= world->count; i++) {
		// Local ones come first.
		check((ELF64_ST_BIND(list[i].st_info) == STB_LOCAL) == (i < table->sh_info));
		if (strcmp(text_of(world, names, list[i].st_name), name) == 0)
			return &list[i];
	}
	return NULL;
}

static void check_symbol(const struct world *world, const char *name, uint64_t vaddr, const char *section_name,
                         unsigned int type)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)world->file;
	const Elf64_Sym *symbol = find(world, name);
	const Elf64_Shdr *in;

	check(symbol && symbol->st_value == vaddr && ELF64_ST_TYPE(symbol->st_info) == type);
	if (!section_name) {
		check(symbol->st_shndx == SHN_ABS);
		return;
	}
	in = section(world, symbol->st_shndx);
	check_text(text_of(world, section(world, header->e_shnum - 1u), in->sh_name), section_name);
	check(in->sh_type == SHT_NOBITS && vaddr >= in->sh_addr && vaddr <= in->sh_addr + in->sh_size);
	check(!(in->sh_flags & SHF_EXECINSTR) == (type != STT_FUNC));
}

static void all_symbols(void)
{
	struct world *world = make_world(true);
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)world->file;

	check(memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 && header->e_machine == EM_X86_64);
	check(section(world, header->e_shnum - 1u)->sh_type == SHT_STRTAB);
	check_symbol(world, "panic", fakecrash_function(FAKECRASH_PANIC), ".text", STT_FUNC);
	check_symbol(world, "tainted_mask", fakecrash_variable(FAKECRASH_TAINTED), ".data", STT_OBJECT);
	check_symbol(world, "mod_wait", fakecore_image + FAKECRASH_MODULE_TEXT, "[faulty]", STT_FUNC);
	check_symbol(world, "mod_data", fakecore_image + FAKECRASH_MODULE_TEXT + 0x800, "[faulty].data", STT_OBJECT);
	// What each CPU has is a distance.
	check_symbol(world, "runqueues", FAKECRASH_RUNQUEUE, NULL, STT_NOTYPE);
	check(!find(world, "no_such_symbol"));
	close_world(world);
}

// No two sections have an address in common, and those of a module end where its memory does.
static void sections(void)
{
	struct world *world = make_world(true);
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)world->file;
	uint64_t last = 0, module_end = 0;

	for (size_t i = 1; i < header->e_shnum - 3u; i++) {
		const Elf64_Shdr *one = section(world, i);

		check(one->sh_addr >= last);
		last = one->sh_addr + one->sh_size;
		if (one->sh_addr >= fakecore_image + FAKECRASH_MODULE_TEXT &&
		    one->sh_addr < fakecore_image + FAKECRASH_MODULE_TEXT + FAKECRASH_MODULE_BYTES)
			module_end = last;
	}
	check(module_end == fakecore_image + FAKECRASH_MODULE_TEXT + FAKECRASH_MODULE_BYTES);
	close_world(world);
}

// Beside a kernel's own debugging information.
static void modules_only(void)
{
	struct world *world = make_world(false);

	check(world->count == 2 && !find(world, "panic"));
	check_symbol(world, "mod_wait", fakecore_image + FAKECRASH_MODULE_TEXT, "[faulty]", STT_FUNC);
	close_world(world);
}

static void no_symbols(void)
{
	struct fakecore fake;
	struct machine *machine;
	char *file = NULL;
	size_t size, count = 1;
	char why[KERNEL_WHY_BYTES];
	FILE *out = open_memstream(&file, &size);

	fakecrash_make(&fake, ORC_FORM_3);
	memset(fake.memory + FAKECRASH_SYMBOLS, 0, 0x10000);
	fakecore_open(&fake);
	check_ok(machine_open(fake.core, MACHINE_TASKS, &machine));
	check_ok(symbolfile_write(machine->kernel, machine->symbols, true, out, &count, why));
	check(!count && why[0]);
	fclose(out);
	free(file);
	machine_close(machine);
	fakecore_deinit(&fake);
}

static const struct test tests[] = {TEST(all_symbols), TEST(sections), TEST(modules_only), TEST(no_symbols)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
