// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * kdump-copy on an input of which a page cannot be read. That is SIGBUS for who has it mapped; for who reads, it is only missing.
 * So the program starts itself once more, and reads.
 *
 * Does not know how the input is read, and undoes nothing: what was written so far is written anew.
 */
#ifndef CMD_COPY_AGAIN_H
#define CMD_COPY_AGAIN_H

#include "cmd/copy_arguments.h"

/**
 * Before an input is opened: from now on SIGBUS starts the program once more; where that is not possible, because the start of the
 * dump is out already, it ends the program with a message and the exit status of a damaged input. In the second start: read, until
 * the deadline of the first.
 *
 * @param[in] argv As of main(); stays in use.
 * @param[in,out] args What it says.
 */
void copy_again_prepare(char **argv, struct arguments *args);

#endif
