// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Encrypted volumes (LUKS) whose key the kernel can hand over to the capture kernel: what it takes to open them there.
 *
 * Never sees a passphrase. Keys are not looked at here, and are in nothing that this gives: handover.h hands them over, by name.
 */
#ifndef BOOT_CRYPT_H
#define BOOT_CRYPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"
#include "boot/device.h"
#include "boot/words.h"

/** There in kernels with CONFIG_CRASH_DM_CRYPT (kernel/crash_dump_dm_crypt.c, Linux 6.16), where configfs is mounted. */
#define CRYPT_CONFIGFS "/sys/kernel/config/crash_dm_crypt_keys"

/** What comes before the UUID of a volume in the name of its key, which cryptsetup and others use by convention. */
#define CRYPT_KEY_PREFIX "cryptsetup:"

/** Words of a volume in the plan; options of its table come behind these. */
enum crypt_word {
	CRYPT_TARGET, /**< The number of the dump's target. */
	CRYPT_UUID, /**< Of the LUKS header, by which the disk is found, and the key is named. */
	CRYPT_KEY_BYTES,
	CRYPT_SECTORS, /**< Size of the volume, of 512 bytes each. */
	CRYPT_IV, /**< Added to the number of a sector. */
	CRYPT_START, /**< Where the volume begins on its disk. */
	CRYPT_CIPHER, /**< As the kernel has it, "aes-xts-plain64". */
	CRYPT_WORDS
};

/** Volumes, one for each target that is one. Zeroed is empty; crypt_volumes_deinit() it. */
struct crypt_volumes {
	struct words rows; /**< From CRYPT_UUID on. */
	struct words reasons; /**< For a person. */
};

/**
 * Add a volume that is open, as the kernel has it now.
 *
 * @param[in] host The machine.
 * @param[in] device The volume.
 * @param[in] below The disk that has the header.
 * @param[in] subject For messages: '/dev/dm-1 is an encrypted volume …'.
 * @param[in,out] volumes What is known so far.
 * @return NULL; ERROR_UNSUPPORTED (the kernel hands over no keys, as luks_refuse(); it is no LUKS volume, or of a kind that a table
 *	   of one line does not tell; the text says which, and what to do); ERROR_OS; ERROR_NOMEM.
 */
struct error *crypt_add(const struct host *host, const struct device *device, const struct device *below,
                        const char *subject, struct crypt_volumes *volumes) must_check;

/**
 * Make a row of the plan, from CRYPT_UUID on, from a table of device-mapper.
 *
 * @param[in] table "0 SECTORS crypt CIPHER KEY IV DEVICE START [COUNT OPTION…]" (Documentation/admin-guide/device-mapper/dm-crypt.rst).
 *	      Of the key only the size is looked at.
 * @param[in] uuid Of the header.
 * @param[out] ret Row; free() it.
 * @return NULL; ERROR_UNSUPPORTED (another target, or one that stands on more than a disk); ERROR_BAD_DATA; ERROR_NOMEM.
 */
struct error *crypt_make_row(const char *table, const char *uuid, char **ret) must_check;

/**
 * Take a volume of the plan apart.
 *
 * @param[in] row Of the plan.
 * @param[out] ret CRYPT_WORDS words at least; words_deinit() it.
 * @return NULL; ERROR_BAD_DATA; ERROR_NOMEM.
 */
struct error *crypt_parse(const char *row, struct words *ret) must_check;

/**
 * The table of an open volume.
 *
 * @param[in] host The machine; in that of a test MAPPER_CONTROL is a file with lines "NAME: TABLE".
 * @param[in] name Of device-mapper.
 * @param[out] ret As mapper_table(): mapper_wipe() it.
 * @return As mapper_table().
 */
struct error *crypt_table(const struct host *host, const char *name, char **ret) must_check;

/** The name that device-mapper has for the volume of a header. @param[in] host The machine. @param[in] uuid Of the header. @param[out] ret free() it. @return NULL; ERROR_CONFIG (it is not open); ERROR_OS; ERROR_NOMEM. */
struct error *crypt_find_name(const struct host *host, const char *uuid, char **ret) must_check;

/** Free what it owns. @param[in] volumes Used, or zeroed. */
void crypt_volumes_deinit(struct crypt_volumes *volumes);

#endif
