# SPDX-License-Identifier: GPL-2.0-or-later
"""A crash laboratory: real Debian kernels under QEMU, crashed and captured."""
