// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/gdbwire.h"

#include "test.h"

// Gives bytes; what the last of them completes.
static enum gdbwire_event feed(struct gdbwire *wire, const char *bytes, size_t size_bytes)
{
	enum gdbwire_event event = GDBWIRE_NOTHING;

	for (size_t i = 0; i < size_bytes; i++)
		event = gdbwire_take(wire, (uint8_t)bytes[i]);
	return event;
}

static enum gdbwire_event feed_text(struct gdbwire *wire, const char *text)
{
	return feed(wire, text, strlen(text));
}

// Sums as gdb's manual has them: modulo 256 of all that is between "$" and "#".
static void packets(void)
{
	struct gdbwire wire = {0};

	check(feed_text(&wire, "$") == GDBWIRE_START);
	check(feed_text(&wire, "OK#9a") == GDBWIRE_PACKET);
	check(wire.size_bytes == 2);
	check_text((char *)wire.packet, "OK");
	check(feed_text(&wire, "$m0,4#fd") == GDBWIRE_PACKET);
	check_text((char *)wire.packet, "m0,4");
	check(feed_text(&wire, "$m0,4#FD") == GDBWIRE_PACKET);
	check(feed_text(&wire, "$#00") == GDBWIRE_PACKET);
	check(wire.size_bytes == 0 && wire.packet[0] == '\0');
}

static void bad_sums(void)
{
	static const char *const bad[] = {"$OK#9b", "$OK#a9", "$OK#9", "$OK#9g", "$OK#x9", "$#0x", "$OK#$#"};
	static const enum gdbwire_event wanted[] = {GDBWIRE_BAD, GDBWIRE_BAD, GDBWIRE_NOTHING, GDBWIRE_BAD,
	                                            GDBWIRE_BAD, GDBWIRE_BAD, GDBWIRE_BAD};

	for (size_t i = 0; i < array_size(bad); i++) {
		struct gdbwire wire = {0};

		check(feed_text(&wire, bad[i]) == wanted[i]);
		// What follows is understood again.
		check(wanted[i] != GDBWIRE_BAD || feed_text(&wire, "$OK#9a") == GDBWIRE_PACKET);
	}
}

static void escapes(void)
{
	struct gdbwire wire = {0};

	// } is followed by the byte, exclusive or 0x20: }]  is }, }\x03 is #, }\x04 is $.
	check(feed_text(&wire, "$a}]}\x03}\x04#3c") == GDBWIRE_PACKET);
	check_text((char *)wire.packet, "a}#$");
	// A packet cannot end in the middle of one.
	check(feed_text(&wire, "$a}#de") == GDBWIRE_BAD);
	check(feed_text(&wire, "$OK#9a") == GDBWIRE_PACKET);
	// NUL is a byte as any other.
	check(feed(&wire, "$a\0b#c3", 7) == GDBWIRE_PACKET);
	check(wire.size_bytes == 3 && memcmp(wire.packet, "a\0b", 4) == 0);
}

static void between_packets(void)
{
	struct gdbwire wire = {0};

	check(feed_text(&wire, "+") == GDBWIRE_ACK);
	check(feed_text(&wire, "-") == GDBWIRE_NAK);
	check(feed_text(&wire, "\x03") == GDBWIRE_BREAK);
	check(feed_text(&wire, "what is this") == GDBWIRE_NOTHING);
	check(feed_text(&wire, "+$OK#9a") == GDBWIRE_PACKET);
	// Inside, these are bytes of the packet.
	check(feed_text(&wire, "$+-#58") == GDBWIRE_PACKET);
	check_text((char *)wire.packet, "+-");
	// One that was cut is followed by the next.
	check(feed_text(&wire, "$cut$") == GDBWIRE_START);
	check(feed_text(&wire, "OK#9a") == GDBWIRE_PACKET);
	check_text((char *)wire.packet, "OK");
}

static void sizes(void)
{
	static struct gdbwire wire;
	size_t size = GDBWIRE_PACKET_BYTES;
	uint8_t sum = (uint8_t)(size * 'a');
	char end[4];

	snprintf(end, sizeof(end), "#%02x", sum);
	feed_text(&wire, "$");
	for (size_t i = 0; i < size; i++)
		check(feed_text(&wire, "a") == GDBWIRE_NOTHING);
	check(feed_text(&wire, end) == GDBWIRE_PACKET && wire.size_bytes == size);
	// One byte more: all of it is dropped, though its sum is right.
	snprintf(end, sizeof(end), "#%02x", (uint8_t)(sum + 'a'));
	feed_text(&wire, "$");
	for (size_t i = 0; i <= size; i++)
		check(feed_text(&wire, "a") == GDBWIRE_NOTHING);
	check(feed_text(&wire, end) == GDBWIRE_BAD && wire.size_bytes == size);
	check(feed_text(&wire, "$OK#9a") == GDBWIRE_PACKET);
}

static void frames(void)
{
	uint8_t frame[64];

	check(gdbwire_frame((const uint8_t *)"OK", 2, frame) == 6);
	check(memcmp(frame, "$OK#9a", 6) == 0);
	check(gdbwire_frame(frame, 0, frame) == 4);
	check(memcmp(frame, "$#00", 4) == 0);
	check(gdbwire_frame((const uint8_t *)"a#$}*", 5, frame) == 13);
	check(memcmp(frame, "$a}\x03}\x04}]}\x0a#c3", 13) == 0);
}

// Any bytes come out as they went in.
static void back_and_forth(void)
{
	uint8_t bytes[256], frame[GDBWIRE_FRAME_BYTES + 2 * sizeof(bytes)];
	struct gdbwire wire = {0};
	size_t size;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	size = gdbwire_frame(bytes, sizeof(bytes), frame);
	check(size == sizeof(bytes) + GDBWIRE_FRAME_BYTES + 4);
	check(feed(&wire, (const char *)frame, size) == GDBWIRE_PACKET);
	check(wire.size_bytes == sizeof(bytes) && memcmp(wire.packet, bytes, sizeof(bytes)) == 0);
}

static void numbers(void)
{
	const char *at = "fFfF,1";
	uint8_t bytes[4];
	uint64_t number;

	check(gdbwire_number(&at, &number) && number == 0xffff);
	check_text(at, ",1");
	at = ",1";
	check(!gdbwire_number(&at, &number));
	at = "ffffffffffffffff";
	check(gdbwire_number(&at, &number) && number == UINT64_MAX);
	at = "10000000000000000";
	check(!gdbwire_number(&at, &number));
	check(gdbwire_bytes("00fF7e", bytes, sizeof(bytes)) == 3 && memcmp(bytes, "\0\xff~", 3) == 0);
	check(gdbwire_bytes("", bytes, sizeof(bytes)) == 0);
	check(gdbwire_bytes("0", bytes, sizeof(bytes)) == SIZE_MAX);
	check(gdbwire_bytes("0g", bytes, sizeof(bytes)) == SIZE_MAX);
	check(gdbwire_bytes("0011223344", bytes, sizeof(bytes)) == SIZE_MAX);
}

static const struct test tests[] = {
	TEST(packets), TEST(bad_sums), TEST(escapes),        TEST(between_packets),
	TEST(sizes),   TEST(frames),   TEST(back_and_forth), TEST(numbers),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
