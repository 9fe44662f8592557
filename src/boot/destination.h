// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Where the dump goes: from KDUMP_TARGET and KDUMP_SAVEDIR to a device, its file system and a directory on it, to a partition
 * without a file system, or to a server.
 *
 * Does not mount and does not write; it says what the capture side will find by UUID.
 */
#ifndef BOOT_DESTINATION_H
#define BOOT_DESTINATION_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"
#include "boot/config.h"
#include "boot/device.h"
#include "boot/stack.h"
#include "boot/words.h"

/** The place of a dump. destination_deinit() it. */
struct destination {
	struct device device; /**< On the running system; zeroed: it is on a server. */
	struct stack stack; /**< What it stands on. Its reasons begin with the line of the configuration. */
	char *address; /**< Of the server, as a number; NULL: it is a disk. */
	char *secret; /**< What kdump-send --secrets reads; NULL: there is none. */
	struct words files; /**< What the image must hold to reach the server. */
	char *tag; /**< "UUID=…", "HOST:/PATH", "ssh://USER@HOST". */
	char *tag_reason; /**< Why this device. */
	char *fstype; /**< "ext4" …; PLAN_RAW: none, the dump lies on the partition itself. */
	char *options; /**< Mount options, "" for none. */
	char *options_reason; /**< Why; NULL without options. */
	char *directory; /**< On that file system, absolute. */
	char *directory_reason; /**< Why. */
};

/**
 * Find the place of the dump.
 *
 * @param[in] host The machine.
 * @param[in] config The configuration.
 * @param[out] ret The place; destination_deinit() it.
 * @return NULL; ERROR_CONFIG (the value fits nothing here); ERROR_UNSUPPORTED (the place needs what this version
 *	   cannot do: encrypted and some other storage, another file system); ERROR_OS; ERROR_BAD_DATA; ERROR_NOMEM. Texts
 *	   name key and file:line, never a password.
 */
struct error *destination_find(const struct host *host, const struct config *config,
                               struct destination *ret) must_check;

/**
 * The names in KDUMP_TARGET: over so many targets the dump is split. A blank may belong to a label; two targets are a blank before
 * the beginning of another name.
 *
 * @param[in] config The configuration.
 * @param[in,out] ret Receives them; the first one is "" where the key is empty.
 * @return NULL; ERROR_NOMEM.
 */
struct error *destination_names(const struct config *config, struct words *ret) must_check;

/**
 * Find one more place of a dump, behind the first one.
 *
 * @param[in] host The machine.
 * @param[in] config The configuration.
 * @param[in] key KEY_TARGET or KEY_FALLBACK.
 * @param[in] word Of it: a device or partition as KDUMP_TARGET names it, a directory of the running system, or a URL.
 * @param[out] ret The place; destination_deinit() it.
 * @return As destination_find().
 */
struct error *destination_find_next(const struct host *host, const struct config *config, enum config_key key,
                                    const char *word, struct destination *ret) must_check;

/** Whether a word of the configuration names a partition without a file system. @param[in] word As KDUMP_TARGET and KDUMP_FALLBACK have it. */
bool destination_is_raw(const char *word);

/**
 * The directory of the running system to which dumps on raw partitions go at the next boot.
 *
 * @param[in] config The configuration.
 * @param[out] ret KDUMP_SAVEDIR; where that is a URL, its default. Borrowed from @p config.
 * @return NULL; ERROR_CONFIG.
 */
struct error *destination_savedir(const struct config *config, const char **ret) must_check;

/** Free what a destination owns. @param[in] destination Filled, or zeroed. */
void destination_deinit(struct destination *destination);

#define _cleanup_destination_ _cleanup_(destination_deinit)

#endif
