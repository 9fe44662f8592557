// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What the kernel announces: devices that come, links and routes that change. For those who wait until something can be tried again.
 *
 * Does not say what was announced: there may have been more than there was room for.
 */
#ifndef CAPTURE_EVENTS_H
#define CAPTURE_EVENTS_H

#include <stdint.h>

/** A socket on which the kernel announces devices. @return close() it; -1 if there is none. */
int events_of_devices(void);

/** A socket on which the kernel announces network devices and routes. @return close() it; -1 if there is none. */
int events_of_routes(void);

/** Wait until a socket announces something, or for some time; all that was announced is taken. @param[in] fd Of the kernel's; -1: only the time counts. @param[in] timeout_ms How long. */
void events_wait(int fd, uint64_t timeout_ms);

#endif
