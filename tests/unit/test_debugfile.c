// SPDX-License-Identifier: GPL-2.0-or-later
// Files with debugging information: what they say of themselves, and which of them is found for a dump.
#include "report/debugfile.h"

#include <elf.h>
#include <sys/mman.h>

#include "base/io.h"
#include "fake.h"
#include "fakecrash.h"
#include "report/debugkernel.h"
#include "report/machine.h"
#include "test.h"

enum {
	WITH_ID = 1 << 0,
	WITH_DEBUG = 1 << 1,
	WITH_CODE = 1 << 2,
	PER_CPU_AT_0 = 1 << 3,
	FILE_BYTES = 0x1000,
	NOTES_AT = 0x400,
	NAMES_AT = 0x600,
	SECTIONS_AT = 0x800,
};

static const char names[] = "\0.notes\0.debug_info\0.text\0.data..percpu\0.shstrtab";

// Another vendor's note comes first, as in a vmlinux.
static void put_notes(uint8_t *file, uint8_t id)
{
	uint32_t first[] = {4, 5, 6}, second[] = {4, 20, NT_GNU_BUILD_ID};

	memcpy(file, first, sizeof(first));
	memcpy(file + 12, "Xen\0linux", 9);
	memcpy(file + 24, second, sizeof(second));
	memcpy(file + 36, "GNU", 4);
	for (uint8_t i = 0; i < 20; i++)
		file[40 + i] = (uint8_t)(id + i);
}

static void make_elf(uint8_t file[FILE_BYTES], unsigned int with, uint8_t id)
{
	Elf64_Ehdr header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
	                     .e_machine = EM_X86_64,
	                     .e_shoff = SECTIONS_AT,
	                     .e_shentsize = sizeof(Elf64_Shdr),
	                     .e_shnum = 6,
	                     .e_shstrndx = 5};
	Elf64_Shdr sections[6] = {
		{.sh_type = SHT_NULL},
		{.sh_name = 1, .sh_type = with & WITH_ID ? SHT_NOTE : SHT_NOBITS, .sh_offset = NOTES_AT, .sh_size = 60},
		{.sh_name = 8, .sh_type = with & WITH_DEBUG ? SHT_PROGBITS : SHT_NOBITS},
		{.sh_name = 20,
	         .sh_type = with & WITH_CODE ? SHT_PROGBITS : SHT_NOBITS,
	         .sh_flags = SHF_ALLOC | SHF_EXECINSTR},
		{.sh_name = 26, .sh_type = SHT_PROGBITS, .sh_addr = with & PER_CPU_AT_0 ? 0 : 0xffffffff82000000},
		{.sh_name = 40, .sh_type = SHT_STRTAB, .sh_offset = NAMES_AT, .sh_size = sizeof(names)},
	};

	memset(file, 0, FILE_BYTES);
	memcpy(file, &header, sizeof(header));
	put_notes(file + NOTES_AT, id);
	memcpy(file + NAMES_AT, names, sizeof(names));
	memcpy(file + SECTIONS_AT, sections, sizeof(sections));
}

static struct error *look(const uint8_t *file, size_t size_bytes, struct debugfile *ret)
{
	_cleanup_close_ int fd = memfd_create("elf", MFD_CLOEXEC);

	check_ok(io_pwrite(fd, file, size_bytes, 0));
	return debugfile_read(fd, ret);
}

static void what_files_say(void)
{
	uint8_t file[FILE_BYTES];
	struct debugfile said;
	char id[DEBUGFILE_TEXT_BYTES];

	make_elf(file, WITH_ID | WITH_DEBUG | WITH_CODE | PER_CPU_AT_0, 0xa0);
	check_ok(look(file, sizeof(file), &said));
	debugfile_format_id(&said.id, id);
	check_text(id, "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3");
	check(said.has_debug && said.has_code && said.is_per_cpu_at_0 && said.elf_machine == EM_X86_64);
	make_elf(file, 0, 0);
	check_ok(look(file, sizeof(file), &said));
	check(!said.id.size_bytes && !said.has_debug && !said.has_code && !said.is_per_cpu_at_0);
}

static void bad_files(void)
{
	uint8_t file[FILE_BYTES];
	struct debugfile said;

	make_elf(file, WITH_ID | WITH_DEBUG, 0xa0);
	check_error(look(file, 10, &said), ERROR_UNSUPPORTED, "no ELF file");
	check_error(look(file, SECTIONS_AT + 10, &said), ERROR_BAD_DATA, "it is cut");
	file[offsetof(Elf64_Ehdr, e_shstrndx)] = 6;
	check_error(look(file, sizeof(file), &said), ERROR_BAD_DATA, "no table of sections");
	make_elf(file, WITH_ID | WITH_DEBUG, 0xa0);
	memset(file + SECTIONS_AT + 5 * sizeof(Elf64_Shdr) + offsetof(Elf64_Shdr, sh_size), 0xff, 8);
	check_error(look(file, sizeof(file), &said), ERROR_BAD_DATA, "names of its sections have");
	make_elf(file, WITH_ID | WITH_DEBUG, 0xa0);
	memset(file + offsetof(Elf64_Ehdr, e_shoff), 0xff, 8);
	check_error(look(file, sizeof(file), &said), ERROR_BAD_DATA, "behind all files");
	// Notes whose sizes lead out of them, and a build-id that is none.
	make_elf(file, WITH_ID | WITH_DEBUG, 0xa0);
	memset(file + NOTES_AT + 24, 0xff, 8);
	check_ok(look(file, sizeof(file), &said));
	check(!said.id.size_bytes);
	make_elf(file, WITH_ID | WITH_DEBUG, 0xa0);
	file[NOTES_AT + 28] = DEBUGFILE_ID_BYTES + 1;
	check_ok(look(file, sizeof(file), &said));
	check(!said.id.size_bytes);
	file[4] = ELFCLASS32;
	check_error(look(file, sizeof(file), &said), ERROR_UNSUPPORTED, "no ELF file of 64 bits");
}

static void ids(void)
{
	struct debugfile_id a, b = {.size_bytes = 0};

	check(debugfile_parse_id("00fF", &a) && a.size_bytes == 2 && a.bytes[1] == 0xff);
	check(!debugfile_parse_id("", &b) && !debugfile_parse_id("0", &b) && !debugfile_parse_id("xy", &b));
	check(!debugfile_same_id(&a, &b) && !debugfile_same_id(&b, &b) && debugfile_same_id(&a, &a));
	check(debugfile_parse_id("00fe", &b) && !debugfile_same_id(&a, &b));
	check(debugfile_parse_id("00ff00", &b) && !debugfile_same_id(&a, &b));
}

// A root with files, and a search in it.
struct world {
	struct fake fake;
	struct debugkernel wanted;
	struct debugkernel_places places;
	struct debugkernel_found found;
	char *log;
};

static void put(struct world *world, const char *path, unsigned int with, uint8_t id)
{
	uint8_t file[FILE_BYTES];

	make_elf(file, with, id);
	check_ok(host_replace(&world->fake.host, path, file, sizeof(file), 0644));
}

static struct world *make_world(void)
{
	struct world *world = calloc(1, sizeof(*world));

	check(world);
	fake_init(&world->fake);
	strcpy(world->wanted.release, "6.1.0-56-amd64");
	check(debugfile_parse_id("a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3", &world->wanted.id));
	return world;
}

static struct error *search(struct world *world, bool needs_code)
{
	struct error *err;
	size_t size;
	FILE *log;

	free(world->log);
	debugkernel_found_deinit(&world->found);
	log = open_memstream(&world->log, &size);
	err = debugkernel_find(&world->fake.host, &world->wanted, &world->places, needs_code, log, &world->found);
	fclose(log);
	return err;
}

static void close_world(struct world *world)
{
	debugkernel_found_deinit(&world->found);
	free(world->log);
	fake_deinit(&world->fake);
	free(world);
}

// Each place, the last one first: what is searched earlier is found instead.
static void places(void)
{
	static const char *const paths[] = {
		"/home/u/.cache/debuginfod_client/a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3/debuginfo",
		"/boot/vmlinux-6.1.0-56-amd64",
		"/usr/lib/modules/6.1.0-56-amd64/vmlinux",
		"/lib/modules/6.1.0-56-amd64/build/vmlinux",
		"/usr/lib/debug/usr/lib/modules/6.1.0-56-amd64/vmlinux.debug",
		"/usr/lib/debug/lib/modules/6.1.0-56-amd64/vmlinux",
		"/usr/lib/debug/boot/vmlinux-6.1.0-56-amd64.debug",
		"/usr/lib/debug/boot/vmlinux-6.1.0-56-amd64",
		"/usr/lib/debug/.build-id/a0/a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3.debug",
		"/srv/b/vmlinux-6.1.0-56-amd64",
		"/srv/a/boot/vmlinux-6.1.0-56-amd64",
	};
	struct world *world = make_world();

	world->places.path = "/srv/a:/srv/b";
	world->places.cache = "/home/u/.cache/debuginfod_client";
	check_error(search(world, false), ERROR_UNSUPPORTED, "no file with debugging information");
	for (size_t i = 0; i < array_size(paths); i++) {
		// Each of them was looked at.
		check(strstr(world->log, paths[i]));
		put(world, paths[i], WITH_ID | WITH_DEBUG | WITH_CODE, 0xa0);
	}
	for (size_t i = array_size(paths); i--;) {
		check_ok(search(world, true));
		check_text(world->found.debug, paths[i]);
		check(world->found.is_sure && !world->found.code);
		check_ok(host_remove(&world->fake.host, paths[i]));
	}
	check_error(search(world, false), ERROR_UNSUPPORTED, "no file with debugging information");
	close_world(world);
}

static void wrong_ones(void)
{
	struct world *world = make_world();

	put(world, "/usr/lib/debug/boot/vmlinux-6.1.0-56-amd64", WITH_ID | WITH_DEBUG | WITH_CODE, 0xb0);
	put(world, "/usr/lib/debug/lib/modules/6.1.0-56-amd64/vmlinux", WITH_DEBUG | WITH_CODE, 0);
	put(world, "/boot/vmlinux-6.1.0-56-amd64", WITH_ID | WITH_CODE, 0xa0);
	check_ok(host_replace(&world->fake.host, "/lib/modules/6.1.0-56-amd64/build/vmlinux", "text", 4, 0644));
	check_error(search(world, false), ERROR_UNSUPPORTED, "no file with debugging information");
	check(strstr(world->log, "/usr/lib/debug/boot/vmlinux-6.1.0-56-amd64: it is of another build (b0b1b2"));
	check(strstr(world->log, "/usr/lib/debug/lib/modules/6.1.0-56-amd64/vmlinux: it has no build-id\n"));
	check(strstr(world->log, "/boot/vmlinux-6.1.0-56-amd64: it has no debugging information (a0a1"));
	check(strstr(world->log, "/lib/modules/6.1.0-56-amd64/build/vmlinux: it is no ELF file of 64 bits\n"));
	// A file that is given is the only one, and has to be right too.
	put(world, "/usr/lib/debug/boot/vmlinux-6.1.0-56-amd64", WITH_ID | WITH_DEBUG | WITH_CODE, 0xa0);
	put(world, "/tmp/other", WITH_ID | WITH_DEBUG | WITH_CODE, 0xb0);
	world->places.file = "/tmp/other";
	check_error(search(world, false), ERROR_UNSUPPORTED, "no file with debugging information");
	check(strstr(world->log, "/tmp/other: it is of another build"));
	close_world(world);
}

// Packages of debugging information alone: crash needs the kernel too, gdb does not.
static void two_files(void)
{
	struct world *world = make_world();

	put(world, "/usr/lib/debug/boot/vmlinux-6.1.0-56-amd64.debug", WITH_ID | WITH_DEBUG, 0xa0);
	check_ok(search(world, false));
	check(!world->found.file.has_code && !world->found.code);
	check_error(search(world, true), ERROR_UNSUPPORTED, "the kernel itself is needed too");
	check_ok(host_replace(&world->fake.host, "/usr/lib/modules/6.1.0-56-amd64/vmlinux.xz", "xz", 2, 0644));
	check_ok(search(world, true));
	check_text(world->found.code, "/usr/lib/modules/6.1.0-56-amd64/vmlinux.xz");
	put(world, "/boot/vmlinux-6.1.0-56-amd64", WITH_ID | WITH_CODE, 0xa0);
	check_ok(search(world, true));
	check_text(world->found.code, "/boot/vmlinux-6.1.0-56-amd64");
	check_text(world->found.debug, "/usr/lib/debug/boot/vmlinux-6.1.0-56-amd64.debug");
	close_world(world);
}

// A dump that does not tell its build-id: the version is all there is. One without that too: nothing.
static void unsure(void)
{
	struct world *world = make_world();

	world->wanted.id.size_bytes = 0;
	put(world, "/usr/lib/debug/boot/vmlinux-6.1.0-56-amd64", WITH_ID | WITH_DEBUG | WITH_CODE, 0xb0);
	check_ok(search(world, true));
	check(!world->found.is_sure);
	world->wanted.release[0] = '\0';
	check_error(search(world, true), ERROR_UNSUPPORTED, "no file with debugging information");
	close_world(world);
}

static void check_dump(struct fakecore *fake, const char *release, const char *id)
{
	struct debugkernel kernel;
	struct machine *machine;
	char text[DEBUGFILE_TEXT_BYTES];

	fakecore_open(fake);
	check_ok(machine_open(fake->core, MACHINE_TASKS, &machine));
	debugkernel_of_dump(fake->core, machine->kernel, &kernel);
	debugfile_format_id(&kernel.id, text);
	check_text(text, id);
	check_text(kernel.release, release);
	machine_close(machine);
	fakecore_deinit(fake);
}

static void kernels_of_dumps(void)
{
	struct fakecore fake;

	fakecrash_make(&fake, ORC_FORM_3);
	check_dump(&fake, "6.1.0", "");
	fakecrash_make(&fake, ORC_FORM_3);
	fakecore_info(&fake, "BUILD-ID=a0a1\n");
	check_dump(&fake, "6.1.0", "a0a1");
	fakecrash_make(&fake, ORC_FORM_3);
	fakecore_info(&fake, "BUILD-ID=../../etc\n");
	check_dump(&fake, "6.1.0", "");
}

// Names that would lead elsewhere are none.
static void hostile_releases(void)
{
	static const char *const releases[] = {"../x", "6.1/../../x", ".x", "", "6.1 x", "6.1%s"};

	for (size_t i = 0; i < array_size(releases); i++) {
		struct fakecore fake;
		char *at;

		fakecrash_make(&fake, ORC_FORM_3);
		at = strstr(fake.info, "OSRELEASE=6.1.0\n");
		check(at);
		memcpy(at, "ANOTHER", 7);
		fakecore_info(&fake, "OSRELEASE=%s\n", releases[i]);
		check_dump(&fake, "", "");
	}
}

static const struct test tests[] = {
	TEST(what_files_say), TEST(bad_files),        TEST(ids),
	TEST(places),         TEST(wrong_ones),       TEST(two_files),
	TEST(unsure),         TEST(kernels_of_dumps), TEST(hostile_releases),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
