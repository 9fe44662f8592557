// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Packets of gdb's remote protocol: taken out of a stream of bytes, and put into one.
 *
 * Does not know what packets say (report/gdbstub.h), and reads and writes nothing.
 * Source: Debugging with GDB, appendix "GDB Remote Serial Protocol".
 */
#ifndef REPORT_GDBWIRE_H
#define REPORT_GDBWIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

/** Sizes. */
enum {
	GDBWIRE_PACKET_BYTES = 0x4000, /**< Longest packet that is taken. */
	GDBWIRE_FRAME_BYTES = 4, /**< What stands around a packet: "$", "#" and two digits. */
};

/** What a byte completes. */
enum gdbwire_event {
	GDBWIRE_NOTHING,
	GDBWIRE_START, /**< A packet begins. */
	GDBWIRE_PACKET, /**< A packet is there. */
	GDBWIRE_BAD, /**< A packet that is too long, or whose sum is wrong: it must be sent again. */
	GDBWIRE_ACK, /**< The peer got what was sent last. */
	GDBWIRE_NAK, /**< The peer did not. */
	GDBWIRE_BREAK, /**< The peer wants to interrupt. */
};

/** A stream that is taken apart. Zeroed before its first byte. */
struct gdbwire {
	uint8_t packet[GDBWIRE_PACKET_BYTES +
	               1]; /**< After GDBWIRE_PACKET: it, with a NUL behind it. What was escaped is as it was before. */
	size_t size_bytes; /**< Of it. */
	bool is_too_long;
	bool is_escaped; /**< The next byte is. */
	unsigned int state; /**< Of gdbwire.c. */
	uint8_t sum; /**< Of the bytes that came. */
	uint8_t wanted; /**< That the packet says. */
};

/** Take the next byte. @param[in,out] wire The stream. @param[in] byte See there. @return What it completes. */
enum gdbwire_event gdbwire_take(struct gdbwire *wire, uint8_t byte);

/**
 * Put a packet into its frame.
 *
 * @param[in] packet Bytes; what must not stand in a frame is escaped.
 * @param[in] size_bytes Their number.
 * @param[out] frame Room for GDBWIRE_FRAME_BYTES and twice as many.
 * @return Bytes of the frame.
 */
size_t gdbwire_frame(const uint8_t *packet, size_t size_bytes, uint8_t *frame);

/** Value of a hexadecimal digit. @param[in] digit Any character. @return Below 16; 16: it is none. */
unsigned int gdbwire_digit(uint8_t digit);

/**
 * Read a hexadecimal number.
 *
 * @param[in,out] at Text that ends in NUL; set to what is behind the number.
 * @param[out] ret The number.
 * @return Whether there is one of at most 64 bits.
 */
bool gdbwire_number(const char **at, uint64_t *ret);

/** Write bytes as digits. @param[in] bytes They. @param[in] size_bytes Their number. @param[out] text Twice as many. */
void gdbwire_hex(const uint8_t *bytes, size_t size_bytes, uint8_t *text);

/** Read digits as bytes. @param[in] text Digits, which end in NUL. @param[out] bytes Room. @param[in] room_bytes Its size. @return Bytes; SIZE_MAX: they are no digits, or too many. */
size_t gdbwire_bytes(const char *text, uint8_t *bytes, size_t room_bytes);

#endif
