// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Which kernel modules reach a device and its file system, in load order.
 *
 * Does not load modules and does not look at the modules themselves, only at depmod's lists of the capture kernel.
 */
#ifndef BOOT_MODULES_H
#define BOOT_MODULES_H

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"
#include "boot/words.h"

/** Lists that depmod made for one kernel (modules.dep(5)). Read-only after modules_open(). modules_close() it. */
struct modules {
	char *dir; /**< "/lib/modules/VERSION". */
	char *version; /**< Of the kernel. */
	char *dep_text; /**< modules.dep, cut into lines. */
	char *builtin_text; /**< modules.builtin. */
	char *alias_text; /**< modules.alias. */
	char *softdep_text; /**< modules.softdep. */
	struct modules_entry *entries; /**< Lines of modules.dep, by name. */
	size_t entry_count;
};

/**
 * Read the lists of a kernel.
 *
 * @param[in] host The machine.
 * @param[in] version Version of the kernel, as uname -r.
 * @param[out] ret The lists; modules_close() it.
 * @return NULL; ERROR_CONFIG (no modules.dep for this kernel); ERROR_OS; ERROR_BAD_DATA; ERROR_NOMEM.
 */
struct error *modules_open(const struct host *host, const char *version, struct modules *ret) must_check;

/** Free what modules_open() made. @param[in] modules Opened, or zeroed. */
void modules_close(struct modules *modules);

#define _cleanup_modules_ _cleanup_(modules_close)

/**
 * Add a module with everything that must be loaded before it (soft dependencies too) and what should be loaded after
 * it.
 *
 * @param[in] modules The lists.
 * @param[in] name Name of a module ('-' and '_' are the same) or an alias that depmod knows.
 * @param[in,out] ordered Paths below modules->dir without a compression's suffix, each once, in load order.
 * @param[out] is_known_ret Whether the kernel has it, as a module or built in.
 * @return NULL; ERROR_NOMEM; ERROR_BAD_DATA (dependencies in a circle).
 */
struct error *modules_add(const struct modules *modules, const char *name, struct words *ordered,
                          bool *is_known_ret) must_check;

/** Where a module is, below its lists' directory. @param[in] modules The lists. @param[in] name Name of a module ('-' and '_' are the same). @return Borrowed; NULL if there is none. */
const char *modules_path(const struct modules *modules, const char *name);

/**
 * Add what a block device needs: the driver of each device from the bus down to the disk.
 *
 * @param[in] host The machine; its running kernel may be another than that of the lists.
 * @param[in] modules The lists.
 * @param[in] sysfs Directory of the block device, "/sys/devices/…/block/vda/vda1".
 * @param[in,out] ordered As modules_add().
 * @param[in,out] drivers Names of the drivers' modules that were found, for a person; built-in ones too.
 * @return NULL; ERROR_CONFIG (the kernel lacks a driver); ERROR_NOMEM; ERROR_BAD_DATA.
 */
struct error *modules_add_device(const struct host *host, const struct modules *modules, const char *sysfs,
                                 struct words *ordered, struct words *drivers) must_check;

/**
 * Add what opens an encrypted volume: dm-crypt, and what encrypts.
 *
 * @param[in] host The machine, whose kernel tells which modules it uses (/proc/crypto).
 * @param[in] modules Opened list.
 * @param[in] cipher As dm-crypt has it, "aes-xts-plain64". Its words, and "ecb", are what is looked for.
 * @param[in,out] ordered Paths in load order.
 * @return NULL; ERROR_CONFIG (the kernel has no dm-crypt); ERROR_BAD_DATA; ERROR_NOMEM.
 */
struct error *modules_add_crypt(const struct host *host, const struct modules *modules, const char *cipher,
                                struct words *ordered) must_check;

/** Add what logging in to an iSCSI target needs. @param[in] modules The lists. @param[in,out] ordered As modules_add(). @return NULL; ERROR_CONFIG (the kernel cannot); ERROR_NOMEM; ERROR_BAD_DATA. */
struct error *modules_add_iscsi(const struct modules *modules, struct words *ordered) must_check;

/**
 * Add what a file system needs.
 *
 * @param[in] modules The lists.
 * @param[in] fstype Its type.
 * @param[in,out] ordered As modules_add().
 * @return NULL; ERROR_CONFIG (the kernel lacks it); ERROR_NOMEM; ERROR_BAD_DATA.
 */
struct error *modules_add_filesystem(const struct modules *modules, const char *fstype,
                                     struct words *ordered) must_check;

#endif
