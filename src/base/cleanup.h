// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Guards that release a resource at the end of its scope.
 *
 * Does not allocate anything and does not report failures of the release.
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdlib.h>
#include <stdio.h>
#include <unistd.h>
#include <dirent.h>

/** The caller may not drop the result. */
#define must_check __attribute__((warn_unused_result))
/** Arguments @p fmt and @p args are those of printf. */
#define printf_format(fmt, args) __attribute__((format(printf, fmt, args)))
/** Run @p fn with the address of the variable when it leaves its scope. */
#define _cleanup_(fn) __attribute__((cleanup(fn)))

/** Number of elements of an array (not of a pointer). */
#define array_size(a) (sizeof(a) / sizeof((a)[0]))

/** Free the memory a pointer variable points to. @param[in] p Address of the pointer; it may hold NULL. */
static inline void freep(void *p)
{
	free(*(void **)p);
}

/** Close a file descriptor variable. @param[in] fd Address of the descriptor; below 0 is "none". */
static inline void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/** Close a stream variable, without a look at the result. @param[in] f Address of the stream; it may hold NULL. */
static inline void fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

/** Close a directory variable. @param[in] dir Address of the directory; it may hold NULL. */
static inline void closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)
#define _cleanup_fclose_ _cleanup_(fclosep)
#define _cleanup_closedir_ _cleanup_(closedirp)

/** Hand a guarded pointer on: gives its value and leaves NULL behind. */
#define take_ptr(p)                                                                                                    \
	({                                                                                                             \
		__typeof__(p) take_ptr_ = (p);                                                                         \
		(p) = NULL;                                                                                            \
		take_ptr_;                                                                                             \
	})

/** Hand a guarded descriptor on: gives its value and leaves -1 behind. @param[in] fd Address of the descriptor. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif
