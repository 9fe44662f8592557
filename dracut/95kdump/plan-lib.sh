# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What both forms of the capture initramfs take from the plan. Two settings come from a file in dracut's --confdir, which
# kdumpctl writes:
#   kdump_plan=FILE      the plan
#   kdump_capture=FILE   the program (optional)

# dracut 059 goes on when install() returns an error; an image without its parts must not come to be.
kdump_fail() {
    dfatal "kdump: $*"
    exit 1
}

# A setting of the plan: text between quotes. Paths and versions with a backslash in them do not exist.
kdump_plan_value() {
    sed -n "s/^[[:space:]]*$1 = \"\([^\"\\\\]*\)\";\$/\1/p" "$kdump_plan" | head -n 1
}

# Words of a list of the plan, one per line: "modules", paths of kernel modules below /lib/modules/VERSION in load order, of
# disks and of network cards; "files", programs and keys for targets, and programs of hooks.
kdump_plan_list() {
    sed -n '/^[[:space:]]*'"$1"' = \[$/,/\]/ { s/^[[:space:]]*"\([^"\\]*\)",\{0,1\}$/\1/p }' "$kdump_plan"
}

# Unpack one file with a program that need not be there.
kdump_unpack() { # FILE TARGET PROGRAM PACKAGE
    command -v "$3" > /dev/null || kdump_fail "$1: there is no program $3; install the package $4"
    "$3" -q -d -c -- "$1" > "$2"
}

# Unpacked, since kdump-capture has no decompressor: the image as a whole is compressed.
kdump_install_kernel_module() {
    local _path=$1
    # dracut sets initdir, kernel and srcmods.
    # shellcheck disable=SC2154
    local _target=$initdir/lib/modules/$kernel/$_path
    local _modules=${srcmods:-/lib/modules/$kernel}
    local _source=${_modules%/}/$_path

    case "/$_path/" in
        */../*) kdump_fail "$_path: \"..\" is not allowed" ;;
    esac
    mkdir -p "${_target%/*}" || kdump_fail "cannot make ${_target%/*}"
    if [[ -f $_source ]]; then
        cp -f -- "$_source" "$_target"
    elif [[ -f $_source.zst ]]; then
        kdump_unpack "$_source.zst" "$_target" zstd zstd
    elif [[ -f $_source.xz ]]; then
        kdump_unpack "$_source.xz" "$_target" xz xz-utils
    elif [[ -f $_source.gz ]]; then
        kdump_unpack "$_source.gz" "$_target" gzip gzip
    else
        kdump_fail "kernel module $_source is not there; run depmod"
    fi || kdump_fail "cannot install kernel module $_source"
    chmod 0644 "$_target"
}

# ssh refuses to run for a user without a name, and iscsistart to talk to itself.
kdump_install_user() {
    [[ -s $initdir/etc/passwd ]] || printf 'root:x:0:0::/root:/bin/sh\n' > "$initdir/etc/passwd" || kdump_fail "cannot write /etc/passwd"
}

# The plan, and what it lists: kernel modules, and files for targets and hooks.
kdump_install_plan() {
    local _version _module _file
    local -a _modules _files

    _version=$(kdump_plan_value version)
    [[ $_version == "$kernel" ]] || kdump_fail "the plan is for kernel \"$_version\", the image for \"$kernel\""

    # dracut sets initdir.
    # shellcheck disable=SC2154
    mkdir -p "$initdir/etc/kdump" || kdump_fail "cannot make /etc/kdump"
    cp -f -- "$kdump_plan" "$initdir/etc/kdump/plan" || kdump_fail "cannot install the plan"
    chmod 0600 "$initdir/etc/kdump/plan"

    # What opens the targets that are servers, or have disks on them, by their numbers.
    for _file in "${kdump_plan%/*}"/secrets.[0-9]*; do
        [[ -f $_file ]] || continue
        cp -f -- "$_file" "$initdir/etc/kdump/" || kdump_fail "cannot install $_file"
        chmod 0600 "$initdir/etc/kdump/${_file##*/}"
    done

    mapfile -t _modules < <(kdump_plan_list modules)
    for _module in "${_modules[@]}"; do
        kdump_install_kernel_module "$_module"
    done

    # With their libraries.
    mapfile -t _files < <(kdump_plan_list files)
    for _file in "${_files[@]}"; do
        inst "$_file" || kdump_fail "cannot install $_file"
        [[ -e $initdir/$_file ]] || kdump_fail "$_file is not in the image"
        [[ $_file != */ssh && $_file != */iscsistart ]] || kdump_install_user
    done
}

# The program, under a name in the image.
kdump_install_program() { # NAME
    # Both are set in a file that dracut reads.
    # shellcheck disable=SC2154
    [[ ${kdump_plan-} && -r $kdump_plan ]] || kdump_fail "no plan: kdump_plan is \"${kdump_plan-}\""
    inst_binary "${kdump_capture:-/usr/lib/kdump/kdump-capture}" "$1" \
        || kdump_fail "cannot install ${kdump_capture:-/usr/lib/kdump/kdump-capture}"
    [[ -x $initdir/$1 ]] || kdump_fail "$1 is not a program"
}

# A number of the plan.
kdump_plan_number() {
    sed -n "s/^[[:space:]]*$1 = \([0-9]*\)L\{0,1\};\$/\1/p" "$kdump_plan" | head -n 1
}
