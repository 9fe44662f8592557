// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * How much memory a capture needs, counted part by part, and what is proposed to be reserved for it.
 *
 * Does not reserve anything, and measures nothing: tests/vm/smallest-crashkernel does, and the numbers here are fitted to that.
 */
#ifndef BOOT_RESERVATION_H
#define BOOT_RESERVATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"
#include "boot/config.h"
#include "boot/plan.h"

/** What is proposed at least, in MiB: a minimal capture system on all kernels that were tried, and some CPUs. */
enum { RESERVATION_USUAL_MIB = 128 };

/** What is proposed is a multiple of this, in MiB. */
enum { RESERVATION_STEP_MIB = 16 };

/** What takes memory. */
enum reservation_part {
	RESERVATION_KERNEL, /**< The capture kernel while it starts: what its image says of itself. */
	RESERVATION_IMAGE, /**< The capture initramfs as it was loaded. */
	RESERVATION_UNPACKED, /**< The same unpacked: programs and kernel modules. */
	RESERVATION_PROGRAMS, /**< systemd and udev of the full form; modules' data and caches. */
	RESERVATION_COPIER, /**< copy_memory_bytes(), and its buffers of the file system. */
	RESERVATION_CPUS, /**< CPUs beyond the first. */
	RESERVATION_NETWORK, /**< Cards' rings and sockets. */
	RESERVATION_PAGES, /**< The kernel's structures for the reserved memory itself. */
	RESERVATION_LAST, /**< What the last capture took beyond all that. */
	RESERVATION_PARTS,
};

/** An estimate. reservation_deinit() it. */
struct reservation {
	uint64_t bytes[RESERVATION_PARTS];
	char *why[RESERVATION_PARTS]; /**< Where each number is from, for a person. */
	uint64_t
		need_bytes; /**< Their sum: what a capture takes with as many CPUs as the plan has for what is reserved now. */
	uint64_t least_bytes; /**< The same with one CPU, whatever is reserved: less is not known to be enough. */
	uint64_t proposed_mib; /**< That with room to spare, for "auto". */
	uint64_t total_mib; /**< Memory of the machine. */
	bool is_full; /**< The full form of the capture initramfs. */
	char *problem; /**< The plan could not be made, so that parts are guesses: why; else NULL. */
};

/**
 * Estimate.
 *
 * @param[in] host The machine.
 * @param[in] config The configuration; NULL if it cannot be read.
 * @param[out] ret The estimate; zeroed on error.
 * @return NULL; ERROR_OS; ERROR_BAD_DATA; ERROR_NOMEM. A configuration from which no plan can be made is no error: struct reservation.problem.
 */
struct error *reservation_estimate(const struct host *host, const struct config *config,
                                   struct reservation *ret) must_check;

/** What the copier of a plan takes at the most on a machine. @param[in] plan The plan. @param[in] total_kib Memory of the machine. @return Bytes. */
uint64_t reservation_copier_bytes(const struct plan *plan, uint64_t total_kib);

/** Name of a part, "kernel". @param[in] part Below RESERVATION_PARTS. @return Static. */
const char *reservation_part_name(enum reservation_part part);

/** Free what an estimate owns. @param[in] reservation Filled, or zeroed. */
void reservation_deinit(struct reservation *reservation);

#define _cleanup_reservation_ _cleanup_(reservation_deinit)

#endif
