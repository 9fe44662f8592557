// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Configurations of other kdump packages, as ours.
 *
 * Does not execute them, does not ask the machine anything, and writes no file: text goes in, settings and notes come out.
 */
#ifndef BOOT_IMPORT_H
#define BOOT_IMPORT_H

#include "base/error.h"
#include "boot/imported.h"

/** Whose configuration it is. */
enum import_from {
	IMPORT_RHEL, /**< /etc/kdump.conf: lines "directive value", kdump.conf(5) of kdump-utils 1.0. */
	IMPORT_DEBIAN, /**< /etc/default/kdump-tools: a shell's assignments, kdump-tools(5) 1.10. */
};

/**
 * Read a configuration.
 *
 * @param[in] from Whose it is.
 * @param[in] text Of the file.
 * @param[in] name Of the file, for messages; borrowed for as long as @p ret lives.
 * @param[out] ret What was found; imported_deinit() it.
 * @return NULL; ERROR_CONFIG (what was found is none that we would take); ERROR_NOMEM.
 */
struct error *import_read(enum import_from from, const char *text, const char *name, struct imported *ret) must_check;

/**
 * Write what was found as our configuration: assignments, each with the line it comes from, and the notes as comments.
 *
 * @param[in] import What was found.
 * @param[out] ret Text; free() it.
 * @return NULL; ERROR_NOMEM.
 */
struct error *import_format(const struct imported *import, char **ret) must_check;

#endif
