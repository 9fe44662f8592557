// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * kdumpctl test: a capture in a virtual machine.
 *
 * Does not know how the machine is made, and what its console means (boot/rehearsal.h).
 */
#ifndef CMD_CTL_TEST_H
#define CMD_CTL_TEST_H

#include "cmd/ctl.h"

/** One test runs at a time. */
#define CTL_TEST_LOCK_PATH "/run/lock/kdump-test"

/** Run the test and print how it ended. @param[in] ctl The call. @param[out] exit_ret EXIT_CONFIG if the capture failed. @return NULL; an error for a person, of any code: there was no test. */
struct error *ctl_test(const struct ctl *ctl, int *exit_ret) must_check;

#endif
