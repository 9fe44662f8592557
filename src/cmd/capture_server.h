// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What kdump-capture does on a target that is a server: small files are made here, in memory, and put there; only the memory of the
 * crashed kernel goes there as it is read (capture/save.h).
 *
 * Does not connect for longer than it takes: each step has a connection of its own.
 */
#ifndef CMD_CAPTURE_SERVER_H
#define CMD_CAPTURE_SERVER_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "cmd/capture_target.h"

/** A directory in memory for the files of a dump. @param[in] capture What is tried now. @param[out] fd_ret It; close() it. @return NULL; ERROR_OS. */
struct error *capture_server_stage(const struct capture *capture, int *fd_ret) must_check;

/**
 * Make the dump's directory on the server, and put there what there is: the plan and the crashed kernel's log.
 *
 * @param[in,out] capture Its server_directory is filled.
 * @return NULL; as remote_open() and remote_put().
 */
struct error *capture_server_begin(struct capture *capture) must_check;

/**
 * Put all the other files there, the manifest last, and give the directory its name.
 *
 * @param[in,out] capture See there.
 * @param[in] is_whole Whether it gets its name; else it stays incomplete.
 * @return NULL; as remote_open(), remote_put() and remote_rename().
 */
struct error *capture_server_seal(struct capture *capture, bool is_whole) must_check;

/** Put one more file behind a dump that has its name. @param[in,out] capture See there. @param[in] name Of the file. @return NULL; as remote_put(). */
struct error *capture_server_add(struct capture *capture, const char *name) must_check;

/** Give back the memory that the files take, at the end. @param[in] capture See there. */
void capture_server_unstage(struct capture *capture);

/** The line of the manifest for the memory, which is on the server only. @param[in,out] capture See there. @param[out] line_ret Text; "" if nobody there can tell. free() it. @return NULL; ERROR_NOMEM. */
struct error *capture_server_line(struct capture *capture, char **line_ret) must_check;

#endif
