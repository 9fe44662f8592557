// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Answers to requests of gdb: a crashed machine as a program that has stopped and cannot go on. Its threads are the tasks, its memory is
 * that of the kernel.
 *
 * Nothing can be changed. What is not in the dump is an error, never zeros. Requests are not trusted.
 * Does not know packets' frames (report/gdbwire.h), and runs no commands: that is the caller's.
 * Source: Debugging with GDB, appendix "GDB Remote Serial Protocol".
 */
#ifndef REPORT_GDBSTUB_H
#define REPORT_GDBSTUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/gdbthreads.h"
#include "report/gdbwire.h"
#include "report/machine.h"

struct gdbstub;

/** What follows a request. */
enum gdbstub_next {
	GDBSTUB_ANSWER, /**< The answer is sent. */
	GDBSTUB_REFUSAL, /**< Before the answer, gdb is told that nothing can run (GDBSTUB_REFUSAL_TEXT). */
	GDBSTUB_ACKS_END, /**< The answer is sent, and from then on packets are not acknowledged. */
	GDBSTUB_LAST, /**< The answer is sent, and the connection ends. */
	GDBSTUB_END, /**< The connection ends without an answer. */
	GDBSTUB_COMMAND, /**< The answer's text are the words of a command that a human gave; it ends in NUL. */
};

/** Told to who wants to go on. */
#define GDBSTUB_REFUSAL_TEXT "This machine has crashed: nothing can run or step in a dump.\n"

/** An answer. */
struct gdbstub_answer {
	enum gdbstub_next next;
	size_t size_bytes;
	uint8_t text[GDBWIRE_PACKET_BYTES]; /**< Empty: the request is not supported. */
};

/**
 * Make it.
 *
 * @param[in] machine Borrowed.
 * @param[out] ret gdbstub_destroy() it.
 * @return NULL; ERROR_NOMEM.
 */
struct error *gdbstub_create(const struct machine *machine, struct gdbstub **ret) must_check;

/** Free. @param[in] stub May be NULL. */
void gdbstub_destroy(struct gdbstub *stub);

/** Guard form of gdbstub_destroy(). @param[in] stub Address of the variable. */
static inline void gdbstub_destroyp(struct gdbstub **stub)
{
	gdbstub_destroy(*stub);
}

/** Its threads. @param[in] stub See there. @return Borrowed. */
const struct gdbthreads *gdbstub_threads(const struct gdbstub *stub);

/** As gdb calls the machine. @param[in] stub See there. @return Static; NULL: it is not known here. */
const char *gdbstub_architecture(const struct gdbstub *stub);

/**
 * Answer a request.
 *
 * @param[in,out] stub See there.
 * @param[in] request A packet of gdbwire_take(): with a NUL behind it, and maybe others in it.
 * @param[in] size_bytes Its size.
 * @param[out] ret The answer.
 */
void gdbstub_answer(struct gdbstub *stub, const uint8_t *request, size_t size_bytes, struct gdbstub_answer *ret);

/**
 * Make a packet of what a command prints.
 *
 * @param[in] output Its bytes.
 * @param[in] size_bytes Their number, below half of GDBWIRE_PACKET_BYTES.
 * @param[out] ret The packet.
 */
void gdbstub_output(const char *output, size_t size_bytes, struct gdbstub_answer *ret);

#endif
