// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Which pages of the kernel's code the crashed machine was in: those that words in its memory point to.
 *
 * Return addresses on stacks are such words. A debugger disassembles the functions behind them to walk a stack, so a dump
 * that was cut short should have them. Does not find stacks: any word that looks like an address of code counts.
 */
#ifndef DUMP_CALLERS_H
#define DUMP_CALLERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/vmcore.h"

/** Pages of code, one bit each. Written by several threads. */
struct callers {
	uint64_t vaddr_start; /**< Of the code: [vaddr_start, vaddr_end). */
	uint64_t vaddr_end;
	unsigned int page_shift;
	unsigned int align_bytes; /**< Of functions. */
	bool is_big_endian;
	_Atomic uint64_t *pages;
};

/**
 * Begin with no page.
 *
 * @param[out] ret callers_deinit() it.
 * @param[in] vaddr_start First byte of the code, at the start of a page.
 * @param[in] vaddr_end One past the last byte.
 * @param[in] core The dump.
 * @return NULL; ERROR_NOMEM.
 */
struct error *callers_init(struct callers *ret, uint64_t vaddr_start, uint64_t vaddr_end,
                           const struct vmcore *core) must_check;

/** Free. @param[in] callers May be zeroed. */
void callers_deinit(struct callers *callers);

/** Look for addresses in a page. @param[in,out] callers Any thread. @param[in] page Bytes, aligned to words. @param[in] size_bytes Their number. */
void callers_look(struct callers *callers, const uint8_t *page, size_t size_bytes);

/** Whether something points to a page of code, or to one beside it: functions have more than one page, and debuggers read on. @param[in] callers Any thread, after the last look. @param[in] vaddr Its address. @return See there. */
bool callers_has(const struct callers *callers, uint64_t vaddr);

#endif
