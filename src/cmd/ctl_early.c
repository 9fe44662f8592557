// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_early.h"

#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "boot/crashkernel.h"
#include "boot/hang.h"
#include "boot/initrd.h"
#include "boot/kexec.h"
#include "boot/loaded.h"
#include "boot/plan.h"
#include "cmd/ctl_resize.h"

struct error *ctl_early(const struct host *host, bool is_quiet)
{
	_cleanup_plan_ struct plan plan = {0};
	_cleanup_free_ char *cause = NULL, *text = NULL;
	_cleanup_error_ struct error *late = NULL, *small = NULL;
	uint64_t reserved_bytes = 0;
	enum kexec_method method;
	struct error *err = crashkernel_read(host, &reserved_bytes);

	if (!err && reserved_bytes)
		err = initrd_recorded(host, &plan, &cause);
	if (err)
		return err;
	if (!reserved_bytes || cause) {
		if (!is_quiet)
			printf("kdump: nothing is loaded yet: %s%s\n",
			       cause ? "the capture initramfs is to be made: " : "no memory is reserved",
			       cause ? cause : "");
		return NULL;
	}
	small = ctl_resize_early(host, reserved_bytes, is_quiet);
	if (small)
		fprintf(stderr, "kdump: warning: KDUMP_AUTO_RESIZE: %s\n", small->text);
	err = loaded_describe(host, &plan, &text);
	if (!err)
		err = loaded_replace(host, &plan, text, &method, &late);
	if (!err)
		err = hang_set(host, plan.panic_on);
	if (late)
		fprintf(stderr, "kdump: warning: it will be loaded again: %s\n", late->text);
	if (!err && !is_quiet)
		printf("kdump: loaded %s with %s as it was; dumps go to %s %s\n", plan.kernel_version, plan.initrd,
		       plan.target.device, plan.target.directory);
	return err;
}
