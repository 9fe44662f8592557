// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/gdbwire.h"

enum {
	STATE_OUTSIDE,
	STATE_PACKET,
	STATE_SUM_1,
	STATE_SUM_2,
};

enum {
	NOT_A_DIGIT = 16,
	BREAK = 3,
	ESCAPE = '}',
	ESCAPED_BY = 0x20,
};

static const char digits[] = "0123456789abcdef";

unsigned int gdbwire_digit(uint8_t digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return NOT_A_DIGIT;
}

bool gdbwire_number(const char **at, uint64_t *ret)
{
	const char *text = *at;
	uint64_t number = 0;

	for (; gdbwire_digit((uint8_t)*text) < NOT_A_DIGIT; text++) {
		if (number >> 60)
			return false;
		number = number << 4 | gdbwire_digit((uint8_t)*text);
	}
	if (text == *at)
		return false;
	*at = text;
	*ret = number;
	return true;
}

void gdbwire_hex(const uint8_t *bytes, size_t size_bytes, uint8_t *text)
{
	for (size_t i = 0; i < size_bytes; i++) {
		text[2 * i] = (uint8_t)digits[bytes[i] >> 4];
		text[2 * i + 1] = (uint8_t)digits[bytes[i] & 15];
	}
}

size_t gdbwire_bytes(const char *text, uint8_t *bytes, size_t room_bytes)
{
	size_t size = 0;

	for (; text[2 * size]; size++) {
		unsigned int high = gdbwire_digit((uint8_t)text[2 * size]), low;

		if (high == NOT_A_DIGIT || size == room_bytes)
			return SIZE_MAX;
		low = gdbwire_digit((uint8_t)text[2 * size + 1]);
		if (low == NOT_A_DIGIT)
			return SIZE_MAX;
		bytes[size] = (uint8_t)(high << 4 | low);
	}
	return size;
}

static void start(struct gdbwire *wire)
{
	wire->size_bytes = 0;
	wire->sum = 0;
	wire->is_too_long = false;
	wire->is_escaped = false;
	wire->state = STATE_PACKET;
}

static enum gdbwire_event take_outside(struct gdbwire *wire, uint8_t byte)
{
	switch (byte) {
	case '$':
		start(wire);
		return GDBWIRE_START;
	case '+':
		return GDBWIRE_ACK;
	case '-':
		return GDBWIRE_NAK;
	case BREAK:
		return GDBWIRE_BREAK;
	default:
		return GDBWIRE_NOTHING;
	}
}

static void take_inside(struct gdbwire *wire, uint8_t byte)
{
	wire->sum = (uint8_t)(wire->sum + byte);
	if (byte == ESCAPE && !wire->is_escaped) {
		wire->is_escaped = true;
		return;
	}
	if (wire->is_escaped)
		byte ^= ESCAPED_BY;
	wire->is_escaped = false;
	if (wire->size_bytes == GDBWIRE_PACKET_BYTES)
		wire->is_too_long = true;
	else
		wire->packet[wire->size_bytes++] = byte;
}

static enum gdbwire_event end(struct gdbwire *wire, uint8_t byte)
{
	bool is_good = gdbwire_digit(byte) < NOT_A_DIGIT && !wire->is_too_long && !wire->is_escaped &&
	               wire->wanted < NOT_A_DIGIT && (wire->wanted << 4 | gdbwire_digit(byte)) == wire->sum;

	wire->state = STATE_OUTSIDE;
	wire->packet[wire->size_bytes] = '\0';
	return is_good ? GDBWIRE_PACKET : GDBWIRE_BAD;
}

enum gdbwire_event gdbwire_take(struct gdbwire *wire, uint8_t byte)
{
	switch (wire->state) {
	case STATE_PACKET:
		// Neither of the two stands inside: a packet that was cut is followed by another one.
		if (byte == '$') {
			start(wire);
			return GDBWIRE_START;
		}
		if (byte == '#')
			wire->state = STATE_SUM_1;
		else
			take_inside(wire, byte);
		return GDBWIRE_NOTHING;
	case STATE_SUM_1:
		wire->wanted = (uint8_t)gdbwire_digit(byte);
		wire->state = STATE_SUM_2;
		return GDBWIRE_NOTHING;
	case STATE_SUM_2:
		return end(wire, byte);
	default:
		return take_outside(wire, byte);
	}
}

size_t gdbwire_frame(const uint8_t *packet, size_t size_bytes, uint8_t *frame)
{
	size_t size = 0;
	uint8_t sum = 0;

	frame[size++] = '$';
	for (size_t i = 0; i < size_bytes; i++) {
		uint8_t byte = packet[i];

		// A "*" would repeat what is before it.
		if (byte == '#' || byte == '$' || byte == '*' || byte == ESCAPE) {
			frame[size++] = ESCAPE;
			sum = (uint8_t)(sum + ESCAPE);
			byte ^= ESCAPED_BY;
		}
		frame[size++] = byte;
		sum = (uint8_t)(sum + byte);
	}
	frame[size++] = '#';
	gdbwire_hex(&sum, 1, frame + size);
	return size + 2;
}
