// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Hands the keys of encrypted volumes over to the capture kernel: tells the kernel which ones it is to put beside what is loaded
 * (kernel/crash_dump_dm_crypt.c, Linux 6.16; Documentation/admin-guide/kdump/kdump.rst).
 *
 * A key is taken from the user's keyring, or, where device-mapper has it in the volume's table (LUKS1, cryptsetup --disable-keyring),
 * from there. It is in no file, and in no memory of ours behind the call.
 */
#ifndef BOOT_HANDOVER_H
#define BOOT_HANDOVER_H

#include "base/error.h"
#include "base/host.h"
#include "boot/plan.h"

/**
 * Before the capture kernel is loaded: name the keys of the plan, and no others that were named for an earlier plan. From here on this
 * process and the programs that it starts have a session keyring of their own, with these keys.
 *
 * @param[in] host The machine.
 * @param[in] plan Has the volumes; without any only the old names are removed.
 * @return NULL; ERROR_CONFIG (a volume is not open, or its key is in no keyring; the text says how it gets there); ERROR_UNSUPPORTED
 *	   (no such kernel); ERROR_OS; ERROR_BAD_DATA; ERROR_NOMEM.
 */
struct error *handover_prepare(const struct host *host, const struct plan *plan) must_check;

/** Behind the loading: whether the kernel has taken the keys. @param[in] host The machine. @param[in] plan As there. @return NULL; ERROR_UNSUPPORTED: it has not; ERROR_OS. */
struct error *handover_check(const struct host *host, const struct plan *plan) must_check;

/** Remove what handover_prepare() has named. @param[in] host The machine. */
void handover_forget(const struct host *host);

#endif
