// SPDX-License-Identifier: GPL-2.0-or-later
// A gdb that says whatever it likes, to a machine that crashed. Each answer is one that gdb can take: what it asks for is not longer than a
// packet, and nothing that it says changes the machine or ends the stub.
#include "fakecrash.h"
#include "fuzz.h"
#include "report/gdbstub.h"

// Made once; each input starts with the thread that crashed.
static struct gdbstub *get_stub(struct gdbstub_answer *answer)
{
	static const char first[] = "Hg4d";
	static struct fakecore fake;
	static struct machine *machine;
	static struct gdbstub *stub;

	if (!stub) {
		fakecrash_make(&fake, 2);
		fakecore_open(&fake);
		fuzz_end(machine_open(fake.core, 1000, &machine), 0);
		fuzz_end(gdbstub_create(machine, &stub), 0);
	}
	gdbstub_answer(stub, (const uint8_t *)first, strlen(first), answer);
	return stub;
}

static void require_answer(const struct gdbstub_answer *answer)
{
	static uint8_t frame[GDBWIRE_FRAME_BYTES + 2 * GDBWIRE_PACKET_BYTES];
	static struct gdbwire back;
	enum gdbwire_event event = GDBWIRE_NOTHING;
	size_t size;

	fuzz_require(answer->size_bytes <= GDBWIRE_PACKET_BYTES);
	if (answer->next == GDBSTUB_COMMAND) {
		fuzz_require(answer->text[answer->size_bytes] == '\0');
		fuzz_require(strlen((const char *)answer->text) == answer->size_bytes);
	}
	size = gdbwire_frame(answer->text, answer->size_bytes, frame);
	fuzz_require(size <= sizeof(frame));
	for (size_t i = 0; i < size; i++)
		event = gdbwire_take(&back, frame[i]);
	fuzz_require(event == GDBWIRE_PACKET && back.size_bytes == answer->size_bytes);
	fuzz_require(memcmp(back.packet, answer->text, back.size_bytes) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	static struct gdbstub_answer answer;
	static struct gdbwire wire;
	struct gdbstub *stub = get_stub(&answer);

	wire = (struct gdbwire){.size_bytes = 0};
	for (size_t i = 0; i < size_bytes; i++) {
		enum gdbwire_event event = gdbwire_take(&wire, data[i]);

		fuzz_require(wire.size_bytes <= GDBWIRE_PACKET_BYTES);
		// Few inputs have a sum that is right: a wrong one ends a packet too.
		if (event != GDBWIRE_PACKET && event != GDBWIRE_BAD)
			continue;
		fuzz_require(wire.packet[wire.size_bytes] == '\0');
		gdbstub_answer(stub, wire.packet, wire.size_bytes, &answer);
		require_answer(&answer);
	}
	return 0;
}
