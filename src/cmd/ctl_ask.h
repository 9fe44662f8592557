// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Questions to the person at the terminal.
 *
 * Does not know what is asked.
 */
#ifndef CMD_CTL_ASK_H
#define CMD_CTL_ASK_H

#include <stdbool.h>

#include "cmd/ctl.h"

/**
 * Whether somebody can be asked.
 *
 * @param[in] hint What to give on the command line else.
 * @return NULL; ERROR_USAGE: standard input is no terminal.
 */
struct error *ctl_ask_check(const char *hint) must_check;

/**
 * Ask for a line.
 *
 * @param[in] question Printed, with the default behind it.
 * @param[in] standard What an empty answer means; NULL: nothing.
 * @param[out] ret The answer, without blanks around it; free() it.
 * @return NULL; ERROR_CANCELED (the end of the input); ERROR_OS; ERROR_NOMEM.
 */
struct error *ctl_ask(const char *question, const char *standard, char **ret) must_check;

/** Ask whether to go on; an empty answer is no. @param[in] question Printed. @param[out] ret The answer. @return As ctl_ask(). */
struct error *ctl_ask_yes(const char *question, bool *ret) must_check;

#endif
