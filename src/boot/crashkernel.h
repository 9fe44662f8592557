// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The memory that is reserved for the capture kernel, and what to do where there is none.
 *
 * Does not change the boot loader and does not compute how much is needed.
 */
#ifndef BOOT_CRASHKERNEL_H
#define BOOT_CRASHKERNEL_H

#include <stdint.h>

#include "base/error.h"
#include "base/host.h"
#include "boot/config.h"

/** What is proposed where KDUMP_CRASHKERNEL says nothing: a minimal capture system and a copier with one thread. */
#define CRASHKERNEL_PROPOSED "crashkernel=128M"

/** The same for the full form of the capture initramfs: PLAN_FULL_MIB. */
#define CRASHKERNEL_PROPOSED_FULL "crashkernel=192M"

/**
 * Size of the reservation.
 *
 * @param[in] host The machine.
 * @param[out] size_bytes_ret Its size; 0 if there is none.
 * @return NULL; ERROR_UNSUPPORTED (the kernel has no kexec for crashes); ERROR_OS; ERROR_BAD_DATA; ERROR_NOMEM.
 */
struct error *crashkernel_read(const struct host *host, uint64_t *size_bytes_ret) must_check;

/**
 * Why there is no reservation, with exactly what to add and where.
 *
 * @param[in] host The machine.
 * @param[in] config The configuration, for KDUMP_CRASHKERNEL; NULL if it cannot be read.
 * @param[in] default_text What is proposed where that says nothing.
 * @return Never NULL: ERROR_CONFIG with the text; ERROR_OS; ERROR_NOMEM.
 */
struct error *crashkernel_missing(const struct host *host, const struct config *config,
                                  const char *default_text) must_check;

#endif
