// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What kdump-capture does on a target in which it makes no directory of its own, a server or a partition without a file system: small
 * files are made here, in memory, and put there; only the memory of the crashed kernel goes there as it is read (capture/save.h).
 *
 * Does not know how anything is put there: kinds of such targets are files of their own (capture_server.c, capture_partition.c).
 */
#ifndef CMD_CAPTURE_STAGE_H
#define CMD_CAPTURE_STAGE_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "cmd/capture_target.h"

/** A kind of target. To add one: these functions, and a row in capture_stage.c. */
struct capture_steps {
	/** Whether a target is of this kind. */
	bool (*is_meant)(const struct plan_target *place);
	/** Reach it, start the dump there, and put there what there is: the plan and the crashed kernel's log. */
	struct error *(*begin)(struct capture *capture);
	/** Remove files that cannot go there from those that are to, before there is a manifest of them; NULL: all can. */
	void (*drop)(struct capture *capture);
	/** Put all the other files there, the manifest last, and make the dump a whole one if it is. */
	struct error *(*seal)(struct capture *capture, bool is_whole);
	/** Put one more file behind a dump that is whole. */
	struct error *(*add)(struct capture *capture, const char *name);
	/** The line of the manifest for the memory, which is there only. Text; "" if nobody can tell. free() it. */
	struct error *(*line)(struct capture *capture, char **line_ret);
};

/** Of a server. */
extern const struct capture_steps capture_server_steps;
/** Of a partition without a file system. */
extern const struct capture_steps capture_partition_steps;

/** The kind of the target that is tried now. @param[in] capture See there. @return NULL: it is a file system, or a directory that was asked for. */
const struct capture_steps *capture_stage_steps(const struct capture *capture);

/** A directory in memory for the files of a dump. @param[in] capture What is tried now. @param[out] fd_ret It; close() it. @return NULL; ERROR_OS. */
struct error *capture_stage_make(const struct capture *capture, int *fd_ret) must_check;

/** Puts a file there. @param[in] context Of the caller. @param[in] fd The file. @param[in] name Its name. @return NULL, or why it is not there. */
typedef struct error *capture_stage_put(void *context, int fd, const char *name);

/** Put one file there. @param[in] capture See there. @param[in] name The file. @param[in] put Who puts it. @param[in] context For @p put. @return NULL; ERROR_OS; errors of @p put. */
struct error *capture_stage_one(const struct capture *capture, const char *name, capture_stage_put *put,
                                void *context) must_check;

/** The same of the files that are there before the memory. @param[in] capture See there. @param[in] put As above. @param[in] context As above. @return As above. */
struct error *capture_stage_early(const struct capture *capture, capture_stage_put *put, void *context) must_check;

/** The same of all files, early ones among them: programs of the administrator may have changed them. @param[in] capture See there. @param[in] has_manifest Whether the manifest, too, as the last one. @param[in] put As above. @param[in] context As above. @return As above. */
struct error *capture_stage_all(const struct capture *capture, bool has_manifest, capture_stage_put *put,
                                void *context) must_check;

/** Give back the memory that the files take, at the end. @param[in] capture See there. */
void capture_stage_remove(const struct capture *capture);

#endif
