#!/bin/sh
# enter.sh ROOT MODE N SOURCE1 TARGET1 … COMMAND…
# Makes ROOT the root directory of this mount namespace and runs COMMAND in it. Called through
# `unshare --mount --pid --fork --kill-child`, so that mounts and processes go when the first process goes.
# MODE is rw, or ro: then ROOT is read-only and the folders that programs write to are empty and in memory.
# N pairs SOURCE TARGET are bind-mounted. pivot_root, not chroot: runc refuses to work in a chroot.
set -eu
root=$1 mode=$2 binds=$3
shift 3

mount --make-rprivate /
mount --bind "$root" "$root"
if [ "$mode" = ro ]; then
  for folder in tmp run root var/tmp var/log var/lib/containers var/lib/docker; do
    mkdir -p "$root/$folder"
    mount -t tmpfs -o mode=755 tmpfs "$root/$folder"
  done
  chmod 1777 "$root/tmp" "$root/var/tmp"
fi
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
if [ -e /etc/resolv.conf ]; then
  [ -e "$root/etc/resolv.conf" ] || : >"$root/etc/resolv.conf"
  mount --bind "$(readlink -f /etc/resolv.conf)" "$root/etc/resolv.conf"
fi
while [ "$binds" -gt 0 ]; do
  if [ -d "$1" ]; then
    mkdir -p "$root$2"
  else
    mkdir -p "$(dirname "$root$2")"
    : >>"$root$2"
  fi
  mount --rbind "$1" "$root$2"
  shift 2
  binds=$((binds - 1))
done
[ "$mode" = rw ] || mount -o remount,bind,ro "$root"

cd "$root"
# The old root is stacked on the new one and taken away again: no folder is needed to put it in.
pivot_root . .
umount -l .
cd "${ENTER_CWD:-/}"
unset ENTER_CWD
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
exec "$@"
