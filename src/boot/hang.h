// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What a machine that hangs is to do: panic, so that it is captured, where the kernel only reports or does nothing.
 *
 * Does not make the kernel see a hang sooner, and does not take back what it set: that stays until the next boot.
 * Source: Documentation/admin-guide/sysctl/kernel.rst.
 */
#ifndef BOOT_HANG_H
#define BOOT_HANG_H

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"
#include "boot/config.h"
#include "boot/words.h"

/**
 * Read KDUMP_PANIC_ON.
 *
 * @param[in] host The machine.
 * @param[in] config Checked.
 * @param[in,out] words "oops", "softlockup", "hardlockup", "hungtask", "nmi", each once; none for an empty value.
 * @return NULL; ERROR_CONFIG (another word); ERROR_UNSUPPORTED (the running kernel cannot do that); ERROR_NOMEM.
 */
struct error *hang_parse(const struct host *host, const struct config *config, struct words *words) must_check;

/**
 * Set the running kernel's parameters. Only where a capture kernel is loaded does a panic help.
 *
 * @param[in] host The machine.
 * @param[in] words Of hang_parse(), NULL-terminated; may be NULL.
 * @return NULL; ERROR_OS.
 */
struct error *hang_set(const struct host *host, char *const *words) must_check;

#endif
