// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Entries of the Boot Loader Specification, type 1: files NAME.conf with a line "options", and /etc/kernel/cmdline, from which
 * kernel-install makes the options of entries to come.
 *
 * Does not know which boot loader reads them, and does not look into unified kernel images (type 2).
 */
#ifndef BOOT_BLSENTRY_H
#define BOOT_BLSENTRY_H

#include <stdbool.h>

#include "base/error.h"
#include "boot/bootloader.h"
#include "boot/parameters.h"

/** Where kernel-install takes options from. */
#define BLSENTRY_CMDLINE "/etc/kernel/cmdline"

/**
 * Change an entry's options.
 *
 * @param[in] text The file.
 * @param[in] name Its name, for messages.
 * @param[in] change What goes, from all lines "options"; what comes, to the last of them, which is made if there is none.
 * @param[out] ret The file as it is to be: all else byte for byte; free() it.
 * @return NULL; ERROR_CONFIG (name:line: what is not understood: options that are a variable of GRUB's); ERROR_NOMEM.
 */
struct error *blsentry_edit(const char *text, const char *name, const struct parameters_change *change,
                            char **ret) must_check;

/**
 * A key's last value.
 *
 * @param[in] text The file.
 * @param[in] key "linux", "options".
 * @param[out] ret Without blanks around it; NULL if the key is not there; free() it.
 * @return NULL; ERROR_NOMEM.
 */
struct error *blsentry_value(const char *text, const char *key, char **ret) must_check;

/** Note the options of a directory's entries that blsentry_plan() may change. @param[in] host The machine. @param[in] directory Where they are. @param[in] names As in struct bootloader. @param[in,out] view The view. @return NULL; ERROR_OS; ERROR_BAD_DATA; ERROR_NOMEM. */
struct error *blsentry_view(const struct host *host, const char *directory, const char *const *names,
                            struct bootloader_view *view) must_check;

/**
 * Plan the change of the entries that a task asks for, and for all of them that of BLSENTRY_CMDLINE.
 *
 * Only those that start a Linux of this machine: with "linux", or with "options" for a unified kernel image ("uki", "efi" in
 * /EFI/Linux), and with no other machine's "machine-id". Source: The Boot Loader Specification, "Type #1 Boot Loader Specification Entries".
 *
 * @param[in] host The machine.
 * @param[in] directories Where they are; NULL-terminated.
 * @param[in] standard Name of the entry that starts when nobody chooses, as a pattern of fnmatch(3), ".conf" may be missing; NULL: not known.
 * @param[in,out] task The task.
 * @return NULL; ERROR_CONFIG; ERROR_UNSUPPORTED (no entry is such a one); ERROR_OS; ERROR_BAD_DATA; ERROR_NOMEM.
 */
struct error *blsentry_plan(const struct host *host, const char *const *directories, const char *standard,
                            struct bootloader_task *task) must_check;

/** Plan the change of BLSENTRY_CMDLINE, where it is there and the task is for all kernels. @param[in] host The machine. @param[in,out] task The task. @return NULL; ERROR_OS; ERROR_BAD_DATA; ERROR_NOMEM. */
struct error *blsentry_plan_cmdline(const struct host *host, struct bootloader_task *task) must_check;

/** Whether a directory has an entry. @param[in] host The machine. @param[in] directory Where. @return false also on error. */
bool blsentry_is_there(const struct host *host, const char *directory);

#endif
