// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Interrupts of the crashed machine, CPU by CPU, as /proc/interrupts and /proc/softirqs had them.
 *
 * Does not know interrupts that guests of this machine got. What is counted without a number of its own (NMI, LOC …) is known of
 * x86-64 and arm64. Sources: Linux kernel/irq/proc.c, arch/x86/kernel/irq.c, arch/arm64/kernel/smp.c.
 */
#ifndef REPORT_INTERRUPTS_H
#define REPORT_INTERRUPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/facts.h"
#include "report/kernel.h"

/** Limits. */
enum {
	INTERRUPTS_MAX = 1 << 17, /**< Numbers (Linux MAX_SPARSE_IRQS may be larger, and no machine has so many). */
	INTERRUPTS_ACTIONS_MAX = 64, /**< Handlers of one that are named. */
	INTERRUPTS_NAME_BYTES = 64, /**< Room for a name. */
	INTERRUPTS_ACTIONS_BYTES = 512, /**< Room for names of all handlers. */
	INTERRUPTS_CPUS_BYTES = 256, /**< Room for a list of CPUs. */
	INTERRUPTS_TEXT_BYTES = 80, /**< Room for what a row means. */
	INTERRUPTS_ROWS_MAX = 64, /**< Rows without a number, and of softirqs. */
};

/** A descriptor. */
struct interrupts_place {
	uint32_t number;
	uint64_t vaddr; /**< Its struct irq_desc. */
};

/** What is known of one. */
struct interrupts_line {
	uint32_t number;
	uint64_t vaddr; /**< Its struct irq_desc. */
	bool is_shown; /**< /proc/interrupts has it: it has a handler, or it was counted; and it is not hidden. */
	char chip[INTERRUPTS_NAME_BYTES]; /**< "None": no controller, "-": it has no name. */
	bool has_hardware_number;
	uint64_t hardware_number; /**< In its domain. */
	char flow[INTERRUPTS_NAME_BYTES]; /**< Name of how it is handled, as "edge"; "": none. */
	bool is_level; /**< By level, not by edges. */
	const char *trigger; /**< "rising", "falling", "both", "high", "low", or just "edge", "level". Static. */
	char actions[INTERRUPTS_ACTIONS_BYTES]; /**< Names of its handlers, as "i8042, rtc0"; "": none. */
	char affinity[INTERRUPTS_CPUS_BYTES]; /**< CPUs where it may go, as "0-3,8"; "": not known. */
	char effective[INTERRUPTS_CPUS_BYTES]; /**< CPUs where it goes; "": not known. */
};

/** A row without a number: of the machine's own interrupts, or of softirqs. */
struct interrupts_row {
	char name[INTERRUPTS_NAME_BYTES]; /**< As "NMI". */
	char text[INTERRUPTS_TEXT_BYTES]; /**< What it means; "": it says so itself. */
	bool is_single; /**< One number, of all CPUs: counts[0]. */
};

/** All of them. */
struct interrupts {
	struct facts facts;
	struct interrupts_place *list; /**< By number. */
	size_t count, room;
	uint32_t *cpus; /**< Numbers of the CPUs that were online. */
	uint32_t cpu_count;
	uint32_t *counts; /**< Of what was read last, in the order of cpus. */
	char why[KERNEL_WHY_BYTES]; /**< Why there may be others; "": these are all. */
};

/**
 * Find all of them.
 *
 * @param[out] ret As far as they are known; interrupts_deinit() it.
 * @param[in,out] kernel The kernel.
 * @return NULL; ERROR_NOMEM.
 */
struct error *interrupts_init(struct interrupts *ret, struct kernel *kernel) must_check;

/** Free. @param[in] interrupts May be zeroed. */
void interrupts_deinit(struct interrupts *interrupts);

/**
 * Read one.
 *
 * @param[in,out] interrupts All; counts are those of this one.
 * @param[in] index In the list.
 * @param[out] ret What is known.
 * @return NULL; ERROR_UNSUPPORTED (types lack something); as vmemory_uint().
 */
struct error *interrupts_read(struct interrupts *interrupts, size_t index, struct interrupts_line *ret) must_check;

/** Called for a row; interrupts->counts are those of the row. @param[in] context Of the caller. @param[in] row The row. */
typedef void interrupts_each(void *context, const struct interrupts_row *row);

/**
 * Tell of the rows behind those that have numbers.
 *
 * @param[in,out] interrupts All.
 * @param[in] each Called for each row.
 * @param[in] context For @p each.
 * @return NULL; ERROR_UNSUPPORTED (machine, or it is not in the types); as vmemory_uint().
 */
struct error *interrupts_machine(struct interrupts *interrupts, interrupts_each *each, void *context) must_check;

/** The same of softirqs. @param[in,out] interrupts All. @param[in] each Called for each. @param[in] context For @p each. @return As interrupts_machine(). */
struct error *interrupts_soft(struct interrupts *interrupts, interrupts_each *each, void *context) must_check;

#endif
