// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/capture_split.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "capture/process.h"
#include "capture/retention.h"
#include "capture/save.h"
#include "capture/seal.h"

enum {
	// Of the time that is left: a disk that does not come must not cost the dump.
	WAIT_SHARE = 8,
	// Manifests end a little before the deadline, for the directories to get their names.
	MANIFEST_MS = 1000,
};

static struct error *open_part(struct capture *capture, struct capture_part *part)
{
	struct error *err = target_mount(&part->target, &capture->log, &part->fd);

	return err ? err : dumpdir_create(part->fd, part->target.place.directory, capture->dir.name, &part->dir);
}

static void close_part(struct capture *capture, struct capture_part *part)
{
	char incomplete[DUMPDIR_NAME_BYTES + sizeof(DUMPDIR_INCOMPLETE)];
	struct error *err;

	snprintf(incomplete, sizeof(incomplete), "%s" DUMPDIR_INCOMPLETE, capture->dir.name);
	if (part->dir.parent_fd >= 0)
		unlinkat(part->dir.parent_fd, incomplete, AT_REMOVEDIR);
	dumpdir_deinit(&part->dir);
	err = part->fd < 0 ? NULL : target_unmount(&part->target, part->fd);
	part->fd = -1;
	if (err)
		log_console(&capture->log, "%s", err->text);
	error_free(err);
}

void capture_split_open(struct capture *capture)
{
	const struct plan *plan = &capture->plan;

	for (size_t i = capture->target.number + 1; !capture->options->directory && i < plan->parts; i++) {
		struct capture_part *part = &capture->parts[capture->part_count];
		uint64_t wait_ms = process_left_ms(capture->end_ms) / WAIT_SHARE;
		struct error *err;

		*part = (struct capture_part){.target = capture->target, .fd = -1, .dir = DUMPDIR_NONE};
		part->target.place = plan_target_at(plan, i);
		part->target.number = i;
		if (part->target.timeout_ms > wait_ms)
			part->target.timeout_ms = wait_ms;
		err = open_part(capture, part);
		if (!err) {
			capture->part_count++;
			continue;
		}
		log_print(&capture->log, "the dump has no part on %s: %s", part->target.place.device, err->text);
		error_free(err);
		close_part(capture, part);
	}
}

void capture_split_describe(const struct capture *capture, struct text *text)
{
	char name[SAVE_PART_NAME_BYTES];

	if (!capture->is_split)
		return;
	text_add(text, "\nThe dump is split over %zu file systems, in a directory of this name on each:\n\n",
	         capture->part_count + 1);
	for (size_t i = 0; i <= capture->part_count; i++) {
		const struct plan_target *place = i ? &capture->parts[i - 1].target.place : &capture->target.place;

		save_part_name(i + 1, name);
		text_add(text, "%-20s  %s, in %s\n", name, place->device, place->directory);
	}
	text_add(text, "\ncrash VMLINUX");
	for (size_t i = 0; i <= capture->part_count; i++) {
		save_part_name(i + 1, name);
		text_add(text, " %s", name);
	}
	text_add(text, " looks into all of them at once; kdump-copy --reassemble makes one of them.\n");
}

static struct error *seal_part(struct capture *capture, const struct capture_part *part)
{
	_cleanup_free_ char *readme = NULL;
	_cleanup_text_ struct text text = {0};
	uint64_t size_bytes = 0;
	struct error *err;

	text_add(&text,
	         "A part of the dump of a kernel of %s that crashed. Its log, and what was done, is beside the first "
	         "part.\n",
	         capture->plan.hostname);
	capture_split_describe(capture, &text);
	err = text_take(&text, &readme);
	if (!err)
		err = dumpdir_write(&part->dir, "README.txt", readme);
	if (!err)
		err = seal_manifest(&part->dir, NULL, capture->end_ms ? capture->end_ms - MANIFEST_MS : 0, &size_bytes);
	// The part itself is on the disk.
	if (err && err->code == ERROR_TIMEOUT)
		log_console(&capture->log, "%s", err->text);
	error_catch(&err, ERROR_TIMEOUT);
	return err ? err : seal_rename(&part->dir);
}

struct error *capture_split_seal(struct capture *capture)
{
	struct error *err = NULL;

	for (size_t i = 0; i < capture->part_count && !err; i++) {
		const struct capture_part *part = &capture->parts[i];

		err = error_wrap(seal_part(capture, part), "the part on %s", part->target.place.device);
	}
	return err;
}

void capture_split_close(struct capture *capture)
{
	while (capture->part_count)
		close_part(capture, &capture->parts[--capture->part_count]);
}
