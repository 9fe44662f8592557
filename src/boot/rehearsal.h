// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A capture in a virtual machine: the kernel boots with a reservation, loads the capture kernel and its initramfs as they are, and
 * panics. Only the target is another one: a scratch disk.
 *
 * Makes what the machine is started from, starts it, and reads its console. Does not print, and does not build the image (initrd.h).
 */
#ifndef BOOT_REHEARSAL_H
#define BOOT_REHEARSAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"
#include "boot/plan.h"
#include "boot/words.h"

/** Where all files of a test are; the console of one that failed stays there. */
#define REHEARSAL_DIRECTORY "/var/lib/kdump/test"
/** What the virtual machine printed. */
#define REHEARSAL_CONSOLE REHEARSAL_DIRECTORY "/console.log"
/** The program that is its /init. */
#define REHEARSAL_INIT_PATH KDUMP_LIBDIR "/kdump-test-init"

/** Names in its initramfs, for that program. */
#define REHEARSAL_KERNEL_NAME "capture-kernel"
/** See above. */
#define REHEARSAL_IMAGE_NAME "capture-initramfs"
/** See above. */
#define REHEARSAL_LINE_NAME "capture-command-line"

/** What that program prints before it panics. */
#define REHEARSAL_CRASH_LINE "@kdump-test panics"
/** What it prints if the reservation has no room for what is to be loaded; the reason follows. */
#define REHEARSAL_ROOM_LINE "@kdump-test has no room: "
/** What it prints if something else is wrong; the reason follows. */
#define REHEARSAL_FAILED_LINE "@kdump-test failed: "

/** A test. rehearsal_deinit() it. */
struct rehearsal {
	uint64_t reserved_bytes; /**< Filled by the caller: the reservation that is tested. */
	uint64_t memory_bytes; /**< Of the virtual machine. */
	bool is_emulated; /**< Without KVM: times say nothing. The caller may ask for it; else set where there is none. */
	struct plan plan; /**< The plan with another target. */
	struct words added; /**< Kernel modules that the plan's own image does not have. */
	struct words notes; /**< What is not tested, for a person. */
};

/** How a test ended. */
enum rehearsal_outcome {
	REHEARSAL_SUCCESS,
	REHEARSAL_FAILURE, /**< The capture failed. */
	REHEARSAL_NO_MEMORY, /**< It failed, or never started, since the reservation is too small. */
	REHEARSAL_NOT_RUN, /**< The virtual machine did not come to its panic. */
};

/** What the console told. */
struct rehearsal_result {
	enum rehearsal_outcome outcome;
	char reason[ERROR_TEXT_BYTES]; /**< Why it is no success; else empty. */
	double seconds; /**< From the start of the capture kernel to its end; 0: not known. */
	uint64_t total_bytes; /**< Memory behind the capture kernel's image; 0: not known. */
	uint64_t lowest_bytes; /**< Least memory that was available; 0: not known. */
	uint64_t copier_bytes; /**< Most memory of the copier; 0: not known. */
	uint64_t dump_bytes; /**< Size of the dump's directory. */
};

/**
 * Make all files: the scratch disk, and the initramfs of the virtual machine with kernel, image and command line in it.
 *
 * The caller holds a lock: the files have fixed names.
 *
 * @param[in] host The machine.
 * @param[in] plan The plan; its kernel and image are read.
 * @param[in,out] rehearsal Filled as said there, all else zeroed.
 * @return NULL; ERROR_UNSUPPORTED (no x86-64, no QEMU, no program that makes the file system); ERROR_NOSPC; ERROR_CONFIG; ERROR_OS;
 *	   ERROR_BAD_DATA; ERROR_NOMEM.
 */
struct error *rehearsal_prepare(const struct host *host, const struct plan *plan,
                                struct rehearsal *rehearsal) must_check;

/**
 * Start the virtual machine and wait for its end. What it prints goes to REHEARSAL_CONSOLE.
 *
 * @param[in] host The machine.
 * @param[in] rehearsal Prepared.
 * @return NULL, however the capture ended; ERROR_TIMEOUT; ERROR_UNSUPPORTED (no QEMU); ERROR_OS; ERROR_NOMEM.
 */
struct error *rehearsal_run(const struct host *host, const struct rehearsal *rehearsal) must_check;

/** Remove all files but the console. @param[in] host The machine. */
void rehearsal_clean(const struct host *host);

/** What a console tells. @param[in] text All of it. @param[out] ret Filled. */
void rehearsal_judge(const char *text, struct rehearsal_result *ret);

/** Free what a test owns. @param[in] rehearsal Used, or zeroed. */
void rehearsal_deinit(struct rehearsal *rehearsal);

#define _cleanup_rehearsal_ _cleanup_(rehearsal_deinit)

#endif
