// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_resize.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "boot/crashkernel.h"
#include "boot/initrd.h"
#include "boot/kexec.h"
#include "boot/reservation.h"

#define SIZE_PATH "/sys/kernel/kexec_crash_size"
#define MIB ((uint64_t)1 << 20)

enum { STEP_MIB = 16 };

// What is proposed is enough for one CPU; those beyond it are wanted, too, with the same margin of a quarter.
static uint64_t wanted_bytes(const struct reservation *reservation)
{
	uint64_t all_mib = (reservation->need_bytes + reservation->need_bytes / 4 + MIB - 1) / MIB;

	all_mib = (all_mib + STEP_MIB - 1) / STEP_MIB * STEP_MIB;
	return (all_mib > reservation->proposed_mib ? all_mib : reservation->proposed_mib) * MIB;
}

static struct error *write_size(const struct host *host, uint64_t bytes)
{
	_cleanup_close_ int fd = -1;
	char text[32];
	struct error *err = host_open(host, SIZE_PATH, O_WRONLY | O_TRUNC, 0, &fd);

	snprintf(text, sizeof(text), "%" PRIu64 "\n", bytes);
	return err ? err : error_wrap(io_write(fd, text, strlen(text)), SIZE_PATH);
}

static struct error *shrink(const struct ctl *ctl, const struct config *config, uint64_t *reserved_bytes)
{
	_cleanup_reservation_ struct reservation reservation = {0};
	uint64_t before_bytes = *reserved_bytes, after_bytes;
	struct error *err = reservation_estimate(&ctl->host, config, &reservation);

	if (err)
		return err;
	after_bytes = wanted_bytes(&reservation);
	if (reservation.problem || after_bytes + STEP_MIB * MIB > before_bytes)
		return NULL;
	err = write_size(&ctl->host, after_bytes);
	if (!err)
		err = crashkernel_read(&ctl->host, reserved_bytes);
	if (!err && !ctl->is_quiet)
		printf("kdump: the reservation was shrunk from %" PRIu64 " to %" PRIu64
		       " MiB, as %s: KDUMP_AUTO_RESIZE says\n",
		       before_bytes / MIB, *reserved_bytes / MIB, config_where(config, KEY_AUTO_RESIZE));
	return err;
}

struct error *ctl_resize(const struct ctl *ctl, const struct config *config, uint64_t *reserved_bytes)
{
	bool is_loaded = false;
	struct error *err;

	if (!config_number(config, KEY_AUTO_RESIZE))
		return NULL;
	err = kexec_is_loaded(&ctl->host, &is_loaded);
	// What was given back is gone until the next boot: not by a guess.
	if (err || is_loaded || !host_exists(&ctl->host, INITRD_PATH))
		return err;
	return error_wrap(shrink(ctl, config, reserved_bytes), "%s: KDUMP_AUTO_RESIZE",
	                  config_where(config, KEY_AUTO_RESIZE));
}
