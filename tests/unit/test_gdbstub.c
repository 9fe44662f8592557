// SPDX-License-Identifier: GPL-2.0-or-later
// What gdb is told of a small machine that crashed (fakecrash.h): its tasks are 77, which crashed on CPU 0, 78, which waits, 79,
// which has ended; the idle one has no number of its own.
#include "report/gdbstub.h"

#include "fakecrash.h"
#include "test.h"

struct world {
	struct fakecore fake;
	struct machine *machine;
	struct gdbstub *stub;
	struct gdbstub_answer answer;
	char text[GDBWIRE_PACKET_BYTES + 1]; // Of the answer, with a NUL.
};

static void open_world(struct world *world)
{
	fakecore_open(&world->fake);
	check_ok(machine_open(world->fake.core, MACHINE_TASKS, &world->machine));
	check_ok(gdbstub_create(world->machine, &world->stub));
}

static struct world *make_world(void)
{
	struct world *world = calloc(1, sizeof(*world));

	check(world);
	fakecrash_make(&world->fake, ORC_FORM_3);
	open_world(world);
	return world;
}

static void close_world(struct world *world)
{
	gdbstub_destroy(world->stub);
	machine_close(world->machine);
	fakecore_deinit(&world->fake);
	free(world);
}

static const char *ask(struct world *world, const char *request)
{
	gdbstub_answer(world->stub, (const uint8_t *)request, strlen(request), &world->answer);
	check(world->answer.size_bytes <= sizeof(world->answer.text));
	memcpy(world->text, world->answer.text, world->answer.size_bytes);
	world->text[world->answer.size_bytes] = '\0';
	return world->text;
}

static void stops(void)
{
	struct world *world = make_world();

	check(strstr(ask(world, "qSupported:multiprocess+;xmlRegisters=i386"), "PacketSize=4000;"));
	check(!strstr(world->text, "QStartNoAckMode+"));
	check_text(ask(world, "?"), "T05thread:4d;");
	check_text(ask(world, "qC"), "QC4d");
	check_text(ask(world, "qAttached"), "1");
	check_text(ask(world, "vMustReplyEmpty"), "");
	check_text(ask(world, "vCont?"), "");
	check_text(ask(world, "qTStatus"), "");
	check_text(ask(world, "!"), "");
	check_text(ask(world, ""), "");
	check_text(ask(world, "QStartNoAckMode"), "OK");
	check(world->answer.next == GDBSTUB_ACKS_END);
	check_text(ask(world, "D"), "OK");
	check(world->answer.next == GDBSTUB_LAST);
	ask(world, "k");
	check(world->answer.next == GDBSTUB_END);
	close_world(world);
}

// Nothing runs, and nothing can be changed.
static void refusals(void)
{
	static const char *const runs[] = {"c", "s", "C05", "S05", "cffffffff80000000"};
	static const char *const changes[] = {"G00", "P0=00", "Mffffffff80000000,1:00", "Xffffffff80000000,1:a",
	                                      "Z0,ffffffff80000000,1"};
	struct world *world = make_world();

	check_text(ask(world, "Hg4e"), "OK");
	for (size_t i = 0; i < array_size(runs); i++) {
		// Of the thread that is looked at, with a signal that no stepping waits for.
		check_text(ask(world, runs[i]), "T02thread:4e;");
		check(world->answer.next == GDBSTUB_REFUSAL);
	}
	for (size_t i = 0; i < array_size(changes); i++) {
		check(ask(world, changes[i])[0] == 'E');
		check(world->answer.next == GDBSTUB_ANSWER);
	}
	close_world(world);
}

static void lists_threads(void)
{
	struct world *world = make_world();
	const char *text;

	// The one that crashed first; the idle one has a number that no task can have.
	check_text(ask(world, "qfThreadInfo"), "m4d,400001,4e,4f");
	check_text(ask(world, "qsThreadInfo"), "l");
	text = ask(world, "qXfer:threads:read::0,3fff");
	check(text[0] == 'l' &&
	      strstr(text, "<thread id=\"4d\" core=\"0\" name=\"crasher\">running, RU, CPU 0, task 0x"));
	check(strstr(text, "<thread id=\"4e\" core=\"0\" name=\"waiter\">UN, CPU 0, task 0x"));
	check(strstr(text, "<thread id=\"400001\" core=\"0\" name=\"swapper/0\">"));
	// In pieces.
	check_text(ask(world, "qXfer:threads:read::0,5"), "m<?xml");
	check_text(ask(world, "qXfer:threads:read::5,8"), "m version");
	check_text(ask(world, "qXfer:threads:read::ffff,5"), "E14");
	check_text(ask(world, "qXfer:threads:read::0"), "E14");
	check_text(ask(world, "qXfer:features:read:other.xml:0,5"), "E14");
	check_text(ask(world, "T4e"), "OK");
	check_text(ask(world, "T50"), "E14");
	check_text(ask(world, "Hg50"), "E14");
	check_text(ask(world, "Hgx"), "E14");
	check_text(ask(world, "H"), "E14");
	check_text(ask(world, "Hc-1"), "OK");
	// "waiter: UN, CPU 0 …"
	check(strncmp(ask(world, "qThreadExtraInfo,4e"), "7761697465723a20554e2c", 22) == 0);
	close_world(world);
}

// A hostile dump: two tasks with one number, a number that is none, a name that is not text.
static void strange_threads(void)
{
	struct world *world = calloc(1, sizeof(*world));
	const char *text;

	check(world);
	fakecrash_make(&world->fake, ORC_FORM_3);
	fakecrash_put(&world->fake, fakecrash_task(FAKECRASH_WAITING) + 92, 77, 4);
	fakecrash_put(&world->fake, fakecrash_task(FAKECRASH_ENDED) + 92, 0xffffffff, 4);
	fakecrash_put(&world->fake, fakecrash_task(FAKECRASH_WAITING) + 128, 0x1b3e3c26223c61, 8);
	open_world(world);
	check_text(ask(world, "qfThreadInfo"), "m4d,400001,400002,400003");
	text = ask(world, "qXfer:threads:read::0,3fff");
	check(strstr(text, "name=\"a&#60;&#34;&#38;&#60;&#62;?\""));
	close_world(world);
}

// Registers are in gdb's order: rax first, 64 bits each up to rip, which is the 17th.
static void registers(void)
{
	struct world *world = make_world();
	uint64_t ip = 0;
	const char *text;

	text = ask(world, "g");
	check(strlen(text) == 2 * (17 * 8 + 7 * 4 + 8 * 10 + 8 * 4));
	check(gdbwire_bytes(ask(world, "p10"), (uint8_t *)&ip, sizeof(ip)) == 8);
	check(ip == fakecrash_function(FAKECRASH_CRASH_KEXEC) + 0x50);
	// st0, which no kernel saves.
	check_text(ask(world, "p18"), "xxxxxxxxxxxxxxxxxxxx");
	check_text(ask(world, "p28"), "E14");
	check_text(ask(world, "pffffffffffffffff"), "E14");
	// A task that waits: what the switch to another one saved, struct inactive_task_frame.
	check_text(ask(world, "Hg4e"), "OK");
	check(gdbwire_bytes(ask(world, "p10"), (uint8_t *)&ip, sizeof(ip)) == 8);
	check(ip == fakecrash_function(FAKECRASH_SCHEDULE) + 0x20);
	check(gdbwire_bytes(ask(world, "p7"), (uint8_t *)&ip, sizeof(ip)) == 8);
	check(ip == fakecore_image + FAKECRASH_STACKS + 0x1000 + 56);
	check_text(ask(world, "p6"), "0000000000000000");
	check_text(ask(world, "p0"), "xxxxxxxxxxxxxxxx");
	// The stack of one that has ended is gone.
	check_text(ask(world, "Hg4f"), "OK");
	check_text(ask(world, "p10"), "xxxxxxxxxxxxxxxx");
	// "Any" is the one that was asked.
	check_text(ask(world, "Hg0"), "OK");
	check_text(ask(world, "qC"), "QC4f");
	close_world(world);
}

// A CPU that did not stop when it was told to has saved none. gdb needs one of the thread that it starts with.
static void no_registers(void)
{
	struct world *world = calloc(1, sizeof(*world));

	check(world);
	fakecrash_make(&world->fake, ORC_FORM_3);
	fakecrash_put(&world->fake, fakecore_image + FAKECRASH_PER_CPU + FAKECRASH_NOTE, 0, 4);
	open_world(world);
	check_text(ask(world, "p10"), "0000000000000000");
	check_text(ask(world, "p7"), "xxxxxxxxxxxxxxxx");
	close_world(world);
}

static void target(void)
{
	struct world *world = make_world();
	const char *text = ask(world, "qXfer:features:read:target.xml:0,3fff");

	check(text[0] == 'l' && strstr(text, "<architecture>i386:x86-64</architecture>"));
	check(strstr(text, "<reg name=\"rip\" bitsize=\"64\" type=\"code_ptr\"/>"));
	check_text(gdbstub_architecture(world->stub), "i386:x86-64");
	close_world(world);
}

static void memory(void)
{
	uint64_t start = fakecrash_variable(FAKECRASH_COMMAND_TEXT), end = fakecore_image + FAKECRASH_BYTES;
	struct world *world = make_world();
	char request[64];

	// "root"
	snprintf(request, sizeof(request), "m%jx,4", (uintmax_t)start);
	check_text(ask(world, request), "726f6f74");
	// What is not there is an error and not zeros; what is there before it comes.
	snprintf(request, sizeof(request), "m%jx,4", (uintmax_t)end);
	check_text(ask(world, request), "E14");
	snprintf(request, sizeof(request), "m%jx,8", (uintmax_t)end - 4);
	check(strlen(ask(world, request)) == 8);
	check_text(ask(world, "m0,8"), "E14");
	check_text(ask(world, "mfffffffffffffffe,ffffffff"), "E14");
	check_text(ask(world, "m"), "E14");
	check_text(ask(world, "m10"), "E14");
	check_text(ask(world, "m10,"), "E14");
	check_text(ask(world, "m10,4:"), "E14");
	// No more than a packet holds.
	snprintf(request, sizeof(request), "m%jx,ffffffffffffffff", (uintmax_t)fakecore_image);
	check(strlen(ask(world, request)) == GDBWIRE_PACKET_BYTES);
	close_world(world);
}

static void commands(void)
{
	struct world *world = make_world();

	check_text(ask(world, "qRcmd,627420373720"), "bt 77 ");
	check(world->answer.next == GDBSTUB_COMMAND);
	check_text(ask(world, "qRcmd,"), "");
	check(world->answer.next == GDBSTUB_COMMAND);
	check_text(ask(world, "qRcmd,6"), "E14");
	check_text(ask(world, "qRcmd,620074"), "E14");
	check(world->answer.next == GDBSTUB_ANSWER);
	gdbstub_output("a\n", 2, &world->answer);
	check(world->answer.size_bytes == 5 && memcmp(world->answer.text, "O610a", 5) == 0);
	close_world(world);
}

// Without types no task is known: the CPU is a thread, with its registers.
static void no_types(void)
{
	struct world *world = calloc(1, sizeof(*world));
	uint64_t ip = 0;

	check(world);
	fakecrash_make(&world->fake, ORC_FORM_3);
	memset(world->fake.memory + FAKECRASH_BTF, 0, 24);
	open_world(world);
	check_text(ask(world, "qfThreadInfo"), "m400001");
	check_text(ask(world, "?"), "T05thread:400001;");
	check(gdbwire_bytes(ask(world, "p10"), (uint8_t *)&ip, sizeof(ip)) == 8);
	check(ip == fakecrash_function(FAKECRASH_CRASH_KEXEC) + 0x50);
	close_world(world);
}

static const struct test tests[] = {
	TEST(stops),        TEST(refusals), TEST(lists_threads), TEST(strange_threads), TEST(registers),
	TEST(no_registers), TEST(target),   TEST(memory),        TEST(commands),        TEST(no_types),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
