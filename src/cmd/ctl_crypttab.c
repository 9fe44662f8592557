// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_crypttab.h"

// RHEL's adds link-volume-key= to each line of /etc/crypttab, by which systemd-cryptsetup leaves keys in a keyring, whether it is a
// target or not. Of one that is, kdumpctl start names the line.
struct error *ctl_crypttab(const struct ctl *ctl, int *exit_ret)
{
	(void)ctl;
	(void)exit_ret;
	return error_new(
		ERROR_UNSUPPORTED,
		"/etc/crypttab stays as it is: only a target that is an encrypted volume needs an option there, "
		"link-volume-key=@u::%%logon:cryptsetup:UUID with the UUID of its LUKS header, and a kernel that "
		"hands keys over; see ENCRYPTED VOLUMES in kdump(5)");
}
