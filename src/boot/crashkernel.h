// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The memory that is reserved for the capture kernel, and what to do where there is none.
 *
 * Does not change the boot loader (boot/bootloader.h) and does not compute how much is needed (boot/reservation.h).
 */
#ifndef BOOT_CRASHKERNEL_H
#define BOOT_CRASHKERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/host.h"
#include "boot/config.h"
#include "boot/words.h"

/** The parameter, with its "=". */
#define CRASHKERNEL_PREFIX "crashkernel="

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
 * @param[in] proposed_mib What is proposed where that says nothing.
 * @return Never NULL: ERROR_CONFIG with the text; ERROR_OS; ERROR_NOMEM.
 */
struct error *crashkernel_missing(const struct host *host, const struct config *config,
                                  uint64_t proposed_mib) must_check;

/**
 * The parameters that the configuration wants.
 *
 * @param[in] config The configuration, for KDUMP_CRASHKERNEL; NULL if it cannot be read.
 * @param[in] proposed_mib What is proposed for "auto".
 * @param[out] is_auto_ret Whether it is that.
 * @param[in,out] ret "crashkernel=…", at least one. Items of KDUMP_CRASHKERNEL that are no such parameters are left out.
 * @return NULL; ERROR_CONFIG (file:line: a value that no kernel understands, or nothing but such items); ERROR_NOMEM.
 */
struct error *crashkernel_wanted(const struct config *config, uint64_t proposed_mib, bool *is_auto_ret,
                                 struct words *ret) must_check;

/**
 * Whether a kernel understands a value: "SIZE[@OFFSET]", "SIZE,high", "SIZE,low", "SIZE,cma", "FROM-[TO]:SIZE,…[@OFFSET]". Source:
 * Documentation/admin-guide/kdump/kdump.rst, kernel/crash_core.c of Linux v6.1; ",cma" is of v6.17.
 *
 * @param[in] value What stands behind "crashkernel=".
 */
bool crashkernel_is_valid(const char *value);

/**
 * Whether two lists of parameters reserve the same. Neither the order of ",high" and ",low" counts nor the unit (128M is 131072K);
 * of two values of a kind the kernel takes the last one.
 *
 * @param[in] a, b Words; those that are not "crashkernel=…" do not count.
 */
bool crashkernel_same(const struct words *a, const struct words *b);

/** What parameters reserve. @param[in] words Words; those that are not "crashkernel=…" do not count. @return Bytes; 0 if that is not one plain size. */
uint64_t crashkernel_bytes(const struct words *words);

#endif
