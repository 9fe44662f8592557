// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Why an encrypted volume cannot receive a dump: what its keys would cost, from its header.
 *
 * Does not open a volume and does not touch its keys.
 */
#ifndef BOOT_LUKS_H
#define BOOT_LUKS_H

#include "base/error.h"
#include "base/host.h"

/**
 * Say why, with the memory that each keyslot needs against the reservation, and what to do instead.
 *
 * Headers are those of LUKS1 and LUKS2 (cryptsetup, docs/on-disk-format-luks1 and -luks2). One that cannot be read, as where it lies
 * on another device, costs the numbers only.
 *
 * @param[in] host The machine.
 * @param[in] subject What is encrypted, '/dev/dm-1 is an encrypted volume …'.
 * @param[in] disk Kernel's name of the device with the header; NULL: not known.
 * @return Never NULL: ERROR_UNSUPPORTED with the text; ERROR_NOMEM.
 */
struct error *luks_refuse(const struct host *host, const char *subject, const char *disk) must_check;

/**
 * What the keyslots of a header need, as text: "keyslot 0 argon2id 1024 MiB, keyslot 1 pbkdf2".
 *
 * @param[in] header The first bytes of a volume.
 * @param[in] size_bytes Their number.
 * @param[out] ret Text, "" for no header or one without keyslots; free() it.
 * @param[out] most_mib_ret What the dearest one needs; 0: next to nothing.
 * @return NULL; ERROR_NOMEM.
 */
struct error *luks_keyslots(const unsigned char *header, size_t size_bytes, char **ret,
                            uint64_t *most_mib_ret) must_check;

#endif
