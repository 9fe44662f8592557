// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Changes to the text of a configuration file, which keeps its comments, and with them what YaST knows about its keys.
 *
 * Does not check values (config.h) and does not write files.
 */
#ifndef BOOT_SYSCONFIG_H
#define BOOT_SYSCONFIG_H

#include "base/error.h"

/**
 * A line of it.
 *
 * @param[in] key Name of the key.
 * @param[in] value Without quotes, one line.
 * @param[out] ret KEY="value", what a shell would take for something else escaped, no newline; free() it.
 * @return NULL; ERROR_CONFIG (a value of several lines, or with bytes that no line has); ERROR_NOMEM.
 */
struct error *sysconfig_line(const char *key, const char *value, char **ret) must_check;

/**
 * Set a key: its last assignment gets the value, or a line is added at the end. All else stays byte for byte.
 *
 * @param[in] text The file; "" for none.
 * @param[in] key Name of the key.
 * @param[in] value Without quotes.
 * @param[out] ret The new text; free() it.
 * @return NULL; ERROR_CONFIG; ERROR_NOMEM. As sysconfig_line().
 */
struct error *sysconfig_set(const char *text, const char *key, const char *value, char **ret) must_check;

#endif
