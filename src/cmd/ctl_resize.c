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

enum { STEP_MIB = 16, STATE_MAX_BYTES = 64, WANTED_MAX_MIB = 1 << 20 };

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

static struct error *shrink(const struct host *host, uint64_t wanted_mib, uint64_t before_bytes, bool is_quiet)
{
	uint64_t after_bytes = 0;
	bool is_loaded = false;
	struct error *err = kexec_is_loaded(host, &is_loaded);

	// The kernel refuses while one is loaded: the next boot does it before that.
	if (err || is_loaded || (wanted_mib + STEP_MIB) * MIB > before_bytes)
		return err;
	err = write_size(host, wanted_mib * MIB);
	if (!err)
		err = crashkernel_read(host, &after_bytes);
	if (!err && !is_quiet)
		printf("kdump: the reservation was shrunk from %" PRIu64 " to %" PRIu64
		       " MiB, as KDUMP_AUTO_RESIZE says\n",
		       before_bytes / MIB, after_bytes / MIB);
	return err;
}

static struct error *resize(const struct ctl *ctl, const struct config *config, uint64_t reserved_bytes)
{
	_cleanup_reservation_ struct reservation reservation = {0};
	uint64_t wanted_mib;
	char text[32];
	struct error *err = reservation_estimate(&ctl->host, config, &reservation);

	// What was given back is gone until the next boot: not by a guess.
	if (err || reservation.problem || !host_exists(&ctl->host, INITRD_PATH))
		return err;
	wanted_mib = wanted_bytes(&reservation) / MIB;
	snprintf(text, sizeof(text), "%" PRIu64 "\n", wanted_mib);
	err = host_replace(&ctl->host, CTL_RESIZE_PATH, text, strlen(text), 0644);
	return err ? err : shrink(&ctl->host, wanted_mib, reserved_bytes, ctl->is_quiet);
}

struct error *ctl_resize(const struct ctl *ctl, const struct config *config, uint64_t *reserved_bytes)
{
	_cleanup_error_ struct error *err = NULL;

	if (config_number(config, KEY_AUTO_RESIZE))
		err = resize(ctl, config, *reserved_bytes);
	else if (host_exists(&ctl->host, CTL_RESIZE_PATH))
		err = host_remove(&ctl->host, CTL_RESIZE_PATH);
	// All of it is still reserved, which is enough to go on.
	if (err)
		fprintf(stderr, "%s: warning: %s: KDUMP_AUTO_RESIZE: %s\n", ctl->program,
		        config_where(config, KEY_AUTO_RESIZE), err->text);
	return crashkernel_read(&ctl->host, reserved_bytes);
}

struct error *ctl_resize_early(const struct host *host, uint64_t reserved_bytes, bool is_quiet)
{
	_cleanup_free_ char *text = NULL;
	uint64_t wanted_mib = 0;
	struct error *err;

	if (!host_exists(host, CTL_RESIZE_PATH))
		return NULL;
	err = host_read(host, CTL_RESIZE_PATH, STATE_MAX_BYTES, &text, NULL);
	if (!err &&
	    (sscanf(text, "%" SCNu64, &wanted_mib) != 1 || wanted_mib < STEP_MIB || wanted_mib > WANTED_MAX_MIB))
		err = error_new(ERROR_BAD_DATA, CTL_RESIZE_PATH ": it is no number of MiB; remove the file");
	return err ? err : shrink(host, wanted_mib, reserved_bytes, is_quiet);
}
