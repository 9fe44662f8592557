// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * crashkernel= in the boot loader: told, compared with what the running kernel has, written, removed.
 *
 * Does not estimate (boot/reservation.h), and does not know the boot loaders (boot/bootloader.h).
 *
 * Who set a value decides who may change it. KDUMP_CRASHKERNEL with a value of its own is the user's word and is written over what is
 * there. With "auto" only a value is replaced that we wrote, which CTL_CRASHKERNEL_PATH tells, or none; another one, YaST's or the
 * user's, is kept. kdumpctl reset-crashkernel is asked for by name and replaces any.
 */
#ifndef CMD_CTL_CRASHKERNEL_H
#define CMD_CTL_CRASHKERNEL_H

#include "cmd/ctl.h"

/** What we wrote into the boot loader last: parameters on a line, and the boot in which that was. */
#define CTL_CRASHKERNEL_PATH "/var/lib/kdump/crashkernel"

/** How kdumptool commandline ends when the boot loader could not be changed. */
enum { CTL_CRASHKERNEL_EXIT_LOADER = 2 };

/**
 * kdumptool commandline. With no letter it prints the parameters; -c compares them with the running kernel's and tells a difference; -u
 * and -U write them, with -c only if they differ; -d and -D remove them. -U and -D do nothing unless KDUMP_UPDATE_BOOTLOADER is set, and
 * -D keeps what is not ours.
 *
 * @param[in] ctl The call.
 * @param[out] exit_ret How to end: 1 if they differ and nothing was asked but to compare; CTL_CRASHKERNEL_EXIT_LOADER, with an error.
 * @return NULL; an error for a person, of any code.
 */
struct error *ctl_crashkernel_commandline(const struct ctl *ctl, int *exit_ret) must_check;

/** kdumpctl reset-crashkernel: write the parameters, whatever is there. @param[in] ctl The call. @param[out] exit_ret Left alone. @return As ctl_crashkernel_commandline(). */
struct error *ctl_crashkernel_reset(const struct ctl *ctl, int *exit_ret) must_check;

#endif
